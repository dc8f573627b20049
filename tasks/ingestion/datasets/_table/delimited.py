"""Delimited text as a table of text cells, each row with its line. Nothing is guessed and nothing is lost."""

import csv
import gzip
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from tasks.common.errors import InputError

LARGEST = 2**31 - 2  # pyarrow counts the bytes of a block in 32 bits


def read_delimited(path: Path, encoding: str, delimiter: str) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Text cells by column, the index their line, and the lines of rows with too many or too few cells, all of them.

    Lines of nothing but delimiters and white space are no rows. Raises `InputError` where the file is not text in
    ``encoding``, has no first line of column names or two of one name, or a quotation mark that swallows records.
    """
    text = _decoded(path, encoding)
    names = _header(text, path, delimiter)
    content = text.encode()
    if len(content) > LARGEST:
        raise _too_large(path)
    torn: list[tuple[int, str]] = []

    def set_aside(row: Any) -> str:
        torn.append((row.number, row.text))
        return "skip"

    columns = [str(place) for place in range(len(names))]
    table: Any = pyarrow.csv.read_csv(
        pa.py_buffer(content),
        pyarrow.csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=columns),
        pyarrow.csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=set_aside
        ),
        pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.large_string()), strings_can_be_null=False),
    )
    lines, first_lines = _lines(table, torn)
    _check_quotes(table, lines, names, path, delimiter)
    torn_lines = _torn_lines([text for _, text in torn], first_lines, len(names), path, delimiter)
    cells: pd.DataFrame = table.rename_columns(names).to_pandas().astype("str").set_axis(lines, axis="index").iloc[1:]
    if len(names) > 1:
        cells = cells[~_blank(cells)]
    if len(torn_lines) and cells.empty:
        raise InputError(
            f"{path}: no line has the {len(names)} cells of the first one: check its first line, and option 'delimiter'"
        )
    return cells, torn_lines


def _decoded(path: Path, encoding: str) -> str:
    content = path.read_bytes()
    if path.name.endswith(".gz"):
        try:
            with gzip.open(path) as stream:
                content = stream.read(LARGEST + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{path} is damaged or cut short: copy it again from where it comes") from error
    if len(content) > LARGEST:
        raise _too_large(path)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) and encoding.replace("_", "-").lower() in ("utf-8", "utf-8-sig"):
        raise InputError(f"{path} is text in UTF-16: add the option 'encoding: utf-16' beside 'file'")
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeError as error:
        line = content[: error.start].count(b"\n") + 1 if isinstance(error, UnicodeDecodeError) else 1
        raise InputError(
            f"{path}, line {line}: not text in {encoding}: save the file in that encoding, or state its own as the "
            "option 'encoding' beside 'file' (spreadsheets on Windows often write cp1252)"
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(f"{path}, line {line}: holds a zero byte, so it is no plain text: export it again as CSV")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _header(text: str, path: Path, delimiter: str) -> list[str]:
    try:
        names = [name.strip() for name in next(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True), [])]
    except csv.Error as error:
        raise InputError(f"{path}, line 1: a quotation mark is missing or too many: mend the column names") from error
    if not any(names):
        raise InputError(f"{path} has no first line with the names of its columns: add it")
    if twice := [place for place, name in enumerate(names, start=1) if name and names.count(name) > 1]:
        raise InputError(f"{path}, line 1: columns {twice[0]} and {twice[1]} have the same name: rename one")
    return [name or f"(column {place})" for place, name in enumerate(names, start=1)]


def _lines(table: Any, torn: list[tuple[int, str]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The line on which each row of the table, and each torn one, begins; a quoted cell may run over several."""
    of_torn = np.array([number for number, _ in torn], dtype=np.int64)
    n_rows = table.num_rows + len(torn)
    whole = np.setdiff1d(np.arange(1, n_rows + 1), of_torn)
    breaks = np.zeros(n_rows + 1, dtype=np.int64)
    for column in table.columns:
        breaks[whole] += pc.count_substring(column, "\n").to_numpy()
    breaks[of_torn] = [text.count("\n") for _, text in torn]
    lines = np.arange(n_rows + 1) + np.cumsum(breaks) - breaks
    return lines[whole], lines[of_torn]


def _check_quotes(table: Any, lines: NDArray[np.int64], names: list[str], path: Path, delimiter: str) -> None:
    """A quotation mark without its partner makes one cell of all lines up to the next one: records would vanish."""
    for before, (name, column) in enumerate(zip(names, table.columns, strict=True)):
        places = np.flatnonzero(pc.match_substring(column, "\n").to_numpy(zero_copy_only=False))
        for place in places:
            first, *others = column[int(place)].as_py().split("\n")
            around = [delimiter * before + first, *others[:-1], others[-1] + delimiter * (len(names) - 1 - before)]
            if others[-1] == "" or _hold_records(around, len(names), delimiter):
                raise _unpaired(path, int(lines[place]), f", column '{name}'")


def _torn_lines(
    texts: list[str], first_lines: NDArray[np.int64], n_columns: int, path: Path, delimiter: str
) -> NDArray[np.int64]:
    """All lines of the torn rows but for blank ones. Raises `InputError` where a quotation mark has made one row of
    several records."""
    found: list[int] = []
    for text, first in zip(texts, first_lines.tolist(), strict=True):
        lines = text.split("\n")
        if _hold_records(lines, n_columns, delimiter):
            raise _unpaired(path, first)
        found += [line for line, words in enumerate(lines, start=first) if words.strip(f"{delimiter} \t")]
    return np.array(found, dtype=np.int64)


def _hold_records(lines: list[str], n_columns: int, delimiter: str) -> bool:
    """Whether of the lines that a row runs over one in between, or both the first and the last, look like a row each.

    >>> _hold_records(['a,0,1,"bad', 'b,0,1,worse"'], 4, ","), _hold_records(['a,0,1,"bad,', 'then worse"'], 4, ",")
    (True, False)
    """
    whole = [line.count(delimiter) >= max(n_columns - 1, 1) for line in lines]
    return any(whole[1:-1]) or (len(lines) > 1 and whole[0] and whole[-1])


def _too_large(path: Path) -> InputError:
    return InputError(f"{path} is over 2 GB as text: save it as Parquet, which is read faster, too")


def _unpaired(path: Path, line: int, column: str = "") -> InputError:
    return InputError(
        f"{path}, line {line}{column}: a quotation mark is missing or too many, so that the cell swallows the lines "
        "below: mend that line"
    )


def _blank(cells: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows of nothing but white space."""
    blank = np.array(cells.iloc[:, 0].str.strip() == "", dtype=bool)
    blank[blank] = (cells[blank].apply(lambda column: column.str.strip()) == "").all(axis=1)
    return blank
