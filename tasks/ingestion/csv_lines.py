"""Comma-separated text one line at a time, so that what is wrong with a line costs that line alone."""

import codecs
import csv
from collections.abc import Sequence
from pathlib import Path

from tasks.common.attrition import Attrition
from tasks.common.errors import InputError

LONGEST_CELL = 1000  # no id, number or code is longer


def read_lines(
    path: Path, needed: Sequence[str], attrition: Attrition, unit: str, *, mend: str
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header of an ASCII file, and the lines below it: each one's number in the file, and its stripped cells.

    Counts the lines in as ``unit``, and sets aside as "malformed line" those with another number of cells than the
    header, with a quotation mark out of place, an endless cell or anything but ASCII. A cell never runs over several
    lines, as CSV would allow: one stray quotation mark would swallow the lines up to the next. Raises `InputError`,
    ending in ``mend``, where the file or its header cannot be used or a ``needed`` column is missing.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing: {mend}")
    try:
        lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}): see that you may read it") from error
    header, *rows = [_cells(line) for line in lines] or [[]]
    if header is None:
        raise InputError(f"{path} is not plain comma-separated text: {mend}")
    if missing := [name for name in needed if name not in header]:
        raise InputError(f"{path} lacks the columns {', '.join(missing)} in its first line: {mend}")
    if twice := sorted({name for name in needed if header.count(name) > 1}):
        raise InputError(f"{path} has several columns {', '.join(twice)} in its first line: {mend}")
    whole = [(number, row) for number, row in enumerate(rows, start=2) if row is not None and len(row) == len(header)]
    torn = sorted(set(range(2, len(rows) + 2)) - {number for number, _ in whole})
    attrition.came_in(unit, len(rows))
    attrition.set_aside(unit, "malformed line", len(torn), file=path.name, line=torn)
    return header, whole


def _cells(line: bytes) -> list[str] | None:
    """The stripped cells of one line, None where it is not one of comma-separated text."""
    if not line.isascii() or b"\0" in line:
        return None
    try:
        cells = [cell.strip() for cell in next(csv.reader([line.decode("ascii")], strict=True), [])]
    except csv.Error:
        return None
    return None if any(len(cell) > LONGEST_CELL for cell in cells) else cells
