"""Your own tables: visits or single measurements, and subjects; CSV, Parquet or a database; declared in params.yaml.

Nothing here knows a disease or a hospital: ``options`` say which column is what (see `_table.options`, and
the documentation's page 'Your own cohort' for a walk-through). The outcome is binary, of levels that are declared
positive or negative, or one of several declared classes. All of a table is read into memory.
"""

from pathlib import Path

import pandas as pd

from recondense.cohorts.readers import Source
from recondense.cohorts.readers._declared import series_first
from recondense.cohorts.readers._table import losses, measurements, subjects
from recondense.cohorts.readers._table.files import Rows, load
from recondense.cohorts.readers._table.lookup import load_measured
from recondense.cohorts.readers._table.moments import Clock
from recondense.cohorts.readers._table.options import First, Options
from recondense.cohorts.readers._table.places import Subjects, Tabular
from recondense.records.attrition import Attrition
from recondense.records.cohort import Variable, as_events, outcome
from recondense.records.target import Target

__all__ = ["Options", "read", "source", "variables"]


def variables(options: Options) -> tuple[Variable, ...]:
    """The declared variables, series first; an outcome of several classes last."""
    measured = series_first(options.variables, {"column", "table"})
    return (*measured, outcome(options.classes)) if options.classes else measured


def source(options: Options) -> Source:
    """What was declared."""
    return options.source.source()


def target(options: Options) -> Target:
    """What was declared; a landmark rule says when and by when itself."""
    return options.target()


def read(
    raw: Path, options: Options, attrition: Attrition, *, outcome_required: bool = True, site: str | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events up to each subject's landmark, and the subjects, in the order of their table. Raises `InputError`.

    ``site``: a column of the subjects, of which they then have ``sites``. Units: "subject rows" and "outcome rows" (of
    tables of their own), "subjects", "descriptors" (their cells that can't be read), "visits" (rows of wide
    measurements), "measurements" (their cells that are not blank, or rows of long measurements).
    """
    about, became = subjects.needed(options, site), {} if options.outcomes else subjects.of_outcome(options)
    about |= became if outcome_required else {}
    optional = [] if outcome_required else list(became)
    table: Tabular
    if options.subjects:
        measured = load_measured(raw, options, attrition, {}, (), outcome_required)
        rows, table = _subject_rows(raw, options, options.subjects, about, optional, attrition), options.subjects
    else:
        measured = load_measured(raw, options, attrition, about, optional, outcome_required)
        rows, table = measured[0].rows, options.tables[0]
    rows = Rows(rows.name, rows.cells[rows.cells[table.subject] != ""])
    outcomes = _outcome_rows(raw, options, attrition, outcome_required) if options.outcomes else (rows, table)
    clock, first = Clock(options.time, attrition) if options.time else None, None
    if clock and isinstance(clock.time.zero, First):
        first = measurements.first_moments(measured, Clock(clock.time, Attrition()))  # noted when they are used
    people = subjects.People(rows, table, outcomes, site)
    everyone, kept = subjects.judge(people, options, clock, attrition, outcome_required, first)
    if not measured or clock is None:
        return as_events([], [], [], []), kept
    return measurements.events_of(measured, clock, everyone, attrition), kept


def _subject_rows(
    raw: Path, options: Options, table: Subjects, about: dict[str, str], optional: list[str], attrition: Attrition
) -> Rows:
    wanted = {table.subject: "options.subjects.subject", **about}
    rows = load(raw, table, subjects.UNIT, wanted, attrition, optional, options.words())
    losses.tell_rounded(rows, table.subject, attrition)
    patient = [table.patient] if table.patient else []
    rows = losses.in_one_form(rows, table.subject, options.ids, patient, one_form_each=True)
    nameless = rows.cells[rows.cells[table.subject] == ""]
    attrition.set_aside(subjects.UNIT, "no subject id", len(nameless), file=rows.name, line=nameless.index.to_numpy())
    attrition.kept(subjects.UNIT, len(rows.cells) - len(nameless))
    return rows


def _outcome_rows(
    raw: Path, options: Options, attrition: Attrition, outcome_required: bool
) -> tuple[Rows, Tabular] | None:
    """The table of outcomes; None where new records come without one."""
    table = options.outcomes
    assert table is not None
    if not outcome_required and table.file is not None and not (raw / table.file).is_file():
        return None
    columns = subjects.of_outcome(options)
    wanted = {table.subject: "options.outcomes.subject", **(columns if outcome_required else {})}
    rows = load(raw, table, subjects.OUTCOMES, wanted, attrition, list(columns), options.words())
    losses.tell_rounded(rows, table.subject, attrition)
    return losses.in_one_form(rows, table.subject, options.ids, one_form_each=False), table
