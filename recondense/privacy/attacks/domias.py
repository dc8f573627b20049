"""Members lie where the condensed set is denser than the population: the score is log p_condensed - log p_population
(DOMIAS, van Breugel et al. 2023, arXiv 2302.12580, equation 2).

A few condensed records have no density in thousands of dimensions. So records are projected on the principal components
of the population, scaled to its unit variance there, and both densities are Gaussian kernel estimates with Scott's
bandwidth. What the components leave out this attack does not see; the nearest-record attack does.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from recondense.privacy.attacks import Target
from recondense.stages.params import StageParams

POPULATION = True
PER_COMPONENT = 4  # people: of fewer, a component is their noise

Array = NDArray[np.float64]


class Options(StageParams):
    """``components``: at most, fewer where the population is small. ``bandwidth``: a factor on Scott's."""

    components: int = Field(default=32, ge=1)
    bandwidth: float = Field(default=0.5, gt=0)


def scores(target: Target, options: Options) -> Array:
    """The log density ratio of each candidate; 0 for all where the population is too small to have a density."""
    if len(target.population) < PER_COMPONENT:
        return np.zeros(len(target.values))
    population, condensed, candidates = (
        v.reshape(len(v), -1).astype(np.float64) for v in (target.population, target.condensed.values, target.values)
    )
    components = min(options.components, len(population) // PER_COMPONENT, candidates.shape[1])
    mean = population.mean(axis=0)
    _, sizes, directions = np.linalg.svd(population - mean, full_matrices=False)
    scale = sizes[:components] / np.sqrt(len(population) - 1)
    axes = directions[:components].T / np.where(scale > 0, scale, 1)
    population, condensed, candidates = ((v - mean) @ axes for v in (population, condensed, candidates))
    return density(candidates, condensed, options) - density(candidates, population, options)


def density(points: Array, records: Array, options: Options) -> Array:
    """The log of the kernel density of ``records`` ``(n, d)`` at ``points`` ``(m, d)``."""
    n, d = records.shape
    width = options.bandwidth * n ** (-1 / (d + 4))
    exponents = -cdist(points, records, "sqeuclidean") / (2 * width**2)
    result: Array = logsumexp(exponents, axis=1) - np.log(n) - d * np.log(width)
    return result
