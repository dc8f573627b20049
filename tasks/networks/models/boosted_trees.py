"""Gradient-boosted trees on summaries over time: the strongest simple model on tabular records."""

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from tasks.networks.models._summaries import Predictor, predictor, summaries, weighted_classes

FAMILY = "boosted_trees"


def fit(values: NDArray[np.float32], labels: NDArray[np.float32], seed: int) -> Predictor:
    """Trained on ``(n, n_steps, n_features)`` and soft labels."""
    rows, hard, weights = weighted_classes(summaries(values), labels)
    classifier = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=150,
        max_leaf_nodes=15,
        l2_regularization=1.0,
        # scikit-learn's default of 20 leaves no split at all on a condensed set of 20 records.
        min_samples_leaf=min(20, max(2, len(values) // 10)),
        early_stopping=False,
        random_state=seed,
    )
    return predictor(classifier.fit(rows, hard, sample_weight=weights))
