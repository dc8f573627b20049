"""Gradient-boosted trees on summaries over time: the strongest simple model on tabular records."""

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from recondense.models.networks._summaries import Predictor, predictor, training_rows

FAMILY = "boosted_trees"
BINS = 255  # the most that scikit-learn takes


def fit(values: NDArray[np.float32], labels: NDArray[np.float32], noise: float, seed: int) -> Predictor:
    """Trained on ``(n, n_steps, n_features)`` and soft labels, as `training_rows` has them."""
    rows, hard, weights = training_rows(values, labels, noise, seed)
    classifier = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=150,
        max_leaf_nodes=15,
        max_bins=BINS,
        l2_regularization=1.0,
        # scikit-learn's default of 20 leaves no split at all on a condensed set of 20 records.
        min_samples_leaf=min(20, max(2, round(float(weights.sum())) // 10)),
        early_stopping=False,
        random_state=seed,
    )
    return predictor(classifier.fit(_binned(rows), hard, sample_weight=weights))


def _binned(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each value of a column with more than `BINS` distinct ones replaced by the nearest of so many quantiles.

    scikit-learn 1.9 looks for the quantiles of weighted rows one by one, in seconds, unless a column has no more
    distinct values than bins. It splits half-way between these, where rounding does: new records need no rounding.
    """
    binned = np.empty_like(rows)
    for column, values in enumerate(rows.T):
        levels = np.unique(values)
        if len(levels) > BINS:
            levels = np.unique(np.quantile(values, np.linspace(0, 1, BINS), method="nearest"))
        binned[:, column] = levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, values)]
    return binned
