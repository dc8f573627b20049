"""LSTM-alpha of Wang et al. 2023 (arXiv 2305.03711): 256 units, last state."""

from torch import nn

from recondense.models.networks._recurrent import Recurrent

FAMILY = "lstm"


def build(n_steps: int, n_features: int, n_outputs: int) -> nn.Module:
    """Untrained: ``(batch, n_steps, n_features)`` to logits ``(batch,)``, or ``(batch, n_outputs)``."""
    return Recurrent(nn.LSTM, n_features, n_outputs, units=256)
