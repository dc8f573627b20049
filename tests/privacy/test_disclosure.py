"""Risks of guesses about people: figures by hand, and verdicts that coincidences do not earn."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from recondense.errors import InputError
from recondense.privacy.attacks import Target, linkability, nearest_record
from recondense.privacy.disclosure import People, disclosed
from recondense.privacy.guesses import AboutEach, Predicates, Reconstructions, Tally, together
from recondense.privacy.params import Params
from recondense.privacy.risk import Baseline, Tallies, detectable_risk, rare, risk, share, wilson
from recondense.privacy.shadows.canaries import among, made_up, planted
from recondense.records.condensed import CondensedSet
from tests.support.auditing import cohort

MEMBERS, OTHERS = np.arange(100), np.arange(100, 200)
PEOPLE = People(MEMBERS, np.arange(200, 250), OTHERS, np.arange(10))
NOBODY = AboutEach(np.arange(250) % 10 == 0, np.zeros(250))
KNOWN = AboutEach(np.arange(250) < 10, np.zeros(250))


def test_wilson_s_interval_is_the_textbook_s() -> None:
    centre, error = wilson(10, 100, 0.95)  # Wilson 1927, equation 6: 0.0552 to 0.1744
    assert (round(centre - error, 4), round(centre + error, 4)) == (0.0552, 0.1744)


def test_the_risk_and_its_interval_are_giomi_s_by_hand() -> None:
    # z = 1.959964: Wilson's centres 31.92073 / 103.84146 and 11.92073 / 103.84146, half widths .088450 and .059568;
    # risk (.307399 - .114798) / .885202; error sqrt((.088450 / .885202)^2 + (.059568 * .692601 / .885202^2)^2)
    found = risk(Tally(30, 100, 10, 100), 0.95)
    assert (found.value, found.low, found.high) == pytest.approx((0.21758, 0.10464, 0.33052), abs=2e-5)


def test_where_chance_is_known_exactly_the_risk_is_the_share_beyond_it() -> None:
    found = risk(Tally(18, 20, 2, 20, chance=0.5), 0.95)
    assert found.value == pytest.approx(0.8)
    assert found.low == pytest.approx((0.68302 - 0.5) / 0.5, abs=1e-4)  # Clopper and Pearson of 18 in 20


def test_a_shared_success_of_guesses_is_no_risk() -> None:
    assert risk(Tally(90, 100, 90, 100), 0.95).value == 0
    assert risk(Tally(0, 0, 0, 0), 0.95).low < 0 < risk(Tally(0, 0, 0, 0), 0.95).high, "no guesses, no knowledge"


@pytest.mark.parametrize(("control", "made", "others"), [(0.1, 200, 100), (0.5, 80, 120), (0.3, 1000, 400)])
@pytest.mark.parametrize("alike", [0.0, 0.6])
def test_the_detectable_risk_is_seen_in_four_of_five_repetitions(
    control: float, made: int, others: int, alike: float
) -> None:
    """By the rule that gives the verdict: beyond test records, validation records and the baseline."""
    rate, few = round(control * others), others // 2
    shift = Tally(round(control * few), few, rate, others)
    found = Tallies(Tally(0, made, rate, others), shift, [Baseline(round(control * made), made, alike)])
    least = detectable_risk(found, 0.95)
    rng, seen = np.random.default_rng(0), []
    for _ in range(400):
        # Errors of attack and baseline hang together by as many people as both are right of
        both = rng.random(made) < alike
        lots = rng.random((2, made))
        right = (lots[0] < control + least * (1 - control)).sum()
        base = (np.where(both, lots[0], lots[1]) < control).sum()
        of_others, of_few = rng.binomial(others, control), rng.binomial(few, control)
        again = Tallies(
            Tally(int(right), made, of_others, others), Tally(of_few, few, of_others, others),
            [Baseline(int(base), made, alike)],
        )  # fmt: skip
        seen.append(again.beats(0.95))
    assert 0.7 < np.mean(seen) < 0.9 and 0 < least < 1


def test_three_guesses_cannot_show_anything() -> None:
    nothing = Tally(0, 3, 0, 3, chance=0.9)
    assert detectable_risk(Tallies(nothing, nothing), 0.95) == 1.0


def test_a_baseline_that_is_lower_by_luck_alone_makes_no_success() -> None:
    """The attack's whole interval lies above the most likely value of ten guesses, which says little."""
    shift = Tally(20, 100, 40, 200)
    assert risk(Tally(60, 150, 40, 200), 0.95).low > 0 and share(60, 150, 0.95).low > 2 / 10
    assert not Tallies(Tally(60, 150, 40, 200), shift, [Baseline(2, 10, 0.0)]).beats(0.95)
    assert Tallies(Tally(60, 150, 40, 200), shift, [Baseline(30, 150, 0.0)]).beats(0.95)


def test_two_attackers_who_are_right_of_the_same_people_share_their_errors() -> None:
    assert together(KNOWN, KNOWN, MEMBERS) == pytest.approx(1)
    rest = AboutEach(~KNOWN.correct, KNOWN.confidence)
    assert together(KNOWN, rest, MEMBERS) == pytest.approx(-1)
    assert together(KNOWN, Predicates(csr_matrix(np.ones((2, 250), dtype=bool))), MEMBERS) == 0
    always = AboutEach(np.ones(250, dtype=bool), np.zeros(250))
    assert together(KNOWN, always, MEMBERS) == 0, "of one who is always right there is no error to share"


