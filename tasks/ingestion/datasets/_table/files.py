"""A declared table, from a file or a query, as text cells: one form for all that follows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from tasks.common.attrition import Attrition
from tasks.common.cells import MISSING, without_marks
from tasks.common.errors import InputError
from tasks.common.tables import read_within, share_of_memory
from tasks.ingestion.datasets._table.delimited import read_delimited
from tasks.ingestion.datasets._table.places import Tabular
from tasks.ingestion.datasets._table.queries import rows_of


@dataclass(frozen=True)
class Rows:
    """``cells``: text, stripped, "" where blank; the index is the line in the file or the row's number from 1.
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
) -> Rows:
    """The columns ``needed`` (each with the option that names it) and ``optional`` ones, blank where not there.

    All rows come in under ``unit``, and torn lines are set aside. Raises `InputError` where the table is not to be had
    or lacks a column.
    """
    name, torn = declared.file or "query", list[int]()
    if declared.query is not None:
        cells = rows_of(raw, str(declared.url), declared.query)
    else:
        path = raw / str(declared.file)
        if not path.is_file():
            raise InputError(f"{path} is missing: put it there, or mend 'file' or ingestion.raw in params.yaml")
        cells, torn = cells_of(path, declared.encoding, declared.delimiter)
    _check_columns(cells, needed, raw / name if declared.file else name)
    attrition.came_in(unit, len(cells) + len(torn))
    attrition.set_aside(unit, "malformed line", len(torn), file=name, line=torn)
    cells = cells.reindex(columns=list(dict.fromkeys([*needed, *optional])), fill_value="")
    return Rows(name, cleaned(cells, declared.missing))


def cells_of(path: Path, encoding: str, delimiter: str) -> tuple[pd.DataFrame, list[int]]:
    """All columns of a file as text, and its torn lines. Raises `InputError`."""
    if path.suffix.lower() in (".parquet", ".pq"):
        return _parquet(path), []
    cells, lines = read_delimited(path, encoding, delimiter)
    return cells, [int(line) for line in lines]


def cleaned(cells: pd.DataFrame, missing: Iterable[str] = (), named: Iterable[str] = ()) -> pd.DataFrame:
    """Cells in their plainest form, and "" for whatever stands for no value; what is ``named`` as a level does not."""
    marks, declared = (*MISSING, *missing), tuple(named)
    return cells.apply(lambda column: without_marks(column, marks, declared)) if len(cells.columns) else cells


def _check_columns(cells: pd.DataFrame, needed: Mapping[str, str], place: Path | str) -> None:
    """Columns of similar names are named, others not: where the first line is missing, it is a patient's record."""
    for column, option in needed.items():
        if column in cells.columns:
            continue
        near = get_close_matches(column.casefold(), [name.casefold() for name in cells.columns], 3, 0.7)
        hint = f"did you mean {' or '.join(repr(n) for n in cells.columns if n.casefold() in near)}?" if near else ""
        if not near and len(cells.columns) == 1:
            hint = "it has one column only: is the option 'delimiter' right?"
        raise InputError(
            f"{place} has no column '{column}', which {option} names: "
            f"{hint or 'is its first line the names of its columns?'} Mend the file or the option"
        )


def _parquet(path: Path) -> pd.DataFrame:
    try:
        table: Any = read_within(path, share_of_memory())
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is no readable Parquet file: write it again") from error
    columns: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            if name in columns:
                raise InputError(f"{path}: several columns are named '{name}': rename them")
            columns[name] = column.cast(pa.large_string()).fill_null("")
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue  # lists and the like hold no value that a variable could take; a column in need is found missing
    cells: pd.DataFrame = pa.table(columns).to_pandas().astype("str")
    return cells.set_axis(range(1, len(cells) + 1), axis="index")
