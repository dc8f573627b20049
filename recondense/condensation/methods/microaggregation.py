"""Microaggregation: means of patients who are alike, of whom none stands alone and none weighs much.

The oldest of these methods, from statistical disclosure control (Domingo-Ferrer and Mateo-Sanz 2002, IEEE TKDE
14(1)). Of each class:

1. records are drawn in towards the class's median record, until none is further from it than most are: an outlier
   keeps its direction and loses its distance;
2. k-means makes groups, and those that are too small take the nearest patients of larger ones;
3. each group's mean, with noise, is a record; its label is the mean risk that a teacher, who was not shown them, gives
   the group's patients.

Without the noise, who is behind a mean of 35 can be told almost surely (`recondense.privacy.attacks.tracing`). There is
no formal guarantee in it: `private_statistics` has one.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from recondense.condensation.baselines import Means, kmeans
from recondense.condensation.methods import Condensation, Request
from recondense.models.logits import risks_of
from recondense.models.teacher import out_of_fold
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import by_class
from recondense.stages.params import StageParams

SOFT_LABELS = True
NOISE = 1  # a stream of random numbers of its own


class Options(StageParams):
    """``min_patients``: of each group, or as many as a class has for each. ``clip_quantile``: the share of each class's
    records that stay where they are, the others being drawn in as far as these reach. ``noise``: its standard
    deviation, on the scale of features, of which train records have about 1."""

    min_patients: int = Field(default=50, ge=1)
    clip_quantile: float = Field(default=0.25, gt=0, le=1)
    noise: float = Field(default=0.5, ge=0)


def condense(train: Normalised, request: Request, options: Options) -> Condensation:
    """Records with soft labels, by class, 0 first."""
    made = aggregates(train, request.records_per_class, request.seed, options)
    risks = risks_of(out_of_fold(train, request.seed))
    soft = np.stack([risks[group].mean(axis=0) for group in made.groups]).astype(np.float32)
    return Condensation(CondensedSet(made.values, soft), averaged=made.averaged)


def aggregates(train: Normalised, records_per_class: int, seed: int, options: Options) -> Means:
    """The means and the noise, with hard labels."""
    near = replace(train, values=drawn_in(train, options.clip_quantile))
    means = kmeans(near, records_per_class, seed, options.min_patients)
    noise = np.random.default_rng([seed, NOISE]).standard_normal(means.values.shape)
    return replace(means, values=(means.values + options.noise * noise).astype(np.float32))


def drawn_in(train: Normalised, share: float) -> NDArray[np.float32]:
    """The values of ``train``, none further from the median of its class than the ``share`` quantile of these
    distances."""
    values = train.values.copy()
    for members in by_class(train.labels):
        centre = np.median(values[members], axis=0)
        away = values[members] - centre
        distances = np.linalg.norm(away.reshape(len(members), -1), axis=1)
        reach = np.quantile(distances, share)
        far = distances > reach
        values[members[far]] = centre + away[far] * (reach / distances[far])[:, None, None]
    return values
