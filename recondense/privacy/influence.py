"""How much one subject moves the condensed set."""

import numpy as np
from numpy.typing import NDArray

from recondense.privacy.shadows.sets import ShadowSets
from recondense.records.cohort import Normalised
from recondense.records.labels import per_class, probabilities
from recondense.results.audit import Distribution, Influence, Measured


def influence(train: Normalised, sets: ShadowSets, seed: int) -> Influence:
    """``class_mean``: the share of one subject in its class's mean, 1/n, by class: the bound in theory on what a set
    that knew nothing but class means could owe to anyone.

    ``measured``: for each subject the squared distance between the mean of shadows with it and of those without it,
    over what chance makes of two groups of so many shadows; mean and 99th percentile over subjects, and the same
    for as many who are in no shadow, only said to be by lot. Of a shadow the class means of its records are compared,
    since the order of records differs from shadow to shadow: what one record alone keeps of a subject is averaged
    with the others of its class. All subjects together make up the difference between shadows, so the mean is near 1
    whatever happens; a few with great influence show in the percentile, if it is many times that of chance. Null where
    shadows are fewer than four.
    """
    shares = {f"class_{place}": round(1 / size, 6) for place, size in enumerate(per_class(train.labels))}
    if len(sets) < 4:
        return Influence(class_mean=shares, measured=None)
    means = class_means(sets)
    by_lot = np.random.default_rng(seed).random(sets.members.shape) < sets.members.mean()
    measured = Measured(of_subjects=_summary(means, sets.members), by_lot=_summary(means, by_lot))
    return Influence(class_mean=shares, measured=measured)


def class_means(sets: ShadowSets) -> NDArray[np.float64]:
    """Of each shadow, the label-weighted mean record of each class, in one row."""
    means = []
    for one in sets.sets():
        weights = probabilities(one.labels).astype(float)
        weights = weights / np.maximum(weights.sum(axis=0), np.finfo(float).tiny)
        means.append((weights.T @ one.values.reshape(len(one.values), -1)).ravel())
    return np.stack(means)


def ratios(means: NDArray[np.float64], members: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of each subject that is in some shadows ``(n_shadows, d)`` but not in all: squared distance with and without it,
    over its expectation where membership has no say."""
    mixed = members.any(axis=0) & ~members.all(axis=0)
    chosen = members[:, mixed].astype(float)
    n_in = chosen.sum(axis=0)
    n_out = len(means) - n_in
    centred = means - means.mean(axis=0)
    # The means with and without differ by a contrast of shadows; its squared length needs their inner products alone
    contrast = chosen / n_in - (1 - chosen) / n_out
    squared = np.einsum("is,ij,js->s", contrast, centred @ centred.T, contrast, optimize=True)
    variance = (centred**2).sum() / (len(means) - 1)
    expected = variance * (1 / n_in + 1 / n_out)
    found: NDArray[np.float64] = squared / np.maximum(expected, np.finfo(float).tiny)
    return found


def _summary(means: NDArray[np.float64], members: NDArray[np.bool_]) -> Distribution:
    found = ratios(means, members)
    if not len(found):
        return Distribution()
    return Distribution(mean=round(float(found.mean()), 4), percentile_99=round(float(np.quantile(found, 0.99)), 4))
