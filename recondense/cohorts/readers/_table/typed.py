"""Typed columns of Parquet as text that keeps what the type says: the unit of a duration, the offset of a moment."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from recondense.errors import InputError
from recondense.files.tables import read_within, share_of_memory

EXACT = 2.0**53  # whole numbers below it are exact as floats
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def column_names(path: Path) -> list[str]:
    """The columns of a Parquet file. Raises `InputError` where it is none, or two columns have one name."""
    try:
        names = list(pyarrow.parquet.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path) from error
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{path}: several columns are named '{twice[0]}': rename them")
    return names


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The columns as text cells, the index the row from 1; without ``columns``, all that can be text. Raises
    `InputError` where the file cannot be read, or one of ``columns`` cannot be text."""
    try:
        table: Any = read_within(path, share_of_memory(), columns)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path) from error
    texts: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            texts[name] = as_text(column).fill_null("")
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            if columns is not None:
                raise InputError(
                    f"{path}, column '{name}' has the type {column.type}, which is no text, number or time: write one "
                    "value a row"
                ) from error
    cells: pd.DataFrame = pa.table(texts).to_pandas().astype("str")
    return cells.set_axis(range(1, table.num_rows + 1), axis="index")


def as_text(column: Any) -> Any:
    """A pyarrow column as text: durations in ISO 8601, whole numbers without a fraction or exponent, numbers of less
    than double precision as short as they were meant. Raises what pyarrow raises where its type cannot be text."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return as_text(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    if pa.types.is_dictionary(kind):
        return as_text(column.cast(kind.value_type))
    if pa.types.is_duration(kind):
        return _by_value(column.cast(pa.int64()), lambda value: _duration(value, PER_SECOND[kind.unit]))
    if kind == pa.month_day_nano_interval():
        return _by_value(column, _interval)
    if pa.types.is_float16(kind):
        return _by_value(column, lambda value: str(float(str(np.float16(value)))))
    if pa.types.is_floating(kind):
        whole = pc.and_(pc.less(pc.abs(column), pa.scalar(EXACT, kind)), pc.equal(pc.floor(column), column))
        integers = pc.if_else(whole, column, None).cast(pa.int64()).cast(pa.large_string())
        return pc.if_else(whole, integers, column.cast(pa.large_string()))
    text = column.cast(pa.large_string())
    if "binary" in str(kind) and pc.any(pc.match_substring(text, "\0")).as_py():
        raise pa.ArrowInvalid("bytes that are no text")
    return text


def _by_value(column: Any, text: Callable[[Any], str]) -> Any:
    return pa.chunked_array([[None if one is None else text(one) for one in column.to_pylist()]], pa.large_string())


def _duration(value: int, per_second: int) -> str:
    """
    >>> _duration(-1_500_000, 10**6), _duration(93600, 1)
    ('-PT1.500000S', 'PT93600S')
    """
    whole, rest = divmod(abs(value), per_second)
    fraction = f".{rest:0{len(str(per_second)) - 1}d}" if per_second > 1 else ""
    return f"{'-' if value < 0 else ''}PT{whole}{fraction}S"


def _interval(value: Any) -> str:
    """A month has no length, so that with months it is text that is no duration."""
    return f"P{value.months}M" if value.months else _duration(value.days * 86400 * 10**9 + value.nanoseconds, 10**9)


def _unreadable(path: Path) -> InputError:
    return InputError(f"{path} is no readable Parquet file: write it again")
