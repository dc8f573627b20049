"""ViT-beta of Wang et al. 2023 (arXiv 2305.03711): depth 4, class token, 4 heads of 256."""

from torch import nn

from recondense.models.networks._attention import Encoder

FAMILY = "vit"


def build(n_steps: int, n_features: int, n_outputs: int) -> nn.Module:
    """Untrained: ``(batch, n_steps, n_features)`` to logits ``(batch,)``, or ``(batch, n_outputs)``."""
    return Encoder(n_features, n_outputs, depth=4, heads=4, head_width=256, head=128, class_token=True)
