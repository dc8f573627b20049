"""Parquet files that somebody else wrote: how large they become is known before they are unpacked.

A column of one value repeated takes a few bytes in the file and gigabytes in memory. So text is read as numbers of its
different values, which is as small as the file, and its length counted before it is written out.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from recondense.errors import InputError

GB = 2**30
WIDTH = 8  # bytes of a number, and of the place of a text


def read_within(path: Path, most: int, columns: Sequence[str] | None = None) -> Any:
    """The pyarrow table in ``path``, all of it or some ``columns``, where it takes at most ``most`` bytes in memory.

    Text is in columns of type ``large_string``. Raises `InputError` where it takes more; what pyarrow raises for a file
    that is no Parquet.
    """
    with pyarrow.parquet.ParquetFile(path) as file:
        about, schema = file.metadata, file.schema_arrow
        packed = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
        wanted = schema.names if columns is None else list(columns)
        check_fits(path, max(packed, about.num_rows * len(wanted) * WIDTH), most)
    text = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    table: Any = pyarrow.parquet.read_table(path, columns=columns, read_dictionary=text, partitioning=None)
    length = sum(_length(chunk) for column in table.columns for chunk in column.chunks)
    check_fits(path, table.num_rows * table.num_columns * WIDTH + length, most)
    return pa.table([_written_out(column) for column in table.columns], names=table.column_names)


def share_of_memory() -> int:
    """Bytes that a raw table may take here: a quarter of what is free, since it is there twice while it is checked."""
    return int(psutil.virtual_memory().available // 4)


def check_fits(path: Path, size: int, most: int) -> None:
    """Raise `InputError` where what ``path`` unpacks to takes more than ``most`` bytes."""
    if size > most:
        raise InputError(
            f"{path} unpacks to {size / GB:.3g} GB, and {most / GB:.3g} GB are allowed: leave out columns and rows "
            "that are not needed, or use a machine with more memory"
        )


def _length(chunk: Any) -> int:
    """Bytes of text once it is written out."""
    if not pa.types.is_dictionary(chunk.type):
        return 0
    of_each = pc.fill_null(pc.binary_length(chunk.dictionary), 0).cast(pa.int64())
    return int(pc.sum(of_each.take(chunk.indices)).as_py() or 0)


def _written_out(column: Any) -> Any:
    if not pa.types.is_dictionary(column.type) or not pa.types.is_string(column.type.value_type):
        return column
    chunks = [
        pa.DictionaryArray.from_arrays(one.indices, one.dictionary.cast(pa.large_string())).dictionary_decode()
        for one in column.chunks
    ]
    return pa.chunked_array(chunks, pa.large_string())
