"""Who is in each shadow."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recondense.records.labels import Labels, by_class


def members(labels: Labels, sizes: Sequence[int], index: int, seed: int) -> NDArray[np.bool_]:
    """Who is in shadow ``index``, ``(n_subjects,)``: of each class as many as ``sizes`` says, at random.

    Whatever the number of shadows, each is drawn by itself: then who is in one tells nothing of who is in another.

    >>> int(members(np.array([0.0, 0, 0, 1, 1]), [2, 1], index=0, seed=0).sum())
    3
    """
    rng = np.random.default_rng([seed, index])
    chosen = np.zeros(len(labels), dtype=np.bool_)
    for places, size in zip(by_class(labels), sizes, strict=True):
        chosen[rng.choice(places, size, replace=False)] = True
    return chosen


def condensing_seed(index: int, seed: int) -> int:
    """The seed of the condensation of shadow ``index``."""
    return int(np.random.SeedSequence([seed, index, 1]).generate_state(1)[0])
