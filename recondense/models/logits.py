"""Between logits and risks, of two classes or of more: see `recondense.records.labels`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, softmax

Array = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]


def risks_of(logits: Floats) -> Array:
    """The risks, of the shape of ``logits``.

    >>> risks_of(np.array([0.0])).tolist(), risks_of(np.zeros((1, 4))).tolist()
    ([0.5], [[0.25, 0.25, 0.25, 0.25]])
    """
    risks: Array = expit(logits) if logits.ndim == 1 else softmax(logits, axis=1)
    return risks


def logits_of(risks: Floats) -> Array:
    """Logits whose risks these are; of more than two classes the ones that are logarithms."""
    logits: Array = logit(risks) if risks.ndim == 1 else np.log(np.maximum(risks, np.finfo(float).tiny))
    return logits
