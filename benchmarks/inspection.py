"""What `recondense inspect` finds of faults planted in PhysioNet 2012's set a, and what it suspects of sound cohorts.

    python -m benchmarks.inspection

A fault is found where the check that it is of names the variable that it is in; all other alarms are false ones.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.harness import DATA, header
from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest
from recondense.inspection.cohort import Cohort
from recondense.inspection.inspection import CHECKS
from recondense.records.cohort import Variable
from recondense.records.target import Target
from recondense.results.stages import Counts, counted

SPLIT = {"kind": "hashed", "validation": 0.2, "test": 0.3}
COHORTS: dict[str, tuple[str, str, dict[str, object], float, int]] = {
    "pbcseq": ("pbcseq", "pbcseq", {"landmark_days": 365, "horizon_days": 1826}, 2190.0, 4),
    "physionet2012, sets a and b": ("physionet2012", "physionet2012", {"sets": ["a", "b"]}, 1.0, 48),
    "mimic3 demo": ("mimic3", "mimic3-demo", {"edition": "demo"}, 1.0, 48),
    "coswara, open recordings": ("coswara", "coswara", {"outcome": "g"}, 2.7777778e-5, 96),
}
UNITS, MARKS, SAME = "two units in one column", "numbers that may stand for unknown", "two variables that say the same"
VALUES, LEVELS = "values that alone predict the outcome", "levels that give the outcome away"
EMPTY, PART = "variables without values, or with only one", "variables that only a part of the subjects could have"
Who = Callable[[pd.DataFrame, pd.DataFrame], NDArray[np.bool_]]  # which of some rows, by these and their subjects


def read(dataset: str, raw: str, options: dict[str, object], step_hours: float, n_steps: int) -> Cohort:
    """An open cohort as it is."""
    params = Params.model_validate({"dataset": dataset, "raw": str(DATA / raw), "split": SPLIT, "options": options})
    records, attrition = ingest(DATA, params)
    return Cohort(
        records, attrition.rows(), counted(attrition), {"title": raw}, Target(label="outcome"), step_hours, n_steps
    )


def some(share: float) -> Who:
    """Of so many subjects all rows."""
    return lambda rows, of: pd.util.hash_array(of["subject_id"].to_numpy(dtype=object)) % 1000 < 1000 * share


def scattered(share: float) -> Who:
    """So many rows."""
    return lambda rows, of: np.random.default_rng(0).random(len(rows)) < share


def icu(level: int) -> Who:
    """All rows of an intensive care unit's subjects."""
    return lambda rows, of: (of["icu_type"] == level).to_numpy()


def among(low: float, high: float) -> Who:
    """All rows of subjects from one place in the file to another, as shares of all."""
    return lambda rows, of: ((of["place"] >= low) & (of["place"] < high)).to_numpy()


def after(hour: float) -> Who:
    """All rows from an hour on."""
    return lambda rows, of: (rows["hours"] >= hour).to_numpy()


def filled(mark: float, values: np.ndarray) -> np.ndarray:
    """As many marks as there are ``values``."""
    return np.full(len(values), mark)


def changed(cohort: Cohort, name: str, who: Who, change: Callable[[NDArray[np.float64]], object]) -> Cohort:
    """``cohort`` with other values of one variable in some rows."""
    records = cohort.records
    subjects = records.subjects.assign(place=np.arange(len(records.subjects)) / len(records.subjects))
    if name in subjects:
        rows = subjects.assign(hours=0.0)
        chosen = who(rows, subjects) & subjects[name].notna().to_numpy()
        column = records.subjects[name].where(~chosen, change(records.subjects[name].to_numpy()))
        return replace(cohort, records=replace(records, subjects=records.subjects.assign(**{name: column})))
    events = records.events.copy()
    of_it = np.flatnonzero(events["variable"] == name)
    rows = events.iloc[of_it]
    place = pd.Index(subjects["subject_id"]).get_indexer(pd.Index(rows["subject_id"]))
    chosen = who(rows, subjects.iloc[place])
    value = events["value"].to_numpy(copy=True)
    value[of_it[chosen]] = change(value[of_it[chosen]])
    return replace(cohort, records=replace(records, events=events.assign(value=value)))


