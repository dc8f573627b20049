"""TCN-alpha of Wang et al. 2023 (arXiv 2305.03711): branches of kernel 3, 5 and 7, 64 channels each."""

from torch import nn

from recondense.models.networks._tcn import TCN

FAMILY = "tcn"


def build(n_steps: int, n_features: int, n_outputs: int) -> nn.Module:
    """Untrained: ``(batch, n_steps, n_features)`` to logits ``(batch,)``, or ``(batch, n_outputs)``."""
    return TCN(n_features, n_outputs, kernels=(3, 5, 7), channels=64)
