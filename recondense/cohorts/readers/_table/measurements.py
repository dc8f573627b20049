"""What was measured, and when: rows of visits or of single measurements as events."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.cohorts.readers._table import losses
from recondense.cohorts.readers._table.lookup import Measured, code_of
from recondense.cohorts.readers._table.moments import Clock
from recondense.cohorts.readers._table.options import Declared
from recondense.cohorts.readers._table.values import read_values
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.records.cells import Cells, values
from recondense.records.cohort import as_events


def first_moments(tables: Sequence[Measured], clock: Clock) -> "pd.Series[float]":
    """When each subject's first measurement was that counts (see `options.First`), in hours on the files' own clock;
    the index is the subject's id."""
    moments = [pd.Series(dtype=float)]
    for measured in tables:
        hours = pd.Series(_hours(measured, clock)[0], index=measured.ids)
        counts = np.zeros(len(hours), dtype=bool)
        for name, variable in measured.series.items():
            chosen, cells = _cells(measured, name, variable)
            value = values(cells, variable.model_dump(), measured.table.decimal)
            low = -np.inf if variable.low is None else variable.low
            high = np.inf if variable.high is None else variable.high
            counts[chosen] |= (low <= value) & (value <= high)
        moments.append(hours[counts])
    found = pd.concat(moments).dropna()
    first: pd.Series[float] = found.groupby(found.index).min()
    return first


def events_of(tables: Sequence[Measured], clock: Clock, everyone: pd.DataFrame, attrition: Attrition) -> pd.DataFrame:
    """Events of the subjects that stay, within their spans, sorted by subject (in the order of ``everyone``, see
    `subjects.judge`) and time. Raises `InputError` where no row of a table is of any subject."""
    kept = pd.concat([_kept(measured, clock, everyone, attrition) for measured in tables], ignore_index=True)
    kept = kept.iloc[np.lexsort((kept["hours"], kept["place"]))].reset_index(drop=True)
    return as_events(kept["record"], kept["hours"], kept["variable"], kept["value"])


def _kept(measured: Measured, clock: Clock, everyone: pd.DataFrame, attrition: Attrition) -> pd.DataFrame:
    """The table's measurements that are used: ``record, place, hours, variable, value``. All others are set aside."""
    placed = _placed(measured, clock, everyone, attrition)
    losses.tell_span(measured.rows, placed["reason"], attrition, follow_up=clock.time.until is None)
    read = _long if measured.table.variable else _wide
    found: pd.DataFrame = read(measured, placed, attrition)
    attrition.set_aside_by_reason("measurements", found.assign(column=found["variable"]), file=measured.rows.name)
    kept: pd.DataFrame = found[found["reason"] == ""]
    if kept.empty:
        losses.tell_nothing_left(measured.rows, placed["reason"], found["reason"], attrition)
    return kept


def _placed(measured: Measured, clock: Clock, everyone: pd.DataFrame, attrition: Attrition) -> pd.DataFrame:
    """Of each row ``line``, ``record``, the subject's ``place`` in ``everyone``, ``hours`` since its start, and the
    ``reason`` why it is set aside, or ""."""
    rows, ids = measured.rows, measured.ids
    losses.tell_ids(rows, measured.table.subject, everyone.index, attrition)
    if len(ids) and len(everyone) and not ids.isin(everyone.index).any():
        told = "".join(f" {notice.text}" for notice in attrition.notices if notice.name == f"ids of {rows.name}")
        raise InputError(
            f"no row of {rows.name} is of any subject: do {measured.option}.subject and options.subjects.subject "
            f"name columns with the same ids?{told}"
        )
    place = everyone.index.get_indexer(pd.Index(ids))
    hours, garbled = _hours(measured, clock)
    losses.tell_times(rows, measured.table.time, garbled, clock.fault, attrition)
    hours = hours - np.where(place >= 0, everyone["start"].to_numpy()[place], np.nan)
    problems: dict[str, NDArray[np.bool_]] = {
        "no subject id": (ids == "").to_numpy(dtype=bool),
        "unknown subject": place < 0,
        "subject set aside": (everyone["reason"].to_numpy() != "")[place],
        "no time": (rows.cells[measured.table.time] == "").to_numpy(dtype=bool),
        f"time is {clock.fault}": garbled,
        "before time zero" if clock.time.window is None else "before the window": hours < 0,
        "after the landmark": hours > everyone["span"].to_numpy()[place],
    }
    return pd.DataFrame(
        {
            "line": rows.cells.index,
            "record": ids.to_numpy(),
            "place": place,
            "hours": hours,
            "reason": np.select(list(problems.values()), list(problems), ""),
        }
    )


