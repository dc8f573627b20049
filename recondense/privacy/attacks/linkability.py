"""Two sources, each with other features of the same people, are joined through the condensed set (Giomi et al. 2022,
arXiv 2211.10459, section 4.3): a person's two halves are linked where their nearest condensed records agree."""

from collections.abc import Mapping

import numpy as np
from pydantic import Field
from scipy.spatial.distance import cdist

from recondense.privacy.attacks import Target
from recondense.privacy.guesses import AboutEach, Guesses, surest_share
from recondense.stages.params import StageParams


class Options(StageParams):
    """``neighbours``: how many nearest condensed records of each half are compared."""

    neighbours: int = Field(default=1, ge=1)


def guesses(target: Target, options: Options) -> Mapping[str, Guesses]:
    """``all``: whether the halves of each candidate have a neighbour in common. ``surest``: of those whose halves lie
    nearest to one."""
    order = np.random.default_rng(target.seed).permutation(target.values.shape[2])
    neighbours = min(options.neighbours, max(1, len(target.condensed.labels) - 1))
    found, distance = [], np.zeros(len(target.labels))
    for half in np.array_split(order, 2):
        candidates, condensed = (v[:, :, half].reshape(len(v), -1) for v in (target.values, target.condensed.values))
        distances = cdist(candidates, condensed)
        found.append(np.argsort(distances, axis=1, kind="stable")[:, :neighbours])
        distance += distances.min(axis=1)
    linked = (found[0][:, :, None] == found[1][:, None, :]).any(axis=(1, 2))
    share = surest_share(len(target.condensed.labels), len(target.labels))
    return {"all": AboutEach(linked, -distance), "surest": AboutEach(linked, -distance, share)}
