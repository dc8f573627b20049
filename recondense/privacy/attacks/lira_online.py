"""LiRA, online: are the networks' confidences rather those of shadows with this person, or of shadows without?

The score is the log ratio of two normal densities of the logit-scaled confidence, one fitted to a candidate's shadows
with it, one to those without (Carlini et al. 2022, arXiv 2112.03570, algorithm 1). With few shadows the difference of
the two means is mostly noise, so it is drawn towards the mean difference of all candidates, by as much as its noise
explains its spread (James and Stein 1961), and both sides then say where the two means lie. Variances are a
candidate's own on both sides or on neither: one that is known to a few percent beside one that is not makes more of a
ratio than membership does.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import norm

from recondense.privacy.attacks import Target
from recondense.privacy.attacks._sides import centred, side
from recondense.stages.params import StageParams

NEEDS_SHADOWS = True


class Options(StageParams):
    """``own_variance_from``: how many shadows on each side let a candidate have variances of its own; with fewer on
    either, they are those of all candidates."""

    own_variance_from: int = Field(default=64, ge=2)


def scores(target: Target, options: Options) -> NDArray[np.float64]:
    """The log of how much likelier each candidate's confidence is if it is a member."""
    shadows = centred(target)
    inside, outside = shadows.members, ~shadows.members
    own = np.minimum(inside.sum(axis=0), outside.sum(axis=0)) >= options.own_variance_from
    within, without = side(shadows.signals, inside, own), side(shadows.signals, outside, own)
    both = (within.count > 0) & (without.count > 0)
    if not both.any():
        return np.zeros(len(shadows.signal))
    noise = within.variance / np.maximum(within.count, 1) + without.variance / np.maximum(without.count, 1)
    found = within.mean - without.mean
    typical = found[both].mean()
    spread = max(float(((found[both] - typical) ** 2).mean()), np.finfo(float).tiny)
    trust = max(0.0, 1 - float(noise[both].mean()) / spread)
    difference = np.where(both, typical + trust * (found - typical), typical)
    count = within.count + without.count
    low = (without.count * without.mean + within.count * (within.mean - difference)) / count
    uncertain = 1 + 1 / count  # the means are known from so many values
    result: NDArray[np.float64] = norm.logpdf(
        shadows.signal, low + difference, np.sqrt(within.variance * uncertain)
    ) - norm.logpdf(shadows.signal, low, np.sqrt(without.variance * uncertain))
    return result
