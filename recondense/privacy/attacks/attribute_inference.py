"""A secret of a person, all else being known, is guessed from the condensed set (Giomi et al. 2022, arXiv 2211.10459,
section 4.4).

The secret is the mean over the steps of one feature, another for each person in turn; known is every other feature. It
is guessed as the nearest condensed record has it, and by ridge regression on the condensed records' means. A model may
well predict a feature of anybody from others: only what it predicts of members beyond that counts.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.spatial.distance import cdist

from recondense.privacy.attacks import Target
from recondense.privacy.guesses import AboutEach, Guesses, surest_share
from recondense.stages.params import StageParams

Array = NDArray[np.float64]


class Options(StageParams):
    """``tolerance``: how near to the truth a guess is right, in standard deviations of the feature over all steps.
    ``ridge``: the penalty of the regression."""

    tolerance: float = Field(default=0.1, gt=0)
    ridge: float = Field(default=0.1, gt=0)


def guesses(target: Target, options: Options) -> Mapping[str, Guesses]:
    """``nearest`` and ``model``, of everyone and of those ``surest`` who lie nearest to a condensed record. The naive
    guess is the cohort's mean."""
    means, condensed_means = (v.mean(axis=1, dtype=np.float64) for v in (target.values, target.condensed.values))
    n, n_features = means.shape
    secrets = np.random.default_rng(target.seed).permutation(np.resize(np.arange(n_features), n))
    truth, nearest, modelled, distance = means[np.arange(n), secrets], np.zeros(n), np.zeros(n), np.zeros(n)
    for secret in range(n_features):
        who, known = np.flatnonzero(secrets == secret), np.arange(n_features) != secret
        if not len(who):
            continue
        candidates, condensed = (
            v[:, :, known].reshape(len(v), -1) for v in (target.values[who], target.condensed.values)
        )
        distances = cdist(candidates, condensed)
        nearest[who] = condensed_means[distances.argmin(axis=1), secret]
        distance[who] = distances.min(axis=1)
        modelled[who] = predicted(condensed_means[:, known], condensed_means[:, secret], means[who][:, known], options)
    share = surest_share(len(target.condensed.labels), n)
    found: dict[str, Guesses] = {}
    for name, guess in (("nearest", nearest), ("model", modelled)):
        for words, part in ((name, 1.0), (f"{name}_surest", share)):
            naive = AboutEach(np.abs(truth) <= options.tolerance, -distance, part)
            found[words] = AboutEach(np.abs(guess - truth) <= options.tolerance, -distance, part, naive)
    return found


def predicted(x: Array, y: Array, at: Array, options: Options) -> Array:
    """Ridge regression of ``y`` ``(n,)`` on ``x`` ``(n, d)``, at ``at`` ``(m, d)``."""
    centre = x.mean(axis=0)
    inner = (x - centre) @ (x - centre).T + options.ridge * np.eye(len(x))
    result: Array = y.mean() + (at - centre) @ (x - centre).T @ np.linalg.solve(inner, y - y.mean())
    return result
