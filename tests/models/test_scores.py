"""Scores and their intervals, against scikit-learn and by hand."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from recondense.errors import InputError
from recondense.models.predictions import steps_to_plateau
from recondense.models.scores import auc, auprc, brier, calibration_error, resample, score

ONE = np.ones


def sample(n: int, seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.3).astype(float)
    risks = np.clip(0.3 + 0.2 * labels + 0.2 * rng.standard_normal(n), 0.01, 0.99)
    return labels, np.round(risks, 1) if ties else risks


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_scikit_learns_with_and_without_ties_on_the_sample_and_on_resamples(seed: int, ties: bool) -> None:
    labels, risks = sample(60, seed, ties)
    weights = resample(labels, 20, seed)
    for ours, theirs in ((auc, roc_auc_score), (auprc, average_precision_score), (brier, brier_score_loss)):
        expected = [theirs(labels, risks, sample_weight=weight) for weight in weights]
        np.testing.assert_allclose(ours(labels, risks, weights), expected, atol=1e-12)


def test_calibration_error_by_hand() -> None:
    # Ten bins of two: in the first nine risk and event rate agree; in the last 0.9 stands against one event of two
    risks = np.concatenate([np.zeros(18), [0.9, 0.9]])
    labels = np.concatenate([np.zeros(18), [1.0, 0.0]])
    assert calibration_error(labels, risks, ONE((1, 20)))[0] == pytest.approx(0.1 * 0.4)


def test_a_resample_without_both_classes_is_not_used_and_the_first_is_the_sample_itself() -> None:
    labels = np.array([1.0] + [0.0] * 9)
    weights = resample(labels, 200, seed=0)
    assert (weights[0] == 1).all()
    assert 20 < len(weights) < 201
    assert (weights @ labels > 0).all()


def test_one_class_has_no_auc() -> None:
    with pytest.raises(InputError, match="same outcome"):
        resample(np.zeros(5), 10, seed=0)


def test_the_overall_score_is_the_mean_of_aucs_over_the_named_networks_with_a_narrower_interval() -> None:
    labels, first = sample(300, 0, ties=False)
    _, second = sample(300, 0, ties=False)
    noise = np.random.default_rng(9).random(300)
    risks = {"a": first[None], "b": (second * 0.5 + noise * 0.5)[None], "c": noise[None]}
    found = score(labels, risks, resample(labels, 500, 0), mean_over=["a", "b"])["auc"]
    a, b = (roc_auc_score(labels, risks[name][0]) for name in "ab")
    assert found.mean == pytest.approx((a + b) / 2, abs=1e-4)
    for row in (found, *found.by_network.values()):
        assert row.low < row.mean < row.high


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    truth, covered = 0.7602, 0  # of N(1, 1) over N(0, 1): Phi(1 / sqrt 2)
    for seed in range(200):
        rng = np.random.default_rng(seed)
        labels = np.repeat([0.0, 1.0], 50)
        risks = rng.standard_normal(100) + labels
        row = score(labels, {"a": risks[None]}, resample(labels, 300, seed), ["a"])["auc"]
        covered += row.low <= truth <= row.high
    assert 0.89 <= covered / 200 <= 0.99


def calibrated(n: int, seed: int, slope: float, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes, and risks whose logits are ``slope`` times the true ones; of more than two classes, of each class."""
    rng = np.random.default_rng(seed)
    if classes == 2:
        logits = rng.normal(-1, 1, n)
        labels = (rng.random(n) < expit(logits)).astype(float)
        return labels, expit(slope * logits)
    logits = rng.normal(0, 1, (n, classes))
    labels = np.eye(classes)[[rng.choice(classes, p=row) for row in softmax(logits, axis=1)]]
    return labels, softmax(slope * logits, axis=1)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("slope", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("n", [40, 400])
def test_a_calibration_error_lies_in_its_own_interval_and_so_does_the_true_one(
    classes: int, slope: float, n: int
) -> None:
    """Percentiles of resamples alone lie above the estimate: each resample adds noise, which a sum of absolute gaps
    takes for error."""
    truth = calibration_error(*(each := calibrated(200_000, 9999, slope, classes)), ONE((1, len(each[0]))))[0]
    contained = covered = 0
    for seed in range(60):
        labels, risks = calibrated(n, seed, slope, classes)
        row = score(labels, {"a": risks[None]}, resample(labels, 200, seed), ["a"])["calibration_error"]
        contained += row.low <= row.mean <= row.high
        covered += row.low <= truth <= row.high
    assert contained == 60 and covered >= 54


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [12, 80])
def test_every_estimate_lies_in_its_own_interval(seed: int, n: int) -> None:
    labels, first = sample(n, seed, ties=seed % 2 == 0)
    labels[:2] = 0, 1
    risks = {"a": np.stack([first, first**2]), "b": first[None] ** 0.5}
    for name, found in score(labels, risks, resample(labels, 200, seed), ["a", "b"]).items():
        for row in (found, *found.by_network.values()):
            assert row.low <= row.mean <= row.high, name


def test_the_plateau_begins_where_the_curve_has_come_to_stay() -> None:
    assert steps_to_plateau([1, 2, 4, 8], [0.80, 0.5, 0.795, 0.8]) == 4
    assert steps_to_plateau([1, 2, 4, 8], [0.8, 0.8, 0.8, 0.8]) == 1
    assert steps_to_plateau([1, 2, 4, 8], [0.1, 0.2, 0.3, 0.8]) == 8
