"""Small cohorts to look at: a sound one, and what makes it unsound."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest
from recondense.inspection.cohort import Cohort
from recondense.inspection.inspection import inspect
from recondense.records.cohort import Ingested, Variable
from recondense.records.target import Target
from recondense.results.stages import Counts, counted
from tests.support.paths import REAL_DATA, REPO

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
    counts = {"subjects": Counts(in_=N + 1, kept=N, set_aside={"no outcome": 1})}
    cohort = Cohort(Ingested(events[0], subjects, (GLUCOSE, WEIGHT, AGE)), aside, counts, SOURCE, TARGET, 1.0, 6)
    return with_events(cohort, pd.concat(events))


def with_events(cohort: Cohort, events: pd.DataFrame, **changes: Any) -> Cohort:
    place = pd.Index(cohort.records.subjects["subject_id"]).get_indexer(pd.Index(events["subject_id"]))
    events = events.iloc[np.lexsort((events["hours"], place))].reset_index(drop=True)
    return replace(cohort, records=replace(cohort.records, events=events, **changes))


def alarms(cohort: Cohort) -> dict[str, list[str]]:
    """What each check that found something suspects."""
    checks = inspect(cohort).checks
    return {look.check: [alarm.what for alarm in look.alarms] for look in checks if look.alarms}


def of(cohort: Cohort, chosen: np.ndarray) -> np.ndarray:
    """Which events are of the ``chosen`` subjects."""
    ids = cohort.records.subjects.loc[chosen, "subject_id"]
    return cohort.records.events["subject_id"].isin(ids).to_numpy()


def extra(
    cohort: Cohort, name: str, value: object, chosen: np.ndarray | None = None, hours: float = 2.0, label: str = ""
) -> Cohort:
    """The cohort with one more variable, measured once in each of the ``chosen`` subjects."""
    ids = cohort.records.subjects["subject_id"].to_numpy()
    chosen = np.ones(len(ids), dtype=bool) if chosen is None else chosen
    rows = pd.DataFrame({"subject_id": ids, "hours": hours, "variable": name, "value": value})[chosen]
    known = (Variable(name=name, label=label or name, role="series"), *cohort.records.variables)
    return with_events(cohort, pd.concat([cohort.records.events, rows]), variables=known)


def mix_up(cohort: Cohort, name: str, convert: Callable[[Any], Any], share: float) -> Cohort:
    """As if every ``1 / share``-th subject's ``name`` had come from a hospital with another unit."""
    events = cohort.records.events.copy()
    elsewhere = of(cohort, np.arange(cohort.n_subjects) % round(1 / share) == 0) & (events["variable"] == name)
    events.loc[elsewhere, "value"] = convert(events.loc[elsewhere, "value"]).round(2)
    return with_events(cohort, events)


def real(dataset: str, raw: Path, options: dict[str, Any], step_hours: float, n_steps: int) -> Cohort:
    split = {"kind": "hashed", "validation": 0.2, "test": 0.3}
    records, attrition = ingest(
        REPO, Params.model_validate({"dataset": dataset, "raw": str(raw), "split": split, "options": options})
    )
    return Cohort(records, attrition.rows(), counted(attrition), SOURCE, TARGET, step_hours, n_steps)


@cache
def icu() -> Cohort:
    """The first set of PhysioNet 2012."""
    return real("physionet2012", REAL_DATA / "physionet2012", {"sets": ["a"]}, 1, 48)
