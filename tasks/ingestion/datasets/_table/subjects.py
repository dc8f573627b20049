"""Who is in the cohort: statics, outcome, and the span of time in which measurements count."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.common.attrition import Attrition
from tasks.common.cells import Cells, numbers, places, values
from tasks.ingestion.datasets._table import losses
from tasks.ingestion.datasets._table.files import Rows
from tasks.ingestion.datasets._table.moments import finite, moments
from tasks.ingestion.datasets._table.options import HOURS, Declared, Options
from tasks.ingestion.datasets._table.places import Subjects, Tabular

UNIT = "subject rows"
OTHER = -1.0  # an outcome or status that is not declared


def needed(options: Options, outcome_required: bool) -> tuple[dict[str, str], list[str]]:
    """The subjects' columns, each with the option that names it; and those that new records may lack."""
    columns: dict[str, str] = {}
    for name, variable in options.variables.items():
        if variable.role == "static":
            columns[variable.column or name] = f"options.variables.{name}"
    if options.time and options.time.zero:
        columns[options.time.zero] = "options.time.zero"
    if options.time and isinstance(options.time.until, str):
        columns[options.time.until] = "options.time.until"
    if options.subjects and options.subjects.patient:
        columns[options.subjects.patient] = "options.subjects.patient"
    outcome = {}
    if options.outcome:
        outcome[options.outcome.column] = "options.outcome.column"
    if options.landmark:
        outcome[options.landmark.time] = "options.landmark.time"
        outcome[options.landmark.status] = "options.landmark.status"
    return ({**columns, **outcome}, []) if outcome_required else (columns, list(outcome))


