"""What a look at a cohort finds: planted faults, and nothing in real cohorts that are sound."""

import json
import re
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.common.records import Ingested, Variable
from tasks.common.target import Target
from tasks.ingestion.params import Params
from tasks.ingestion.read import ingest
from tasks.inspection.cohort import Cohort
from tasks.inspection.describe import variables
from tasks.inspection.inspection import inspect
from tasks.inspection.page import page
from tasks.inspection.units import two_groups
from tests.conftest import plant_sentinel
from tests.ingestion_fixtures import DATA, ROOT, needs_physionet2012
from tests.project import QUICK, SENTINELS, make_project

SOURCE = {"title": "a trial", "licence": "none", "url": "none", "citation": "none"}
TARGET = Target(label="death")
N = 300
GLUCOSE, WEIGHT, AGE = (
    Variable(name="glucose", label="glucose", unit="mg/dl", role="series", low=1, high=2500),
    Variable(name="weight", label="weight", unit="kg", role="series", low=20, high=400),
    Variable(name="age", label="age", unit="years", role="static", low=0, high=120),
)


def made(seed: int = 0) -> Cohort:
    """A sound cohort of `N` subjects, six measurements of two variables each, whose outcome is a coin's."""
    random = np.random.default_rng(seed)
    ids = [f"s{number}" for number in random.permutation(10_000)[:N]]
    subject, hours = np.repeat(np.arange(N), 6), np.tile(np.arange(6.0), N)
    level = {"glucose": random.normal(4.9, 0.2, N), "weight": random.normal(4.35, 0.22, N)}
    events = [
        pd.DataFrame(
            {
                "subject_id": np.array(ids)[subject],
                "hours": hours,
                "variable": name,
                "value": np.exp(mean[subject] + random.normal(0, 0.15, len(subject))).round(2),
            }
        )
        for name, mean in level.items()
    ]
    subjects = pd.DataFrame(
        {
            "subject_id": ids,
            "outcome": random.integers(0, 2, N).astype(float),
            "split": random.choice(["train", "validation", "test"], N),
            "age": random.normal(60, 12, N).round(1),
        }
    )
    aside = pd.DataFrame(columns=["unit", "reason", "file", "record", "line", "column"])
    counts = {"subjects": {"in": N + 1, "kept": N, "set_aside": {"no outcome": 1}}}
    cohort = Cohort(Ingested(events[0], subjects, (GLUCOSE, WEIGHT, AGE)), aside, counts, SOURCE, TARGET, 1.0, 6)
    return with_events(cohort, pd.concat(events))


def with_events(cohort: Cohort, events: pd.DataFrame, **changes) -> Cohort:
    place = pd.Index(cohort.records.subjects["subject_id"]).get_indexer(pd.Index(events["subject_id"]))
    events = events.iloc[np.lexsort((events["hours"], place))].reset_index(drop=True)
    return replace(cohort, records=replace(cohort.records, events=events, **changes))


def alarms(cohort: Cohort) -> dict[str, list[str]]:
    """What each check that found something suspects."""
    checks = inspect(cohort)["checks"]
    return {check["check"]: [alarm["what"] for alarm in check["alarms"]] for check in checks if check["alarms"]}


def of(cohort: Cohort, chosen) -> np.ndarray:
    """Which events are of the ``chosen`` subjects."""
    ids = cohort.records.subjects.loc[chosen, "subject_id"]
    return cohort.records.events["subject_id"].isin(ids).to_numpy()


def extra(cohort: Cohort, name: str, value, chosen=None, hours: float = 2.0, label: str = "") -> Cohort:
    """The cohort with one more variable, measured once in each of the ``chosen`` subjects."""
    ids = cohort.records.subjects["subject_id"].to_numpy()
    chosen = np.ones(len(ids), dtype=bool) if chosen is None else chosen
    rows = pd.DataFrame({"subject_id": ids, "hours": hours, "variable": name, "value": value})[chosen]
    known = (Variable(name=name, label=label or name, role="series"), *cohort.records.variables)
    return with_events(cohort, pd.concat([cohort.records.events, rows]), variables=known)


