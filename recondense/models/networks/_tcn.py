"""The multi-branch temporal convolutional network of Martinez et al. 2020, arXiv 2001.08702."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

DROPOUT = 0.5


class TCN(nn.Module):
    """Residual blocks of dilated convolutions, one branch a kernel width, averaged over steps.

    ``channels`` is the width of each branch; block b has dilation 2^b.
    """

    def __init__(
        self, n_features: int, n_outputs: int, kernels: Sequence[int], channels: int, n_blocks: int = 2
    ) -> None:
        super().__init__()
        width = channels * len(kernels)
        self.blocks = nn.Sequential(
            *(_Block(width if block else n_features, kernels, channels, 2**block) for block in range(n_blocks))
        )
        self.read_out = nn.Linear(width, n_outputs)

    def forward(self, values: Tensor) -> Tensor:
        """Logits ``(batch,)``, or ``(batch, n_outputs)``, of ``(batch, n_steps, n_features)``."""
        hidden: Tensor = self.blocks(values.transpose(1, 2))
        logits: Tensor = self.read_out(hidden.mean(2))
        return logits.squeeze(1)


class _Block(nn.Module):
    def __init__(self, n_in: int, kernels: Sequence[int], channels: int, dilation: int) -> None:
        super().__init__()
        width = channels * len(kernels)
        self.layers = nn.Sequential(
            _Branches(n_in, kernels, channels, dilation), nn.Dropout(DROPOUT),
            _Branches(width, kernels, channels, dilation), nn.Dropout(DROPOUT),
        )  # fmt: skip
        self.shortcut = nn.Identity() if n_in == width else nn.Conv1d(n_in, width, 1)
        self.activation = nn.PReLU(width)

    def forward(self, hidden: Tensor) -> Tensor:
        result: Tensor = self.activation(self.layers(hidden) + self.shortcut(hidden))
        return result


class _Branches(nn.Module):
    def __init__(self, n_in: int, kernels: Sequence[int], channels: int, dilation: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(n_in, channels, kernel, padding="same", dilation=dilation),
                nn.BatchNorm1d(channels),
                nn.PReLU(channels),
            )
            for kernel in kernels
        )

    def forward(self, hidden: Tensor) -> Tensor:
        return torch.cat([branch(hidden) for branch in self.branches], dim=1)
