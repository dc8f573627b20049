"""From raw files to a cohort: one data set's reader, then the checks that all data sets share."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.cohorts import losses
from recondense.cohorts.drawn import drawn, tell_sizes
from recondense.cohorts.held_back import hold_back
from recondense.cohorts.ids import Ids
from recondense.cohorts.params import Params
from recondense.cohorts.parsed import Parsed
from recondense.cohorts.split import SiteSplit
from recondense.cohorts.withdrawal import read_list, withdraw
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.records.cohort import SPLITS, Ingested, Variable, classes_of


def ingest(
    root: Path, params: Params, *, outcome_required: bool = True, kept: Path | None = None, cohort: str | None = None
) -> tuple[Ingested, Attrition]:
    """The cohort that ``params`` describe, and the account of what was set aside.

    ``outcome_required=False`` reads new records, which may lack outcomes: those are NaN, and all are in the split
    "test", since nothing may be fitted on them. ``kept``: a folder for what was parsed, from which the next run takes
    whatever is not new (`recondense.cohorts.parsed`). ``cohort``: with whose releases held-out patients are compared
    (`recondense.cohorts.held_back`); None for records of which nothing is released. Raises `InputError` where files
    cannot be used, no subject is left, the cohort or one of its splits lacks one of the outcome's classes, or of what
    params declare nothing, or less than they accept, is in the files (`recondense.cohorts.losses`).
    """
    raw, dataset, options, attrition = root / params.raw, params.plugin(), params.plugin_options(), Attrition()
    parsed = Parsed(kept, set(read_list(raw)["record"]))
    variables = dataset.variables(options)
    uses: dict[str, Any] = {"parsed": parsed} if "parsed" in inspect.signature(dataset.read).parameters else {}
    if outcome_required and isinstance(params.split, SiteSplit):
        uses["site"] = params.split.column
    events, subjects = dataset.read(raw, options, attrition, outcome_required=outcome_required, **uses)
    # Drawn before anyone is taken out, so that a withdrawal moves nobody else into another part
    split = drawn(params.split, subjects, attrition) if outcome_required else np.full(len(subjects), "test")
    subjects["split"] = pd.Series(split, index=subjects.index, dtype="str")
    subjects = subjects.drop(columns="sites", errors="ignore")
    events, subjects = withdraw(raw, events, subjects, attrition, getattr(options, "ids", Ids()))
    patients = subjects.pop("patient_id") if "patient_id" in subjects else None
    subjects.insert(2, "split", subjects.pop("split"))
    if patients is not None:
        subjects.insert(3, "patient", patients.astype("str"))
    _check_subjects(subjects, attrition)
    read = losses.values_of(events, subjects, variables)
    events = plausible_events(events, variables, attrition)
    recorded = plausible_statics(subjects, variables, Attrition())  # accounted for below, of those who stay
    declared = "variables" in type(options).model_fields
    losses.tell_values(read, losses.values_of(events, recorded, variables), variables, attrition, declared)
    if any(variable.role == "series" for variable in variables):
        losses.tell_unmeasured(events, subjects, attrition, declared)
    if outcome_required:
        losses.check(attrition.notices, params.most_lost, params.accept)
    if cohort is not None:
        events, subjects = hold_back(root, cohort, events, subjects, recorded, attrition)
    subjects = plausible_statics(subjects, variables, attrition)
    attrition.kept("measurements", len(events))
    attrition.kept("subjects", len(subjects))
    if outcome_required:
        _check_outcomes(subjects, classes_of(variables) or ("no", "yes"), attrition)
        tell_sizes(params.split, subjects, attrition)
    parsed.discard_unused()
    return Ingested(events, subjects, variables), attrition


def plausible_events(events: pd.DataFrame, variables: tuple[Variable, ...], attrition: Attrition) -> pd.DataFrame:
    """Set aside events whose value is not finite or lies beyond its variable's range. Returns the others.

    >>> rate = Variable(name="HR", label="heart rate", role="series", low=0, high=350)
    >>> events = pd.DataFrame({"subject_id": "a", "hours": 0.0, "variable": "HR", "value": [73.0, 730.0]})
    >>> plausible_events(events, (rate,), counts := Attrition())["value"].tolist()
    [73.0]
    >>> counts.rows()["reason"].tolist()
    ['outside plausible range']
    """
    series = [variable for variable in variables if variable.role == "series"]
    low, high, whole = np.array([_bounds(variable) for variable in series]).reshape(-1, 3).T
    codes, found = pd.factorize(events["variable"])  # each name is looked up once
    code = pd.Index([variable.name for variable in series]).get_indexer(found)[codes]
    problems = _problems(events["value"].to_numpy(), low[code], high[code], whole[code] == 1)
    for reason, chosen in problems.items():
        gone = events[chosen].rename(columns={"subject_id": "record", "variable": "column"})
        attrition.set_aside_rows("measurements", reason, gone)
    kept: pd.DataFrame = events[~np.any(list(problems.values()), axis=0)].reset_index(drop=True)
    return kept


def plausible_statics(subjects: pd.DataFrame, variables: tuple[Variable, ...], attrition: Attrition) -> pd.DataFrame:
    """Set aside static values (unit "descriptors") beyond their variable's range: they become unknown, NaN."""
    subjects = subjects.copy()
    for variable in variables:
        if variable.role != "static":
            continue
        known = subjects[variable.name].notna().to_numpy()
        problems = _problems(subjects[variable.name].to_numpy(), *_bounds(variable))
        attrition.came_in("descriptors", int(known.sum()))
        for reason, chosen in problems.items():
            record = subjects.loc[known & chosen, "subject_id"].to_numpy()
            attrition.set_aside("descriptors", reason, len(record), column=variable.name, record=record)
            subjects.loc[known & chosen, variable.name] = np.nan
        attrition.kept("descriptors", int(subjects[variable.name].notna().sum()))
    return subjects