@pytest.mark.parametrize("seed", range(5))
def test_a_sound_cohort_raises_no_alarm(seed):
    assert alarms(made(seed)) == {}


# Leakage


def test_a_variable_that_gives_the_outcome_away_is_named():
    cohort = made()
    noise = np.random.default_rng(1).normal(0, 0.2, N)
    assert alarms(extra(cohort, "marker", cohort.outcome + noise)) == {
        "values that alone predict the outcome": ["marker"]
    }


def test_so_is_one_that_does_it_by_values_in_the_middle():
    cohort = made()
    away = np.random.default_rng(1).choice([-1.0, 1.0], N) * (1 - cohort.outcome)
    assert alarms(extra(cohort, "marker", away)) == {"values that alone predict the outcome": ["marker"]}


def test_a_leak_is_seen_in_a_static_too():
    cohort = made()
    cohort.records.subjects["age"] = 50 + 20 * cohort.outcome
    assert alarms(cohort) == {"values that alone predict the outcome": ["age"]}


def test_a_variable_that_is_measured_because_of_the_outcome_is_named():
    cohort = made()
    found = alarms(extra(cohort, "swab", 1.0, chosen=cohort.outcome == 1))
    assert found["missingness that alone predicts the outcome"][0] == "swab"
    assert "values that alone predict the outcome" not in found


def test_with_few_cases_a_perfect_prediction_is_no_suspicion():
    cohort = made()
    cohort.records.subjects["outcome"] = (np.arange(N) % 30 == 0).astype(float)
    assert alarms(extra(cohort, "marker", cohort.outcome)) == {}


def test_records_that_end_with_the_outcome_are_seen():
    cohort = made()
    events = cohort.records.events
    late = of(cohort, cohort.outcome == 1) & (events["hours"] > 3)
    assert "first and last hour" in alarms(with_events(cohort, events[~late]))["times that give the outcome away"]


def test_measurements_outside_the_steps_are_counted():
    assert alarms(extra(made(), "late", 1.0, hours=7.0)) == {"times that give the outcome away": ["hours"]}


def test_a_variable_named_like_an_outcome_is_named():
    found = alarms(extra(made(), "x1", 5.0, label="hospital_discharge status"))
    assert found == {"variables named like an outcome": ["x1"]}


@pytest.mark.parametrize("kind", ["sorted", "numbered", "lettered"])
def test_ids_that_predict_the_outcome_are_seen(kind):
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


# Units


def mix_up(cohort: Cohort, name: str, convert, share: float) -> Cohort:
    """As if every ``1 / share``-th subject's ``name`` had come from a hospital with another unit."""
    events = cohort.records.events.copy()
    elsewhere = of(cohort, np.arange(cohort.n_subjects) % round(1 / share) == 0) & (events["variable"] == name)
    events.loc[elsewhere, "value"] = convert(events.loc[elsewhere, "value"]).round(2)
    return with_events(cohort, events)


MIX_UPS = {
    "glucose in mmol/l": ("glucose", lambda x: x * 0.0555),
    "glucose ten times": ("glucose", lambda x: x * 10),
    "weight in pounds": ("weight", lambda x: x * 2.205),
    "weight in grams": ("weight", lambda x: x * 1000),
}


# A share of weights in pounds below a half looks like heavy people
SEEN = [(kind, share) for kind in MIX_UPS for share in (0.05, 0.2, 0.5) if kind != "weight in pounds" or share == 0.5]


@pytest.mark.parametrize(("kind", "share"), SEEN)
def test_two_units_in_one_column_are_seen(kind, share):
    name, convert = MIX_UPS[kind]
    assert alarms(mix_up(made(), name, convert, share)) == {"two units in one column": [name]}


