"""The library from a program of one's own: cohorts from arrays, audits of any tables, bundles."""

import shutil
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

import recondense as rc
from recondense.records.cohort import SPLITS, Split
from recondense.results.attacks import OnMembers
from recondense.stages.layout import Layout
from tests.support.stranger import alone

RNG = np.random.default_rng(0)
N = 60
LABELS = np.arange(N) % 2
VALUES = RNG.normal(size=(N, 4, 3)) + LABELS[:, None, None]
QUICK: dict[str, Any] = {"attacks": ["nearest_record", "linkability"]}


def table(n: int, seed: int) -> pd.DataFrame:
    """People of a table: a number, a number with gaps, a level, and an outcome."""
    rng = np.random.default_rng(seed)
    found = pd.DataFrame({"age": rng.normal(60, 10, n), "lab": rng.normal(3, 1, n), "sex": rng.choice(["f", "m"], n)})
    found.loc[rng.random(n) < 0.2, "lab"] = np.nan
    return found.assign(event=rng.integers(0, 2, n))


def test_arrays_come_onto_the_scale_of_the_train_split_and_gaps_are_filled() -> None:
    gappy = VALUES * 7 + 100
    gappy[3, 0, 0] = gappy[4, 2, 1] = np.nan
    cohort = rc.Cohort(gappy, LABELS, 0.2)
    train = cohort.part("train")
    assert np.isfinite(cohort.values).all() and not cohort.observed[3, 0, 0] and cohort.observed[3, 1, 0]
    assert abs(train.values.mean()) < 0.5 and 0.5 < train.values.std() < 2, "rounded as a release's scale is"
    np.testing.assert_allclose(cohort.values[4, 2, 1], cohort.values[4, 1, 1], err_msg="the last value is carried on")
    back = cohort.clinical(rc.CondensedSet(train.values, train.labels))
    assert 90 < back["value"].mean() < 115, "in the units that the arrays came in"


def test_a_fraction_holds_out_patients_whole_and_each_class_in_each_split() -> None:
    patient = np.arange(N) // 2
    cohort = rc.Cohort(VALUES, LABELS, 0.25, patient=patient)
    for name in get_args(Split):
        assert set(cohort.part(name).labels.tolist()) == {0.0, 1.0}
    assert pd.Series(cohort.split).groupby(patient).nunique().max() == 1
    assert (cohort.split == "test").sum() == (cohort.split == "validation").sum() == 16


