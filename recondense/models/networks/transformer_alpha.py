"""Transformer-alpha of Wang et al. 2023 (arXiv 2305.03711): depth 2, mean over steps, 16 heads of 64."""

from torch import nn

from recondense.models.networks._attention import Encoder

FAMILY = "transformer"


def build(n_steps: int, n_features: int, n_outputs: int) -> nn.Module:
    """Untrained: ``(batch, n_steps, n_features)`` to logits ``(batch,)``, or ``(batch, n_outputs)``."""
    return Encoder(n_features, n_outputs, depth=2, heads=16, head_width=64, head=64, class_token=False)
