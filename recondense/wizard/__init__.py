"""A block of params.yaml for files that nobody has declared yet: what could be guessed, and what a person must check.

Labels, units and ranges are public knowledge, which no file holds: a range is never taken from the records.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from recondense.cohorts.withdrawal import FILE as WITHDRAWN
from recondense.errors import InputError
from recondense.files.folders import visible
from recondense.stages.params import check_cohort_name
from recondense.wizard.dates import order_of
from recondense.wizard.keys import find_subjects
from recondense.wizard.meds import is_meds, propose_meds
from recondense.wizard.outcome import classes_of, find_outcome, follows
from recondense.wizard.over_time import Measured, declare_times, measured
from recondense.wizard.proposal import Proposal
from recondense.wizard.reading import SUFFIXES, read_tables
from recondense.wizard.table import Table
from recondense.wizard.variables import codes_as_variables, columns_as_variables
from recondense.wizard.words import PATIENT, named

__all__ = ["Proposal", "propose"]


def propose(
    root: Path,
    name: str,
    path: Path,
    outcome: str | None = None,
    *,
    subject: str | None = None,
    time: str | None = None,
    day_first: bool | None = None,
) -> Proposal:
    """Guess the options for what is in ``path``: a folder of tables, one file, or the folder of a MEDS data set.

    ``outcome``, ``subject``, ``time``: the names of their columns, and ``day_first``: how dates are written, where the
    guess would be wrong; of MEDS, ``outcome`` is the place of the labels. Raises `InputError` where ``name`` cannot
    name a cohort, a file cannot be read, or something that is needed cannot be guessed.
    """
    check_cohort_name(name)
    folder = path if path.is_dir() else path.parent
    raw, own = folder.resolve(), root.resolve()
    found = Proposal(str(raw.relative_to(own) if raw.is_relative_to(own) else raw))
    if path.is_dir() and is_meds(path):
        propose_meds(found, path, outcome)
        return found
    files = _files(path)
    tables = _different(found, [table for file in files for table in read_tables(file)])
    order = order_of([t.filled(c) for t in tables for c in t.names if not t.numeric(c)], day_first)
    for table in tables:
        table.order = order
    found.said += [line for table in tables for line in table.said]
    linked = find_subjects(tables, subject)
    for table in tables:
        if table not in linked:
            found.leave_out(table.name, "its rows belong to nobody in the other tables")
    _declare(found, linked, outcome, time)
    return found


def _files(path: Path) -> list[Path]:
    """The tables in a folder, or the one that is named."""
    if not path.exists():
        raise InputError(f"{path} is not there: name the folder with your tables, or one file")
    folder = path if path.is_dir() else path.parent
    files = [file for file in visible(folder, folder.iterdir()) if file.is_file()]
    files = [file for file in files if not file.name.startswith("README") and file.name != WITHDRAWN]
    tables = [file for file in files if file.name.lower().endswith(SUFFIXES)]
    if path.is_file():
        if files != [path]:
            raise InputError(
                f"{folder} holds other files, too: put {path.name} into a folder of its own under data/1_raw"
            )
        tables = [path]
    if not tables:
        raise InputError(
            f"{folder} holds no tables (CSV, Parquet or Excel): put a table of subjects, tables of measurements, or "
            "both into a folder of their own"
        )
    return tables


def _different(found: Proposal, tables: Sequence[Table]) -> list[Table]:
    """The tables without copies of others."""
    kept: list[Table] = []
    for table in tables:
        same = next((one for one in kept if one.cells.equals(table.cells)), None)
        if same:
            found.leave_out(table.name, f"it says the same as {same.name}")
        else:
            kept.append(table)
    return kept


def _declare(found: Proposal, tables: Sequence[Table], outcome: str | None, time: str | None) -> None:
    about, column = find_outcome(found, tables, outcome)
    people = _people(found, [table for table in tables if not table.repeated], about)
    _check_ids(found, people, tables)
    labels = classes_of(found.options, about)
    series = _series(found, [table for table in tables if table.repeated], people, time)
    kept_out = {table.name: follows(found, table, column) | {column: ""} for table in tables}
    series = [
        one for one in series if _over_time(found, one, people, kept_out[one.table.name], labels, len(series) > 1)
    ]
    zero = declare_times(found, series, people) if series else None
    if people is not None:
        patient = found.options["subjects"].get("patient")
        without = kept_out[people.name] | {name: "" for name in (zero, patient) if name}
        columns_as_variables(found, people, people.columns, "static", without, labels)
    if not found.variables:
        raise InputError(f"no column of {about.name} looks like a variable: is it the right file?")


def _people(found: Proposal, single: Sequence[Table], about: Table) -> Table | None:
    """Declare the table of subjects, and one of outcomes where it is another; of several the one with most columns."""
    if not single:
        return None
    people = max(single, key=lambda table: (len(table.columns) - (table is about), table is about))
    found.options["subjects"] = {**people.reading, "subject": people.subject}
    found.said.append(f"subjects: {people.name}, one row a subject; subject {people.subject}")
    patients = [c for c in named(people.columns, PATIENT) if people.whole(c) and people.cells[c].duplicated().any()]
    if patients and people.id_like(patients[0]):
        found.options["subjects"]["patient"] = patients[0]
        found.said.append(f"patients: {patients[0]}; who has several rows in {people.name} is in one split only")
    if about is not people:
        found.options["outcomes"] = {**about.reading, "subject": about.subject}
        found.said.append(f"outcomes: {about.name}; subject {about.subject}")
    for table in single:
        if table is not people and (table is not about or len(table.columns) > 1):
            reason = f"subjects are in {people.name}: join the two to use them"
            found.leave_out(f"other columns of {table.name}", reason)
    return people


def _check_ids(found: Proposal, people: Table | None, tables: Sequence[Table]) -> None:
    """Say where rows belong to nobody."""
    if people is None:
        return
    for table in tables:
        ids = table.cells[table.subject]
        if blank := float((ids == "").mean()):
            of = f"{blank:.1%} of the rows of {table.name}"
            found.check.append(f"ids: {of} have no {table.subject}: they are set aside")
        if strange := float((~ids[ids != ""].isin(people.cells[people.subject])).mean()):
            of = f"{strange:.1%} of the rows of {table.name} with an id"
            found.check.append(
                f"ids: {of} belong to nobody in {people.name}: compare how ids are written in {table.subject} (zeros "
                "in front, capitals)"
            )


def _series(found: Proposal, repeated: Sequence[Table], people: Table | None, time: str | None) -> list[Measured]:
    """The tables of measurements; those without times are left out, where others are left."""
    series = [one for one in (measured(table, time) for table in repeated) if one]
    having = [one.table for one in series]
    without = [table for table in repeated if table not in having]
    untimed = "several rows a subject, but no column that looks like their time: name it at --time"
    if without and not series and people is None:
        raise InputError(f"{without[0].name} has {untimed}")
    for table in without:
        found.leave_out(table.name, untimed)
    if people is None and len(series) > 1:
        raise InputError(
            f"{' and '.join(table.name for table in having)} have several rows a subject: add a table of one row a "
            "subject, which says who is in the cohort"
        )
    return series


def _over_time(
    found: Proposal,
    one: Measured,
    people: Table | None,
    kept_out: dict[str, str],
    labels: "pd.Series[str]",
    several: bool,
) -> bool:
    """Declare what a table of measurements holds; whether there is anything."""
    before, table = len(found.variables), one.table
    if one.value:
        codes_as_variables(found, one, labels, several)
        for column in table.columns:
            if column not in one.used:
                found.leave_out(column, f"beside the values of {table.name}, one row a measurement")
    else:
        kept_out = kept_out | dict.fromkeys(one.used, "")
        once = [c for c in table.columns if people is None and table.constant(c)]
        columns_as_variables(found, table, once, "static", kept_out, labels)
        columns = [c for c in table.columns if c not in once]
        columns_as_variables(found, table, columns, "series", kept_out, labels, several)
    if len(found.variables) == before:
        found.leave_out(table.name, "none of its columns looks like a variable")
    return len(found.variables) > before