def judge(
    rows: Rows, table: Tabular, options: Options, attrition: Attrition, outcome_required: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All subjects that the rows name, in their order, and those that are kept.

    All: index the id; ``zero`` and ``until`` in hours (see `options.Time`), ``reason`` why the subject is set aside, or
    "". Kept: ``subject_id``, ``outcome`` and statics. A cell that can't be read is set aside (unit "descriptors") and
    counts as blank; rows of one subject complete each other, and where they contradict each other it is set aside.
    """
    said = _values(rows, table, options, attrition)
    ids = rows.cells[table.subject]
    by_subject = said.groupby(ids, sort=False)
    found, contradictory = by_subject.first(), (by_subject.nunique() > 1).any(axis=1)
    zero = found["time zero"].to_numpy(dtype=np.float64) if "time zero" in found else np.zeros(len(found))
    outcome, until, problems = _judged(found, zero, options, outcome_required)
    problems = {"rows of one subject contradict each other": contradictory.to_numpy(dtype=bool), **problems}
    reason = np.select(list(problems.values()), list(problems), "").astype(object)
    if isinstance(table, Subjects) and table.patient and table.use != "all":
        _one_a_patient(reason, found["patient"].to_numpy(dtype=float), zero, table.use)
    attrition.came_in("subjects", len(found))
    for problem, gone in found.groupby(reason):
        if problem:
            names = gone.index.to_numpy()
            attrition.set_aside("subjects", str(problem), len(gone), file=rows.name, record=names)
    everyone = pd.DataFrame({"zero": zero, "until": until, "reason": reason}, index=found.index)
    columns = {f"static {name}": name for name, variable in options.variables.items() if variable.role == "static"}
    subjects = found[list(columns)].rename(columns=columns)
    subjects.insert(0, "subject_id", found.index.astype("str"))
    subjects.insert(1, "outcome", outcome)
    if isinstance(table, Subjects) and table.patient:
        subjects["patient_id"] = _patients(rows.cells, table, table.patient).groupby(ids, sort=False).first()
    return everyone, subjects[reason == ""].reset_index(drop=True)


def _values(rows: Rows, table: Tabular, options: Options, attrition: Attrition) -> pd.DataFrame:
    """All that is used of the rows as numbers, NaN where blank; the index is that of the rows."""
    cells, time, ids = rows.cells, options.time, rows.cells[table.subject]
    result: dict[str, NDArray[np.float64]] = {}

    def take(name: str, column: str, reason: str, read: Callable[[Cells], NDArray[np.float64]]) -> None:
        result[name] = read(cells[column])
        gone = (cells[column] != "").to_numpy(dtype=bool) & np.isnan(result[name])
        attrition.came_in("descriptors", int(gone.sum()))
        attrition.set_aside(
            "descriptors",
            reason,
            int(gone.sum()),
            file=rows.name,
            record=ids[gone].to_numpy(),
            line=cells.index[gone].to_numpy(),
            column=column,
        )

    def take_time(name: str, column: str) -> None:
        what = "timestamp" if time and time.timestamps else "number"
        if time and time.timestamps:
            take(name, column, "not a timestamp", lambda words: moments(words, time.format, column))
        else:
            unit = HOURS[time.unit] if time else 1.0
            take(name, column, "not a number", lambda words: finite(numbers(words, table.decimal)) * unit)
        garbled = (cells[column] != "").to_numpy(dtype=bool) & np.isnan(result[name])
        losses.tell_times(rows, column, garbled, what, attrition)

    for name, variable in options.variables.items():
        if variable.role == "static":
            reason, column = "not a number" if variable.kind == "numeric" else "unknown level", variable.column or name
            take(f"static {name}", column, reason, reader(variable, table.decimal))
            losses.tell_cells(rows.name, name, variable, cells[column], result[f"static {name}"], attrition)
    if time and time.zero:
        take_time("time zero", time.zero)
    if time and isinstance(time.until, str):
        take_time("until", time.until)
    if options.landmark:
        rule = options.landmark
        take_time("end of follow-up", rule.time)
        result["outcome"] = _declared(cells[rule.status], rule.levels)
        losses.tell_outcome(rows.name, rule.status, cells[rule.status], rule.levels, attrition)
    if options.outcome:
        column, classes = options.outcome.column, options.outcome.levels
        result["outcome"] = _declared(cells[column], classes)
        losses.tell_outcome(rows.name, column, cells[column], classes, attrition)
    if isinstance(table, Subjects) and table.patient:
        result["patient"] = pd.factorize(_patients(cells, table, table.patient))[0].astype(float)
    return pd.DataFrame(result, index=cells.index)


def _patients(cells: pd.DataFrame, table: Subjects, column: str) -> Cells:
    """Whose each row is; an unknown patient is one of his own."""
    named: Cells = cells[column].where(cells[column] != "", "subject " + cells[table.subject])
    return named


def reader(variable: Declared, decimal: str) -> Callable[[Cells], NDArray[np.float64]]:
    """How the cells of a variable are read."""
    declared = variable.model_dump()
    return lambda words: values(words, declared, decimal)


def _declared(cells: Cells, classes: Sequence[tuple[str, ...]]) -> NDArray[np.float64]:
    """The place of the class whose levels each cell is among, `OTHER` where it is among none."""
    of_level = np.repeat(np.arange(len(classes), dtype=float), [len(levels) for levels in classes])
    place = places(cells, [level for levels in classes for level in levels])
    known = ~np.isnan(place)
    found = np.where((cells != "").to_numpy(dtype=bool), OTHER, np.nan)
    found[known] = of_level[place[known].astype(np.int64)]
    return found


def _judged(
    found: pd.DataFrame, zero: NDArray[np.float64], options: Options, outcome_required: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], dict[str, NDArray[np.bool_]]]:
    """Outcome, end of the span in hours since time zero, and why subjects cannot stay. Landmark rule: van Houwelingen,
    Scandinavian Journal of Statistics 2007;34:70-85."""
    given, time = found["outcome"].to_numpy(dtype=float), options.time
    unit = HOURS[time.unit] if time else 1.0
    problems: dict[str, NDArray[np.bool_]] = {"no time zero": np.isnan(zero)}
    if options.landmark:
        rule = options.landmark
        until = np.full(len(found), rule.at * unit)
        end, event = found["end of follow-up"].to_numpy(dtype=float) - zero, given > 0
        horizon = (rule.at + rule.horizon) * unit
        outcome = np.select([event & (end <= horizon), end > horizon], [given, 0.0], np.nan)
        unknown = np.isnan(outcome) & outcome_required
        problems |= {
            "outcome before the landmark": event & (end <= until),
            "follow-up ended before the landmark": end <= until,
            "no outcome": unknown & (np.isnan(end) | np.isnan(given)),
            "status declared neither event nor censored": (given == OTHER) & outcome_required,
            "censored before the horizon": unknown,
        }
        outcome[given == OTHER] = np.nan
    else:
        until = np.full(len(found), np.inf)
        if time and isinstance(time.until, str):
            until = found["until"].to_numpy(dtype=float) - zero
            problems["no landmark"] = np.isnan(until)
        elif time and time.until is not None:
            until = np.full(len(found), float(time.until) * unit)
        outcome = np.where(given == OTHER, np.nan, given)
        ways = "in none of the classes" if options.classes else "declared neither positive nor negative"
        problems[f"outcome {ways}"] = (given == OTHER) & outcome_required
        problems["no outcome"] = np.isnan(outcome) & outcome_required
    return outcome, until, problems


def _one_a_patient(
    reason: NDArray[np.object_], patient: NDArray[np.float64], zero: NDArray[np.float64], use: Literal["first", "last"]
) -> None:
    """Of each patient's subjects that would stay, all but the first or last get a reason to go."""
    staying = np.flatnonzero(reason == "")
    order = staying[np.lexsort((staying, zero[staying]))]
    order = order if use == "first" else order[::-1]
    reason[order[pd.Series(patient[order]).duplicated().to_numpy()]] = "another subject of the same patient is used"
