"""Attacks that learn from shadows: what was planted is found, and what they are told apart by is counted honestly."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import logit
from scipy.stats import norm

from recondense.privacy.attacks import Shadows, Target
from recondense.privacy.estimates import area_under_curve, clopper_pearson, measured
from recondense.privacy.influence import influence, ratios
from recondense.privacy.params import ATTACKS, Params
from recondense.privacy.pooled import pooled, succeeds
from recondense.privacy.shadowed import ShadowInputs, by_networks, gather
from recondense.privacy.shadows.draw import members
from recondense.privacy.shadows.sets import ShadowSets
from recondense.privacy.with_shadows import audited_with_shadows, needs_shadows, own_signals, top_ranked
from recondense.records.cohort import SPLITS, Normalised
from recondense.records.condensed import CondensedSet
from recondense.stages import plugins
from tests.support.auditing import labels_of

NAMES = [name for name in plugins.names(ATTACKS) if needs_shadows(name)]
QUICK = {"signals": {"networks": ["logistic_regression"], "repeats": 1}, "resamples": 100}


def cohort(train: int, validation: int, test: int, seed: int = 0, features: int = 5) -> Normalised:
    """Two classes that nothing tells apart, one record in three of outcome 1: whoever predicts them has seen them."""
    rng = np.random.default_rng(seed)
    n = train + validation + test
    values = rng.standard_normal((n, 4, features)).astype(np.float32)
    split = np.repeat(np.arange(3), [train, validation, test]).astype(np.uint8)
    return Normalised(values, np.ones(values.shape, bool), (np.arange(n) % 3 == 0).astype(np.float32), split)


def drawn(records: Normalised, count: int) -> np.ndarray:
    """Who is in each of ``count`` shadows."""
    labels = records.labels[records.split == 0]
    sizes = [int((labels == outcome).sum()) for outcome in (0, 1)]
    return np.stack([members(records.labels, sizes, index, seed=0) for index in range(count)])


def stacked(sets: Sequence[CondensedSet], known: np.ndarray) -> ShadowSets:
    return ShadowSets(np.stack([one.values for one in sets]), np.stack([one.labels for one in sets]), known)


def kept(records: Normalised) -> CondensedSet:
    """A condensation that hands over whom it was given."""
    return CondensedSet(records.values, records.labels)


def signalled(n: int, count: int, gain: float, seed: int = 0) -> tuple[Shadows, np.ndarray]:
    """Signals as networks might give them: a record's own level, a set's, noise, and ``gain`` for its members.

    Also who is in the attacked set.
    """
    rng = np.random.default_rng(seed)
    known = rng.random((count + 1, n)) < 0.64
    signals = rng.standard_normal(n) + rng.standard_normal((count + 1, 1)) + 0.5 * rng.standard_normal((count + 1, n))
    signals = signals + gain * known
    return Shadows(signals[0], signals[1:], known[1:]), known[0]


def scores(name: str, shadows: Shadows, **options: Any) -> np.ndarray:
    module, n = plugins.load(ATTACKS, name), len(shadows.signal)
    anything = CondensedSet(np.zeros((2, 1, 1), np.float32), labels_of(0, 1))
    labels = (np.arange(n) % 2).astype(np.float32)
    target = Target(anything, np.zeros((n, 1, 1), np.float32), labels, 0, torch.device("cpu"), shadows=shadows)
    return module.scores(target, module.Options(**options))


def audit(name: str, records: Normalised, released: CondensedSet, sets: ShadowSets, **params: Any) -> dict[str, Any]:
    chosen = Params(**{**QUICK, **params})
    signals_of = own_signals(name) or by_networks(chosen)
    evidence = gather(records, released, sets, {"steps": 5, "release_steps": 5}, chosen, signals_of)
    return audited_with_shadows(name, plugins.load(ATTACKS, name).Options(), records, released, chosen, evidence)


@pytest.mark.parametrize("name", NAMES)
def test_a_gain_of_one_deviation_is_found_and_none_where_there_is_none(name: str) -> None:
    found, inside = signalled(2000, 16, gain=0.5)
    told = area_under_curve(scores(name, found)[inside], scores(name, found)[~inside], 0.95)
    assert told.low > 0.65
    by_chance = []
    for seed in range(20):
        nothing, inside = signalled(300, 16, gain=0.0, seed=seed)
        guessed = scores(name, nothing)
        by_chance.append(area_under_curve(guessed[inside], guessed[~inside], 0.95).value)
    assert abs(np.mean(by_chance) - 0.5) < 0.025, "three standard errors of twenty AUCs"


@pytest.mark.parametrize("name", NAMES)
def test_whom_every_shadow_has_as_a_member_or_none_has_still_gets_a_score(name: str) -> None:
    shadows, _ = signalled(50, 6, gain=1.0)
    shadows.members[:, 0], shadows.members[:, 1] = True, False
    assert np.isfinite(scores(name, shadows)).all()


def test_the_offline_score_is_the_deviation_from_shadows_without_the_candidate() -> None:
    # Two classes by turns, means 0 in every set, so that nothing is centred away. Of candidate 0 the shadows without
    # it say 1 and 3: mean 2; all such pairs of shadows lie 1 from their mean: variance 4 * 2 / 4 = 2.
    signals = np.array([[1.0, 1, -1, -1], [3, 3, -3, -3], [9, 9, -9, -9]])
    known = np.array([[False] * 4, [False] * 4, [True] * 4])
    shadows = Shadows(np.array([5.0, 5, -5, -5]), signals, known)
    expected = (5 - 2) / np.sqrt(2 * (1 + 1 / 2))
    assert scores("lira_offline", shadows) == pytest.approx([expected, expected, -expected, -expected])


def test_the_online_score_is_the_ratio_of_two_normal_densities_where_shadows_are_many() -> None:
    rng = np.random.default_rng(0)
    gains = np.repeat([-3.0, 3.0], 200)  # means of members, of others 0: in sum they move no set's mean
    known = rng.random((1000, 400)) < 0.5
    signals = known * gains + rng.standard_normal((1000, 400))
    found = scores("lira_online", Shadows(np.repeat([-3.0, 0.0], 200), signals, known))
    # The attacked set's mean is -1.5, so that what is left is -1.5 of the first, whom it has, and 1.5 of the others
    expected = np.repeat([norm.logpdf(-1.5, -3) - norm.logpdf(-1.5, 0), norm.logpdf(1.5, 3) - norm.logpdf(1.5, 0)], 200)
    assert np.abs(found - expected).mean() < 0.3 and np.ptp(expected) == 0


def test_a_small_gain_is_not_lost_where_shadows_are_enough_for_variances_on_one_side_alone() -> None:
    found, inside = signalled(4000, 64, gain=0.1)  # of 64 shadows some 41 have a candidate, and some 23 have not
    guessed = [scores(name, found) for name in ("lira_online", "lira_offline")]
    online, offline = (area_under_curve(one[inside], one[~inside], 0.95).value for one in guessed)
    assert online > offline - 0.005


def test_rmia_counts_the_population_whose_ratio_is_reached() -> None:
    # No shadow has anyone: the reference is (1 + a) / 2 * p_out + (1 - a) / 2, with p_out = 0.5 for all
    given = logit(np.full((4, 5), 0.5))
    shadows = Shadows(logit(np.array([0.1, 0.3, 0.5, 0.7, 0.9])), given, np.zeros((4, 5), bool))
    assert scores("rmia", shadows, a=1.0).tolist() == [0.2, 0.4, 0.6, 0.8, 1.0]
    # Twice the ratio of 0.1 and of 0.3 is reached by 0.7, of 0.1 alone by 0.3 and 0.5; a changes no order here
    assert scores("rmia", shadows, a=0.0, gamma=1.99).tolist() == [0.0, 0.2, 0.2, 0.4, 0.4]


def test_pooling_is_exact_on_four_patients_and_two_shadows() -> None:
    found = np.array([[4.0, 2, 3, 1], [8, 5, 2, 7]])
    known = np.array([[True, True, False, False], [True, False, True, False]])
    # Members 4 2 8 2, others 3 1 5 7: of 16 pairs 4 wins 2, each 2 wins 1, 8 wins 4; 7 is the highest of the others
    result = pooled(found, known, Params(resamples=100))
    assert result.figures.auc.value == (2 + 1 + 4 + 1) / 16
    assert result.figures.tpr[0.0].value == 1 / 4
    assert result.figures.tpr[0.01] is None, "four others cannot show one false alarm in a hundred"
    assert (result.figures.n_members, result.figures.n_others, result.n_shadows) == (4, 4, 2)


def test_pooled_figures_are_those_of_all_pairs_ties_included() -> None:
    rng = np.random.default_rng(0)
    found, known = rng.integers(0, 40, (6, 500)).astype(float), rng.random((6, 500)) < 0.6
    result, expected = pooled(found, known, Params(resamples=100)).figures, measured(found[known], found[~known], 0.95)
    assert result.auc.value == pytest.approx(expected.auc.value)
    for rate, estimate in expected.tpr.items():
        assert result.tpr[rate].value == pytest.approx(estimate.value)


def test_a_patient_seen_in_many_shadows_counts_as_one() -> None:
    """Scores that hang on the patient alone: sixteen shadows say no more than one."""
    rng = np.random.default_rng(0)
    known = np.tile(rng.random(300) < 0.5, (16, 1))
    found = np.tile(rng.standard_normal(300), (16, 1))
    once = area_under_curve(found[0, known[0]], found[0, ~known[0]], 0.95)
    many = pooled(found, known, Params(resamples=300)).figures.auc
    naive = area_under_curve(found[known], found[~known], 0.95)
    assert many.high - many.low > 0.85 * (once.high - once.low)
    assert naive.high - naive.low < 0.4 * (once.high - once.low), "which is why"


def test_a_rate_of_nothing_found_has_an_upper_bound_as_if_each_patient_had_been_seen_once() -> None:
    known = np.zeros((8, 400), bool)
    known[:, :200] = True
    found = np.where(known, -1.0, 1.0)
    rate = pooled(found, known, Params(resamples=100)).figures.tpr[0.01]
    assert (rate.value, rate.low) == (0.0, 0.0) and rate.high == clopper_pearson(0, 400, 0.95)[1]


def test_many_shadows_bound_what_a_guesser_finds_below_what_one_could() -> None:
    rng = np.random.default_rng(0)
    known = rng.random((64, 4000)) < 0.64
    rate = pooled(rng.standard_normal(known.shape), known, Params(resamples=100)).figures.tpr[0.001]
    assert rate.low < 0.001 < rate.high < 0.0016 < clopper_pearson(4, 4000, 0.95)[1]


def test_the_interval_over_shadows_holds_the_rate_as_often_as_it_says_where_some_patients_always_show() -> None:
    """One patient in thirty is surely found where she is a member; sets differ in how much everybody shows."""

    def study(seed: int, n_shadows: int, n_patients: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        known = rng.random((n_shadows, n_patients)) < 0.6
        shown = 5 * (rng.random(n_patients) < 1 / 30) * rng.uniform(0.5, 1, (n_shadows, 1))
        return rng.standard_normal(known.shape) + known * shown, known

    found, known = study(0, 300, 4000)
    truth = np.mean(found[known] > np.quantile(found[~known], 0.99))
    rates = [
        pooled(*study(seed, 8, 300), Params(confidence=0.9, resamples=100)).figures.tpr[0.01] for seed in range(1, 81)
    ]
    assert np.mean([rate.low <= truth <= rate.high for rate in rates]) > 0.9 - 0.07


@pytest.mark.parametrize("name", NAMES)
def test_a_release_that_memorises_is_found_and_ranks_its_members_first(name: str) -> None:
    records = cohort(60, 40, 60)
    known = drawn(records, 12)
    sets = stacked([kept(records.only(chosen)) for chosen in known], known)
    result = audit(name, records, kept(records.part("train")), sets)
    assert result["verdict"] == "succeeded", result["reason"]
    assert result["over_shadows"]["low"] > 0.6 and result["low"] > 0.5
    top = result["over_shadows"]["top_ranked"]["10"]
    assert top["expected"] == 3.75 and top["members"] > 5


@pytest.mark.parametrize("name", NAMES)
def test_a_release_that_owes_nothing_to_anyone_tells_nothing(name: str) -> None:
    records, known = cohort(60, 40, 60, seed=2), drawn(cohort(60, 40, 60, seed=2), 12)
    others = [kept(cohort(20, 0, 0, seed=100 + place)) for place in range(13)]
    result = audit(name, records, others[0], stacked(others[1:], known))
    assert result["verdict"] != "succeeded", result["reason"]
    assert result["over_shadows"]["low"] < 0.5 < result["over_shadows"]["high"]
    assert result["positive_control"]["detected"], "the attack itself works on these records"


def test_real_records_as_they_are_are_caught_nearly_all() -> None:
    records = cohort(90, 60, 90, features=40)
    known = drawn(records, 4)
    sets = stacked([kept(cohort(20, 0, 0, seed=place, features=40)) for place in range(4)], known)
    for name in NAMES:
        control = audit(name, records, kept(cohort(20, 0, 0, seed=9, features=40)), sets)["positive_control"]
        assert control["auc"] > 0.95 and control["tpr_at_fpr"]["0.01"]["tpr"] > 0.6, name


def test_fewer_steps_than_the_releases_are_weaker_evidence_and_resist_nothing_by_themselves() -> None:
    records, known = cohort(60, 40, 60, seed=2), drawn(cohort(60, 40, 60, seed=2), 12)
    others = [kept(cohort(20, 0, 0, seed=100 + place)) for place in range(13)]
    params = Params(**QUICK, margin=0.49, tpr_margin=0.99)
    by_steps = {}
    for steps in (5, 2):
        made = {"steps": steps, "release_steps": 5}
        evidence = gather(records, others[0], stacked(others[1:], known), made, params, by_networks(params))
        options = plugins.load(ATTACKS, "rmia").Options()
        by_steps[steps] = audited_with_shadows("rmia", options, records, others[0], params, evidence)
    assert "weaker evidence" not in by_steps[5]["reason"]
    assert by_steps[2]["reason"].endswith("weaker evidence, as shadows took 2 of the release's 5 steps")
    assert [by_steps[steps]["verdict"] for steps in (5, 2)] == ["resisted", "inconclusive"]


def test_without_shadows_an_attack_that_needs_them_is_inconclusive() -> None:
    records = cohort(10, 10, 10)
    result = audited_with_shadows("rmia", None, records, kept(records), Params(), None)  # type: ignore[arg-type]
    assert result["verdict"] == "inconclusive" and result["reason"].startswith("no shadows")
    assert result["kind"] == "not_run" and "auc" not in result


def test_a_gain_that_is_certain_but_smaller_than_the_margins_is_no_success() -> None:
    rng = np.random.default_rng(0)
    known = rng.random((40, 3000)) < 0.6
    small = pooled(rng.standard_normal(known.shape) + 0.07 * known, known, Params(resamples=100))
    assert small.figures.auc.low > 0.51 and not succeeds(small, margin=0.05, tpr_margin=0.01)
    few = rng.standard_normal(known.shape)
    few[:, :200] += 9 * known[:, :200]  # one patient in fifteen, whom the AUC hides
    assert succeeds(pooled(few, known, Params(resamples=100)), margin=0.05, tpr_margin=0.01)


def test_ranks_are_counts_of_members_and_name_nobody() -> None:
    found = np.arange(200.0)[None]
    known = (np.arange(200) >= 195)[None]
    assert top_ranked(found, known) == {
        "10": {"members": 5.0, "expected": 0.25},
        "50": {"members": 5.0, "expected": 1.25},
        "100": {"members": 5.0, "expected": 2.5},
    }
    assert list(top_ranked(found[:, :40], known[:, :40])) == ["10"]


def test_influence_is_one_over_n_in_theory_and_shows_the_few_who_move_the_set() -> None:
    records = cohort(90, 60, 90)
    known = drawn(records, 16)
    rng = np.random.default_rng(0)
    means = rng.standard_normal((16, 30))
    quiet = ratios(means, known)
    assert quiet.mean() == pytest.approx(1, abs=0.1) and (quiet > 0).all()
    loud = means + 4 * known[:, [7]]
    assert ratios(loud, known).argmax() == 7 and ratios(loud, known)[7] > 4
    sets = stacked([kept(records.only(chosen)) for chosen in known], known)
    found = influence(records.part("train"), sets, 0)
    assert found["class_mean"] == {"class_0": round(1 / 60, 6), "class_1": round(1 / 30, 6)}
    assert 0.5 < found["measured"]["by_lot"]["mean"] < 2
    few = stacked([kept(records.only(chosen)) for chosen in known[:3]], known[:3])
    assert influence(records.part("train"), few, 0)["measured"] is None


def test_a_shadow_is_attacked_without_its_own_signals_among_its_shadows() -> None:
    signals, known = np.arange(12.0).reshape(4, 3), np.arange(12).reshape(4, 3) % 2 == 0
    one = Shadows.attacking(2, signals, known)
    assert one.signal.tolist() == [6, 7, 8] and one.signals.tolist() == signals[[0, 1, 3]].tolist()
    assert one.members.tolist() == known[[0, 1, 3]].tolist()


def test_evidence_is_computed_once_and_networks_of_all_sets_begin_alike() -> None:
    records, known = cohort(30, 20, 30), drawn(cohort(30, 20, 30), 4)
    same = kept(records.part("train"))
    params = Params(**QUICK)
    sets, made = stacked([same] * 4, known), {"steps": 0, "release_steps": 0}
    evidence: ShadowInputs = gather(records, same, sets, made, params, by_networks(params))
    assert (evidence.released.signals == evidence.released.signal).all(), "equal sets give equal signals"
    assert evidence.released.signals.shape == (4, 80) and np.isfinite(evidence.released.signals).all()
    assert (evidence.positive.members.sum(axis=1) == len(evidence.positive.pool.labels) // 2).all()
    assert (evidence.positive.pool.split == SPLITS.index("train")).all()
