"""Statements that are true of exactly one person of the cohort, made of condensed records (Giomi et al. 2022, arXiv
2211.10459, section 4.2).

``univariate``: one value of one feature is as great as, or greater than, that of every condensed record, or as small.
``multivariate``: several values, of several features, are as far out as those of one condensed record: at least as
great where that lies above the set's median, at most as great where it lies below.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_matrix

from recondense.privacy.attacks import Target
from recondense.privacy.guesses import Guesses, Predicates
from recondense.stages.params import StageParams

Array = NDArray[np.float32]


class Options(StageParams):
    """``predicates`` of each kind at most. ``attributes``: how many values one multivariate predicate speaks of.
    ``tolerance``: by how much, in standard deviations, one that is less far out still counts, so that a record which
    is a person's but for a little noise singles that person out."""

    predicates: int = Field(default=1000, ge=1)
    attributes: int = Field(default=8, ge=1)
    tolerance: float = Field(default=0.05, ge=0)


def guesses(target: Target, options: Options) -> Mapping[str, Guesses]:
    """Both kinds of predicates, drawn at random by the target's seed."""
    rng = np.random.default_rng(target.seed)
    people, condensed = (v.reshape(len(v), -1) for v in (target.values, target.condensed.values))
    univariate = single(people, condensed, options, rng)
    multivariate = several(people, condensed, target.values.shape[2], options, rng)
    return {"univariate": Predicates(univariate), "multivariate": Predicates(multivariate)}


def single(people: Array, condensed: Array, options: Options, rng: np.random.Generator) -> csr_matrix:
    """Who is as far out as the outermost condensed record, ``(n_predicates, n_people)``, in values drawn at random."""
    n_values = people.shape[1]
    chosen = rng.permutation(2 * n_values)[: options.predicates]
    sign = np.where(chosen < n_values, 1, -1).astype(np.float32)
    value = chosen % n_values
    limit = (sign * condensed[:, value]).max(axis=0) - options.tolerance
    return csr_matrix((sign * people[:, value] >= limit).T)


def several(people: Array, condensed: Array, n_features: int, options: Options, rng: np.random.Generator) -> csr_matrix:
    """Who is as far out as one condensed record in each of several values, ``(n_predicates, n_people)``. A value is one
    feature at one step; features repeat only where there are fewer of them than attributes."""
    n_steps, median = people.shape[1] // n_features, np.median(condensed, axis=0)
    rows = []
    for _ in range(options.predicates):
        record = condensed[rng.integers(len(condensed))]
        features = np.resize(rng.permutation(n_features), options.attributes)
        value = rng.integers(n_steps, size=options.attributes) * n_features + features
        sign = np.where(record[value] >= median[value], 1, -1).astype(np.float32)
        limit = sign * record[value] - options.tolerance
        holds = np.arange(len(people))
        for place, end in enumerate(limit):  # one value after another: few people are left after the first
            holds = holds[sign[place] * people[holds, value[place]] >= end]
        rows.append(holds)
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    indices = np.concatenate(rows)
    return csr_matrix((np.ones(len(indices), dtype=bool), indices, indptr), shape=(len(rows), len(people)))
