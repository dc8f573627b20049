"""A block of params.yaml for tables that nobody has declared yet: what could be guessed, and what a person must check.

Labels, units and ranges are public knowledge, which no file holds: a range is never taken from the records.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tasks.common.cells import numbers
from tasks.common.errors import InputError
from tasks.common.params import check_cohort_name
from tasks.ingestion.datasets._table.moments import moments
from tasks.ingestion.datasets._table.options import HOURS
from tasks.ingestion.guess import (
    CODE,
    FOLLOW_UP,
    MOST_LEVELS,
    OUTCOME,
    SUBJECT,
    SUFFIXES,
    TIME,
    VALUE,
    ZERO,
    Table,
    constant_within,
    named,
    positive_first,
    read_table,
)

STEPS = (1, 2, 4, 6, 12, 24, 48, 168, 730, 2190, 4383, 8766)  # hours; 730 is a month, 8766 a year
NAMES_TAKEN = {"subject_id", "outcome", "split", "hours"}


@dataclass
class Proposal:
    """``options`` as in params.yaml, and ``variables`` apart from them; ``said``: what was guessed, for a person."""

    raw: str
    options: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    step_hours: int = 24
    n_steps: int = 1


def propose(root: Path, name: str, path: Path, outcome: str | None = None) -> Proposal:
    """Guess the options of data set `table` for the files in ``path``: a folder with one table or two, or one file.

    ``outcome`` names its column, where the guess would be wrong. Raises `InputError` where ``name`` cannot name a
    cohort, a file cannot be read, or something that is needed cannot be guessed.
    """
    check_cohort_name(name)
    folder, tables = _tables(path)
    inside = folder.resolve().is_relative_to(root.resolve())
    found = Proposal(str(folder.resolve().relative_to(root.resolve())) if inside else str(folder.resolve()))
    repeated = [table for table in tables if not table.cells[_subject(table)].is_unique]
    single = [table for table in tables if table not in repeated]
    if len(repeated) > 1 or len(single) > 1:
        several = "rows of a subject" if len(repeated) > 1 else "one row a subject"
        raise InputError(f"both tables in {folder} have {several}: put measurements in one, subjects in another")
    visits, people = next(iter(repeated), None), next(iter(single), None)
    if people:
        found.options["subjects"] = {"file": people.file, **people.reading, "subject": _subject(people)}
    about = people or visits
    assert about is not None, "there is a table, or _tables would have said so"
    used = _outcome(found, about, outcome)
    if visits:
        used |= _measurements(found, visits, people)
    for table in filter(None, (visits, people)):
        _variables(found, table, used, _subject(table), table is people, people is None)
    if not found.variables:
        raise InputError(f"no column of {about.file} looks like a variable: is it the right file?")
    return found


def _tables(path: Path) -> tuple[Path, list[Table]]:
    if not path.exists():
        raise InputError(f"{path} is not there: name the folder with your tables, or one file")
    folder = path if path.is_dir() else path.parent
    files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith((".", "README")))
    tables = [file for file in files if file.name.lower().endswith(SUFFIXES)]
    if path.is_file():
        if files != [path]:
            raise InputError(
                f"{folder} holds other files, too: put {path.name} into a folder of its own under data/1_raw"
            )
        tables = [path]
    if not 1 <= len(tables) <= 2:
        raise InputError(
            f"{folder} holds {len(tables)} tables ({', '.join(SUFFIXES)}): put a table of subjects, one of "
            "measurements, or both into a folder of their own"
        )
    read = [read_table(file) for file in tables]
    if empty := [table.file for table in read if table.cells.empty]:
        raise InputError(f"{folder / empty[0]} has no row below the names of its columns: there is nothing to look at")
    return folder, read


def _subject(table: Table) -> str:
    return str([*named(table.cells.columns, SUBJECT), table.cells.columns[0]][0])


def _outcome(found: Proposal, table: Table, outcome: str | None) -> set[str]:
    """Declare the outcome; returns the columns that say something about it, which are no variables."""
    columns = list(table.cells.columns)
    if outcome is not None and outcome not in columns:
        raise InputError(f"{table.file} has no column '{outcome}': name the outcome's column after --outcome")
    likely = [outcome] if outcome else [c for c in named(columns, OUTCOME) if len(table.levels(c)) == 2]
    levels = table.levels(likely[0]) if likely else []
    if not 2 <= len(levels) <= MOST_LEVELS:
        raise InputError(
            f"no column of {table.file} looks like an outcome with two levels: name it after --outcome; where it has "
            f"more than {MOST_LEVELS}, declare the block by hand (docs/your-own-cohort.md)"
        )
    if len(levels) == 2:
        first, second = positive_first(levels)
        found.options["outcome"] = {"column": likely[0], "positive": [first], "negative": [second]}
        found.said.append(f"outcome: {likely[0]} in {table.file}; positive is '{first}', negative '{second}'")
    else:
        found.options["outcome"] = {"column": likely[0], "classes": {level: [level] for level in sorted(levels)}}
        found.said.append(
            f"outcome: {likely[0]} in {table.file}, a class each of {', '.join(sorted(levels))}; to put levels "
            "together name them in one class, or in 'positive' and 'negative'"
        )
    follow_up = [column for column in named(columns, FOLLOW_UP) if table.numeric(column)]
    if follow_up:
        found.said.append(
            f"follow-up: {follow_up[0]} looks like the end of follow-up. Where it was censored, a landmark rule "
            "is right: declare 'landmark' in place of 'outcome'"
        )
    tell_tale = [column for column in named(columns, OUTCOME) if column != likely[0]]
    found.left_out += [f"{column} (it may tell the outcome)" for column in [*follow_up, *tell_tale]]
    return {likely[0], *follow_up, *tell_tale}


def _measurements(found: Proposal, visits: Table, people: Table | None) -> set[str]:
    subject, columns = _subject(visits), list(visits.cells.columns)
    times = [c for c in named(columns, TIME) if c != subject and (visits.numeric(c) or visits.dated(c))]
    times = [c for c in times if not constant_within(visits, subject, c)]
    if not times:
        raise InputError(
            f"{visits.file} has several rows a subject, but no column that looks like their time: name it 'time'"
        )
    time, zero = times[0], None
    table = {"file": visits.file, **visits.reading, "subject": subject, "time": time}
    word = time.casefold()
    unit = "days" if "da" in word else "minutes" if "min" in word else "hours"
    if visits.dated(time):
        dates = [c for c in people.cells.columns if people.dated(c)] if people else []
        if not dates:
            raise InputError(
                f"the times in {visits.file} are dates: add a table of subjects with the date of time zero"
            )
        zero = [*named(dates, ZERO), *dates][0]
        found.options["time"] = {"unit": "days", "timestamps": True, "zero": zero}
    else:
        found.options["time"] = {"unit": unit}
    code, value = (
        next((c for c in named(columns, names) if c not in (subject, time)), None) for names in (CODE, VALUE)
    )
    if code and value and not visits.numeric(code):
        table |= {"variable": code, "value": value}
    found.options["measurements"] = table
    form = "one row a measurement" if "value" in table else "one row a visit"
    found.said.append(
        f"measurements: {visits.file}, {form}; subject {subject}, time {time}"
        + (f" since {zero}" if zero else f" in {unit}")
    )
    _steps(found, visits, people, subject, time, zero)
    return {subject, time, *([zero] if zero else [])}


def _steps(found: Proposal, visits: Table, people: Table | None, subject: str, time: str, zero: str | None) -> None:
    """Steps of a round length: about as many as a subject has different times, over the span of most rows."""
    if zero and people:
        start = dict(zip(people.cells[_subject(people)], moments(people.cells[zero], None, zero), strict=True))
        hours = moments(visits.cells[time], None, time) - visits.cells[subject].map(start).to_numpy(dtype=float)
    else:
        hours = numbers(visits.cells[time], visits.decimal) * HOURS[found.options["time"]["unit"]]
    within = hours[np.isfinite(hours) & (hours >= 0)]
    span = float(np.quantile(within, 0.9)) if len(within) else 1.0
    per_subject = float(visits.cells.groupby(subject)[time].nunique().median())
    wanted = max(span, 1) / min(max(per_subject, 4), 48)
    found.step_hours = min(STEPS, key=lambda step: abs(math.log(step / wanted)))
    found.n_steps = max(1, math.ceil(span / found.step_hours))


def _variables(found: Proposal, table: Table, used: set[str], subject: str, static: bool, alone: bool) -> None:
    """Declare every column, or code of long measurements, that looks like a variable."""
    long = not static and "value" in found.options.get("measurements", {})
    if long:
        codes = table.cells[found.options["measurements"]["variable"]]
        for code, rows in table.cells.groupby(codes):
            if code and len(rows) >= 5:
                cells = rows[[found.options["measurements"]["value"]]].set_axis([str(code)], axis="columns")
                _variable(found, Table(table.file, cells, {}, table.decimal), str(code), "series")
        return
    for column in table.cells.columns:
        if column not in used and column != subject:
            once = static or (alone and constant_within(table, subject, column))
            _variable(found, table, column, "static" if once else "series")


def _variable(found: Proposal, table: Table, column: str, role: str) -> None:
    name = f"{column}_" if column in NAMES_TAKEN or column in found.variables else column
    base: dict[str, Any] = {"label": column, "role": role, **({"column": column} if name != column else {})}
    levels = table.levels(column)
    if set(levels) == {"0", "1"}:
        found.variables[name] = {**base, "kind": "binary"}
    elif table.numeric(column):
        found.variables[name] = {**base, "unit": ""}
    elif len(levels) == 2:
        first, *others = positive_first(levels)
        found.variables[name] = {**base, "kind": "binary", "positive": [first], "negative": others}
    elif 2 < len(levels) <= MOST_LEVELS and not table.dated(column) and role == "static":
        found.variables[name] = {**base, "kind": "categorical", "levels": levels}
    elif 2 < len(levels) <= MOST_LEVELS and not table.dated(column):
        for level in levels:
            found.variables[f"{name}={level}"] = {**base, "kind": "binary", "column": column, "positive": [level]}
    else:
        found.left_out.append(f"{column} ({'a date' if table.dated(column) else 'neither numbers nor a few levels'})")
