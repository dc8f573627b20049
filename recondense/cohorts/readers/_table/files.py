"""A declared table, from a file or a query, as text cells: one form for all that follows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from recondense.cohorts.readers._declared import did_you_mean
from recondense.cohorts.readers._table.delimited import read_delimited
from recondense.cohorts.readers._table.excel import is_workbook, read_sheet
from recondense.cohorts.readers._table.places import Tabular
from recondense.cohorts.readers._table.typed import column_names, read_parquet
from recondense.errors import InputError, needing_extras
from recondense.records.attrition import Attrition
from recondense.records.cells import MISSING, matching, near, without_marks


@dataclass(frozen=True)
class Rows:
    """``cells``: text in its plainest form, "" where blank; the index is the line in the file or the row's number.
    ``name``: the file's, or "query"."""

    name: str
    cells: pd.DataFrame


def load(
    raw: Path,
    declared: Tabular,
    unit: str,
    needed: Mapping[str, str],
    attrition: Attrition,
    optional: Iterable[str] = (),
    words: Mapping[str, Iterable[str]] | None = None,
) -> Rows:
    """The columns ``needed`` (each with the option that names it) and ``optional`` ones, blank where not there.

    ``words``: by column, the levels and codes that are declared for it, which are no marks of missing values. All rows
    come in under ``unit``, and torn lines are set aside. Raises `InputError` where the table is not to be had or lacks
    a column.
    """
    wanted = list(dict.fromkeys([*needed, *optional]))
    name, torn = declared.file or "query", list[int]()
    if declared.query is not None:
        with needing_extras():
            from recondense.cohorts.readers._table.queries import rows_of
        cells = rows_of(raw, str(declared.url), declared.query)
        found = _found(list(cells.columns), wanted, needed, name)
    else:
        path = raw / name
        if not path.is_file():
            raise InputError(f"{path} is missing: put it there, or mend 'file' or ingestion.raw in params.yaml")
        if is_parquet(path):  # which can be read by column
            found = _found(column_names(path), wanted, needed, path)
            cells = read_parquet(path, list(dict.fromkeys(found.values())))
        else:
            cells, torn = cells_of(
                path, declared.encoding, declared.delimiter, declared.quotes, declared.sheet, attrition
            )
            found = _found(list(cells.columns), wanted, needed, path)
    of = len(cells) + len(torn)
    attrition.came_in(unit, of)
    attrition.set_aside(unit, "malformed line", len(torn), file=name, line=torn)
    if torn:
        what = (
            f"lines of {name} have more or fewer cells than the first line (first in line {torn[0]}): is there a "
            "delimiter in a cell without quotation marks?"
        )
        attrition.counted(f"lines of {name}", what, len(torn), of)
    cells = cells[list(found.values())].set_axis(list(found), axis="columns")
    cells = cells.reindex(columns=wanted, fill_value="")
    return Rows(name, cleaned(cells, declared.missing, words or {}))


def is_parquet(path: Path) -> bool:
    """By its name."""
    return path.suffix.lower() in (".parquet", ".pq")


def cells_of(
    path: Path,
    encoding: str,
    delimiter: str,
    quotes: bool = True,
    sheet: str | None = None,
    attrition: Attrition | None = None,
) -> tuple[pd.DataFrame, list[int]]:
    """All columns of a file as text, and its torn lines; what a steward must know of it is noted in ``attrition``.
    Raises `InputError`."""
    if is_parquet(path):
        return read_parquet(path), []
    if is_workbook(path):
        return read_sheet(path, sheet, attrition), []
    if sheet is not None:
        raise InputError(f"{path} is no Excel workbook (.xlsx), so that it has no sheet: leave out 'sheet'")
    read = read_delimited(path, encoding, delimiter, quotes)
    if attrition and (doubtful := read.doubtful):
        text = (
            f"{len(doubtful)} cells of {path.name}, on line {doubtful[0]} and after, hold a line that looks like a "
            "row: where a quotation mark is missing there, that row is lost. Look at these lines, and mend them or add "
            "'quotes: false' beside 'file'"
        )
        attrition.notice(f"cells that look like rows: {path.name}", text, len(doubtful), len(read.cells))
    return read.cells, [int(line) for line in read.torn]


def cleaned(
    cells: pd.DataFrame, missing: Iterable[str] = (), words: Mapping[str, Iterable[str]] | None = None
) -> pd.DataFrame:
    """Cells in their plainest form, and "" for whatever stands for no value, unless it is among the column's
    ``words``."""
    marks, declared = (*MISSING, *missing), words or {}
    plain = {name: without_marks(cells[name], marks, declared.get(str(name), ())) for name in cells.columns}
    return pd.DataFrame(plain, index=cells.index) if plain else cells


def _found(names: list[str], wanted: list[str], needed: Mapping[str, str], place: Path | str) -> dict[str, str]:
    """The table's own name of each column. Columns of similar names are named in an error, others not: where the first
    line is missing, it is a patient's record."""
    found = matching(names, wanted)
    for column, option in needed.items():
        if column in found:
            continue
        hint = did_you_mean(near(column, names, cutoff=0.7))
        if not hint and len(names) == 1:
            hint = "it has one column only: is the option 'delimiter' right?"
        raise InputError(
            f"{place} has no column '{column}', which {option} names: "
            f"{hint or 'is its first line the names of its columns?'} Mend the file or the option"
        )
    return found
