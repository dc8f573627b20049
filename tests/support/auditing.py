"""Planted cohorts for attacks, and condensed records that come from none of their subjects."""

import numpy as np
from numpy.typing import NDArray

from recondense.condensation.baselines import random_records
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.results.stages import Shadows


def cohort(train: int, validation: int, test: int, seed: int = 0, distance: float = 0.5) -> Normalised:
    """Two Gaussian classes, one record in three of outcome 1; 4 steps, 5 features."""
    rng = np.random.default_rng(seed)
    n = train + validation + test
    labels = (np.arange(n) % 3 == 0).astype(np.float32)
    values = rng.standard_normal((n, 4, 5)) + distance * labels[:, None, None]
    split = np.repeat(np.arange(3), [train, validation, test])
    return Normalised(values.astype(np.float32), np.ones(values.shape, bool), labels, split.astype(np.uint8))


def independent(per_class: int = 10) -> CondensedSet:
    """Records of the same classes, from nobody in the cohort."""
    return random_records(cohort(300, 0, 0, seed=99).part("train"), per_class, 0)


def labels_of(*labels: float) -> NDArray[np.float32]:
    """Labels of condensed records."""
    return np.array(labels, dtype=np.float32)


def shadows_made(steps: int = 0, release_steps: int = 0, canaries: int = 0) -> Shadows:
    """What the stage says of shadows that took so many steps, with so many planted canaries each."""
    return Shadows(
        method="kmeans",
        count=0,
        subjects=0,
        members=0,
        steps=steps,
        release_steps=release_steps,
        canaries=canaries,
        seed=0,
        seconds_condensing=0.0,
        order="",
    )
