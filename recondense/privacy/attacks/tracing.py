"""Tracing: do the condensed records lie nearer to this person than they would had she been left out?

Whoever is one of n patients behind a mean draws it 1/n of the way towards herself, along every direction at once. That
is little along each, and adds up over all of them (Homer et al. 2008, PLoS Genetics 4(8); Dwork et al. 2015, "Robust
traceability from trace amounts", FOCS). No network is trained: what is looked at are the records.

The signal is minus the distance to the nearest record of the candidate's class, along the principal directions of the
candidates, each in units of how much such a record moves along it from one set to another by chance. A direction along
which records move less than a mean of the whole class would says nothing of anyone and is left out. Classes have units
of their own, as fewer patients may stand behind a record of one. The score is `lira_online`'s: is the signal rather one
of shadows with the candidate, or of shadows without?
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

from recondense.privacy.attacks import lira_online
from recondense.records.condensed import CondensedSet
from recondense.records.labels import as_many_of_each, by_class, likeliest, n_classes

NEEDS_SHADOWS = True
Floats = NDArray[np.float64]
Options = lira_online.Options
scores = lira_online.scores
NOTHING = 1e-6  # of the first direction's variance: below it lies rounding


def signals(sets: Sequence[CondensedSet], values: NDArray[np.float32], labels: NDArray[np.float32]) -> Floats:
    """Minus the distances, ``(n_sets, n_candidates)``."""
    found, rows = np.zeros((len(sets), len(values))), values.reshape(len(values), -1).astype(float)
    classes = by_class(labels)
    centred = rows.copy()
    for places in classes:
        centred[places] -= rows[places].mean(axis=0)
    axes, variances = directions(centred)
    for outcome, places in enumerate(classes):
        held = [of_class(one, outcome) @ axes for one in sets]
        by_chance = moved(held)
        tells = by_chance > variances / (2 * len(places))
        scale = np.sqrt(by_chance[tells])
        people = (rows[places] @ axes)[:, tells] / scale
        for place, records in enumerate(held):
            found[place, places] = -cdist(people, records[:, tells] / scale).min(axis=1)
    return found


def directions(centred: Floats) -> tuple[Floats, Floats]:
    """The principal directions ``(n_values, n_directions)`` of ``centred`` ``(n, n_values)``, and the variance along
    each."""
    few = centred.shape[0] < centred.shape[1]
    found = PCA(svd_solver="full" if few else "covariance_eigh").fit(centred)
    some = found.explained_variance_ > NOTHING * found.explained_variance_[0]
    return found.components_[some].T, found.explained_variance_[some]


def of_class(records: CondensedSet, outcome: int) -> Floats:
    """The records of class ``outcome``, flat: by hard labels, or where these are soft by the order of classes."""
    soft = not np.isin(records.labels, (0, 1)).all()
    n = n_classes(records.labels)
    hard = as_many_of_each(len(records.labels) // n, n) if soft else records.labels
    chosen: Floats = records.values[likeliest(hard) == outcome].astype(float)
    return chosen.reshape(len(chosen), -1)


def moved(held: Sequence[Floats]) -> Floats:
    """The variance along each direction of what is one record in several sets ``(n, n_directions)``.

    Of two sets after each other the records that are each other's nearest are taken for the same. Median over such
    pairs of sets: one set of another kind, which a control may be, changes little.
    """
    apart = []
    for first, second in pairwise(held):
        between = cdist(first, second)
        nearest = between.argmin(axis=1)
        mutual = between.argmin(axis=0)[nearest] == np.arange(len(first))
        apart.append(np.square(first - second[nearest])[mutual].mean(axis=0) / 2)
    return np.asarray(np.median(apart, axis=0))
