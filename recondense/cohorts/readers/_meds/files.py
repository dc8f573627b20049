"""The Parquet files of a data set, whichever of the standard's writers made them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from recondense.errors import InputError
from recondense.files.tables import read_within, share_of_memory


def schema_of(path: Path, needed: Iterable[str], standard: str) -> Any:
    """The pyarrow schema of a Parquet file. Raises `InputError` where it is none, or lacks a column that the
    ``standard`` needs."""
    try:
        found = pyarrow.parquet.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is no readable Parquet file: copy or export it again") from error
    if missing := [name for name in needed if name not in found.names]:
        raise InputError(f"{path} has no column '{missing[0]}': it is not of {standard}; validate it with package meds")
    return found


def read_typed(path: Path, needed: dict[str, Any], optional: dict[str, Any], standard: str) -> Any:
    """The ``needed`` columns of a Parquet file, and the ``optional`` ones that are there, cast to their types."""
    found = schema_of(path, needed, standard).names
    types = {name: kind for name, kind in {**needed, **optional}.items() if name in found}
    try:
        return cast(read_within(path, share_of_memory(), list(types)), types)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path} is no Parquet file of {standard}: write it again; the package meds validates it"
        ) from error


def cast(table: Any, types: dict[str, Any]) -> Any:
    """The columns of ``types``, cast to them. Times lose a zone, in UTC, and what is finer than a microsecond; nothing
    else may lose anything (`pyarrow.ArrowInvalid`)."""
    columns = {name: table[name].cast(kind, safe=not pa.types.is_timestamp(kind)) for name, kind in types.items()}
    return pa.table(columns)


def check_clocks(times: Iterable[tuple[Path, str, Any]]) -> None:
    """Raise `InputError` where some times (file, column, type) have a time zone and others have none: hours between
    them would be off by the zone."""
    zoned = {kind.tz is not None: (path, column) for path, column, kind in times if pa.types.is_timestamp(kind)}
    if len(zoned) == 2:
        (one, of_one), (other, of_other) = zoned[True], zoned[False]
        raise InputError(
            f"{one}, column '{of_one}', has a time zone and {other}, column '{of_other}', has none: write both in UTC, "
            "without a zone, as the MEDS schema has them"
        )
