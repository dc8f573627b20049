"""One recurrent layer, read out at its last state."""

from torch import Tensor, nn


class Recurrent(nn.Module):
    """``layer`` is `torch.nn.RNN` or `torch.nn.LSTM`."""

    def __init__(self, layer: type[nn.RNN] | type[nn.LSTM], n_features: int, n_outputs: int, units: int) -> None:
        super().__init__()
        self.layer = layer(n_features, units, batch_first=True)
        self.read_out = nn.Linear(units, n_outputs)

    def forward(self, values: Tensor) -> Tensor:
        """Logits ``(batch,)``, or ``(batch, n_outputs)``, of ``(batch, n_steps, n_features)``."""
        states, _ = self.layer(values)
        logits: Tensor = self.read_out(states[:, -1])
        return logits.squeeze(1)