def test_names_of_three_classes_become_labels_in_their_order() -> None:
    names = np.array(["home", "dead", "moved"])[np.arange(N) % 3]
    cohort = rc.Cohort(VALUES[:, 0], names, 0.3)
    assert cohort.preprocessing.classes == ("dead", "home", "moved")
    assert cohort.values.shape == (N, 1, 3) and cohort.labels[1].tolist() == [1, 0, 0]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a label too few": ({"labels": LABELS[1:]}, "one for each of 60 records"),
    "one dimension": ({"values": VALUES[:, 0, 0]}, r"shape \(60,\)"),
    "four dimensions": ({"values": VALUES[None]}, "give \\(records, steps, features\\)"),
    "no records": ({"values": VALUES[:0], "labels": LABELS[:0]}, "none of them 0"),
    "words": ({"values": np.full((N, 2), "high")}, "numbers alone"),
    "infinite": ({"values": np.full(VALUES.shape, np.inf)}, "720 numbers are infinite"),
    "one class": ({"labels": np.zeros(N)}, "1 different values"),
    "two words": ({"labels": np.where(LABELS, "yes", "no")}, "write 1 where the event was"),
    "a label of each": ({"labels": np.arange(N) * 1.5}, "60 classes among 60 records"),
    "unknown split": ({"split": ["train"] * 59 + ["holdout"]}, "one of train, validation, test"),
    "all train": ({"split": ["train"] * N}, "the validation split has no record"),
    "too large a fraction": ({"split": 0.5}, "split"),
    "a patient in two splits": (
        {"split": np.array(SPLITS)[np.arange(N) // 2 % 3], "patient": np.zeros(N)}, "several splits",
    ),
    "patients of others": ({"patient": np.zeros(N - 1)}, "patient has the shape"),
    "a name too few": ({"features": ["a", "b"]}, "give 3 names"),
    "a name twice": ({"features": ["a", "b", "a"]}, "each another"),
}  # fmt: skip


@pytest.mark.parametrize("change, said", WRONG.values(), ids=WRONG)
def test_arrays_that_do_not_fit_are_refused_and_the_message_says_what_to_give(
    change: dict[str, Any], said: str
) -> None:
    given: dict[str, Any] = {"values": VALUES, "labels": LABELS, "split": 0.2, **change}
    with pytest.raises(rc.InputError, match=said):
        rc.Cohort(**given)


@pytest.mark.parametrize("seed", range(20))
def test_random_arrays_make_a_finite_cohort_or_are_refused_in_words(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = rng.integers(0, 30, rng.integers(1, 5))
    values = rng.choice([np.nan, 0.0, 1e30, -3.0, 5e-324], shape)
    labels = rng.choice([0.0, 1.0, np.nan], rng.integers(0, 30) if rng.random() < 0.3 else shape[0])
    try:
        cohort = rc.Cohort(values, labels, float(rng.choice([0.0, 0.2, 0.4, 1.0])))
    except rc.InputError as error:
        assert len(str(error)) > 20
    else:
        assert np.isfinite(cohort.values).all() and len(cohort) == len(labels)


def test_condensing_is_equal_for_equal_seeds_and_refuses_what_spends_a_budget() -> None:
    cohort = rc.Cohort(VALUES, LABELS, 0.2)
    found = [rc.condense(cohort, "kmeans", 3, seed=seed) for seed in (1, 1, 2)]
    assert found[0].values.shape == (6, 4, 3)
    np.testing.assert_array_equal(found[0].values, found[1].values)
    assert not np.array_equal(found[0].values, found[2].values)
    with pytest.raises(rc.InputError, match="recondense init"):
        rc.condense(cohort, "private_statistics")
    with pytest.raises(rc.InputError, match="ask for at most 18"):
        rc.condense(cohort, "kmeans", 50)
    with pytest.raises(rc.InputError, match=r"condense\.options\.unrolled\.nonsense"):
        rc.condense(cohort, options={"nonsense": 1})


def test_an_evaluation_has_baselines_and_all_real_records_beside_the_condensed_set() -> None:
    cohort = rc.Cohort(VALUES, LABELS, 0.2)
    found = rc.evaluate(
        rc.condense(cohort, "kmeans", 3), cohort, networks=["logistic_regression"], bootstrap=100, all_real_steps=1
    )
    assert {"condensed", "all_real", "random_records", "kmeans", "kmeans_soft"} <= set(found.frame.index)
    assert (found.frame["auc_low"] <= found.frame["auc"]).all() and found.scores.test_auc["condensed"].mean > 0.7
    assert "condensed" in repr(found)
    with pytest.raises(rc.InputError, match="3 features"):
        rc.evaluate(rc.condense(cohort, "kmeans", 3), rc.Cohort(VALUES[:, :, :2], LABELS, 0.2))


def test_a_table_that_copies_members_is_found_and_one_of_strangers_is_not() -> None:
    members, others, strangers = table(200, 1), table(200, 2), table(100, 3)
    copied = rc.audit(members.head(100), members=members, others=others, outcome="event", attacks=["nearest_record"])
    assert copied.verdict == "succeeded"
    fresh = rc.audit(strangers, members=members, others=others, outcome="event", attacks=["nearest_record"])
    assert fresh.verdict != "succeeded"
    row: Any = copied.frame.loc["nearest_record"]
    assert row["value"] > 0.7 > row["baseline"] and row["negative_control"] < 0.6 and row["finds_real_records"]


def test_gaps_levels_and_what_was_not_run_are_said_without_a_value_of_anybody() -> None:
    synthetic = table(40, 3).assign(sex="unheard-of", age=97.125)
    report = rc.audit(synthetic, members=table(60, 1), others=table(60, 2), **QUICK)
    notes = " ".join(report.notes)
    assert "40 of 40 synthetic records have a level that no real record has" in notes
    assert "gaps were filled with the median" in notes
    assert "unheard-of" not in notes and "97.125" not in notes
    assert list(report.terms.index) == ["membership", "linkability"]
    everything = rc.audit(synthetic, members=table(60, 1), others=table(60, 2), attacks=None)
    assert "loss_membership" in everything.notes[-1] and "lira_online" in everything.notes[-1]


def test_the_scale_of_an_audit_is_that_of_real_records_and_orders_of_columns_do_not_matter() -> None:
    members, others, synthetic = (table(50, seed).drop(columns=["sex", "lab", "event"]) for seed in (1, 2, 3))
    both: dict[str, Any] = {
        "members": members.assign(b=members["age"] * 2),
        "others": others.assign(b=others["age"] * 2),
    }
    given = synthetic.assign(b=synthetic["age"] * 2)
    first = rc.audit(given, **both, attacks=["nearest_record"])
    second = rc.audit(given[["b", "age"]], **both, attacks=["nearest_record"])
    assert first.audit == second.audit
    third = rc.audit(given * 1000, members=both["members"] * 1000, others=both["others"] * 1000,
                     attacks=["nearest_record"])  # fmt: skip
    assert float(third.frame["value"].iloc[0]) == pytest.approx(float(first.frame["value"].iloc[0]), abs=0.01)


REFUSED = {
    "a column too few": (lambda t: {"synthetic": t.drop(columns="age")}, "synthetic: there is no column 'age'"),
    "a column too many": (lambda t: {"others": t.assign(extra=1)}, "others: members have no column 'extra'"),
    "text for numbers": (lambda t: {"synthetic": t.assign(age="old")}, "numbers in one table and text in another"),
    "ids": (lambda t: {"members": t.assign(sex=[f"p{i}" for i in range(len(t))])}, "ids or free text"),
    "infinite": (lambda t: {"members": t.assign(age=np.inf)}, "infinite"),
    "no rows": (lambda t: {"synthetic": t.head(0)}, "has no rows"),
    "few people": (lambda t: {"others": t.head(5)}, "others: give at least 8 records of each class"),
    "members for others": (lambda t: {"others": t}, "have the very record of a member"),
    "arrays among frames": (lambda t: {"others": np.zeros((9, 4))}, "three data frames, three arrays"),
}


@pytest.mark.parametrize("change, said", REFUSED.values(), ids=REFUSED)
def test_tables_that_cannot_be_compared_are_refused_and_the_message_says_why(change: Any, said: str) -> None:
    members = table(60, 1)
    given = {"synthetic": table(40, 3), "members": members, "others": table(60, 2), **change(members)}
    with pytest.raises(rc.InputError, match=said):
        rc.audit(given.pop("synthetic"), **given, **QUICK)


def test_arrays_are_audited_and_attacks_with_shadows_are_sent_to_a_project() -> None:
    parts: dict[str, Any] = {"members": VALUES[:30], "others": VALUES[30:]}
    assert list(rc.audit(VALUES[:20], **parts, attacks=["nearest_record"]).frame["figure"]) == ["AUC"]
    with pytest.raises(rc.InputError, match="recondense run"):
        rc.audit(VALUES[:20], **parts, attacks=["lira_online"])
    with pytest.raises(rc.InputError, match="there is no 'nonesuch'"):
        rc.audit(VALUES[:20], **parts, attacks=["nonesuch"])
    with pytest.raises(rc.InputError, match="same steps and features"):
        rc.audit(VALUES[:20, :2], **parts)


def test_an_audit_of_a_condensed_set_takes_the_train_split_for_members_and_finds_real_records() -> None:
    cohort = rc.Cohort(VALUES, LABELS, 0.3)
    condensed = rc.condense(cohort, "random_records", 4)
    report = rc.audit(condensed, members=cohort.part("train"), others=cohort.part("test"), attacks=["nearest_record"])
    train = cohort.normalised.part("train")
    attack = report.audit.attacks["nearest_record"]
    assert isinstance(attack, OnMembers) and attack.n_members == len(train.labels)
    assert attack.verdict == "succeeded" or attack.positive_control.detected, "real records are found"
    with pytest.raises(rc.InputError, match="give parts of that cohort"):
        rc.audit(condensed, members=VALUES, others=VALUES)


def test_a_bundle_gives_the_risks_that_its_own_programs_give(small: Layout, tmp_path: Path) -> None:
    folder = small.folder("release")
    events = pd.DataFrame(
        {"subject": ["a", "a", "b", "c"], "hours": [0.0, 24, 12.5, 8000], "value": [14.5, 2.6, 0.8, 77.1],
         "variable": ["bili", "albumin", "bili", "ast"]}
    )  # fmt: skip
    subjects = pd.DataFrame({"subject": ["a", "b", "c"], "age": [58.765, 41, None], "female": ["f", "m", "f"]})
    events.to_csv(tmp_path / "events.csv", index=False)
    subjects.to_csv(tmp_path / "subjects.csv", index=False)
    assert alone(folder / "quickstart.py", folder=tmp_path).returncode == 0
    done = alone(folder / "apply.py", "--events", "events.csv", "--subjects", "subjects.csv", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    bundle = rc.Bundle(folder)
    with pytest.warns(UserWarning, match="trt .* filled in for all"):
        found = bundle.risks(events, subjects)
    pd.testing.assert_frame_equal(found, pd.read_csv(tmp_path / "risks.csv"), rtol=1e-6)
    assert len(bundle.records) == bundle.condensed.values.size
    assert bundle.metrics.test_auc["condensed"].mean > 0


def test_a_bundle_that_was_changed_gives_no_risks(small: Layout, tmp_path: Path) -> None:
    shutil.copytree(small.folder("release"), tmp_path / "bundle")
    (tmp_path / "bundle/recipe.json").write_text("{}")
    bundle = rc.Bundle(tmp_path / "bundle")
    with pytest.raises(rc.InputError, match=r"recipe\.json has the listed SHA-256"):
        bundle.verify()
    with pytest.raises(rc.InputError, match="do not use this bundle"):
        bundle.risks(None, pd.DataFrame({"subject": ["a"]}))
    with pytest.raises(rc.InputError, match="name the folder of a bundle"):
        rc.Bundle(tmp_path)
