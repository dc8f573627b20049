"""Canaries: made-up outlying patients, whom a release should betray before anybody else.

An attack's average over all patients says little of the few who stand out, and those are its first victims (Carlini
et al. 2022, arXiv 2112.03570). So such are made, some are planted among the train records, and an attack has to
tell these from their twins, made alike and left out.
"""

from collections.abc import Sequence

import numpy as np

from recondense.errors import InputError
from recondense.records.cohort import SPLITS, Normalised
from recondense.records.labels import hard, likeliest, n_classes

DISTANCE = 3.0  # standard deviations
TWINS = 200


def made_up(train: Normalised, count: int, seed: int | Sequence[int], distance: float = DISTANCE) -> Normalised:
    """``count`` records that are random train records pushed by ``distance`` standard deviations in every feature, up
    or down, at all steps, and that have the outcome of the next class. Their split is train.

    Raises `InputError` where there are no records to start from.
    """
    if not len(train.labels):
        raise InputError("the train split is empty: canaries are made of its records")
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(train.labels), size=count)
    directions = rng.choice([-1, 1], size=(count, 1, train.values.shape[2]))
    values = (train.values[chosen] + distance * directions).astype(np.float32)
    classes = n_classes(train.labels)
    labels = hard((likeliest(train.labels[chosen]) + 1) % classes, classes)
    return Normalised(values, train.observed[chosen], labels, np.full(count, SPLITS.index("train"), np.uint8))


def planted(
    train: Normalised, count: int, seed: int | Sequence[int], twins: int = TWINS, distance: float = DISTANCE
) -> tuple[Normalised, Normalised]:
    """``count`` canaries to put among ``train``, and ``twins`` made alike to leave out."""
    made = made_up(train, count + twins, seed, distance)
    return made.only(np.arange(count)), made.only(np.arange(count, count + twins))


def of_shadow(train: Normalised, count: int, index: int, seed: int) -> tuple[Normalised, Normalised]:
    """The canaries of shadow ``index``, whose stage was given ``count`` and ``seed``, and their twins. ``train``: of
    the whole cohort, not the shadow's members."""
    return planted(train, count, [seed, index, 2])


def among(records: Normalised, inside: Normalised) -> Normalised:
    """``records``, and after them those ``inside``; each of these is a patient of its own."""
    patient = None
    if records.patient is not None:
        new = records.patient.max(initial=0) + 1 + np.arange(len(inside.labels))
        patient = np.concatenate([records.patient, new.astype(records.patient.dtype)])
    values, observed, labels, split = (
        np.concatenate([getattr(records, name), getattr(inside, name)])
        for name in ("values", "observed", "labels", "split")
    )
    return Normalised(values, observed, labels, split, patient)