@pytest.mark.parametrize(
    ("convert", "words"),
    [(lambda x: 1.8 * x + 32, "°F"), (lambda x: x * 10, "10"), (lambda x: x / 7.5, "kPa"), (lambda x: x / 88.4, "88")],
)
def test_the_conversion_is_named(convert, words):
    random = np.random.default_rng(0)
    value = random.normal(37, 0.7, 400)
    value[::8] = convert(value[::8])
    (conversion, share), *more = two_groups(np.arange(400), value)
    assert words in conversion and share == pytest.approx(1 / 8) and not more


def test_two_groups_without_a_known_conversion_or_of_a_score_are_no_suspicion():
    random = np.random.default_rng(0)
    value = random.normal(37, 0.7, 400)
    value[::8] *= 5
    assert list(two_groups(np.arange(400), value)) == []
    assert list(two_groups(np.arange(400), random.choice([0.5, 5.0], 400))) == []


def test_many_values_beyond_what_is_plausible_are_seen_and_few_are_not():
    cohort = made()
    for n, expected in ((60, {"variables with many values beyond what is plausible": ["glucose"]}), (10, {})):
        rows = pd.DataFrame({"unit": "measurements", "reason": "outside plausible range", "column": ["glucose"] * n})
        assert alarms(replace(cohort, aside=rows)) == expected


# Duplicates


def test_subjects_that_are_in_the_cohort_twice_are_seen_whatever_the_times_and_ids():
    cohort = made()
    events, subjects = cohort.records.events, cohort.records.subjects
    twins = subjects.iloc[:3].assign(subject_id=["x1", "x2", "x3"], outcome=1 - subjects["outcome"].iloc[:3])
    renamed = dict(zip(subjects["subject_id"], twins["subject_id"], strict=False))
    copies = events[of(cohort, np.arange(N) < 3)]
    copies = copies.assign(subject_id=copies["subject_id"].map(renamed), hours=copies["hours"] / 2)
    doubled = replace(cohort, records=replace(cohort.records, subjects=pd.concat([subjects, twins], ignore_index=True)))
    doubled = with_events(doubled, pd.concat([events, copies]))
    assert alarms(doubled) == {"subjects that are in the cohort twice": ["subject_id"]}
    seen = next(check for check in inspect(doubled)["checks"] if check["alarms"])["alarms"][0]["seen"]
    assert "6 subjects in 3 groups" in seen and "in 3 the outcomes differ" in seen


def test_subjects_with_few_values_may_agree_by_chance():
    cohort = made()
    few = cohort.records.events.drop_duplicates(["subject_id", "variable"]).assign(value=80.0)
    cohort.records.subjects["age"] = 60.0
    assert alarms(with_events(cohort, few)) == {}


# Figures


def test_no_figure_stands_for_fewer_than_ten_subjects():
    cohort = made()
    chosen = np.arange(N) < 9
    rare = next(row for row in variables(extra(cohort, "rare", 7.7531, chosen)) if row["variable"] == "rare")
    assert rare["subjects"] == 9 and rare["histogram"] is None
    assert set(rare["percentiles"].values()) == {None}
    value = np.where(chosen, 7777.5, np.arange(N))
    some = next(row for row in variables(extra(cohort, "some", value)) if row["variable"] == "some")
    assert some["percentiles"]["1"] is None and some["percentiles"]["99"] is None
    assert some["percentiles"]["95"] < N
    assert all(count is None or count >= 10 or count == 0 for count in some["histogram"]["counts"])


def test_shares_of_subjects_and_of_steps_are_those_of_the_grid():
    row = next(row for row in variables(extra(made(), "x", 1.0, np.arange(N) < N / 4)) if row["variable"] == "x")
    assert (row["share_of_subjects"], row["share_of_steps"]) == (0.25, round(1 / 24, 4))


