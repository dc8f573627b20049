"""What the signals of one candidate are like over the shadows it is in, or over those it is not in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recondense.privacy.attacks import Shadows, Target
from recondense.records.labels import likeliest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """By candidate, ``(n,)``: over how many shadows, their mean signal (0 over none) and its variance."""

    count: NDArray[np.int64]
    mean: Floats
    variance: Floats


def side(signals: Floats, chosen: NDArray[np.bool_], own_variance: NDArray[np.bool_]) -> Side:
    """The `Side` of ``signals`` ``(n_shadows, n)`` where ``chosen``.

    The variance is a candidate's own where ``own_variance`` ``(n,)`` says so, else that of all candidates together,
    each about its own mean: of few values it is too uncertain (Carlini et al. 2022, section VI-A).

    >>> chosen, nobody = np.array([[True, True], [True, True], [False, False]]), np.array([False, False])
    >>> found = side(np.array([[1.0, 4], [3, 4], [9, 9]]), chosen, nobody)
    >>> found.count.tolist(), found.mean.tolist(), found.variance.tolist()
    ([2, 2], [2.0, 4.0], [1.0, 1.0])
    """
    count = chosen.sum(axis=0)
    mean = np.where(chosen, signals, 0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(chosen, (signals - mean) ** 2, 0).sum(axis=0)
    free = np.maximum(count - 1, 0)
    together = squares.sum() / max(free.sum(), 1)
    own = squares / np.maximum(free, 1)
    return Side(count, mean, np.where(own_variance, own, together) + np.finfo(float).tiny)


def centred(target: Target) -> Shadows:
    """The target's shadows, each signal less the mean of its class's candidates, set by set.

    How sure a set makes networks of everybody says nothing of anybody, and differs more from set to set than one
    candidate's membership does.
    """
    shadows, of_class = target.known_shadows(), likeliest(target.labels)
    signals = np.vstack([shadows.signal, shadows.signals])
    for outcome in np.unique(of_class):
        signals[:, of_class == outcome] -= signals[:, of_class == outcome].mean(axis=1, keepdims=True)
    return Shadows(signals[0], signals[1:], shadows.members)
