"""Condensed sets that anyone can make in a second; whatever condensation claims is measured against them.

Each record is the mean of a group of train records of its class, or one of them. Labels are hard and classes balanced:
``records_per_class`` records of class 0, then as many of class 1, and so on. Subjects of unknown outcome are not used.
All raise `InputError` where a class has fewer than ``records_per_class`` subjects.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recondense.errors import InputError
from recondense.records import labels
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Means(CondensedSet):
    """``groups``: the places, among the train records, of those whose mean each record is. ``averaged``: of how many
    patients they are, at least."""

    groups: tuple[Places, ...]
    averaged: int


def random_records(train: Normalised, records_per_class: int, seed: int) -> Means:
    """Real records drawn without replacement. They are patients: this is a yardstick, never something to release."""
    generator = np.random.default_rng(seed)

    def one_each(members: Places) -> list[Places]:
        return np.split(generator.permutation(members)[:records_per_class], records_per_class)

    return _of_groups(train, records_per_class, one_each)


def kmeans(train: Normalised, records_per_class: int, seed: int, least: int = 1) -> Means:
    """Centroids of k-means on the flattened records of each class.

    A cluster of fewer than ``least``, or than a class has for each, takes the records nearest to its centroid from
    clusters that can spare them.
    """
    from sklearn.cluster import KMeans

    def clusters(members: Places) -> list[Places]:
        rows = train.values[members].reshape(len(members), -1)
        found = KMeans(records_per_class, n_init=1, random_state=seed).fit(rows)
        cluster, enough = found.labels_.copy(), min(least, len(members) // records_per_class)
        sizes = np.bincount(cluster, minlength=records_per_class)
        for short in np.flatnonzero(sizes < enough):
            for place in np.square(rows - found.cluster_centers_[short]).sum(axis=1).argsort(kind="stable"):
                if sizes[short] < enough < sizes[cluster[place]]:
                    sizes[cluster[place]] -= 1
                    sizes[short] += 1
                    cluster[place] = short
        return [members[cluster == place] for place in range(records_per_class)]

    return _of_groups(train, records_per_class, clusters)


def group_means(train: Normalised, records_per_class: int, seed: int) -> Means:
    """Means of ``records_per_class`` random groups of each class, of equal size to within one; the class mean for 1."""
    generator = np.random.default_rng(seed)

    def random_groups(members: Places) -> list[Places]:
        return np.array_split(generator.permutation(members), records_per_class)

    return _of_groups(train, records_per_class, random_groups)


def _of_groups(train: Normalised, records_per_class: int, grouped: Callable[[Places], list[Places]]) -> Means:
    if records_per_class < 1:
        raise InputError(f"records_per_class is {records_per_class}: it must be 1 or more")
    classes = labels.by_class(train.labels)
    for outcome, members in enumerate(classes):
        if len(members) < records_per_class:
            raise InputError(
                f"records_per_class is {records_per_class}, but only {len(members)} train subjects have outcome "
                f"{outcome}: lower condensation.records_per_class in params.yaml"
            )
    groups = tuple(group for members in classes for group in grouped(members))
    values = np.stack([train.values[group].mean(axis=0) for group in groups])
    patients = np.arange(len(train.labels)) if train.patient is None else train.patient
    averaged = min(len(np.unique(patients[group])) for group in groups)
    return Means(values, labels.as_many_of_each(records_per_class, len(classes)), groups, averaged)
