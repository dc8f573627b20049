"""RMIA: does this person's risk rise more, against what shadows without it give, than that of the population?

Zarifzadeh, Liu and Shokri (2024, arXiv 2312.03262): with ``p`` the confidence in a record's true class, the attacked
set's ratio of a record is ``p / p_reference``, and a candidate's score is the share of the population whose ratio it
reaches ``gamma`` times over (equations 2 and 5). Offline, the reference is the mean of what shadows without the record
give, ``p_out``, and of what shadows with it would, by ``p_in = a * p_out + 1 - a`` (their section 3.2.2).
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit

from recondense.privacy.attacks import Target
from recondense.stages.params import StageParams

NEEDS_SHADOWS = True


class Options(StageParams):
    """``gamma``: 1, as few ratios of condensed sets come near the 2 that suits networks trained on the records
    themselves, and scores would tie. ``a``: None fits it, by least squares, to the shadows with and without each
    candidate. The population is all candidates: who of them is a member is not needed."""

    gamma: float = Field(default=1.0, gt=0)
    a: float | None = Field(default=None, ge=0, le=1)


def scores(target: Target, options: Options) -> NDArray[np.float64]:
    """The share of the population over which each candidate's ratio dominates."""
    shadows = target.known_shadows()
    sure, given = expit(shadows.signal), expit(shadows.signals)
    without = _mean(given, ~shadows.members)
    a = _fitted(_mean(given, shadows.members), without) if options.a is None else options.a
    # Whom every shadow has as a member, no shadow without it can tell about
    without = np.where(np.isnan(without), given.mean(axis=0), without)
    ratio = sure / (((1 + a) * without + 1 - a) / 2)
    reached: NDArray[np.int64] = np.searchsorted(np.sort(ratio), ratio / options.gamma, side="right")
    return reached / len(ratio)


def _mean(given: NDArray[np.float64], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """By candidate, the mean over the ``chosen`` shadows, NaN over none."""
    count = chosen.sum(axis=0)
    total = np.where(chosen, given, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _fitted(within: NDArray[np.float64], without: NDArray[np.float64]) -> float:
    """The ``a`` of ``1 - p_in = a * (1 - p_out)``."""
    both = ~np.isnan(within) & ~np.isnan(without)
    x, y = 1 - without[both], 1 - within[both]
    return float(np.clip((x * y).sum() / max(float((x * x).sum()), np.finfo(float).tiny), 0, 1))
