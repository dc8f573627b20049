"""Which of the declared tables of measurements holds which variable."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.cohorts.readers._table.files import Rows, load
from recondense.cohorts.readers._table.losses import in_one_form, tell_rounded
from recondense.cohorts.readers._table.options import Declared, Options
from recondense.cohorts.readers._table.places import Measurements
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.records.cells import places

Series = dict[str, Declared]


@dataclass(frozen=True)
class Measured:
    """A table of measurements that was read. ``option``: its place in params.yaml. ``series``: the variables that are
    read from it. ``codes``: those of all series of the cohort, whichever table they are read from."""

    rows: Rows
    table: Measurements
    option: str
    series: Series
    codes: tuple[str, ...]

    @property
    def ids(self) -> "pd.Series[str]":
        """The subject of each row."""
        return self.rows.cells[self.table.subject]

    @cached_property
    def code_of_row(self) -> NDArray[np.float64]:
        """The place in ``codes`` of what each row of a long table measures, NaN where it is none of them."""
        return places(self.rows.cells[str(self.table.variable)], self.codes)

    def held(self) -> set[str]:
        """The codes of ``codes`` of which the table has a row or, where it is wide, a value."""
        if self.table.variable:
            return {self.codes[int(place)] for place in pd.unique(self.code_of_row) if not np.isnan(place)}
        return {code for code in self.codes if code in self.rows.cells and (self.rows.cells[code] != "").any()}


def code_of(name: str, variable: Declared) -> str:
    """The column of a wide table, or the code in a long one, that a variable is read from."""
    return variable.column or name


def unit(table: Measurements) -> str:
    """What a row is."""
    return "measurements" if table.variable else "visits"


def load_measured(
    raw: Path,
    options: Options,
    attrition: Attrition,
    about: Mapping[str, str],
    optional: Iterable[str],
    outcome_required: bool,
) -> list[Measured]:
    """Every table of measurements with the variables that are read from it.

    ``about``, ``optional``: columns that are read beside, see `files.load`. Raises `InputError` where several tables
    have a variable, or where none has it and the cohort is not one of new records.
    """
    several = len(options.tables) > 1
    codes = tuple(dict.fromkeys(code_of(*one) for one in options.series.items()))
    free = {name: variable for name, variable in options.series.items() if several and not variable.table}
    found = []
    for place, table in enumerate(options.tables):
        option = f"options.measurements.{place}" if several else "options.measurements"
        own = {n: v for n, v in options.series.items() if n not in free and v.table in (None, table.called)}
        perhaps = () if table.variable else [code_of(*one) for one in free.items()]
        wanted = {**_needed(table, own, option), **about}
        rows = load(raw, table, unit(table), wanted, attrition, [*optional, *perhaps], options.words())
        tell_rounded(rows, table.subject, attrition)
        rows = in_one_form(rows, table.subject, options.ids, one_form_each=options.subjects is None)
        found.append(Measured(rows, table, option, own, codes))
    return _with_free(found, free, outcome_required) if free else found


def _needed(table: Measurements, series: Series, option: str) -> dict[str, str]:
    """The table's columns, each with the option that names it."""
    columns = {table.subject: f"{option}.subject", table.time: f"{option}.time"}
    if table.variable and table.value:
        return {**columns, table.variable: f"{option}.variable", table.value: f"{option}.value"}
    return {**columns, **{code_of(*one): f"options.variables.{one[0]}" for one in series.items()}}


def _with_free(tables: list[Measured], free: Series, outcome_required: bool) -> list[Measured]:
    """Each variable without a table of its own goes to the only one that has it."""
    held = [one.held() for one in tables]
    more: list[Series] = [{} for _ in tables]
    for name, variable in free.items():
        having = [place for place, codes in enumerate(held) if code_of(name, variable) in codes]
        names = [tables[place].table.called for place in having]
        if len(having) > 1:
            raise InputError(
                f"options.variables.{name}: {' and '.join(names)} both have '{code_of(name, variable)}': say which one "
                f"it is read from, as in 'table: {names[0]}'"
            )
        if not having and outcome_required:
            raise InputError(
                f"options.variables.{name}: none of {', '.join(one.table.called for one in tables)} has a value of "
                f"'{code_of(name, variable)}': mend its 'column', or take the variable out"
            )
        for place in having:
            more[place][name] = variable
    found = [replace(one, series={**one.series, **own}) for one, own in zip(tables, more, strict=True)]
    if outcome_required and (unused := [one for one in found if not one.series]):
        raise InputError(f"{unused[0].option}: no variable is read from {unused[0].table.called}: take the table out")
    return found
