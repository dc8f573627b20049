"""How many patients stand behind a condensed record, and what becomes of those who stand out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from recondense.condensation.baselines import group_means, kmeans, random_records
from recondense.condensation.methods import Request, gradient_matching, microaggregation
from recondense.condensation.methods.microaggregation import Options, aggregates, drawn_in
from recondense.models.logits import risks_of
from recondense.models.teacher import out_of_fold
from recondense.privacy.canaries import canaries as found_canaries
from recondense.privacy.params import Params
from recondense.privacy.shadows.canaries import among, made_up, of_shadow
from recondense.privacy.shadows.sets import ShadowSets
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from tests.support.condensing import cohort

REQUEST = Request(3, 2, 0, torch.device("cpu"))


def train(n: int = 120) -> Normalised:
    return cohort(2 * n).part("train")


@pytest.mark.parametrize("baseline", [random_records, kmeans, group_means])
def test_a_baseline_says_whose_mean_each_record_is(baseline: Any) -> None:
    records = train()
    found = baseline(records, 3, 0)
    for value, label, group in zip(found.values, found.labels, found.groups, strict=True):
        assert set(records.labels[group]) == {label}
        np.testing.assert_allclose(value, records.values[group].mean(axis=0), atol=1e-6)
    assert found.averaged == min(map(len, found.groups))
    assert (found.averaged == 1) == (baseline is random_records)


def test_a_patient_who_is_several_subjects_is_counted_once() -> None:
    records = replace(train(), patient=np.zeros(120, np.uint32))
    assert kmeans(records, 3, 0).averaged == group_means(records, 3, 0).averaged == 1


def test_no_group_is_smaller_than_asked_for_and_everybody_is_in_one() -> None:
    records = among(train(), made_up(train(), 4, 0, distance=50.0))
    assert kmeans(records, 5, 0).averaged == 1, "outliers get centroids of their own"
    found = kmeans(records, 5, 0, least=7)
    assert found.averaged >= 7
    assert sorted(np.concatenate(found.groups).tolist()) == list(range(len(records.labels)))
    fewest = min(int(records.labels.sum()), int((1 - records.labels).sum())) // 5
    assert kmeans(records, 5, 0, least=1000).averaged == fewest, "or as many as a class has for each"


def test_patients_of_equal_records_still_make_groups() -> None:
    records = train()
    alike = replace(records, values=np.zeros_like(records.values))
    with pytest.warns(match="distinct clusters"):
        assert kmeans(alike, 4, 0, least=3).averaged >= 3


def test_who_is_far_out_is_drawn_in_along_her_direction_and_most_stay_where_they_are() -> None:
    records = train()
    records.values[0] += 100
    near = drawn_in(records, 0.5)
    moved = (near != records.values).any(axis=(1, 2))
    for outcome in (0, 1):
        members = np.flatnonzero(records.labels == outcome)
        assert moved[members].mean() == pytest.approx(0.5, abs=0.03)
        centre = np.median(records.values[members], axis=0)
        distances = np.linalg.norm((near[members] - centre).reshape(len(members), -1), axis=1)
        assert distances.max() == pytest.approx(np.median(distances), rel=1e-2)
    centre = np.median(records.values[records.labels == records.labels[0]], axis=0)
    before, after = records.values[0] - centre, near[0] - centre
    assert after.ravel() @ before.ravel() / np.linalg.norm(after) / np.linalg.norm(before) == pytest.approx(1)


def test_one_patient_however_far_out_moves_no_record_by_much() -> None:
    records, options = train(), Options(min_patients=5)
    far = among(records, made_up(records, 1, 0, distance=1000.0))
    moved = [
        np.abs(make(far).values - make(records).values).max()
        for make in (lambda each: kmeans(each, 3, 0), lambda each: aggregates(each, 3, 0, options))
    ]
    assert moved[0] > 100 > 3 > moved[1]


def test_a_microaggregate_is_a_mean_and_noise_that_its_seed_decides() -> None:
    plain, quiet, loud = (aggregates(train(), 3, 7, Options(min_patients=5, noise=noise)) for noise in (0, 0.1, 2.0))
    near = drawn_in(train(), Options().clip_quantile)
    for value, group in zip(plain.values, plain.groups, strict=True):
        np.testing.assert_allclose(value, near[group].mean(axis=0), atol=1e-6)
    assert (loud.values - plain.values).std() == pytest.approx(2, rel=0.15)
    np.testing.assert_allclose(loud.values - plain.values, 20 * (quiet.values - plain.values), atol=1e-4)
    other = aggregates(train(), 3, 8, Options(min_patients=5, noise=2.0))
    assert abs(np.corrcoef((loud.values - plain.values).ravel(), other.values.ravel())[0, 1]) < 0.4


def test_labels_of_microaggregates_are_risks_of_the_patients_behind_them() -> None:
    found = microaggregation.condense(train(), REQUEST, Options())
    labels = found.condensed.labels
    assert ((labels > 0) & (labels < 1)).all() and labels[:3].max() < labels[3:].min()
    risks = risks_of(out_of_fold(train(), REQUEST.seed))
    groups = aggregates(train(), 3, REQUEST.seed, Options()).groups
    np.testing.assert_allclose(labels, [risks[group].mean() for group in groups], atol=1e-6)
    assert found.averaged == min(map(len, groups))


@pytest.mark.parametrize(
    ("initialisation", "fewest"), [("noise", None), ("random_records", 1), ("microaggregation", 13)]
)
def test_a_method_that_learns_says_how_many_patients_stood_behind_what_it_started_from(
    initialisation: str, fewest: int | None
) -> None:
    options = gradient_matching.Options(initialisation=initialisation, families=("rnn",))
    assert gradient_matching.condense(train(), REQUEST, options).averaged == fewest


def test_canaries_that_are_kept_are_found_and_those_that_left_no_trace_are_not() -> None:
    records, rng = cohort(300).labelled(), np.random.default_rng(0)
    members = rng.random((6, len(records.labels))) < 0.5
    planted = [of_shadow(records.part("train"), 3, index, seed=0)[0] for index in range(6)]
    kept = ShadowSets(
        np.stack([among(records.only(np.arange(5)), inside).values for inside in planted]),
        np.stack([among(records.only(np.arange(5)), inside).labels for inside in planted]),
        members,
    )
    nobody = [CondensedSet(rng.standard_normal((8, 4, 3)).astype(np.float32), kept.labels[0]) for _ in planted]
    hidden = ShadowSets(np.stack([one.values for one in nobody]), np.stack([one.labels for one in nobody]), members)
    made = {"canaries": 3, "seed": 0}
    found = found_canaries(records, kept, made, Params())
    assert found and found["condensed"]["auc"] > 0.99 and (found["planted"], found["shadows"]) == (3, 6)
    lost = found_canaries(records, hidden, made, Params())
    assert lost and lost["as_they_are"]["auc"] > 0.99
    assert lost["condensed"]["low"] < 0.5 < lost["condensed"]["high"]
    assert found_canaries(records, kept, {"canaries": 0, "seed": 0}, Params()) is None
