"""A pre-norm transformer encoder whose tokens are the steps and whose width is the number of features."""

import torch
from torch import Tensor, nn

DROPOUT = 0.5
MLP_WIDTH = 16


class Encoder(nn.Module):
    """``depth`` blocks over the steps, without positional encoding, read out by a head of ``head`` units.

    With ``class_token`` a learned token is put first and read out (ViT, Dosovitskiy et al. 2021); without it, the
    mean over steps is.
    """

    def __init__(
        self, n_features: int, n_outputs: int, depth: int, heads: int, head_width: int, head: int, class_token: bool
    ) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, n_features)) if class_token else None
        self.blocks = nn.Sequential(*(_Block(n_features, heads, head_width) for _ in range(depth)))
        self.read_out = nn.Sequential(
            nn.LayerNorm(n_features), nn.Linear(n_features, head), nn.GELU(), nn.Dropout(DROPOUT),
            nn.Linear(head, n_outputs),
        )  # fmt: skip

    def forward(self, values: Tensor) -> Tensor:
        """Logits ``(batch,)``, or ``(batch, n_outputs)``, of ``(batch, n_steps, n_features)``."""
        if self.token is not None:
            values = torch.cat([self.token.expand(len(values), -1, -1), values], dim=1)
        hidden: Tensor = self.blocks(values)
        logits: Tensor = self.read_out(hidden.mean(1) if self.token is None else hidden[:, 0])
        return logits.squeeze(1)


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), _Attention(width, heads, head_width), nn.Dropout(DROPOUT))
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, MLP_WIDTH), nn.GELU(), nn.Dropout(DROPOUT),
            nn.Linear(MLP_WIDTH, width), nn.Dropout(DROPOUT),
        )  # fmt: skip

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = hidden + self.attention(hidden)
        result: Tensor = hidden + self.mlp(hidden)
        return result


class _Attention(nn.Module):
    # Written out: condensation may differentiate twice, which torch's fused attention cannot.
    def __init__(self, width: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = head_width**-0.5
        self.project = nn.Linear(width, 3 * heads * head_width, bias=False)
        self.merge = nn.Linear(heads * head_width, width)

    def forward(self, hidden: Tensor) -> Tensor:
        projected: Tensor = self.project(hidden)
        query, key, value = projected.view(*hidden.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(query @ key.transpose(2, 3) * self.scale, dim=-1)
        merged: Tensor = self.merge((weights @ value).transpose(1, 2).flatten(2))
        return merged
