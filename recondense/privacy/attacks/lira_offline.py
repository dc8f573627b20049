"""LiRA, offline: are the networks surer than shadows without this person let one expect?

The score is by how many standard deviations the logit-scaled confidence lies above its mean over a candidate's shadows
without it (Carlini et al. 2022, arXiv 2112.03570, equation 4, of which it is a monotone function). No shadow has to
be condensed with the candidate, so one set of shadows serves for anyone.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from recondense.privacy.attacks import Target
from recondense.privacy.attacks._sides import centred, side
from recondense.stages.params import StageParams

NEEDS_SHADOWS = True


class Options(StageParams):
    """``own_variance_from``: how many shadows without a candidate let it have a variance of its own."""

    own_variance_from: int = Field(default=32, ge=2)


def scores(target: Target, options: Options) -> NDArray[np.float64]:
    """Standard deviations above what is expected of one who is no member; 0 for whom every shadow has as a member."""
    shadows = centred(target)
    outside = ~shadows.members
    without = side(shadows.signals, outside, outside.sum(axis=0) >= options.own_variance_from)
    deviation = np.sqrt(without.variance * (1 + 1 / np.maximum(without.count, 1)))
    result: NDArray[np.float64] = np.where(without.count > 0, (shadows.signal - without.mean) / deviation, 0.0)
    return result
