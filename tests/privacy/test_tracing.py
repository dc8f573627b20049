"""The tracing attack: whom a mean was made from is found, however many are behind it, where directions are many."""

import numpy as np
import pytest
import torch

from recondense.condensation.baselines import group_means
from recondense.privacy.attacks import Shadows, Target, tracing
from recondense.privacy.estimates import Figures, measured
from recondense.privacy.params import Params
from recondense.privacy.shadowed import gather
from recondense.privacy.shadows.draw import members
from recondense.privacy.shadows.sets import ShadowSets
from recondense.privacy.shadows.unit import subset
from recondense.privacy.with_shadows import audited_with_shadows, in_turn
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import by_class, hard
from tests.support.auditing import labels_of

SETS, PEOPLE, PER_CLASS = 12, 400, 2


def people(features: int, seed: int = 0) -> Normalised:
    """Two classes a deviation apart; half of the people will be in each set."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(PEOPLE) % 2).astype(np.float32)
    values = rng.standard_normal((PEOPLE, 4, features)).astype(np.float32) + labels[:, None, None]
    return Normalised(values, np.ones(values.shape, bool), labels, np.zeros(PEOPLE, np.uint8))


def drawn() -> np.ndarray:
    """Who is in each set: as many of each class."""
    halves = [np.random.default_rng(index).permutation(PEOPLE // 2) < PEOPLE // 4 for index in range(SETS)]
    return np.stack([np.repeat(half, 2) for half in halves])


def means(cohort: Normalised, known: np.ndarray, noise: float = 0.0, keep: int = 60) -> list[CondensedSet]:
    """Of each set fifty people a record, with soft labels and ``noise``; features from ``keep`` on are left out."""
    made = []
    for index, chosen in enumerate(known):
        values = group_means(subset(cohort, chosen), PER_CLASS, seed=index).values
        noisy = values + noise * np.random.default_rng(index).standard_normal(values.shape)
        noisy[..., keep:] = 0
        made.append(CondensedSet(noisy.astype(np.float32), labels_of(0.2, 0.6, 0.4, 0.9)))
    return made


def told(cohort: Normalised, sets: list[CondensedSet], known: np.ndarray) -> Figures:
    signals = tracing.signals(sets, cohort.values, cohort.labels)

    def scores(shadows: Shadows) -> np.ndarray:
        target = Target(sets[0], cohort.values, cohort.labels, 0, torch.device("cpu"), shadows=shadows)
        return tracing.scores(target, tracing.Options())

    found = in_turn(scores, signals, known)
    return measured(found[known], found[~known], 0.95)


def test_who_is_behind_means_of_fifty_is_found_where_directions_are_many() -> None:
    known = drawn()
    few, many = (told(people(features), means(people(features), known), known) for features in (2, 60))
    assert few.auc.value < 0.65 < 0.85 < many.auc.value
    assert many.tpr[0.01].low > 0.2


def test_noise_on_records_hides_them_and_so_do_directions_left_out() -> None:
    cohort, known = people(60), drawn()
    noisy, narrow = (told(cohort, means(cohort, known, **change), known) for change in ({"noise": 1.0}, {"keep": 2}))
    assert noisy.auc.value < 0.6
    assert narrow.auc.value < 0.7


def test_a_class_that_is_exposed_is_not_hidden_by_another_that_is_not() -> None:
    """One patient in ten is of class 1: shadows hold these as they are, noise for all others; a release is noise."""
    rng, n, features = np.random.default_rng(0), 600, 8
    labels = (np.arange(n) % 10 == 0).astype(np.float32)
    values = rng.standard_normal((n, 4, features)).astype(np.float32)
    cohort = Normalised(values, np.ones(values.shape, bool), labels, (np.arange(n) // 10 % 3).astype(np.uint8))
    classes = by_class(labels)
    known = np.stack([members(labels, [180, 20], index, seed=0) for index in range(16)])
    known[0] = cohort.split == 0
    sets: list[CondensedSet] = []
    for chosen in known:
        rare = values[classes[1][chosen[classes[1]]]] if sets else rng.standard_normal((20, 4, features))
        nobody = rng.standard_normal((20, 4, features)).astype(np.float32)
        held = np.concatenate([nobody, rare]).astype(np.float32)
        sets.append(CondensedSet(held, np.repeat([0.0, 1.0], 20).astype(np.float32)))
    shadows = ShadowSets(
        np.stack([one.values for one in sets[1:]]), np.stack([one.labels for one in sets[1:]]), known[1:]
    )
    params = Params(resamples=100, margin=0.2, tpr_margin=0.5)
    evidence = gather(cohort, sets[0], shadows, {"steps": 0, "release_steps": 0}, params, tracing.signals)
    found = audited_with_shadows("tracing", tracing.Options(), cohort, sets[0], params, evidence)
    each = found["over_shadows"]["by_class"]
    assert each["class_1"]["auc"] > 0.95 and each["class_0"]["low"] < 0.5 < each["class_0"]["high"]
    assert found["over_shadows"]["low"] < 0.7, "among all patients it stays within this margin"
    assert found["verdict"] == "succeeded" and "members of class 1" in found["reason"]


def test_records_of_nobody_tell_nothing() -> None:
    cohort, known = people(60), drawn()
    others = [means(people(60, seed=100 + index), known[[index]])[0] for index in range(SETS)]
    assert 0.45 < told(cohort, others, known).auc.value < 0.55


def test_a_set_of_another_kind_among_them_does_not_blind_the_attack() -> None:
    """Controls stand beside the shadows: real records, in place of condensed ones."""
    cohort, known = people(60), drawn()
    sets = means(cohort, known)
    alone = tracing.signals(sets[1:], cohort.values, cohort.labels)
    real = CondensedSet(cohort.values[:4], labels_of(0, 0, 1, 1))
    beside = tracing.signals([real, *sets[1:]], cohort.values, cohort.labels)[1:]
    moves = [np.corrcoef(alone[:, one], beside[:, one])[0, 1] for one in range(0, PEOPLE, 20)]
    assert min(moves) > 0.9


def test_variance_is_of_records_that_are_the_same_from_set_to_set_in_whatever_order() -> None:
    rng = np.random.default_rng(0)
    places = 20 * rng.standard_normal((8, 3))
    spread = np.array([0.1, 0.5, 1.0])
    held = [(places + spread * rng.standard_normal((8, 3)))[rng.permutation(8)] for _ in range(60)]
    assert tracing.moved(held) == pytest.approx(spread**2, rel=0.25)


def test_records_of_a_class_go_by_hard_labels_or_by_the_order_that_soft_ones_stand_in() -> None:
    values = np.arange(4, dtype=np.float32).reshape(4, 1, 1)
    soft = CondensedSet(values, labels_of(0.1, 0.7, 0.4, 0.9))
    of_three = CondensedSet(values[:3], hard([2, 0, 1], 3))
    assert [tracing.of_class(soft, outcome).ravel().tolist() for outcome in (0, 1)] == [[0, 1], [2, 3]]
    assert [tracing.of_class(of_three, outcome).ravel().tolist() for outcome in range(3)] == [[1], [2], [0]]
