"""Records as plain rows, and soft labels as weights, for models that know nothing of time."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recondense.errors import InputError
from recondense.records.labels import from_probabilities, probabilities

NOISY_RECORDS = 1000
Predictor = Callable[[NDArray[np.float32]], NDArray[np.float64]]


def summaries(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean, first, last, least, greatest and trend of each feature over the steps, ``(n, 6 * n_features)``.

    Trend is the least-squares slope times the number of steps: the change over a record, 0 for a single step.

    >>> summaries(np.array([[[1.0], [2.0], [3.0]]], dtype=np.float32))
    array([[2., 1., 3., 1., 3., 3.]], dtype=float32)
    """
    n_steps = values.shape[1]
    times = np.arange(n_steps, dtype=np.float32) - (n_steps - 1) / 2
    trend = np.einsum("t,ntf->nf", times, values) * (n_steps / max(float(times @ times), 1.0))
    parts = [values.mean(1), values[:, 0], values[:, -1], values.min(1), values.max(1), trend]
    return np.concatenate(parts, axis=1).astype(np.float32)


def training_rows(
    values: NDArray[np.float32], labels: NDArray[np.float32], noise: float, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Rows, classes, weights of the records' `summaries`; with ``noise``, of at least `NOISY_RECORDS` copies of these.

    The noise is added to the summaries: that of single steps would nearly cancel in a mean, and move each extreme
    away from the middle, where no new record's extremes are.
    """
    rows = summaries(values)
    if noise:
        copies = -(-NOISY_RECORDS // len(rows))
        rows, labels = (np.repeat(each, copies, axis=0) for each in (rows, labels))
        drawn = np.random.default_rng(seed).standard_normal(rows.shape, dtype=np.float32)
        rows = rows + np.float32(noise) * drawn
    return weighted_classes(rows, labels)


def weighted_classes(
    rows: NDArray[np.float32], labels: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Rows, classes, weights: a row counts as each class with the weight that its soft label gives that class.

    Raises `InputError` where a class has no weight.

    >>> _, classes, weights = weighted_classes(np.zeros((2, 1), np.float32), np.array([1.0, 0.25], np.float32))
    >>> classes, weights
    (array([0, 1, 1]), array([0.75, 1.  , 0.25], dtype=float32))
    """
    of_class = probabilities(labels).T
    weights = of_class.reshape(-1)
    classes = np.repeat(np.arange(len(of_class)), len(labels))
    kept = weights > 0
    if missing := set(range(len(of_class))) - set(classes[kept]):
        raise InputError(f"no label gives class {min(missing)} any weight: a model on summaries needs records of each")
    return np.tile(rows, (len(of_class), 1))[kept], classes[kept], weights[kept]


def predictor(classifier: Any) -> Predictor:
    """Risk by a fitted scikit-learn ``classifier`` on `summaries`."""

    def predict(values: NDArray[np.float32]) -> NDArray[np.float64]:
        return from_probabilities(classifier.predict_proba(summaries(values)))

    return predict
