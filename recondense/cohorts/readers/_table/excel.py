"""A sheet of an Excel workbook (.xlsx) as text cells that say what the spreadsheet's cells hold."""

import datetime as dt
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from recondense.cohorts.readers._table.contents import ZIP, first_bytes
from recondense.cohorts.readers._table.delimited import column_names
from recondense.errors import InputError
from recondense.files.tables import check_fits, share_of_memory
from recondense.records.attrition import Attrition

FORMULA = re.compile(rb"<(?:\w+:)?f[ >/]")


def is_workbook(path: Path) -> bool:
    """Whether a file is an Excel workbook, whatever its name."""
    if not first_bytes(path).startswith(ZIP):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/worksheets/") for name in archive.namelist())
    except zipfile.BadZipFile:
        return path.suffix.lower() in (".xlsx", ".xlsm")


def sheet_names(path: Path) -> list[str]:
    """The sheets of cells that are shown. Raises `InputError`."""
    return [sheet.title for sheet in _open(path, values=True).worksheets if sheet.sheet_state == "visible"]


def read_sheet(path: Path, sheet: str | None = None, attrition: Attrition | None = None) -> pd.DataFrame:
    """The cells below the first row, which names the columns; the index is the row in the sheet.

    Moments are in ISO 8601, durations too. A formula that the file has no value for is blank, and noted. Raises
    `InputError` where the workbook cannot be read or would fill the memory, or ``sheet`` is not there, or none is named
    and there are several.
    """
    book = _open(path, values=True)
    rows = list(_rows(book, path, sheet))
    header = [_text(value) for value in rows[0]] if rows else []
    while header and not header[-1].strip():
        header.pop()  # what is only formatted is no column
    names = column_names(header, f"{path}, row 1")
    texts = [[_text(value) for value in row[: len(names)]] for row in rows[1:]]
    texts = [row + [""] * (len(names) - len(row)) for row in texts]
    cells = pd.DataFrame(texts, columns=names, index=range(2, len(rows) + 1), dtype="str")
    if attrition and _has_formulas(path):
        _tell_of_formulas(rows, _rows(_open(path, values=False), path, sheet), path, attrition)
    return cells[(cells != "").any(axis=1)]


def _open(path: Path, *, values: bool) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            # What is declared is also the most that is unpacked; XML takes some ten times its size as cells
            check_fits(path, 10 * sum(member.file_size for member in archive.infolist()), share_of_memory())
        return load_workbook(path, read_only=True, data_only=values, keep_links=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, SyntaxError, OSError) as error:
        raise InputError(f"{path} is no readable Excel workbook: save it again as .xlsx, or as CSV") from error


def _rows(book: Any, path: Path, sheet: str | None) -> Iterator[tuple[Any, ...]]:
    names = [one.title for one in book.worksheets if one.sheet_state == "visible"]
    if sheet is None and len(names) != 1:
        raise InputError(f"{path} has several sheets: name one with 'sheet' beside 'file': {', '.join(names)}")
    if sheet is not None and sheet not in [one.title for one in book.worksheets]:
        raise InputError(f"{path} has no sheet '{sheet}': it has {', '.join(names)}")
    chosen = book[sheet if sheet is not None else names[0]]
    chosen.reset_dimensions()  # which some programs write wrongly
    yield from chosen.iter_rows(values_only=True)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.timedelta):
        return f"{value.days} days {dt.timedelta(seconds=value.seconds, microseconds=value.microseconds)}"
    return str(value)


def _has_formulas(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:  # each member fits the memory, see `_open`
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        return any(FORMULA.search(archive.read(name)) for name in sheets)


def _tell_of_formulas(
    found: list[tuple[Any, ...]], written: Iterator[tuple[Any, ...]], path: Path, attrition: Attrition
) -> None:
    blank = [
        value is None
        for values, formulas in zip(found, written, strict=True)
        for value, formula in zip(values, formulas, strict=True)
        if isinstance(formula, str) and formula.startswith("=")
    ]
    what = (
        f"formulas in {path.name} have no value in the file and count as blank: open it in a spreadsheet, save it, and "
        "run again"
    )
    attrition.counted(f"formulas without values: {path.name}", what, sum(blank), len(blank))
