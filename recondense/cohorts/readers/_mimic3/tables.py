"""The database's tables: CSV or CSV.gz, names of files and columns in upper or lower case, read block by block."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from recondense.errors import InputError
from recondense.progress import reading
from recondense.records.attrition import Attrition

BLOCK_BYTES = 1 << 22  # memory follows from this, not from the size of the table
LONGEST_HEADER = 1 << 16


@dataclass(frozen=True)
class Batch:
    """Some rows of a table: a binary Arrow array for each column asked for, by its lower-case name.

    ``index``: how many whole rows of the table come before each of them, ``(n_rows,)``.
    """

    columns: dict[str, Any]
    index: NDArray[np.int64]
    torn: "_TornRows"

    def __len__(self) -> int:
        return len(self.index)

    def only(self, chosen: NDArray[np.bool_]) -> "Batch":
        """The rows where ``chosen``, ``(n_rows,)``, is true."""
        mask = pa.array(chosen)
        return Batch({name: cells.filter(mask) for name, cells in self.columns.items()}, self.index[chosen], self.torn)

    def words(self, column: str) -> tuple[NDArray[np.int32], list[str]]:
        """A column as codes, ``(n_rows,)``, and the distinct texts that they stand for."""
        encoded = self.columns[column].dictionary_encode()
        return encoded.indices.to_numpy(), [text(cell) for cell in encoded.dictionary.to_pylist()]

    def says(self, column: str, word: str) -> NDArray[np.bool_]:
        """Whether each cell of a column is ``word``, ``(n_rows,)``; where the table lacks the column, none is."""
        codes, words = self.words(column) if column in self.columns else (np.zeros(len(self), np.int32), [""])
        return np.array([one == word for one in words], dtype=bool)[codes]

    def lines(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The lines of the file, of which line 1 is the header, that the rows at ``places`` are."""
        return self.torn.line(self.index[places])