def copied(cohort: Cohort, name: str, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Cohort:
    """``cohort`` with a second variable that is made from the first."""
    of_it = cohort.records.events[cohort.records.events["variable"] == name]
    rows = of_it.assign(variable="planted", value=change(of_it["value"].to_numpy()))
    return series(cohort, rows)


def series(cohort: Cohort, rows: pd.DataFrame) -> Cohort:
    """``cohort`` with ``rows`` of one more variable."""
    place = pd.Index(cohort.records.subjects["subject_id"])
    events = pd.concat([cohort.records.events, rows])
    events = events.iloc[np.lexsort((events["hours"], place.get_indexer(pd.Index(events["subject_id"]))))]
    variables = (*cohort.records.variables, Variable(name="planted", label="planted", role="series"))
    return replace(cohort, records=replace(cohort.records, events=events.reset_index(drop=True), variables=variables))


def static(cohort: Cohort, column: Any, *levels: str) -> Cohort:
    """``cohort`` with one more static variable: binary, or of ``levels``."""
    kind = "categorical" if levels else "binary"
    variables = (
        *cohort.records.variables,
        Variable(name="planted", label="planted", role="static", kind=kind, levels=levels),
    )
    subjects = cohort.records.subjects.assign(planted=column)
    return replace(cohort, records=replace(cohort.records, subjects=subjects, variables=variables))


def faults(cohort: Cohort) -> list[tuple[str, str, str, Cohort]]:
    """Each fault in words, the check that it is of, the variable that it is in, and the cohort with it."""
    random, dead, n = np.random.default_rng(0), cohort.outcome == 1, cohort.n_subjects
    units: list[tuple[str, str, Who, Callable[[NDArray[np.float64]], object]]] = [
        ("glucose in mmol/l, 5 % of subjects", "Glucose", some(0.05), lambda x: (x / 18.02).round(1)),
        ("creatinine in µmol/l, one unit", "Creatinine", icu(1), lambda x: (x * 88.4).round()),
        ("°F from hour 24 on", "Temp", after(24), lambda x: (1.8 * x + 32).round(1)),
        ("kPa in the first 30 % of subjects", "PaCO2", among(0, 0.3), lambda x: (x / 7.501).round(1)),
        ("weight in lb, one unit", "Weight", icu(0), lambda x: (x * 2.205).round()),
        ("weight in lb, one value in ten", "Weight", scattered(0.1), lambda x: (x * 2.205).round(1)),
        ("bilirubin in µmol/l, one value in ten", "Bilirubin", scattered(0.1), lambda x: (x * 17.1).round(1)),
        ("haematocrit as a fraction, one unit", "HCT", icu(2), lambda x: (x / 100).round(3)),
        ("height in inches, 20 % of subjects", "height", some(0.2), lambda x: (x / 2.54).round(1)),
        ("platelets per µl, 10 % of subjects", "Platelets", some(0.1), lambda x: x * 1000),
        ("white cells per µl from hour 12 on", "WBC", after(12), lambda x: x * 1000),
        ("urea in mmol/l in the last 40 %", "BUN", among(0.6, 1), lambda x: (x / 2.801).round(1)),
        ("potassium ten times, 3 % of values", "K", scattered(0.03), lambda x: x * 10),
        ("mean pressure in kPa, 50 % of subjects", "MAP", some(0.5), lambda x: (x / 7.501).round(1)),
    ]
    marks: list[tuple[str, str, float, float]] = [
        ("lactate -9", "Lactate", 0.05, -9.0),
        ("platelets 999", "Platelets", 0.02, 999.0),
        ("glucose 0", "Glucose", 0.03, 0.0),
        ("temperature 99.9", "Temp", 0.01, 99.9),
        ("height -1", "height", 0.1, -1.0),
        ("alkaline phosphatase 9999", "ALP", 0.02, 9999.0),
        ("age 300", "age", 0.03, 300.0),
    ]
    few = cohort.records.subjects.loc[dead & (random.random(n) < 0.3), "subject_id"]
    train = cohort.records.subjects.loc[cohort.records.subjects["split"] == "train", "subject_id"]
    lab = {"hours": 1.0, "variable": "planted", "value": random.normal(size=n)}
    rows = pd.DataFrame({"subject_id": cohort.records.subjects["subject_id"], **lab})
    level = np.where(dead & (random.random(n) < 0.4), 2.0, random.integers(0, 2, n))
    early = {**cohort.counts, "visits": Counts(in_=100_000, kept=70_000, set_aside={"before time zero": 30_000})}
    pair = "planted"
    return [
        *((words, UNITS, name, changed(cohort, name, who, change)) for words, name, who, change in units),
        *(
            (words, MARKS, name, changed(cohort, name, scattered(share), partial(filled, mark)))
            for words, name, share, mark in marks
        ),
        ("potassium twice", SAME, pair, copied(cohort, "K", lambda x: x)),
        ("creatinine in both units", SAME, pair, copied(cohort, "Creatinine", lambda x: (x * 88.4).round())),
        ("female beside male", SAME, pair, static(cohort, 1 - cohort.records.subjects["male"])),
        ("a level and the same as yes or no", SAME, pair, static(cohort, cohort.records.subjects["icu_type"] == 2)),
        ("yes or no with an AUC of .94", VALUES, pair, static(cohort, np.where(random.random(n) < 0.06, ~dead, dead))),
        ("a level of dead only", LEVELS, pair, static(cohort, level, "home", "ward", "hospice")),
        ("a lab with an AUC of .93", VALUES, pair, series(cohort, rows.assign(value=rows["value"] + 2.1 * dead))),
        ("measured in dead only", PART, pair, series(cohort, rows[rows["subject_id"].isin(few)])),
        ("measured in train subjects only", PART, pair, series(cohort, rows[rows["subject_id"].isin(train)])),
        ("the same for all", EMPTY, pair, series(cohort, rows.assign(value=5.0))),
        ("never measured", EMPTY, pair, series(cohort, rows[:0])),
        ("rows before time zero", "rows outside the hours that are looked at", "visits", replace(cohort, counts=early)),
    ]


def alarms(cohort: Cohort) -> list[tuple[str, str, str]]:
    """Check, variable and words of each alarm."""
    return [(name, what, seen) for name, check in CHECKS.items() for what, seen in check(cohort)]


def main() -> None:
    """Print both tables."""
    header()
    for name, spec in COHORTS.items():
        found = alarms(read(*spec))
        print(f"{name}: {len(found)} alarms", *found, sep="\n    ")
    sound = read("physionet2012", "physionet2012", {"sets": ["a"]}, 1.0, 48)
    planted, n_found, n_false = faults(sound), 0, 0
    for words, check, name, cohort in planted:
        raised = alarms(cohort)
        right = [seen for of, what, seen in raised if of == check and name in what]
        n_found, n_false = n_found + bool(right), n_false + len(raised) - len(right)
        print(
            f"{'found' if right else 'MISSED':6} {words}",
            *right,
            *(f"also {one}" for one in raised if one[2] not in right),
            sep=" | ",
        )
    print(f"{n_found} of {len(planted)} faults found, {n_false} other alarms beside them")


if __name__ == "__main__":
    main()
