"""Canary records: made-up outlying patients, whom a release should betray before anybody else.

An attack's average over all patients says little of the few who stand out, and those are its first victims (Carlini
et al. 2022, arXiv 2112.03570). So outliers are made, some are planted among the train records, and an attack has to
tell these from their twins, made alike and left out.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.common.errors import InputError
from tasks.common.labels import hard, likeliest, n_classes
from tasks.common.records import SPLITS, Normalised


def outliers(train: Normalised, count: int, distance: float, seed: int) -> Normalised:
    """``count`` records that are random train records pushed by ``distance`` standard deviations in every feature, up
    or down, at all steps, and that have the outcome of the next class. Their split is train.

    Raises `InputError` where there are no records to start from.
    """
    if not len(train.labels):
        raise InputError("the train split is empty: outliers are made of its records")
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(train.labels), size=count)
    directions = rng.choice([-1, 1], size=(count, 1, train.values.shape[2]))
    values = (train.values[chosen] + distance * directions).astype(np.float32)
    classes = n_classes(train.labels)
    labels = hard((likeliest(train.labels[chosen]) + 1) % classes, classes)
    return Normalised(values, train.observed[chosen], labels, np.zeros(count, dtype=np.uint8))


def planted(
    cohort: Normalised, count: int, twins: int, distance: float, seed: int
) -> tuple[Normalised, NDArray[np.intp], NDArray[np.intp]]:
    """The cohort with ``count`` outliers more in its train split and ``twins`` more in its test split, and the places
    of both. Who is planted and who is left out is random."""
    made = outliers(cohort.part("train"), count + twins, distance, seed)
    split = np.repeat([SPLITS.index("train"), SPLITS.index("test")], [count, twins]).astype(np.uint8)
    both = Normalised(
        np.concatenate([cohort.values, made.values]),
        np.concatenate([cohort.observed, made.observed]),
        np.concatenate([cohort.labels, made.labels]),
        np.concatenate([cohort.split, split]),
    )
    places = len(cohort.labels) + np.arange(count + twins)
    return both, places[:count], places[count:]
