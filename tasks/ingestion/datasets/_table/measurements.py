"""What was measured, and when: rows of visits or of single measurements as events."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.common.attrition import Attrition
from tasks.common.cells import numbers, places
from tasks.common.errors import InputError
from tasks.ingestion.datasets._table import losses
from tasks.ingestion.datasets._table.files import Rows
from tasks.ingestion.datasets._table.moments import finite, moments
from tasks.ingestion.datasets._table.options import HOURS, Declared, Time
from tasks.ingestion.datasets._table.places import Measurements
from tasks.ingestion.datasets._table.subjects import reader

Series = dict[str, Declared]


def needed(table: Measurements, series: Series) -> dict[str, str]:
    """The measurements' columns, each with the option that names it."""
    columns = {table.subject: "options.measurements.subject", table.time: "options.measurements.time"}
    if table.variable and table.value:
        return {
            **columns,
            table.variable: "options.measurements.variable",
            table.value: "options.measurements.value",
        }
    return {**columns, **{variable.column or name: f"options.variables.{name}" for name, variable in series.items()}}


def unit(table: Measurements) -> str:
    """What a row is."""
    return "measurements" if table.variable else "visits"


def events_of(
    rows: Rows, table: Measurements, series: Series, time: Time, everyone: pd.DataFrame, attrition: Attrition
) -> pd.DataFrame:
    """Events of the subjects that stay, within their spans, sorted by subject (in the order of ``everyone``, see
    `subjects.judge`) and time. Raises `InputError` where no row is of any subject."""
    ids = rows.cells[table.subject]
    losses.tell_ids(rows, table.subject, everyone.index, attrition)
    if len(ids) and len(everyone) and not ids.isin(everyone.index).any():
        told = "".join(f" {notice.text}" for notice in attrition.notices if notice.name == f"ids of {rows.name}")
        raise InputError(
            f"no row of {rows.name} is of any subject: do options.measurements.subject and options.subjects.subject "
            f"name columns with the same ids?{told}"
        )
    place = everyone.index.get_indexer(pd.Index(ids))
    hours, garbled = _hours(rows, table, time)
    hours = hours - np.where(place >= 0, everyone["zero"].to_numpy()[place], np.nan)
    until = everyone["until"].to_numpy()[place]
    what = "timestamp" if time.timestamps else "number"
    losses.tell_times(rows, table.time, garbled, what, attrition)
    problems: dict[str, NDArray[np.bool_]] = {
        "no subject id": (ids == "").to_numpy(dtype=bool),
        "unknown subject": place < 0,
        "subject set aside": (everyone["reason"].to_numpy() != "")[place],
        "no time": (rows.cells[table.time] == "").to_numpy(dtype=bool),
        f"time is not a {what}": garbled,
        "before time zero": hours < 0,
        "after the landmark": hours > until,
    }
    placed = pd.DataFrame(
        {
            "line": rows.cells.index,
            "record": ids.to_numpy(),
            "place": place,
            "hours": hours,
            "reason": np.select(list(problems.values()), list(problems), ""),
        }
    )
    losses.tell_span(rows, placed["reason"], attrition)
    if table.variable and table.value:
        found = _long(rows, table, series, placed, attrition)
    else:
        found = _wide(rows, table, series, placed, attrition)
    for reason, gone in found.groupby("reason"):
        if reason:
            columns = gone["variable"].to_numpy()
            attrition.set_aside_rows("measurements", str(reason), gone, file=rows.name, column=columns)
    kept = found[found["reason"] == ""]
    if kept.empty:
        losses.tell_nothing_left(rows, placed["reason"], found["reason"], attrition)
    kept = kept.iloc[np.lexsort((kept["hours"], kept["place"]))]
    return pd.DataFrame(
        {
            "subject_id": kept["record"].astype("str"),
            "hours": kept["hours"].astype(float),
            "variable": kept["variable"].astype("str"),
            "value": kept["value"].astype(float),
        }
    ).reset_index(drop=True)


def _hours(rows: Rows, table: Measurements, time: Time) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Each row's time in hours on the file's own clock, and where the cell says something else."""
    cells = rows.cells[table.time]
    if time.timestamps:
        hours = moments(cells, time.format, table.time)
    else:
        hours = finite(numbers(cells, table.decimal)) * HOURS[time.unit]
    return hours, (cells != "").to_numpy(dtype=bool) & np.isnan(hours)


def _wide(rows: Rows, table: Measurements, series: Series, placed: pd.DataFrame, attrition: Attrition) -> pd.DataFrame:
    """One row a cell that is not blank. Rows that are set aside are so as visits, too."""
    for reason, gone in placed.groupby("reason"):
        if reason:
            attrition.set_aside_rows("visits", str(reason), gone, file=rows.name)
    attrition.kept("visits", int((placed["reason"] == "").sum()))
    parts = []
    for name, variable in series.items():
        cells = rows.cells[variable.column or name]
        said = (cells != "").to_numpy(dtype=bool)
        part = _read(placed[said], name, variable, cells[said], table.decimal)
        losses.tell_cells(rows.name, name, variable, cells[said], part["value"].to_numpy(), attrition)
        part.loc[placed.loc[said, "reason"] != "", "reason"] = "visit set aside"
        parts.append(part)
    found = pd.concat(parts, ignore_index=True)
    attrition.came_in("measurements", len(found))
    return found


def _long(rows: Rows, table: Measurements, series: Series, placed: pd.DataFrame, attrition: Attrition) -> pd.DataFrame:
    """One row a measurement; where several variables are read from one code, each of them is one."""
    words, cells = rows.cells[str(table.variable)], rows.cells[str(table.value)]
    by_code: dict[str, list[str]] = {}
    for name, variable in series.items():
        by_code.setdefault(variable.column or name, []).append(name)
    place = places(words, list(by_code))
    parts = [placed[np.isnan(place)].assign(variable=None, value=np.nan)]
    parts[0].loc[parts[0]["reason"] == "", "reason"] = "undeclared variable"
    absent = []
    for number, (code, names) in enumerate(by_code.items()):
        chosen = place == number
        absent += [] if chosen.any() else [(name, code) for name in names]
        attrition.came_in("measurements", int(chosen.sum()) * (len(names) - 1))
        for name in names:
            part = _read(placed[chosen], name, series[name], cells[chosen], table.decimal)
            losses.tell_cells(rows.name, name, series[name], cells[chosen], part["value"].to_numpy(), attrition)
            parts.append(part)
    losses.tell_codes(rows, str(table.variable), absent, attrition)
    return pd.concat(parts, ignore_index=True)


def _read(placed: pd.DataFrame, name: str, variable: Declared, cells: "pd.Series[str]", decimal: str) -> pd.DataFrame:
    value = reader(variable, decimal)(cells)
    fault = "not a number" if variable.kind == "numeric" else "unknown level"
    reason = np.where(np.isnan(value), np.where(cells == "", "blank value", fault), "")
    return placed.assign(variable=name, value=value, reason=placed["reason"].where(placed["reason"] != "", reason))
