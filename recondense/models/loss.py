"""Cross entropy and probabilities in torch, of two classes or of more, of one network or of many at once."""

import torch
from torch import Tensor
from torch.nn import functional


def n_outputs(n_classes: int) -> int:
    """How many logits a network gives a record: of two classes one is enough."""
    return 1 if n_classes == 2 else n_classes


def hard_labels(classes: Tensor, n_classes: int) -> Tensor:
    """Labels of ``classes`` ``(...)``, whole numbers: ``(...)`` of two classes, else ``(..., n_classes)``."""
    return classes.float() if n_classes == 2 else functional.one_hot(classes, n_classes).float()


def probabilities(logits: Tensor, n_classes: int) -> Tensor:
    """Labels, soft ones, of the shape of ``logits``."""
    return torch.sigmoid(logits) if n_classes == 2 else torch.softmax(logits, dim=-1)


def cross_entropy(logits: Tensor, labels: Tensor, n_classes: int, reduction: str = "mean") -> Tensor:
    """Cross entropy of records, soft labels included; ``reduction`` is "mean", "sum" or "none".

    ``logits`` and ``labels`` have one shape, ``(..., n)`` of two classes and else ``(..., n, n_classes)``; "none" gives
    ``(..., n)``.
    """
    if n_classes == 2:
        return functional.binary_cross_entropy_with_logits(logits, labels, reduction=reduction)
    losses = -(labels * torch.log_softmax(logits, dim=-1)).sum(-1)
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()