def test_flow_adds_up_and_prevalence_is_given_by_split():
    found = inspect(made())
    assert found["flow"] == [{"unit": "subjects", "in": N + 1, "set_aside": {"no outcome": 1}, "kept": N}]
    parts = {row["split"]: row for row in found["prevalence"]}
    assert sum(parts[name]["subjects"] for name in ("train", "validation", "test")) == N == parts["all"]["subjects"]
    assert parts["all"]["with_outcome"] == made().outcome.sum()


def test_the_page_fetches_nothing_and_escapes_what_it_is_told():
    text = page("trial", inspect(extra(made(), "<script>x</script>", 1.0, label="a & b")))
    assert "<script" not in text and "&lt;script&gt;" in text and "a &amp; b" in text
    assert not re.search(r"https?://|src=|@import|url\(", text)
    assert text.count("<svg") == 3


# Real cohorts


def real(dataset: str, raw, options, step_hours: float, n_steps: int) -> Cohort:
    split = {"kind": "hashed", "validation": 0.2, "test": 0.3}
    records, attrition = ingest(
        ROOT, Params.model_validate({"dataset": dataset, "raw": str(raw), "split": split, "options": options})
    )
    return Cohort(records, attrition.rows(), attrition.summary(), SOURCE, TARGET, step_hours, n_steps)


@pytest.fixture(scope="module")
def icu() -> Cohort:
    return real("physionet2012", DATA / "physionet2012", {"sets": ["a"]}, 1, 48)


def test_the_trial_raises_no_alarm():
    assert alarms(real("pbcseq", ROOT / "data/1_raw/pbcseq", {}, 2190, 4)) == {}


@needs_physionet2012
def test_the_intensive_care_stays_raise_no_alarm(icu):
    assert alarms(icu) == {}


@needs_physionet2012
@pytest.mark.parametrize(
    ("name", "convert", "share"),
    [
        ("Glucose", lambda x: x * 0.0555, 0.05),
        ("Creatinine", lambda x: x * 88.4, 0.05),
        ("Temp", lambda x: 1.8 * x + 32, 0.05),
        ("PaCO2", lambda x: x / 7.5, 0.05),
        ("Weight", lambda x: x * 2.205, 0.5),
    ],
)
def test_units_mixed_up_in_real_values_are_seen(icu, name, convert, share):
    variable = next(one for one in icu.records.variables if one.name == name)
    subject, _, value = icu.measured(variable)
    mixed = np.where(subject % round(1 / share) == 0, convert(value), value)
    assert len(list(two_groups(subject, mixed, variable.unit))) == 1


# The command


@pytest.mark.slow
def test_inspect_ingests_first_and_leaves_a_page_that_no_one_publishes(tmp_path):
    project = make_project(tmp_path / "project", {"alpha": QUICK})
    plant_sentinel(project.root / "data/1_raw/pbcseq/pbcseq.csv")
    first = project.call("flows.cli", "inspect", "alpha")
    assert "Running" in first.stderr
    for words in ("262", "censored before the horizon", "prevalence", "albumin", "✓ no two units", "inspection.html"):
        assert words in first.stdout
    second = project.call("flows.cli", "inspect", "alpha", "--json")
    assert "Running" not in second.stderr
    found = json.loads(second.stdout)
    assert found["subjects"] == 262 and len(found["variables"]) == 15
    written = (project.root / "data/2_ingested/alpha/inspection.html").read_text()
    for text in (first.stdout, first.stderr, second.stdout, written):
        assert not [sentinel for sentinel in SENTINELS if sentinel in text]
    listed = subprocess.run(["git", "status", "--short", "-uall"], cwd=project.root, capture_output=True, text=True)
    assert "inspection.html" not in listed.stdout
    assert project.status("ingestion@alpha") == {}
    failed = project.call("flows.cli", "inspect", "nobody", check=False)
    assert failed.returncode == 1 and "no cohort 'nobody'" in failed.stderr