def test_a_predicate_is_right_where_it_is_true_of_exactly_one_of_a_group_of_the_size_of_the_others() -> None:
    holds = np.zeros((3, 6), dtype=bool)
    holds[0, 0] = True  # one person
    holds[1, [0, 1]] = True  # two of one group
    holds[2, [1, 2, 4]] = True  # one of each group
    tally = Predicates(csr_matrix(holds)).tally(np.array([0, 1, 2, 3]), np.array([4, 5]))
    assert tally == Tally(right=1 + 0 + 2, made=6, others_right=1, others_made=3)


def test_of_the_surest_only_a_share_of_each_group_is_counted() -> None:
    confidence = np.array([5, 4, 3, 2, 1, 9, 8, 7.0])
    surest = AboutEach(np.array([1, 0, 1, 1, 1, 0, 1, 1], dtype=bool), confidence, surest=0.4)
    assert surest.tally(np.arange(5), np.arange(5, 8)) == Tally(1, 2, 1, 2)
    assert not surest.decides


def test_a_person_nearest_to_many_reconstructions_counts_once() -> None:
    distances = np.array([[0.0, 1, 2], [0.1, 1, 2], [2, 1, 0]])
    assert Reconstructions(distances).tally(np.array([0, 1]), np.array([2])) == Tally(1, 2, 1, 2, chance=2 / 3)


def test_one_person_in_all_predicates_is_a_coincidence_and_ten_people_are_not() -> None:
    one, ten = np.zeros((200, 250), dtype=bool), np.zeros((200, 250), dtype=bool)
    one[:, 7] = True
    ten[np.arange(200), np.arange(200) % 10] = True
    assert risk(Predicates(csr_matrix(one)).tally(MEMBERS, OTHERS), 0.95).low > 0.9, "the interval alone is sure"
    assert not rare(Predicates(csr_matrix(one)), MEMBERS, OTHERS, 0.95, 0)
    assert rare(Predicates(csr_matrix(ten)), MEMBERS, OTHERS, 0.95, 0)


def test_however_great_the_confidence_as_many_exchanges_are_tried_as_can_show_it() -> None:
    """One of 40 figures that hold together at 95 % has to be rarer than one exchange in 800."""
    ten = np.zeros((200, 250), dtype=bool)
    ten[np.arange(200), np.arange(200) % 10] = True
    assert rare(Predicates(csr_matrix(ten)), MEMBERS, OTHERS, 1 - 0.05 / 40, 0)


def test_a_coincidence_is_called_rare_as_seldom_as_the_confidence_says() -> None:
    rng = np.random.default_rng(0)
    lucky = [rare(AboutEach(rng.random(250) < 0.3, np.zeros(250)), MEMBERS, OTHERS, 0.8, seed) for seed in range(300)]
    assert 0.1 < np.mean(lucky) < 0.26


def test_a_verdict_takes_what_the_baseline_and_the_naive_guess_do_not_give() -> None:
    knows = AboutEach(np.arange(250) < 60, np.zeros(250))
    found = disclosed({"all": knows}, {"all": NOBODY}, {"all": KNOWN}, PEOPLE, Params())
    assert found["verdict"] == "succeeded" and found["rates"]["members"]["rate"] == 0.6
    assert disclosed({"all": knows}, {"all": knows}, {"all": KNOWN}, PEOPLE, Params())["verdict"] != "succeeded"
    naive = AboutEach(knows.correct, knows.confidence, naive=knows)
    assert disclosed({"all": naive}, {"all": NOBODY}, {"all": KNOWN}, PEOPLE, Params())["verdict"] != "succeeded"


def test_a_shift_between_splits_is_not_taken_for_a_disclosure() -> None:
    all_but_test = AboutEach(~np.isin(np.arange(250), OTHERS), np.zeros(250))
    found = disclosed({"all": all_but_test}, {"all": NOBODY}, {"all": KNOWN}, PEOPLE, Params())
    assert found["verdict"] == "above guessing" and "train and held-out people differ" in found["reason"]


def test_a_variant_that_misses_real_records_has_no_say() -> None:
    variants = {"works": NOBODY, "fails": NOBODY}
    found = disclosed(variants, variants, {"works": KNOWN, "fails": NOBODY}, PEOPLE, Params(margin=0.2))
    assert found["verdict"] == "resisted" and found["variant"] == "works"
    assert found["variants"]["fails"]["verdict"] == "inconclusive"
    assert found["variants"]["works"]["confidence"] == 0.975, "two intervals that hold together"
    neither = disclosed(variants, variants, variants, PEOPLE, Params(margin=0.2))
    assert neither["verdict"] == "inconclusive" and "misses even real records" in neither["reason"]


def test_canaries_are_far_from_everyone_with_another_s_outcome() -> None:
    train = cohort(90, 0, 0).part("train")
    made = made_up(train, 20, seed=1, distance=6.0)
    assert np.abs(made.values.mean(axis=1)).min() > 3 > np.abs(train.values.mean(axis=1)).max()
    assert set(made.labels.tolist()) == {0.0, 1.0} and (made.split == 0).all()
    assert made.values.tobytes() == made_up(train, 20, seed=1, distance=6.0).values.tobytes()
    with pytest.raises(InputError, match="the train split is empty"):
        made_up(cohort(0, 5, 5).part("train"), 3, 0)


def test_canaries_that_are_released_are_told_from_their_twins() -> None:
    inside, twins = planted(cohort(200, 80, 80).part("train"), count=10, seed=0, twins=60, distance=4.0)
    judged = among(inside, twins)
    target = Target(CondensedSet(inside.values, inside.labels), judged.values, judged.labels, 0, torch.device("cpu"))
    scores = nearest_record.scores(target, nearest_record.Options())
    assert scores[:10].min() > scores[10:].max()
    linked = linkability.guesses(target, linkability.Options())["all"].tally(np.arange(10), np.arange(10, 70))
    assert linked.right == 10 > linked.others_right / 6
