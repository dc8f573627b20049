"""What takes no network is found on train records and judged on others."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from recondense.models.part import Part
from recondense.models.predictions import SIMPLE
from recondense.models.simple import best_single_variable, simple_models
from recondense.records.cohort import Normalised


def cohort(n: int = 600, seed: int = 0, flip_test: bool = False, classes: int = 2) -> Normalised:
    """The greatest observed value of feature 2 tells the outcome, the lower the likelier; nothing else does."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, 5, 4)).astype(np.float32)
    observed = rng.random(values.shape) < 0.6
    seen = np.where(observed[:, :, 2], values[:, :, 2], -9).max(axis=1)
    rank = (-seen + 0.5 * rng.standard_normal(n)).argsort().argsort()
    outcome = (rank * classes // n).astype(np.float32)
    values[:, :, 2][~observed[:, :, 2]] = 5  # what was not observed says nothing
    split = (np.arange(n) % 3).astype(np.uint8)
    if flip_test:
        outcome[split == 2] = classes - 1 - outcome[split == 2]
    labels = outcome if classes == 2 else np.eye(classes, dtype=np.float32)[outcome.astype(int)]
    return Normalised(values, observed, labels, split)


def test_the_best_single_variable_is_the_planted_one_in_its_direction_over_observed_steps() -> None:
    whole = cohort()
    found = best_single_variable(whole.part("train"))
    assert (found.feature, found.summary) == (2, "greatest")
    test = whole.part("test")
    assert roc_auc_score(test.labels, found.risks(test.values, test.observed)) > 0.85


def test_its_direction_is_of_train_records_so_that_it_can_be_wrong_of_others() -> None:
    test = cohort(flip_test=True).part("test")
    found = best_single_variable(cohort(flip_test=True).part("train"))
    assert roc_auc_score(test.labels, found.risks(test.values, test.observed)) < 0.15


@pytest.mark.parametrize("classes", [2, 3])
def test_each_simple_model_is_a_training_set_of_its_own_that_scores_whom_it_has_not_seen(classes: int) -> None:
    whole = cohort(classes=classes)
    parts = {name: Part.of(whole, name) for name in ("train", "validation", "test")}
    judged = parts["test"].joined(parts["validation"])
    results, single = simple_models(whole, parts["train"], judged)
    found = results.summary(parts["validation"], parts["test"], 100).test_auc
    assert set(found) == set(SIMPLE)
    assert single.feature == 2 and found["single_variable"].mean > 0.75
    assert results.networks() == []