@dataclass
class _TornRows:
    """Rows that do not have as many cells as the header: the number of each, and how many lines it takes up."""

    numbers: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def skip(self, row: Any) -> str:
        """Note one torn row. A quotation mark that is never closed swallows all lines up to the end of its block."""
        self.numbers.append(row.number)
        self.lengths.append(row.text.count("\n") + 1)
        return "skip"

    def line(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Line numbers of whole rows, given how many whole rows come before each."""
        whole_before = np.array(self.numbers) - 2 - np.arange(len(self.numbers))
        torn_lines: NDArray[np.int64] = np.cumsum([0, *self.lengths])
        return index + 2 + torn_lines[np.searchsorted(whole_before, index, side="right")]

    def all_lines(self) -> NDArray[np.int64]:
        """The numbers of all torn lines."""
        found, more = list[int](), 0  # lines beyond the first of each torn row before
        for number, length in zip(self.numbers, self.lengths, strict=True):
            found += range(number + more, number + more + length)
            more += length - 1
        return np.array(found, dtype=np.int64)


class _Ascii(io.RawIOBase):
    """A stream with a question mark for each byte beyond ASCII: no cell in use needs one, and none spoils a row.

    ``n_lines``: of what was read so far, whether the last one has an end or not.
    """

    TABLE = bytes(range(128)) + b"?" * 128

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._ends, self._last = 0, b"\n"

    @property
    def n_lines(self) -> int:
        return self._ends + (self._last not in (b"\n", b"\r"))

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found: bytes = self._stream.read(size).translate(self.TABLE)
        self._ends += found.count(b"\n") + found.count(b"\r") - (self._last + found).count(b"\r\n")
        self._last = found[-1:] or self._last
        return found


def find_tables(raw: Path, names: Sequence[str], url: str) -> dict[str, Path]:
    """The file of each table; where a table is there twice, the plain file is read. Raises `InputError`."""
    paths = sorted(raw.iterdir(), reverse=True) if raw.is_dir() else []
    files = {path.name.lower(): path for path in paths if path.is_file()}
    spelt = [(name, f"{name.lower()}{ending}") for ending in (".csv.gz", ".csv") for name in names]
    found = {name: files[file] for name, file in spelt if file in files}
    if missing := [f"{name}.csv.gz" for name in names if name not in found]:
        raise InputError(f"{', '.join(missing)} (or .csv) missing: get the tables from {url} and put them into {raw}")
    return found


def read_batches(
    path: Path, columns: Sequence[str], unit: str, attrition: Attrition, *, optional: Sequence[str] = ()
) -> Iterator[Batch]:
    """The rows of a table, in order; an ``optional`` column that is not there is left out of the batches.

    Counts all lines as come in, and sets aside those that are torn. Raises `InputError` where a column is missing or
    the file cannot be read, or a quotation mark has made one whole row of several lines, which no table here holds.
    """
    torn, count = _TornRows(), 0
    try:
        header = _header(path)
        _check_header(path, header, columns)
        chosen = [*columns, *(name for name in optional if name in header)]
        packed = "gzip" if _is_gzip(path) else None
        with reading(path) as file, pa.input_stream(file, compression=packed) as stream:
            lines = _Ascii(stream)
            reader = pyarrow.csv.open_csv(
                lines,
                # With threads rows have no numbers
                pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, skip_rows=1, column_names=header),
                pyarrow.csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=torn.skip),
                pyarrow.csv.ConvertOptions(include_columns=chosen, column_types=dict.fromkeys(chosen, pa.binary())),
            )
            for block in reader:
                yield Batch(dict(zip(chosen, block.columns, strict=True)), np.arange(count, count + len(block)), torn)
                count += len(block)
    except (OSError, EOFError, zlib.error, csv.Error, pa.ArrowException) as error:
        # The text of the error may quote a cell
        raise InputError(
            f"{path} cannot be read beyond line {count + sum(torn.lengths) + 1}: it is damaged, cut short, or not "
            "comma-separated text; get it again"
        ) from error
    if swallowed := lines.n_lines - 1 - count - sum(torn.lengths):
        raise InputError(
            f"{path}: a quotation mark is missing or too many, so that {swallowed} lines are part of a cell in the "
            "lines above them: get the table again"
        )
    attrition.came_in(unit, count + sum(torn.lengths))
    torn_lines = torn.all_lines()
    attrition.set_aside(unit, "malformed line", len(torn_lines), file=path.name, line=torn_lines)


def read_table(
    path: Path, columns: Sequence[str], unit: str, attrition: Attrition, *, optional: Sequence[str] = ()
) -> pd.DataFrame:
    """A whole table as text cells, with the ``line`` and the ``file`` of each row; for tables of some 10,000 rows.

    An ``optional`` column that is not there is blank throughout.
    """
    names = [*columns, *optional]
    rows = [pd.DataFrame(columns=[*names, "line"], dtype="str")]
    for batch in read_batches(path, columns, unit, attrition, optional=optional):
        cells = {name: [text(cell) for cell in column.to_pylist()] for name, column in batch.columns.items()}
        frame = pd.DataFrame(cells, dtype="str").reindex(columns=names, fill_value="")
        rows.append(frame.assign(line=batch.lines(np.arange(len(batch)))))
    return pd.concat(rows, ignore_index=True).assign(file=path.name)


def text(cell: bytes) -> str:
    """A cell without surrounding blanks."""
    return cell.decode("ascii").strip()


def times(cells: Sequence[str] | pd.Series) -> pd.Series:
    """Times ``YYYY-MM-DD HH:MM:SS``, NaT where a cell is no such time."""
    parsed = pd.to_datetime(pd.Series(cells, dtype="str"), format="%Y-%m-%d %H:%M:%S", errors="coerce")
    return parsed.astype("datetime64[s]")  # dates of birth of the oldest are put 300 years back, too far for ns


def _header(path: Path) -> list[str]:
    with gzip.open(path) if _is_gzip(path) else path.open("rb") as stream:
        first = stream.readline(LONGEST_HEADER).decode("utf-8-sig", errors="replace")
    return [cell.strip().lower() for cell in next(csv.reader([first]), [])]


def _check_header(path: Path, header: list[str], columns: Sequence[str]) -> None:
    if missing := [name for name in columns if name not in header]:
        raise InputError(f"{path} lacks the columns {', '.join(missing)} in its first line: get the table again")
    if repeated := [name for name in columns if header.count(name) > 1]:
        raise InputError(f"{path} has several columns {', '.join(repeated)}: get the table again")


def _is_gzip(path: Path) -> bool:
    return path.name.lower().endswith(".gz")
