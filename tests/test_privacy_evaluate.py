"""Figures, intervals and verdicts of the privacy room, against values by hand and by scikit-learn."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

from tasks.privacy.evaluate import (
    area_under_curve,
    beats,
    clopper_pearson,
    detectable_auc,
    judged,
    measured,
    true_positive_rate,
)
from tasks.results.audit import overall


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


def test_the_detectable_auc_is_found_in_four_of_five_repetitions() -> None:
    auc = detectable_auc(60, 40, 0.95)
    shift = np.sqrt(2) * norm.ppf(auc)
    lows = [area_under_curve(drawn(60, shift, seed), drawn(40, 0.0, 1000 + seed), 0.95).low for seed in range(300)]
    assert 0.72 < np.mean(np.array(lows) > 0.5) < 0.88
    assert detectable_auc(1600, 1600, 0.95) < 0.53 < detectable_auc(20, 20, 0.95)


def test_an_attack_that_finds_more_than_baseline_and_control_has_succeeded() -> None:
    chance, better = measured(drawn(200), drawn(200, seed=1), 0.95), measured(drawn(200, 1.0), drawn(200, seed=1), 0.95)
    assert judged(better, chance, chance, better, 0.05, 0.01, 0.95)[0] == "succeeded"
    assert judged(better, better, chance, better, 0.05, 0.01, 0.95)[0] == "inconclusive", "the baseline does as well"
    assert judged(better, chance, better, better, 0.05, 0.01, 0.95)[0] == "inconclusive", "so does the control"


def test_a_few_certain_members_are_a_success_though_the_auc_hides_them() -> None:
    members, others = drawn(2000), drawn(1000, seed=1)
    members[:60] = 9.0
    found, chance = measured(members, others, 0.95), measured(drawn(2000, seed=2), others, 0.95)
    assert found.auc.low < 0.5 < found.auc.high
    assert beats(found, chance)


def test_resisting_takes_enough_records_and_an_attack_that_works() -> None:
    others = drawn(2000, seed=1)
    chance, works = measured(drawn(2000), others, 0.95), measured(drawn(20, 3.0), others, 0.95)
    assert judged(chance, chance, chance, works, 0.05, 0.01, 0.95)[0] == "resisted"
    verdict, reason = judged(chance, chance, chance, chance, 0.05, 0.01, 0.95)
    assert verdict == "inconclusive" and "misses even real records" in reason


def test_an_auc_near_guessing_resists_nothing_while_a_few_members_may_be_found() -> None:
    members, others = (norm.ppf((np.arange(n) + 0.5) / n) for n in (400, 5000))  # as normal as can be: an AUC of .5
    members[:4] = 2.6  # now 8 of 400 lie above the highest hundredth of others: too few to be told from luck
    found, works = measured(members, others, 0.95), measured(drawn(20, 3.0), others, 0.95)
    assert found.tpr[0.01] is not None and found.tpr[0.01].value == 0.02
    assert 0.45 < found.auc.low < found.auc.high < 0.55 and not beats(found)
    verdict, reason = judged(found, found, found, works, 0.05, 0.01, 0.95)
    assert verdict == "inconclusive" and "more than 0.01 of the 400 members may be found" in reason


def test_too_few_records_are_inconclusive_and_the_reason_says_what_could_have_been_seen() -> None:
    chance, works = measured(drawn(30), drawn(30, seed=1), 0.95), measured(drawn(30, 3.0), drawn(30, seed=1), 0.95)
    verdict, reason = judged(chance, chance, chance, works, 0.05, 0.01, 0.95)
    assert verdict == "inconclusive"
    assert f"an AUC below {detectable_auc(30, 30, 0.95):.3f} would be missed" in reason


def test_one_success_outweighs_any_number_of_resisted_attacks() -> None:
    assert overall(["resisted", "succeeded"]) == "succeeded"
    assert overall(["resisted", "inconclusive"]) == "inconclusive"
    assert overall(["resisted", "resisted"]) == "resisted"
