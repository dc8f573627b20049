"""Your own tables: visits or single measurements, and subjects; CSV, Parquet or a database; declared in params.yaml.

Nothing here knows a disease or a hospital: ``options`` say which column is what (see `_table.options`, and
``docs/your-own-cohort.md`` for a walk-through). The outcome is binary, of levels that are declared positive or
negative, or one of several declared classes. All of a table is read into memory.
"""

from pathlib import Path

import pandas as pd

from tasks.common.attrition import Attrition
from tasks.common.records import Variable, outcome
from tasks.ingestion.datasets import Source
from tasks.ingestion.datasets._table import losses, measurements, subjects
from tasks.ingestion.datasets._table.files import Rows, load
from tasks.ingestion.datasets._table.options import Options

__all__ = ["Options", "read", "source", "variables"]


def variables(options: Options) -> tuple[Variable, ...]:
    """The declared variables, series first; an outcome of several classes last."""
    measured = tuple(
        Variable(name=name, **declared.model_dump(exclude={"column"}))
        for role in ("series", "static")
        for name, declared in options.variables.items()
        if declared.role == role
    )
    return (*measured, outcome(options.classes)) if options.classes else measured


def source(options: Options) -> Source:
    """What was declared."""
    return options.source.source()


def read(
    raw: Path, options: Options, attrition: Attrition, *, outcome_required: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events up to each subject's landmark, and the subjects, in the order of their table. Raises `InputError`.

    Units: "subject rows" (of their own table), "subjects", "descriptors" (their cells that can't be read), "visits"
    (rows of wide measurements), "measurements" (their cells that are not blank, or rows of long measurements).
    """
    series = {name: variable for name, variable in options.variables.items() if variable.role == "series"}
    about, optional = subjects.needed(options, outcome_required)
    visits, table = options.measurements, options.subjects or options.measurements
    assert table is not None, "Options has either"
    rows = people = Rows("", pd.DataFrame())
    if visits:
        wanted = measurements.needed(visits, series)
        shared = options.subjects is None
        rows = load(
            raw,
            visits,
            measurements.unit(visits),
            {**wanted, **about} if shared else wanted,
            attrition,
            optional if shared else (),
        )
        rows = losses.in_one_form(rows, visits.subject, options.ids, one_form_each=shared)
    if options.subjects:
        wanted = {options.subjects.subject: "options.subjects.subject", **about}
        people = load(raw, options.subjects, subjects.UNIT, wanted, attrition, optional)
        patient = [options.subjects.patient] if options.subjects.patient else []
        people = losses.in_one_form(people, options.subjects.subject, options.ids, patient, one_form_each=True)
        nameless = people.cells[people.cells[options.subjects.subject] == ""]
        attrition.set_aside(
            subjects.UNIT, "no subject id", len(nameless), file=people.name, line=nameless.index.to_numpy()
        )
        attrition.kept(subjects.UNIT, len(people.cells) - len(nameless))
    else:
        people = rows
    known = people.cells[table.subject] != ""
    everyone, kept = subjects.judge(Rows(people.name, people.cells[known]), table, options, attrition, outcome_required)
    if visits is None or options.time is None:
        return no_events(), kept
    return measurements.events_of(rows, visits, series, options.time, everyone, attrition), kept


def no_events() -> pd.DataFrame:
    """The events of a cohort in which nothing is measured over time."""
    return pd.DataFrame({"subject_id": [], "hours": [], "variable": [], "value": []}).astype(
        {"subject_id": "str", "hours": float, "variable": "str", "value": float}
    )
