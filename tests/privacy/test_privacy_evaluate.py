"""Figures and intervals of the privacy stage, against values by hand and by scikit-learn."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

from recondense.privacy.estimates import area_under_curve, clopper_pearson, measured, true_positive_rate


def drawn(n: int, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n) + shift


def test_auc_is_scikit_learn_s_ties_included() -> None:
    members, others = np.round(drawn(80, 0.4), 1), np.round(drawn(50, seed=1), 1)
    expected = roc_auc_score(np.repeat([1, 0], [80, 50]), np.concatenate([members, others]))
    assert area_under_curve(members, others, 0.95).value == pytest.approx(expected)


def test_the_interval_is_delong_s_where_that_is_wider() -> None:
    # Members in two far halves, one above and one below all others: each member's share of others below is 1 or 0,
    # each other's share of members above is 1/2; so the variance is 0.25 * 100/99 / 100 + 0.
    members, others = np.repeat([1.0, -1.0], 50), drawn(100) / 1e3
    found = area_under_curve(members, others, 0.95)
    assert found.value == 0.5
    assert found.high - 0.5 == pytest.approx(1.959964 * np.sqrt(0.25 / 99))


def test_the_interval_does_not_shrink_to_a_point_where_few_records_are_told_apart_by_luck() -> None:
    few = area_under_curve(np.array([2.0, 3.0]), np.array([0.0, 1.0]), 0.95)
    assert few.value == few.high == 1.0
    assert few.low < 0.5


def test_the_interval_holds_the_true_auc_as_often_as_it_says() -> None:
    true = norm.cdf(0.5 / np.sqrt(2))  # of two normal distributions half a standard deviation apart
    intervals = [area_under_curve(drawn(60, 0.5, seed), drawn(40, 0.0, 1000 + seed), 0.95) for seed in range(400)]
    assert 0.92 < np.mean([found.low <= true <= found.high for found in intervals]) < 0.98


def test_the_true_positive_rate_is_scikit_learn_s_at_the_same_false_positive_rate() -> None:
    members, others = drawn(300, 1.0), drawn(200, seed=1)
    fpr, tpr, _ = roc_curve(np.repeat([1, 0], [300, 200]), np.concatenate([members, others]), drop_intermediate=False)
    found = true_positive_rate(members, others, 0.01, 0.95)
    assert found is not None
    assert found.value == tpr[fpr <= 0.01].max()
    assert (found.low, found.high) == clopper_pearson(round(found.value * 300), 300, 0.95)
    assert found.guessing == clopper_pearson(2, 200, 0.95)[1]


def test_a_false_positive_rate_is_not_reported_from_fewer_others_than_can_show_it() -> None:
    assert true_positive_rate(drawn(50), drawn(999), 0.001, 0.95) is None
    assert true_positive_rate(drawn(50), drawn(1000), 0.001, 0.95) is not None


def test_a_rate_of_zero_counts_the_members_above_every_other() -> None:
    found = true_positive_rate(np.array([3.0, 2.0, 1.0, 0.0]), np.array([1.0, 0.5, -1.0]), 0.0, 0.95)
    assert found is not None and found.value == 0.5
    assert found.guessing == clopper_pearson(0, 3, 0.95)[1]


def test_clopper_pearson_is_the_textbook_s() -> None:
    low, high = clopper_pearson(10, 100, 0.95)  # Clopper and Pearson 1934
    assert (round(low, 4), round(high, 4)) == (0.0490, 0.1762)
    assert clopper_pearson(5, 5, 0.95)[1] == 1.0


@pytest.mark.parametrize(
    ("members", "others"),
    [(drawn(0), drawn(5)), (drawn(5), drawn(0)), (np.array([np.nan, 1.0]), drawn(5)), (drawn(1), drawn(1))],
)
def test_nothing_is_known_of_nobody_of_one_and_of_scores_that_are_no_numbers(
    members: np.ndarray, others: np.ndarray
) -> None:
    found = measured(members, others, 0.95)
    assert found.auc.low < 0.5 < found.auc.high or (found.auc.low, found.auc.high) == (0.0, 1.0)
    assert not found.within(0.05, 0.01) and not found.above_guessing(0.05, 0.01)


@pytest.mark.parametrize("seed", range(20))
def test_every_estimate_lies_in_its_own_interval(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 150, 2)
    found = measured(np.round(drawn(m, rng.uniform(-2, 2), seed), 1), np.round(drawn(n, 0, seed + 99), 1), 0.995)
    for estimate in (found.auc, *found.tpr.values()):
        assert estimate is None or estimate.low <= estimate.value <= estimate.high
