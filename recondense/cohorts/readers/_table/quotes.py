"""Quotation marks in delimited text: a cell of several lines is read, and one that swallows rows is found.

A mark without its partner makes one cell of all lines up to the next mark. Its cell ends where no cell ends, or its
lines look like the rows that they were: as many cells, and numbers where the table has numbers.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from recondense.errors import InputError

SAMPLE = 1000  # rows by which a column is known to hold numbers


class Layout(NamedTuple):
    """How the text below the names of the columns is read; ``above``: the lines before it."""

    names: list[str]
    delimiter: str
    quote: str | None
    above: int


def check_quotes(table: Any, lines: NDArray[np.int64], content: bytes, layout: Layout, path: Path) -> list[int]:
    """The lines on which a well quoted last cell begins that holds what looks like a row. Raises `InputError` where a
    quotation mark lacks its partner."""
    doubtful: list[int] = []
    broken = [pc.match_substring(column, "\n").to_numpy(zero_copy_only=False) for column in table.columns]
    places = np.flatnonzero(np.any(broken, axis=0))
    if not layout.quote or not len(places):
        return doubtful
    ends = np.append(np.flatnonzero(np.frombuffer(content, np.uint8) == ord("\n")), len(content))
    well_quoted, numeric = _row(layout.delimiter), _numeric(table)
    for place in places:
        row = [column[int(place)].as_py() for column in table.columns]
        first = int(lines[place]) - layout.above - 1
        start = 0 if first == 0 else ends[first - 1] + 1
        text = content[start : ends[first + sum(cell.count("\n") for cell in row)]].decode()
        for before, cell in enumerate(row):
            if "\n" not in cell:
                continue
            looks = _like_rows(row, before, layout.delimiter, numeric)
            if not well_quoted.fullmatch(text) or (looks and before < len(row) - 1):
                raise _unpaired(path, int(lines[place]), f", column '{layout.names[before]}'")
            doubtful += [int(lines[place])] * looks
    return doubtful


def torn_lines_of(texts: list[str], first_lines: NDArray[np.int64], layout: Layout, path: Path) -> NDArray[np.int64]:
    """All lines of the torn rows but for blank ones. Raises `InputError` where a quotation mark has made one row of
    several records."""
    found: list[int] = []
    for text, first in zip(texts, first_lines.tolist(), strict=True):
        lines = text.split("\n")
        if _hold_records(lines, len(layout.names), layout.delimiter):
            raise _unpaired(path, first)
        found += [line for line, words in enumerate(lines, start=first) if words.strip(f"{layout.delimiter} \t")]
    return np.array(found, dtype=np.int64)


def _row(delimiter: str) -> re.Pattern[str]:
    """A row as RFC 4180 has it: a quoted cell ends before a delimiter, and quotation marks in it are doubled."""
    mark = re.escape(delimiter)
    cell = rf'(?:"(?:[^"]|"")*+"|[^"{mark}\n][^{mark}\n]*|)'
    return re.compile(rf"(?:{cell}{mark})*{cell}")


def _numeric(table: Any) -> list[int]:
    """The columns that hold hardly anything but numbers."""
    found = []
    for place, column in enumerate(table.columns):
        said = [cell for cell in column.slice(0, SAMPLE).to_pylist() if cell.strip() and "\n" not in cell]
        if said and np.mean([_is_number(cell) for cell in said]) >= 0.9:
            found.append(place)
    return found


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*[+-]?[0-9]+([.,][0-9]+)?\s*", cell) is not None


def _like_rows(row: Sequence[str], before: int, delimiter: str, numeric: Sequence[int]) -> bool:
    """Whether the lines of a cell with so many cells ``before`` it are each a row, together with those around it.

    >>> _like_rows(["a", "0", "1,x\\nb,1,2", "y"], 2, ",", [1])
    True
    >>> _like_rows(["a", "0", "tired,\\nno fever, no cough", ""], 2, ",", [1])
    False
    """
    first, *middle, last = row[before].split("\n")
    rows = [
        [*row[:before], *first.split(delimiter)],
        *(line.split(delimiter) for line in middle),
        [*last.split(delimiter), *row[before + 1 :]],
    ]
    others = [place for place in numeric if place != before]
    return (
        len(row) > 1
        and all(len(cells) == len(row) for cells in rows)
        and any(_is_number(cells[place]) for cells in rows[1:] for place in others)
        and all(not cells[place].strip() or _is_number(cells[place]) for cells in rows for place in others)
    )


def _hold_records(lines: list[str], n_columns: int, delimiter: str) -> bool:
    """Whether of the lines that a torn row runs over one in between, or both the first and the last, look like a row.

    >>> _hold_records(['a,0,1,"bad', 'b,0,1,worse"'], 4, ","), _hold_records(['a,0,1,"bad,', 'then worse"'], 4, ",")
    (True, False)
    """
    whole = [line.count(delimiter) >= max(n_columns - 1, 1) for line in lines]
    return any(whole[1:-1]) or (len(lines) > 1 and whole[0] and whole[-1])


def _unpaired(path: Path, line: int, column: str = "") -> InputError:
    return InputError(
        f"{path}, line {line}{column}: a quotation mark is missing or too many, so that the cell swallows the lines "
        "below: mend that line, or add 'quotes: false' beside 'file' where quotation marks are text like any other"
    )
