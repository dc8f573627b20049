"""Labels of two classes or of more in one form, hard or soft, of real records or condensed ones.

Of two classes a label is the probability of class 1, ``(n,)``. Of K > 2 classes without an order it is the probability
of each, ``(n, K)``, in rows that sum to 1. A hard label is 0 or 1 throughout, an unknown one NaN throughout. Risks and
logits have the shape of labels, and only that shape tells two classes from more.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Labels = NDArray[np.floating[Any]]


def n_classes(labels: Any) -> int:
    """Of how many classes ``labels``, risks or logits are: an array or a tensor."""
    return 2 if labels.ndim == 1 else int(labels.shape[1])


def hard(classes: ArrayLike, n_classes: int) -> NDArray[np.float32]:
    """The labels of subjects of known class, 0, 1, ... ``(n,)``; NaN where it is not known.

    >>> hard([1, 0], 2).tolist(), hard([2, np.nan], 3).tolist()
    ([1.0, 0.0], [[0.0, 0.0, 1.0], [nan, nan, nan]])
    """
    classes = np.asarray(classes, dtype=np.float32)
    if n_classes == 2:
        return classes
    labels: NDArray[np.float32] = (classes[:, None] == np.arange(n_classes)).astype(np.float32)
    labels[np.isnan(classes)] = np.nan
    return labels


def as_many_of_each(per_class: int, n_classes: int) -> NDArray[np.float32]:
    """Hard labels of ``per_class`` records of class 0, then as many of class 1, and so on."""
    return hard(np.repeat(np.arange(n_classes), per_class), n_classes)


def known(labels: Labels) -> NDArray[np.bool_]:
    """Whose label is known, ``(n,)``."""
    return ~np.isnan(labels if labels.ndim == 1 else labels[:, 0])


def by_class(labels: Labels) -> list[NDArray[np.intp]]:
    """The places of each class's records, by their hard ``labels``.

    >>> [places.tolist() for places in by_class(np.array([0.0, 1, 1, np.nan]))]
    [[0], [1, 2]]
    """
    return [np.flatnonzero(column == 1) for column in probabilities(labels).T]


def per_class(labels: Labels) -> list[int]:
    """How many records there are of each class, by their hard ``labels``."""
    return [len(places) for places in by_class(labels)]


def likeliest(labels: Labels) -> NDArray[np.int64]:
    """The class that each label, hard or soft, makes most of, ``(n,)``; of two at 0.5 it is class 0."""
    result: NDArray[np.int64] = probabilities(labels).argmax(axis=1)
    return result


def probabilities(labels: Labels) -> Labels:
    """The probability of each class, ``(n, n_classes)``, whatever their number.

    >>> probabilities(np.array([0.25])).tolist()
    [[0.75, 0.25]]
    """
    return np.stack([1 - labels, labels], axis=1) if labels.ndim == 1 else labels


def from_probabilities(probabilities: NDArray[Any]) -> NDArray[Any]:
    """The labels that `probabilities` makes such of: scikit-learn's ``predict_proba``, say, as risks."""
    return probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities


def even_shares(sizes: Sequence[int], limit: int) -> int:
    """How many of each class make at most ``limit``, as many of each: of a class that has fewer, all.

    >>> even_shares([100, 100], 61), even_shares([10, 100], 61), even_shares([10, 20, 100], 61)
    (30, 51, 31)
    """
    for place, size in enumerate(sorted(sizes)):
        share = limit // (len(sizes) - place)
        if size > share:
            return share
        limit -= size
    return max(sizes)
