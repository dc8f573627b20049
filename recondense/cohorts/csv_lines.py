"""Comma-separated text one line at a time, so that what is wrong with a line costs that line alone."""

import codecs
import csv
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from recondense.errors import InputError
from recondense.records.attrition import Attrition

LONGEST_CELL = 1000  # no id, number or code is longer


def read_lines(
    path: Path,
    needed: Sequence[str],
    attrition: Attrition,
    unit: str,
    *,
    optional: Sequence[str] = (),
    encoding: str = "ascii",
    mend: str = "download it again",
) -> pd.DataFrame:
    """The stripped cells of a file, a column for each of its header; the index is the line in the file.

    Counts the lines in as ``unit``, and sets aside as "malformed line" those with another number of cells than the
    header, with a quotation mark out of place, an endless cell or text in another ``encoding``. A cell never runs over
    several lines, as CSV would allow: one stray quotation mark would swallow the lines up to the next. Raises
    `InputError`, ending in ``mend``, where the file or its header cannot be used, a ``needed`` column is missing, or it
    or an ``optional`` one is there twice.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing: {mend}")
    try:
        lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}): see that you may read it") from error
    header, *rows = [_cells(line, encoding) for line in lines] or [[]]
    if header is None:
        raise InputError(f"{path} is not plain comma-separated text: {mend}")
    if missing := [name for name in needed if name not in header]:
        raise InputError(f"{path} lacks the columns {', '.join(missing)} in its first line: {mend}")
    if twice := sorted({name for name in (*needed, *optional) if header.count(name) > 1}):
        raise InputError(f"{path} has several columns {', '.join(twice)} in its first line: {mend}")
    whole = {number: row for number, row in enumerate(rows, start=2) if row is not None and len(row) == len(header)}
    torn = [number for number in range(2, len(rows) + 2) if number not in whole]
    attrition.came_in(unit, len(rows))
    attrition.set_aside(unit, "malformed line", len(torn), file=path.name, line=torn)
    index = pd.Index(list(whole), dtype="int64", name="line")
    return pd.DataFrame(list(whole.values()), index, header, dtype="str")


def _cells(line: bytes, encoding: str) -> list[str] | None:
    """The stripped cells of one line, None where it is not one of comma-separated text."""
    if b"\0" in line:
        return None
    try:
        cells = [cell.strip() for cell in next(csv.reader([line.decode(encoding)], strict=True), [])]
    except (UnicodeDecodeError, csv.Error):
        return None
    return None if any(len(cell) > LONGEST_CELL for cell in cells) else cells
