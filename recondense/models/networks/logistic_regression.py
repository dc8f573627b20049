"""Logistic regression on summaries over time: what an epidemiologist would try first."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from recondense.models.networks._summaries import Predictor, predictor, training_rows

FAMILY = "logistic_regression"


def fit(values: NDArray[np.float32], labels: NDArray[np.float32], noise: float, seed: int) -> Predictor:
    """Trained on ``(n, n_steps, n_features)`` and soft labels, as `training_rows` has them."""
    rows, hard, weights = training_rows(values, labels, noise, seed)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    return predictor(classifier.fit(rows, hard, logisticregression__sample_weight=weights))
