"""Verdicts: a gain counts where the difference itself is certain, and the stated power is the power there is."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from recondense.privacy.estimates import area_under_curve, measured
from recondense.privacy.gains import AUC, Comparison, Groups, compared, detectable_auc, difference
from recondense.privacy.judge import judged
from recondense.privacy.params import Params
from recondense.privacy.pooled import pooled, succeeds
from recondense.privacy.risk import share
from recondense.results.audit import overall

# Members, validation and test records of the embedded cohort, and the confidence of one attack in eleven
EMBEDDED, ONE_OF_ELEVEN = (131, 50, 79), 1 - 0.05 / 11
MARGINS = 0.05, 0.01


def groups(members: int, validation: int, others: int) -> Groups:
    split = np.repeat(np.arange(3), [members, validation, others])
    return Groups(*(split == index for index in range(3)))


def attacked(
    who: Groups, auc: float, seed: int, alike: float = 0.0, confidence: float = 0.95, shift: float = 0.0
) -> Comparison:
    """An attack whose normal scores have this ``auc``, beside a baseline whose scores correlate with them by ``alike``;
    ``shift``: of members and validation records together, which the baseline does not see."""
    rng = np.random.default_rng(seed)
    own, noise = rng.standard_normal((2, len(who.members)))
    scores = own + shift * ~who.others + np.sqrt(2) * norm.ppf(auc) * who.members
    return compared(scores, alike * own + np.sqrt(1 - alike**2) * noise, who, confidence)


def verdict(found: Comparison, detected: bool = True) -> str:
    return judged(found, detected, *MARGINS, detectable_auc(found, 0.95))[0]


def test_a_difference_of_independent_figures_has_the_interval_of_newcombe_s_example() -> None:
    # Newcombe 1998, "Interval estimation for the difference", table II: 56/70 less 48/80, method 10 (square and add)
    found = difference(share(56, 70, 0.95), share(48, 80, 0.95), 0.0)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=2e-4)


def test_the_interval_of_a_gain_holds_the_true_one_as_often_as_it_says() -> None:
    who, held = groups(100, 60, 80), {"baseline": 0, "negative_control": 0}
    for seed in range(300):
        found = attacked(who, 0.65, seed, alike=0.7)
        for name, gain in (
            ("baseline", found.over_baseline()[AUC]),
            ("negative_control", found.over_negative_control()[AUC]),
        ):
            held[name] += gain.low <= 0.15 <= gain.high
    assert all(0.92 <= count / 300 <= 0.99 for count in held.values()), held


def test_a_baseline_that_shares_the_attack_s_errors_leaves_a_closer_interval() -> None:
    who = groups(100, 60, 80)
    alike, apart = (attacked(who, 0.6, 0, alike).over_baseline()[AUC] for alike in (0.95, 0.0))
    assert alike.high - alike.low < 0.6 * (apart.high - apart.low)


def test_a_control_that_is_near_guessing_by_luck_makes_no_success_of_a_shift() -> None:
    """Of ten validation records the control's most likely value often lies below the attack's whole interval."""
    found = [attacked(groups(1000, 10, 1000), 0.5, seed, shift=0.35) for seed in range(200)]
    by_value = [one.attack.auc.low > max(0.5, one.baseline.auc.value, one.negative_control.auc.value) for one in found]
    assert np.mean(by_value) > 0.2
    assert np.mean([one.succeeds() for one in found]) < 0.06, "no member differs from any validation record"
    assert {verdict(one) for one in found} <= {"above guessing", "succeeded"}


@pytest.mark.parametrize("alike", [0.0, 0.8])
@pytest.mark.parametrize(("sizes", "confidence"), [(EMBEDDED, 0.95), (EMBEDDED, ONE_OF_ELEVEN), ((60, 30, 200), 0.95)])
def test_the_detectable_auc_is_found_in_four_of_five_repetitions(
    sizes: tuple[int, int, int], confidence: float, alike: float
) -> None:
    """By the rule that gives the verdict: beyond guessing, baseline and control, at the confidence of one of many."""
    who = groups(*sizes)
    stated = detectable_auc(attacked(who, 0.6, 1, alike, confidence), confidence)
    seen = [attacked(who, stated, seed, alike, confidence).succeeds() for seed in range(100, 400)]
    assert 0.68 < np.mean(seen) < 0.88


def test_more_people_show_smaller_gains_and_nobody_shows_none() -> None:
    many, few = (detectable_auc(attacked(groups(*sizes), 0.5, 0), 0.95) for sizes in ((4000, 1000, 2000), (20, 9, 20)))
    assert many < 0.56 < 0.7 < few
    assert detectable_auc(attacked(groups(20, 0, 20), 0.5, 0), 0.95) == 1.0
    assert detectable_auc(attacked(groups(2, 1, 2), 0.5, 0), 0.95) == 1.0


def test_what_is_detectable_over_shadows_exceeds_the_margin_in_at_least_four_of_five_repetitions() -> None:
    params, seen = Params(resamples=100), []

    def study(auc: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        known = rng.random((8, 150)) < 0.5
        return rng.standard_normal(known.shape) + np.sqrt(2) * norm.ppf(auc) * known, known

    stated = pooled(*study(0.6, 0), params).detectable_auc
    for seed in range(1, 61):
        seen.append(pooled(*study(stated, seed), params).figures.auc.low > 0.5 + params.margin)
    assert np.mean(seen) >= 0.75 and 0.55 < stated < 0.7


def test_an_attack_that_finds_more_than_guessing_baseline_and_control_has_succeeded() -> None:
    assert verdict(attacked(groups(200, 200, 200), 0.75, 0)) == "succeeded"


def test_an_attack_above_guessing_that_a_shift_may_explain_is_neither_a_success_nor_undecided() -> None:
    found = attacked(groups(400, 200, 400), 0.5, 0, shift=0.4)
    assert found.attack.auc.low > 0.5 and found.negative_control.auc.low > 0.5
    assert verdict(found) == "above guessing" and verdict(found, detected=False) == "above guessing"


def test_an_attack_that_is_certainly_above_guessing_but_within_the_margin_is_resisted() -> None:
    who = groups(40_000, 40_000, 40_000)
    found = attacked(who, 0.5, 0, shift=0.03)
    assert found.attack.auc.low > 0.5 and found.attack.auc.high < 0.55
    assert not found.succeeds() and verdict(found) == "resisted"


def test_a_few_certain_members_are_a_success_though_the_auc_hides_them() -> None:
    who, scores = groups(2000, 500, 1000), np.random.default_rng(0).standard_normal((2, 3500))
    scores[0, :60] = 9.0
    found = compared(scores[0], scores[1], who, 0.95)
    assert found.attack.auc.low < 0.5 < found.attack.auc.high and found.succeeds()


def test_members_whom_the_baseline_finds_as_surely_are_no_success() -> None:
    who, scores = groups(2000, 500, 1000), np.random.default_rng(0).standard_normal((2, 3500))
    scores[:, :60] = 9.0
    assert not compared(scores[0], scores[1], who, 0.95).succeeds()


def test_resisting_takes_enough_records_and_an_attack_that_works() -> None:
    found = attacked(groups(2000, 500, 2000), 0.5, 3)
    assert verdict(found) == "resisted"
    told, reason = judged(found, False, *MARGINS, 0.6)
    assert told == "inconclusive" and "misses even real records" in reason


def test_an_auc_near_guessing_resists_nothing_while_a_few_members_may_be_found() -> None:
    members, others = (norm.ppf((np.arange(n) + 0.5) / n) for n in (400, 5000))  # as normal as can be: an AUC of .5
    members[:4] = 2.6  # now 8 of 400 lie above the highest hundredth of others: too few to be told from luck
    found = measured(members, others, 0.95)
    assert found.tpr[0.01] is not None and found.tpr[0.01].value == 0.02
    assert 0.45 < found.auc.low < found.auc.high < 0.55
    told, reason = judged(Comparison(found, found, found), True, *MARGINS, 0.6)
    assert told == "inconclusive" and "more than 0.01 of the members may be found" in reason


def test_too_few_records_are_inconclusive_and_the_reason_says_what_could_have_been_seen() -> None:
    found = attacked(groups(30, 15, 30), 0.5, 0)
    smallest = detectable_auc(found, 0.95)
    told, reason = judged(found, True, *MARGINS, smallest)
    assert told == "inconclusive" and f"an AUC below {smallest:.3f} would be missed" in reason


def test_scores_that_are_no_numbers_decide_nothing_and_raise_nothing() -> None:
    who = groups(30, 15, 30)
    found = compared(np.full(75, np.nan), np.zeros(75), who, 0.95)
    assert verdict(found) == "inconclusive"
    constant = compared(np.zeros(75), np.zeros(75), who, 0.95)
    assert verdict(constant) == "inconclusive" and 0.6 < detectable_auc(constant, 0.95) < 1
    everyone = pooled(np.full((4, 20), np.nan), np.tile(np.arange(20) < 10, (4, 1)), Params())
    assert (everyone.figures.auc.low, everyone.figures.auc.high, everyone.detectable_auc) == (0.0, 1.0, 1.0)
    assert not succeeds(everyone, *MARGINS)


def test_held_out_people_who_score_higher_are_no_resistance() -> None:
    told, reason = judged(attacked(groups(300, 100, 300), 0.35, 0), True, *MARGINS, 0.6)
    assert told == "inconclusive" and "held-out records score higher" in reason


def test_the_worst_verdict_is_that_of_all() -> None:
    assert overall(["resisted", "inconclusive", "above guessing", "succeeded"]) == "succeeded"
    assert overall(["resisted", "above guessing", "inconclusive"]) == "above guessing"
    assert overall(["resisted", "inconclusive"]) == "inconclusive"
    assert overall(["resisted", "resisted"]) == "resisted"
    assert overall([]) == "inconclusive", "no attack has resisted nothing"


def test_a_wide_interval_of_the_baseline_is_part_of_the_gain_s_error() -> None:
    found = attacked(groups(200, 200, 200), 0.62, 2)
    assert found.succeeds()
    vague = replace(found.baseline, auc=area_under_curve(np.zeros(3), np.arange(-1.0, 2.0), 0.95))
    assert not replace(found, baseline=vague, with_baseline={}).succeeds()


@pytest.mark.parametrize("seed", range(8))
def test_every_estimate_over_shadows_lies_in_its_own_interval(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known = rng.random((4, 40)) < 0.5
    found = pooled(
        np.round(rng.standard_normal(known.shape) + seed / 4 * known.astype(float), 1), known, Params(resamples=100)
    ).figures
    for estimate in (found.auc, *found.tpr.values()):
        assert estimate is None or estimate.low <= estimate.value <= estimate.high
