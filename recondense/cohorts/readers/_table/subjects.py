"""Who is in the cohort: statics, outcome, and the span of time in which measurements count."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.cohorts.readers._table import losses
from recondense.cohorts.readers._table.files import Rows
from recondense.cohorts.readers._table.moments import Clock
from recondense.cohorts.readers._table.options import HOURS, Declared, Options, Time
from recondense.cohorts.readers._table.places import Subjects, Tabular
from recondense.cohorts.readers._table.values import read_values
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.records.cells import Cells, places

UNIT = "subject rows"
OUTCOMES = "outcome rows"
OTHER = -1.0  # an outcome or status that is not declared


def needed(options: Options, site: str | None) -> dict[str, str]:
    """The subjects' columns but for those of the outcome, each with the option that names it."""
    columns = {variable.column or name: f"options.variables.{name}" for name, variable in options.statics.items()}
    others = {
        "options.time.zero": options.time and options.time.column_of_zero,
        "options.time.until": options.time and options.time.column_of_until,
        "options.subjects.patient": options.subjects and options.subjects.patient,
        "split.column": site,
    }
    return columns | {column: option for option, column in others.items() if column}


def of_outcome(options: Options) -> dict[str, str]:
    """The columns of the outcome, each with the option that names it."""
    if rule := options.landmark:
        return {rule.time: "options.landmark.time", rule.status: "options.landmark.status"}
    return {_status(options)[0]: "options.outcome.column"}


@dataclass(frozen=True)
class People:
    """The table that says who is in the cohort, and the one that says what became of them, the same one or another;
    None where nobody knows. ``site``: the column that tells where each was treated, where a split asks."""

    rows: Rows
    table: Tabular
    outcomes: tuple[Rows, Tabular] | None
    site: str | None = None

    @property
    def ids(self) -> Cells:
        """The subject of each row."""
        return self.rows.cells[self.table.subject]