def _bounds(variable: Variable) -> tuple[float, float, bool]:
    """Least and greatest plausible value, and whether only whole numbers between them are."""
    if variable.kind == "numeric":
        low, high = -np.inf, np.inf
    else:
        low, high = 0, 1 if variable.kind == "binary" else len(variable.levels) - 1
    return (
        low if variable.low is None else variable.low,
        high if variable.high is None else variable.high,
        variable.kind != "numeric",
    )


def _problems(
    value: NDArray[np.float64],
    low: NDArray[np.float64] | float,
    high: NDArray[np.float64] | float,
    whole: NDArray[np.bool_] | bool,
) -> dict[str, NDArray[np.bool_]]:
    finite = np.isfinite(value)
    outside = finite & ((value < low) | (value > high) | (whole & (value != np.round(value))))
    return {"not finite": ~finite, "outside plausible range": outside}


def _check_subjects(subjects: pd.DataFrame, attrition: Attrition) -> None:
    if subjects.empty:
        rows = attrition.rows()
        lost = rows[rows["unit"] != "measurements"].groupby(["unit", "reason"])["count"].sum()
        counts = lost.sort_values(ascending=False)
        pairs = zip(counts.index, counts, strict=True)
        account = "; ".join(f"{unit}, {reason}: {count}" for (unit, reason), count in pairs)
        told = "".join(f". {notice.text}" for notice in attrition.notices)
        raise InputError(
            f"no subject is left ({account or 'the raw files hold none'}): mend the raw files or the options{told}"
        )
    if subjects["subject_id"].duplicated().any():
        raise InputError("several subjects share one id in the raw files: give each its own")


def _check_outcomes(subjects: pd.DataFrame, classes: Sequence[str], attrition: Attrition) -> None:
    told = "".join(f". {notice.text}" for notice in attrition.notices if notice.name == losses.OUTCOME)
    if subjects["outcome"].nunique() < 2:
        raise InputError(
            "all subjects have the same outcome, so that there is nothing to predict: mend the raw files or the "
            f"options{told}"
        )
    found = subjects.groupby("split")["outcome"].nunique().reindex(list(SPLITS), fill_value=0)
    if (found < len(classes)).any():
        which = "one of the two outcomes" if len(classes) == 2 else f"one of the classes {', '.join(classes)}"
        raise InputError(
            f"the {found.idxmin()} split lacks subjects of {which}: "
            f"use a larger cohort, or another fraction or seed for the split{told}"
        )
