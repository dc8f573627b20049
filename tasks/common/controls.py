"""Condensed sets that anyone can make in a second; whatever condensation claims is measured against them.

Labels are hard and classes balanced: ``records_per_class`` records of class 0, then as many of class 1, and so on.
Subjects of unknown outcome are not used. All three raise `InputError` where a class has fewer than
``records_per_class`` subjects.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tasks.common import labels
from tasks.common.errors import InputError
from tasks.common.records import CondensedSet, Normalised

Members = NDArray[np.float32]


def random_records(train: Normalised, records_per_class: int, seed: int) -> CondensedSet:
    """Real records drawn without replacement. They are patients: this is a yardstick, never something to release."""
    generator = np.random.default_rng(seed)
    return _by_class(train, records_per_class, lambda members: generator.permutation(members)[:records_per_class])


def kmeans(train: Normalised, records_per_class: int, seed: int) -> CondensedSet:
    """Centroids of k-means on the flattened records of each class."""
    from sklearn.cluster import KMeans

    def centroids(members: Members) -> Members:
        clusters = KMeans(records_per_class, n_init=1, random_state=seed).fit(members.reshape(len(members), -1))
        centres: Members = clusters.cluster_centers_
        return centres.reshape(-1, *members.shape[1:])

    return _by_class(train, records_per_class, centroids)


def group_means(train: Normalised, records_per_class: int, seed: int) -> CondensedSet:
    """Means of ``records_per_class`` random groups of each class, of equal size to within one; the class mean for 1."""
    generator = np.random.default_rng(seed)

    def means(members: Members) -> Members:
        groups = np.array_split(generator.permutation(members), records_per_class)
        return np.stack([group.mean(axis=0) for group in groups])

    return _by_class(train, records_per_class, means)


def _by_class(train: Normalised, records_per_class: int, condense: Callable[[Members], Members]) -> CondensedSet:
    if records_per_class < 1:
        raise InputError(f"records_per_class is {records_per_class}: it must be 1 or more")
    classes = [train.values[places] for places in labels.by_class(train.labels)]
    for outcome, members in enumerate(classes):
        if len(members) < records_per_class:
            raise InputError(
                f"records_per_class is {records_per_class}, but only {len(members)} train subjects have outcome "
                f"{outcome}: lower condensation.records_per_class in params.yaml"
            )
    values = np.concatenate([condense(members) for members in classes]).astype(np.float32)
    return CondensedSet(values, labels.as_many_of_each(records_per_class, len(classes)))
