"""What a look at a cohort finds: planted faults, and nothing in real cohorts that are sound."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recondense.inspection.describe import variables
from recondense.inspection.found import Flow
from recondense.inspection.inspection import inspect
from recondense.inspection.page import page
from tests.support.ingestion_fixtures import needs_physionet2012
from tests.support.inspection_fixtures import N, alarms, extra, icu, made, of, real, with_events
from tests.support.paths import REPO
from tests.support.project import QUICK, SENTINELS, make_project, plant_sentinel


@pytest.mark.parametrize("seed", range(5))
def test_a_sound_cohort_raises_no_alarm(seed: int) -> None:
    assert alarms(made(seed)) == {}


# Leakage


def test_a_variable_that_gives_the_outcome_away_is_named() -> None:
    cohort = made()
    noise = np.random.default_rng(1).normal(0, 0.2, N)
    assert alarms(extra(cohort, "marker", cohort.outcome + noise)) == {
        "values that alone predict the outcome": ["marker"]
    }


def test_so_is_one_that_does_it_by_values_in_the_middle() -> None:
    cohort = made()
    away = np.random.default_rng(1).choice([-1.0, 1.0], N) * (1 - cohort.outcome)
    assert alarms(extra(cohort, "marker", away)) == {"values that alone predict the outcome": ["marker"]}


def test_a_leak_is_seen_in_a_static_too() -> None:
    cohort = made()
    cohort.records.subjects["age"] = 50 + 20 * cohort.outcome
    assert alarms(cohort) == {"values that alone predict the outcome": ["age"]}


def test_a_variable_that_is_measured_because_of_the_outcome_is_named() -> None:
    cohort = made()
    found = alarms(extra(cohort, "swab", np.arange(N), chosen=cohort.outcome == 1))
    assert found["missingness that alone predicts the outcome"][0] == "swab"
    assert "values that alone predict the outcome" not in found


def test_with_few_cases_a_perfect_prediction_is_no_suspicion() -> None:
    cohort = made()
    cohort.records.subjects["outcome"] = (np.arange(N) % 30 == 0).astype(float)
    assert alarms(extra(cohort, "marker", cohort.outcome)) == {}


def test_records_that_end_with_the_outcome_are_seen() -> None:
    cohort = made()
    events = cohort.records.events
    late = of(cohort, cohort.outcome == 1) & (events["hours"] > 3)
    assert "first and last hour" in alarms(with_events(cohort, events[~late]))["times that give the outcome away"]


def test_measurements_outside_the_steps_are_counted() -> None:
    assert alarms(extra(made(), "late", np.arange(N), hours=7.0)) == {
        "rows outside the hours that are looked at": ["hours"]
    }


def test_a_variable_named_like_an_outcome_is_named() -> None:
    found = alarms(extra(made(), "x1", np.arange(N), label="hospital_discharge status"))
    assert found == {"variables named like an outcome": ["x1"]}


@pytest.mark.parametrize("kind", ["sorted", "numbered", "lettered"])
def test_ids_that_predict_the_outcome_are_seen(kind: str) -> None:
    cohort = made()
    subjects = cohort.records.subjects
    order = np.argsort(cohort.outcome, kind="stable") if kind == "sorted" else np.arange(N)
    ids = subjects["subject_id"].to_numpy()
    if kind == "numbered":
        ids = np.where(cohort.outcome == 1, "9", "1") + pd.Series(np.arange(1000, 1000 + N)).astype(str).to_numpy()
    if kind == "lettered":
        ids = np.where(cohort.outcome == 1, "case", "control") + pd.Series(np.arange(N)).astype(str).to_numpy()
    renamed = dict(zip(subjects["subject_id"], ids, strict=True))
    events = cohort.records.events.assign(subject_id=cohort.records.events["subject_id"].map(renamed))
    ordered = subjects.assign(subject_id=ids).iloc[order].reset_index(drop=True)
    changed = replace(cohort, records=replace(cohort.records, subjects=ordered))
    assert alarms(with_events(changed, events))["ids or an order that predict the outcome"]


# Duplicates


def test_subjects_that_are_in_the_cohort_twice_are_seen_whatever_the_times_and_ids() -> None:
    cohort = made()
    events, subjects = cohort.records.events, cohort.records.subjects
    twins = subjects.iloc[:3].assign(subject_id=["x1", "x2", "x3"], outcome=1 - subjects["outcome"].iloc[:3])
    renamed = dict(zip(subjects["subject_id"], twins["subject_id"], strict=False))
    copies = events[of(cohort, np.arange(N) < 3)]
    copies = copies.assign(subject_id=copies["subject_id"].map(renamed), hours=copies["hours"] / 2)
    doubled = replace(cohort, records=replace(cohort.records, subjects=pd.concat([subjects, twins], ignore_index=True)))
    doubled = with_events(doubled, pd.concat([events, copies]))
    assert alarms(doubled) == {"subjects that are in the cohort twice": ["subject_id"]}
    seen = next(look for look in inspect(doubled).checks if look.alarms).alarms[0].seen
    assert "6 subjects in 3 groups" in seen and "in 3 the outcomes differ" in seen


def test_subjects_with_few_values_may_agree_by_chance() -> None:
    cohort = made()
    few = cohort.records.events.drop_duplicates(["subject_id", "variable"]).assign(value=80.0)
    cohort.records.subjects["age"] = 60.0
    assert "subjects that are in the cohort twice" not in alarms(with_events(cohort, few))


# Figures


def test_no_figure_stands_for_fewer_than_ten_subjects() -> None:
    cohort = made()
    chosen = np.arange(N) < 9
    rare = next(row for row in variables(extra(cohort, "rare", 7.7531, chosen)) if row.variable == "rare")
    assert rare.subjects == 9 and rare.histogram is None
    assert set(rare.percentiles.values()) == {None}
    value = np.where(chosen, 7777.5, np.arange(N))
    some = next(row for row in variables(extra(cohort, "some", value)) if row.variable == "some")
    assert some.percentiles["1"] is None and some.percentiles["99"] is None
    assert (some.percentiles["95"] or N) < N and some.histogram
    assert all(count is None or count >= 10 or count == 0 for count in some.histogram.counts)


def test_shares_of_subjects_and_of_steps_are_those_of_the_grid() -> None:
    row = next(row for row in variables(extra(made(), "x", 1.0, np.arange(N) < N / 4)) if row.variable == "x")
    assert (row.share_of_subjects, row.share_of_steps) == (0.25, round(1 / 24, 4))


def test_flow_adds_up_and_prevalence_is_given_by_split() -> None:
    found = inspect(made())
    assert found.flow == (Flow(unit="subjects", in_=N + 1, set_aside={"no outcome": 1}, kept=N),)
    parts = {row.split: row for row in found.prevalence}
    assert sum(parts[name].subjects for name in ("train", "validation", "test")) == N == parts["all"].subjects
    assert parts["all"].with_outcome == made().outcome.sum()


def test_the_page_fetches_nothing_and_escapes_what_it_is_told() -> None:
    text = page("trial", inspect(extra(made(), "<script>x</script>", 1.0, label="a & b")))
    assert "<script" not in text and "&lt;script&gt;" in text and "a &amp; b" in text
    assert not re.search(r"https?://|src=|@import|url\(", text)
    assert text.count("<svg") == 3


# Real cohorts


def test_the_trial_raises_no_alarm() -> None:
    assert alarms(real("pbcseq", REPO / "data/1_raw/pbcseq", {}, 2190, 4)) == {}


@needs_physionet2012
def test_the_intensive_care_stays_raise_no_alarm() -> None:
    assert alarms(icu()) == {}


# The command


@pytest.mark.slow
def test_inspect_ingests_first_and_leaves_a_page_that_no_one_publishes(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", {"alpha": QUICK})
    plant_sentinel(project.root / "data/1_raw/pbcseq/pbcseq.csv")
    first = project.call("recondense.cli", "inspect", "alpha")
    assert "Running" in first.stderr
    for words in ("262", "censored before the horizon", "prevalence", "albumin", "✓ no two units", "inspection.html"):
        assert words in first.stdout
    second = project.call("recondense.cli", "inspect", "alpha", "--json")
    assert "Running" not in second.stderr
    found = json.loads(second.stdout)
    assert found["subjects"] == 262 and len(found["variables"]) == 15
    written = (project.root / "data/2_ingested/alpha/inspection.html").read_text()
    for text in (first.stdout, first.stderr, second.stdout, written):
        assert not [sentinel for sentinel in SENTINELS if sentinel in text]
    listed = subprocess.run(["git", "status", "--short", "-uall"], cwd=project.root, capture_output=True, text=True)
    assert "inspection.html" not in listed.stdout
    assert project.status("ingestion@alpha") == {}
    failed = project.call("recondense.cli", "inspect", "nobody", check=False)
    assert failed.returncode == 1 and "no cohort 'nobody'" in failed.stderr
