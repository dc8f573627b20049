"""A declared table, from a file or a query, as text cells: one form for all that follows."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError, SQLAlchemyError

from tasks.common.attrition import Attrition
from tasks.common.errors import InputError
from tasks.common.tables import read_within, share_of_memory
from tasks.ingestion.datasets._table.delimited import read_delimited
from tasks.ingestion.datasets._table.places import Tabular


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
        cells = _query(raw, declared)
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


def cleaned(cells: pd.DataFrame, missing: Iterable[str]) -> pd.DataFrame:
    """Cells without the white space around them, and "" for whatever stands for no value."""
    cells = cells.apply(lambda column: column.str.strip()) if len(cells.columns) else cells
    return cells.mask(cells.isin(list(missing)), "")


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


def _query(raw: Path, declared: Tabular) -> pd.DataFrame:
    url = _url(raw, str(declared.url))
    where = f"the query to {declared.url}"
    try:
        engine = create_engine(url)
        with engine.connect() as connection:
            result = connection.execution_options(yield_per=10_000).execute(text(str(declared.query)))
            names = list(result.keys())
            rows = [tuple(_as_text(value) for value in row) for part in result.partitions() for row in part]
        engine.dispose()
    except ImportError as error:
        raise InputError(f"{where} needs a driver that is not installed: install the package '{error.name}'") from error
    except (OperationalError, ProgrammingError) as error:
        # What a server says of a statement or a connection names tables and columns; a URL's password may be in it
        said = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
        if url.password:
            said = said.replace(str(url.password), "***")
        raise InputError(f"{where} failed: {said}: mend 'query' or the URL") from error
    except SQLAlchemyError as error:
        raise InputError(f"{where} failed with {type(error).__name__}: try it in your database's own client") from error
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{where} gives two columns named '{twice[0]}': rename one with AS")
    return pd.DataFrame(rows, columns=names, index=range(1, len(rows) + 1), dtype="str")


def _url(raw: Path, declared: str) -> URL:
    written = declared
    if declared.startswith("env:"):
        variable = declared.removeprefix("env:")
        written = os.environ.get(variable, "")
        if not written:
            raise InputError(
                f"the environment variable {variable} is not set: let it hold the database's SQLAlchemy URL"
            )
    try:
        url = make_url(written)
    except ArgumentError as error:
        raise InputError(
            f"{declared} holds no SQLAlchemy URL: write it as in postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
        ) from error
    if url.get_backend_name() == "sqlite" and url.database and not url.database.startswith("file:"):
        path = raw / url.database  # as any file of the cohort; an absolute path stays what it is
        if not path.is_file():
            raise InputError(f"{path} is missing: put the SQLite database there, or mend 'url'")
        return url.set(database=f"file:{path.resolve()}", query={**url.query, "mode": "ro", "uri": "true"})
    return url


def _as_text(value: object) -> str:
    if value is None or isinstance(value, bytes):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