def _hours(measured: Measured, clock: Clock) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Each row's time in hours on the file's own clock, and where the cell says something else."""
    table, cells = measured.table, measured.rows.cells[measured.table.time]
    hours = clock.hours(measured.rows, table.time, table.decimal, of_measurements=True)
    return hours, (cells != "").to_numpy(dtype=bool) & np.isnan(hours)


def _cells(measured: Measured, name: str, variable: Declared) -> tuple[NDArray[np.bool_], "pd.Series[str]"]:
    """Which rows say something of a variable, and what."""
    rows, table, code = measured.rows.cells, measured.table, code_of(name, variable)
    if table.variable:
        chosen = measured.code_of_row == measured.codes.index(code)
        return chosen, rows.loc[chosen, str(table.value)]
    chosen = (rows[code] != "").to_numpy(dtype=bool)
    return chosen, rows.loc[chosen, code]


def _wide(measured: Measured, placed: pd.DataFrame, attrition: Attrition) -> pd.DataFrame:
    """One row a cell that is not blank. Rows that are set aside are so as visits, too."""
    attrition.set_aside_by_reason("visits", placed, file=measured.rows.name)
    attrition.kept("visits", int((placed["reason"] == "").sum()))
    parts = [placed[:0].assign(variable="", value=0.0)]
    for name, variable in measured.series.items():
        said, cells = _cells(measured, name, variable)
        part = _read(placed[said], name, variable, cells, measured, attrition)
        part.loc[placed.loc[said, "reason"] != "", "reason"] = "visit set aside"
        parts.append(part)
    found = pd.concat(parts, ignore_index=True)
    attrition.came_in("measurements", len(found))
    return found


def _long(measured: Measured, placed: pd.DataFrame, attrition: Attrition) -> pd.DataFrame:
    """One row a measurement; where several variables are read from one code, each of them is one."""
    parts, readers = [], np.zeros(len(placed), dtype=np.int64)
    for name, variable in measured.series.items():
        chosen, cells = _cells(measured, name, variable)
        readers += chosen
        parts.append(_read(placed[chosen], name, variable, cells, measured, attrition))
    attrition.came_in("measurements", int((readers - 1).clip(0).sum()))
    nobody = placed[readers == 0].assign(variable=None, value=np.nan)
    nobody.loc[nobody["reason"] == "", "reason"] = "undeclared variable"
    absent = {code for place, code in enumerate(measured.codes) if place not in measured.code_of_row}
    names = [(name, code_of(name, one)) for name, one in measured.series.items() if code_of(name, one) in absent]
    losses.tell_codes(measured.rows, str(measured.table.variable), names, attrition)
    found: pd.DataFrame = pd.concat([nobody, *parts], ignore_index=True)
    return found


def _read(
    placed: pd.DataFrame, name: str, variable: Declared, cells: Cells, measured: Measured, attrition: Attrition
) -> pd.DataFrame:
    value = read_values(cells, name, variable, measured.table.decimal, measured.rows.name, attrition)
    losses.tell_cells(measured.rows.name, name, variable, measured.table.decimal, cells, value, attrition)
    fault = "not a number" if variable.kind == "numeric" else "unknown level"
    reason = np.where(np.isnan(value), np.where(cells == "", "blank value", fault), "")
    kept: pd.Series[str] = placed["reason"].where(placed["reason"] != "", reason)
    read: pd.DataFrame = placed.assign(variable=name, value=value, reason=kept)
    return read
