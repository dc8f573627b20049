"""How a file has to be read: encoding, delimiter, decimal mark and marks of missing values, guessed by the many.

The cells are read as ingestion reads them, with the options that are proposed.
"""

import csv
import io
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from recondense.cohorts.readers._table.contents import contents
from recondense.cohorts.readers._table.excel import is_workbook, sheet_names
from recondense.cohorts.readers._table.files import cells_of, cleaned, is_parquet
from recondense.cohorts.readers._table.values import UNKNOWN
from recondense.errors import InputError
from recondense.records.cells import word
from recondense.wizard.table import Table

PACKED = ("", ".gz", ".bz2", ".xz", ".zst", ".zip")
TEXT = tuple(f"{kind}{packed}" for kind in (".csv", ".tsv", ".txt") for packed in PACKED)
SUFFIXES = (*TEXT, ".parquet", ".pq", ".xlsx", ".xlsm")
DELIMITERS = (",", ";", "\t", "|")
LINES = 500  # of a file, by which its delimiter is told
FEW = 0.5  # the share of numbers in a column from which on its decimal marks count
AMOUNT = r"[<>≤≥]?=?\s*[+-]?[0-9]+{}([eE][+-]?[0-9]+)?"
WITH_COMMA, WITH_POINT, NUMBER = (AMOUNT.format(rest) for rest in (",[0-9]+", r"\.[0-9]+", r"([.,][0-9]*)?"))


def read_tables(path: Path) -> list[Table]:
    """The table in a file, or in each sheet of a workbook. Raises `InputError` where it cannot be read, or has no
    rows."""
    if not is_workbook(path):
        return [_table(path, path.name, *(({}, "") if is_parquet(path) else _as_text(path)))]
    sheets = sheet_names(path)
    if len(sheets) == 1:
        return [_table(path, path.name, {}, "")]
    return [_table(path, f"{path.name}, sheet {sheet}", {"sheet": sheet}, "") for sheet in sheets]


def _table(path: Path, name: str, reading: dict[str, Any], said: str) -> Table:
    """The cells as ingestion reads them by ``reading``, completed by what the cells themselves tell."""
    reading = {"file": path.name, **reading}
    about = [said] if said else []
    encoding, delimiter = reading.get("encoding", "utf-8"), reading.get("delimiter", ",")
    cells, _ = cells_of(path, encoding, delimiter, sheet=reading.get("sheet"))
    if cells.empty:
        raise InputError(f"{path} has no row below the names of its columns: there is nothing to look at")
    found = cleaned(cells)
    if missing := marks_of(found):
        reading["missing"] = missing
        found = cleaned(cells, missing)
        about.append(f"no value where a cell says {', '.join(repr(mark) for mark in missing)}")
    comma, point, n_columns = decimals_of(found)
    if comma > point:
        reading["decimal"] = ","
    if comma:
        kind, most = ("comma", comma) if comma > point else ("point", point)
        about.append(f"decimal {kind}: {most} of {comma + point} cells with one or the other, in {n_columns} columns")
    return Table(name, found, reading, said=[f"{name}: {'; '.join(about)}"] if about else [])


def _as_text(path: Path) -> tuple[dict[str, Any], str]:
    """The encoding and delimiter of text, as in params.yaml, and what to say of them."""
    text, encoding = _text(path)
    delimiter, agree, of = delimiter_of(text)
    reading = {"encoding": encoding} if encoding != "utf-8" else {}
    reading |= {"delimiter": delimiter} if delimiter != "," else {}
    spelt = "tab" if delimiter == "\t" else f"'{delimiter}'"
    return reading, f"{encoding}, delimiter {spelt} ({agree} of the first {of} rows)"


def _text(path: Path) -> tuple[str, str]:
    """A file's text and encoding. Text with more letters of UTF-8 than bytes that are none is damaged UTF-8."""
    content = contents(path)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace"), "utf-16"
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as error:
        text = content.decode("utf-8", errors="replace")
        if sum(not letter.isascii() for letter in text) > 2 * text.count("\ufffd"):
            line = content[: error.start].count(b"\n") + 1
            raise InputError(f"{path}, line {line}: all else is UTF-8, but this line is not: mend it") from error
    try:
        return content.decode("cp1252"), "cp1252"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "latin-1"


def delimiter_of(text: str) -> tuple[str, int, int]:
    """What separates the cells of most rows: the mark by which the most rows have as many cells as the first, two or
    more; how many have, and how many rows were looked at.

    >>> delimiter_of("a;b,c;d\\n1;2;3\\n4;5,5;6\\n")[0]
    ';'
    """
    lines = io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"))
    head = "".join(islice(lines, LINES))
    found = []
    for mark in DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(io.StringIO(head), delimiter=mark) if any(map(str.strip, row))]
        except csv.Error:
            continue
        agree = sum(width == widths[0] for width in widths) if widths and widths[0] > 1 else 0
        found.append((agree, widths[0] if widths else 0, -DELIMITERS.index(mark), len(widths)))
    if not found:
        return ",", 0, 0
    agree, _, place, n_rows = max(found)
    return DELIMITERS[-place], agree, n_rows


def decimals_of(cells: pd.DataFrame) -> tuple[int, int, int]:
    """In how many cells of columns of numbers a comma is the decimal mark, in how many a point; how many columns."""
    comma = point = n_columns = 0
    for column in cells:
        counts = cells[column][cells[column] != ""].value_counts()
        cell = counts.index.to_series()
        with_comma, with_point, number = (
            int(counts[cell.str.fullmatch(pattern).to_numpy()].sum()) for pattern in (WITH_COMMA, WITH_POINT, NUMBER)
        )
        if with_comma + with_point and number >= FEW * counts.sum():
            comma, point, n_columns = comma + with_comma, point + with_point, n_columns + 1
    return comma, point, n_columns


def marks_of(cells: pd.DataFrame) -> list[str]:
    """The words for "unknown" that occur, but for those that one of two levels is: "-" beside "+"."""
    known = {word(mark): mark for mark in UNKNOWN}
    found: set[str] = set()
    levels: set[str] = set()
    for column in cells:
        unique = pd.Series(cells[column].unique(), dtype="str")
        without_digits = ~unique.str.contains("[0-9]")
        words = {word(cell) for cell in unique[without_digits] if cell}
        here = known.keys() & words
        others = len(words - here) + int((~without_digits).sum())
        (levels if others == 1 else found).update(here)
    return sorted(known[mark] for mark in found - levels)
