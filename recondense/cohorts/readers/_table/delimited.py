"""Delimited text as a table of text cells, each row with its line. Nothing is guessed and nothing is lost."""

import csv
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from recondense.cohorts.readers._table.contents import LARGEST, contents, too_large
from recondense.cohorts.readers._table.quotes import Layout, check_quotes, torn_lines_of
from recondense.errors import InputError

UTF_8, UTF_16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
SEPARATOR = re.compile(r"\"?sep=(.)\"?\n", re.IGNORECASE)  # Excel's own first line


class Delimited(NamedTuple):
    """``cells``: text by column, the index their line. ``torn``: lines of rows with too many or too few cells, all of
    them. ``doubtful``: lines on which a cell begins that is well quoted, and holds a line that looks like a row."""

    cells: pd.DataFrame
    torn: NDArray[np.int64]
    doubtful: list[int]


def read_delimited(path: Path, encoding: str, delimiter: str, quotes: bool = True) -> Delimited:
    """The table in a file, packed or plain (see `contents`). Without ``quotes``, a quotation mark is text.

    Lines of nothing but delimiters and white space are no rows. Raises `InputError` where the file is not text in
    ``encoding``, has no first line of column names or two of one name, or a quotation mark that swallows records.
    """
    layout, content = _opening(_decoded(path, encoding), path, delimiter, '"' if quotes else None)
    if len(content) > LARGEST:
        raise too_large(path)
    table, torn = _parsed(content, layout)
    lines, first_lines = _lines(table, torn, layout.above)
    doubtful = check_quotes(table, lines, content, layout, path)
    torn_lines = torn_lines_of([text for _, text in torn], first_lines, layout, path)
    cells: pd.DataFrame = table.rename_columns(layout.names).to_pandas().astype("str")
    cells = cells.set_axis(lines, axis="index")
    if len(layout.names) > 1:
        cells = cells[~_blank(cells)]
    if len(torn_lines) and cells.empty:
        raise InputError(
            f"{path}: no line has the {len(layout.names)} cells of the first one: check its first line, and option "
            "'delimiter'"
        )
    return Delimited(cells, torn_lines, doubtful)


def column_names(written: Sequence[str], where: str) -> list[str]:
    """Names on one line each, in one form of Unicode, whatever the file breaks them into. Raises `InputError` where
    there is none, or two are the same."""
    names = [" ".join(unicodedata.normalize("NFC", name).split()) for name in written]
    if not any(names):
        raise InputError(f"{where}: no first line with the names of the columns: add it")
    if twice := [place for place, name in enumerate(names, start=1) if name and names.count(name) > 1]:
        raise InputError(f"{where}: columns {twice[0]} and {twice[1]} have the same name: rename one")
    return [name or f"(column {place})" for place, name in enumerate(names, start=1)]


def _decoded(path: Path, encoding: str) -> str:
    content, is_utf_8 = contents(path), encoding.replace("_", "-").lower() in ("utf-8", "utf-8-sig", "utf8")
    if content.startswith(UTF_16) and is_utf_8:
        raise InputError(f"{path} is text in UTF-16: add the option 'encoding: utf-16' beside 'file'")
    if content.startswith(UTF_8) and not is_utf_8:
        raise InputError(f"{path} is text in UTF-8 by its first bytes: leave out the option 'encoding' beside 'file'")
    try:
        text = content.decode(encoding).lstrip("\ufeff")
    except UnicodeError as error:
        line = content[: error.start].count(b"\n") + 1 if isinstance(error, UnicodeDecodeError) else 1
        raise InputError(
            f"{path}, line {line}: not text in {encoding}: save the file in that encoding, or state its own as the "
            "option 'encoding' beside 'file' (spreadsheets on Windows often write cp1252)"
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        first, second = (content[at:200:2].count(0) for at in (0, 1))
        if abs(first - second) > 0.4 * min(len(content), 200):
            order = "le" if second > first else "be"
            raise InputError(f"{path} is text in UTF-16: add the option 'encoding: utf-16-{order}' beside 'file'")
        raise InputError(f"{path}, line {line}: holds a zero byte, so it is no plain text: export it again as CSV")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _opening(text: str, path: Path, delimiter: str, quote: str | None) -> tuple[Layout, bytes]:
    """The names of the columns, and what is below them."""
    above = 0
    if separator := SEPARATOR.match(text):
        text, delimiter, above = text[separator.end() :], separator[1], 1
    form: dict[str, Any] = {"delimiter": delimiter, "quoting": csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE}
    reader = csv.reader(_lines_of(text), **form, strict=True)
    try:
        written = next(reader, [])
    except csv.Error as error:
        where = f"{path}, line {above + 1}"
        raise InputError(f"{where}: a quotation mark is missing or too many: mend the column names") from error
    start = sum(len(line) for line in itertools.islice(_lines_of(text), reader.line_num))
    first = next(csv.reader(_lines_of(text, start), **form), written)
    if len(first) == len(written) + 1 and not first[-1].strip():
        written.append("")  # some programs end each row with a delimiter, and the names without
    elif len(first) == len(written) - 1 and not written[-1].strip():
        written.pop()
    names = column_names(written, f"{path}, line {above + 1}")
    return Layout(names, delimiter, quote, above + reader.line_num), text[start:].encode()


def _lines_of(text: str, start: int = 0) -> Iterator[str]:
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _parsed(content: bytes, layout: Layout) -> tuple[Any, list[tuple[int, str]]]:
    """The rows as a pyarrow table, and those of another length: which row each is, from 1, and its text."""
    columns, torn = [str(place) for place in range(len(layout.names))], list[tuple[int, str]]()
    if not content:
        return pa.table(dict.fromkeys(columns, pa.array([], pa.large_string()))), torn

    def set_aside(row: Any) -> str:
        torn.append((row.number, row.text))
        return "skip"

    table: Any = pyarrow.csv.read_csv(
        pa.py_buffer(content),
        pyarrow.csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=columns),
        pyarrow.csv.ParseOptions(
            delimiter=layout.delimiter,
            quote_char=layout.quote or False,
            newlines_in_values=layout.quote is not None,
            ignore_empty_lines=False,
            invalid_row_handler=set_aside,
        ),
        pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.large_string()), strings_can_be_null=False),
    )
    return table, torn


def _lines(table: Any, torn: list[tuple[int, str]], above: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The line on which each row of the table, and each torn one, begins; a quoted cell may run over several."""
    of_torn = np.array([number for number, _ in torn], dtype=np.int64)
    n_rows = table.num_rows + len(torn)
    is_whole = np.ones(n_rows + 1, dtype=bool)
    is_whole[[0, *of_torn]] = False  # rows are counted from 1
    whole = np.flatnonzero(is_whole)
    breaks = np.zeros(n_rows + 1, dtype=np.int64)
    for column in table.columns:
        breaks[whole] += pc.count_substring(column, "\n").to_numpy()
    breaks[of_torn] = [text.count("\n") for _, text in torn]
    lines = np.arange(n_rows + 1) + np.cumsum(breaks) - breaks + above
    return lines[whole], lines[of_torn]


def _blank(cells: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows of nothing but white space."""
    blank = np.array(cells.iloc[:, 0].str.strip() == "", dtype=bool)
    blank[blank] = (cells[blank].apply(lambda column: column.str.strip()) == "").all(axis=1)
    return blank
