"""Members lie closer to the condensed set: the score is minus the distance to the nearest condensed record.

Distances are Euclidean on the flattened normalised values (GAN-leaks' full black-box attack, Chen et al. 2020, section
4.2). As a "privacy metric" by itself this distance is no evidence (Yao et al. 2025); as an attack, beside its controls,
it finds records that were copied.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from recondense.privacy.attacks import Target
from recondense.stages.params import StageParams


class Options(StageParams):
    """There is nothing to set."""


def scores(target: Target, options: Options) -> NDArray[np.float64]:
    """Minus the distance of each candidate to the condensed record nearest to it."""
    candidates, condensed = (v.reshape(len(v), -1) for v in (target.values, target.condensed.values))
    nearest: NDArray[np.float64] = cdist(candidates, condensed).min(axis=1)
    return -nearest