def judge(
    people: People,
    options: Options,
    clock: Clock | None,
    attrition: Attrition,
    outcome_required: bool,
    first: "pd.Series[float] | None",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All subjects that the rows name, in their order, and those that are kept.

    ``first``: when each one's first measurement was, where that is time zero, see `measurements.first_moments`. All:
    index the id; ``start``, the moment from which hours count, on the files' own clock, and ``span``, how long
    measurements count from there, in hours; ``reason`` why the subject is set aside, or "". Kept: ``subject_id``,
    ``outcome``, statics, and ``patient_id`` and ``sites`` where asked for. A cell that can't be read is set aside (unit
    "descriptors") and counts as blank; rows of one subject complete each other, and where they contradict each other it
    is set aside.
    """
    table, rows = people.table, people.rows
    found, contradictory = _of_subjects(_described(people, options, clock, attrition), people.ids)
    became, also = _became(people, options, clock, attrition, found.index)
    found = found.join(became)
    if first is None:
        first = found["time zero"] if "time zero" in found else pd.Series(0.0, found.index)
    zero: NDArray[np.float64] = np.asarray(first.reindex(found.index), dtype=np.float64)
    outcome, until, problems = _judged(found, zero, options, outcome_required)
    problems = {"rows of one subject contradict each other": contradictory | also, **problems}
    reason = np.select(list(problems.values()), list(problems), "").astype(object)
    if isinstance(table, Subjects) and table.patient and table.use != "all":
        _one_a_patient(reason, found["patient"].to_numpy(dtype=float), zero, table.use)
    attrition.came_in("subjects", len(found))
    start, span = _span(zero, until, options.time)
    everyone = pd.DataFrame({"start": start, "span": span, "reason": reason}, index=found.index)
    attrition.set_aside_by_reason("subjects", everyone.assign(record=found.index), file=rows.name)
    columns = {f"static {name}": name for name in options.statics}
    subjects = found[list(columns)].rename(columns=columns)
    subjects.insert(0, "subject_id", found.index.astype("str"))
    subjects.insert(1, "outcome", outcome)
    if isinstance(table, Subjects) and table.patient:
        subjects["patient_id"] = _patients(rows.cells, table, table.patient).groupby(people.ids, sort=False).first()
    if people.site is not None:
        sites = rows.cells[people.site].groupby(people.ids, sort=False)
        subjects["sites"] = pd.Series({one: frozenset(cells) - {""} for one, cells in sites}, dtype=object)
    return everyone, subjects[reason == ""].reset_index(drop=True)


def _of_subjects(said: pd.DataFrame, ids: Cells) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """What the rows of each subject say together, and whether they contradict each other."""
    by_subject = said.groupby(ids, sort=False)
    return by_subject.first(), (by_subject.nunique() > 1).any(axis=1).to_numpy(dtype=bool)


def _became(
    people: People, options: Options, clock: Clock | None, attrition: Attrition, index: "pd.Index[str]"
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """What became of the subjects of ``index``, NaN where nobody knows, and whose rows contradict each other."""
    names = ["end of follow-up", "outcome"] if options.landmark else ["outcome"]
    if people.outcomes is None:
        return pd.DataFrame(np.nan, index=index, columns=names), np.zeros(len(index), dtype=bool)
    rows, table = people.outcomes
    ids = rows.cells[table.subject]
    if table is not people.table:
        _account(rows, table, index, attrition)
        rows = Rows(rows.name, rows.cells[ids.isin(index)])
        ids = rows.cells[table.subject]
    found, contradictory = _of_subjects(_outcomes(rows, table, options, clock, attrition), ids)
    also = pd.Series(contradictory, index=found.index, dtype=bool).reindex(index, fill_value=False)
    return found.reindex(index), also.to_numpy(dtype=bool)


def _account(rows: Rows, table: Tabular, index: "pd.Index[str]", attrition: Attrition) -> None:
    """Rows of the table of outcomes that are of no subject are set aside. Raises `InputError` where all are."""
    ids = rows.cells[table.subject]
    known = ids.isin(index)
    if len(ids) and len(index) and not known.any():
        raise InputError(
            f"no row of {rows.name} is of any subject: do options.outcomes.subject and options.subjects.subject name "
            "columns with the same ids?"
        )
    for reason, chosen in (("no subject id", ids == ""), ("unknown subject", ~known & (ids != ""))):
        attrition.set_aside_rows(OUTCOMES, reason, _places(ids[chosen]), file=rows.name)
    attrition.kept(OUTCOMES, int(known.sum()))


def _places(ids: Cells) -> pd.DataFrame:
    """The record and the line of each of the ``ids``."""
    return pd.DataFrame({"record": ids.to_numpy(), "line": ids.index})


class _Reader:
    """Reads columns of a table as numbers; what can't be read is set aside and becomes NaN, as what is blank."""

    def __init__(self, rows: Rows, table: Tabular, clock: Clock | None, attrition: Attrition) -> None:
        self._rows, self._table, self._clock, self._attrition = rows, table, clock, attrition

    def take(self, column: str, reason: str, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """``found`` as it is, once the cells of ``column`` that it could not be read from are set aside."""
        cells = self._rows.cells[column]
        gone = (cells != "").to_numpy(dtype=bool) & np.isnan(found)
        rows = _places(self._rows.cells.loc[gone, self._table.subject])
        self._attrition.came_in("descriptors", len(rows))
        self._attrition.set_aside_rows("descriptors", reason, rows, file=self._rows.name, column=column)
        return found

    def time(self, column: str) -> NDArray[np.float64]:
        """In hours, on the file's own clock."""
        assert self._clock is not None, "Options has a time wherever it has a column of times"
        hours = self._clock.hours(self._rows, column, self._table.decimal)
        garbled = (self._rows.cells[column] != "").to_numpy(dtype=bool) & np.isnan(hours)
        losses.tell_times(self._rows, column, garbled, self._clock.fault, self._attrition)
        return self.take(column, self._clock.fault, hours)

    def variable(self, name: str, variable: Declared) -> NDArray[np.float64]:
        """A static's values."""
        column, reason = variable.column or name, "not a number" if variable.kind == "numeric" else "unknown level"
        cells, decimal = self._rows.cells[column], self._table.decimal
        found = read_values(cells, name, variable, decimal, self._rows.name, self._attrition)
        losses.tell_cells(self._rows.name, name, variable, self._table.decimal, cells, found, self._attrition)
        return self.take(column, reason, found)


def _described(people: People, options: Options, clock: Clock | None, attrition: Attrition) -> pd.DataFrame:
    """All that is used of the subjects' rows but the outcome, as numbers, NaN where blank; their index is the rows'."""
    rows, table, time = people.rows, people.table, options.time
    take = _Reader(rows, table, clock, attrition)
    result = {f"static {name}": take.variable(name, variable) for name, variable in options.statics.items()}
    for name, column in (("time zero", time and time.column_of_zero), ("until", time and time.column_of_until)):
        if column:
            result[name] = take.time(column)
    if isinstance(table, Subjects) and table.patient:
        result["patient"] = pd.factorize(_patients(rows.cells, table, table.patient))[0].astype(float)
    return pd.DataFrame(result, index=rows.cells.index)


def _outcomes(rows: Rows, table: Tabular, options: Options, clock: Clock | None, attrition: Attrition) -> pd.DataFrame:
    """``outcome``, the place of its class, and ``end of follow-up`` where a landmark rule asks; the index is that of
    the rows."""
    result: dict[str, NDArray[np.float64]] = {}
    if options.landmark:
        result["end of follow-up"] = _Reader(rows, table, clock, attrition).time(options.landmark.time)
    column, classes = _status(options)
    result["outcome"] = _declared(rows.cells[column], classes)
    losses.tell_outcome(rows.name, column, rows.cells[column], classes, attrition)
    return pd.DataFrame(result, index=rows.cells.index)


def _status(options: Options) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """The column that says what became of each subject, and the levels of each class."""
    if options.landmark:
        return options.landmark.status, options.landmark.levels
    assert options.outcome is not None, "Options has either"
    return options.outcome.column, options.outcome.levels


def _span(
    zero: NDArray[np.float64], until: NDArray[np.float64], time: Time | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """From which moment hours count, and how long: from time zero to the landmark, or a window that ends with it."""
    if time is None or time.window is None:
        return zero, until
    window = time.window * HOURS[time.unit]
    return zero + until - window, np.full(len(until), window)


def _patients(cells: pd.DataFrame, table: Subjects, column: str) -> Cells:
    """Whose each row is; an unknown patient is one of his own."""
    return cells[column].where(cells[column] != "", "subject " + cells[table.subject])


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
        if time and time.column_of_until:
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
