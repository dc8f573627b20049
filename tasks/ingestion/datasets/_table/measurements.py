"""What was measured, and when: rows of visits or of single measurements as events."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.common.attrition import Attrition
from tasks.common.cells import Cells
from tasks.common.errors import InputError
from tasks.ingestion.datasets._table.files import Rows
from tasks.ingestion.datasets._table.moments import Clock
from tasks.ingestion.datasets._table.options import Declared
from tasks.ingestion.datasets._table.places import Measurements
from tasks.ingestion.datasets._table.values import read_values

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
    rows: Rows, table: Measurements, series: Series, clock: Clock, everyone: pd.DataFrame, attrition: Attrition
) -> pd.DataFrame:
    """Events of the subjects that stay, within their spans, sorted by subject (in the order of ``everyone``, see
    `subjects.judge`) and time. Raises `InputError` where no row is of any subject."""
    ids = rows.cells[table.subject]
    if len(ids) and len(everyone) and not ids.isin(everyone.index).any():
        raise InputError(
            f"no row of {rows.name} is of any subject: do options.measurements.subject and options.subjects.subject "
            "name columns with the same ids?"
        )
    place = everyone.index.get_indexer(pd.Index(ids))
    hours = clock.hours(rows, table.time, table.decimal)
    timed = (rows.cells[table.time] != "").to_numpy(dtype=bool)
    garbled = timed & np.isnan(hours)
    hours = hours - np.where(place >= 0, everyone["zero"].to_numpy()[place], np.nan)
    until = everyone["until"].to_numpy()[place]
    problems: dict[str, NDArray[np.bool_]] = {
        "no subject id": (ids == "").to_numpy(dtype=bool),
        "unknown subject": place < 0,
        "subject set aside": (everyone["reason"].to_numpy() != "")[place],
        "no time": ~timed,
        f"time is {clock.fault}": garbled,
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
    if table.variable and table.value:
        found = _long(rows, table, series, placed, attrition)
    else:
        found = _wide(rows, table, series, placed, attrition)
    for reason, gone in found.groupby("reason"):
        if reason:
            columns = gone["variable"].to_numpy()
            attrition.set_aside_rows("measurements", str(reason), gone, file=rows.name, column=columns)
    kept = found[found["reason"] == ""]
    kept = kept.iloc[np.lexsort((kept["hours"], kept["place"]))]
    return pd.DataFrame(
        {
            "subject_id": kept["record"].astype("str"),
            "hours": kept["hours"].astype(float),
            "variable": kept["variable"].astype("str"),
            "value": kept["value"].astype(float),
        }
    ).reset_index(drop=True)


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
        part = _read(placed[said], name, variable, cells[said], table, rows.name, attrition)
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
    parts = [placed[~words.isin(list(by_code)).to_numpy()].assign(variable=None, value=np.nan)]
    parts[0].loc[parts[0]["reason"] == "", "reason"] = "undeclared variable"
    for code, names in by_code.items():
        chosen = (words == code).to_numpy(dtype=bool)
        attrition.came_in("measurements", int(chosen.sum()) * (len(names) - 1))
        for name in names:
            parts.append(_read(placed[chosen], name, series[name], cells[chosen], table, rows.name, attrition))
    return pd.concat(parts, ignore_index=True)


def _read(
    placed: pd.DataFrame,
    name: str,
    variable: Declared,
    cells: Cells,
    table: Measurements,
    file: str,
    attrition: Attrition,
) -> pd.DataFrame:
    value = read_values(cells, name, variable, table.decimal, file, attrition)
    fault = "not a number" if variable.kind == "numeric" else "unknown level"
    reason = np.where(np.isnan(value), np.where(cells == "", "blank value", fault), "")
    return placed.assign(variable=name, value=value, reason=placed["reason"].where(placed["reason"] != "", reason))
