"""Real and synthetic tables, or arrays, on one scale: what an audit compares.

A row of a table is a record of one step. Numbers are standardised by the real records, members and others together, so
that neither is favoured. A column of text becomes a feature for each of its levels among real records. A gap is filled
with the median, or is a level of its own, and where a column of numbers has any, a feature says where.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.errors import InputError

PARTS = ("synthetic", "members", "others")
MOST_LEVELS, FEWEST_OF_EACH = 100, 3  # more levels, or of fewer records, are ids or free text: they single out

Raw = NDArray[np.float64]
Frames = Sequence[pd.DataFrame]  # in the order of PARTS


@dataclass(frozen=True)
class Compared:
    """``values``: of each of `PARTS`, float32 ``(n, n_steps, n_features)``, standardised. ``notes``: what was done
    about gaps and levels, without a value of anybody."""

    values: tuple[NDArray[np.float32], ...]
    notes: tuple[str, ...]


def of_frames(frames: Frames, categorical: Collection[str]) -> Compared:
    """Tables with the same columns. ``categorical``: columns of numbers that are codes. Raises `InputError` where
    tables differ in a column or its kind, and for columns that hold ids, free text or lists."""
    _check_columns(frames, categorical)
    pieces: list[list[Raw]] = [[] for _ in PARTS]
    notes: list[str] = []
    for name in frames[1].columns:
        columns = [frame[name] for frame in frames]
        if name in categorical or not all(_is_number(column) for column in columns):
            found = _levels(str(name), columns, name in categorical, notes)
        else:
            found = [_numbers(column)[:, None] for column in columns]
        for piece, one in zip(pieces, found, strict=True):
            piece.append(one)
    raws = [np.concatenate(piece, axis=1)[:, None, :] for piece in pieces]
    scaled = of_arrays(raws)
    return Compared(scaled.values, (*notes, *scaled.notes))


def of_arrays(raws: Sequence[Raw]) -> Compared:
    """Arrays ``(n, n_steps, n_features)`` in whatever units, NaN for a gap. Raises `InputError` where they differ in
    steps or features, and for numbers that are infinite."""
    if len({raw.shape[1:] for raw in raws}) > 1:
        shapes = ", ".join(f"{name} {raw.shape}" for name, raw in zip(PARTS, raws, strict=True))
        raise InputError(f"{shapes}: give all the same steps and features")
    for name, raw in zip(PARTS, raws, strict=True):
        if np.isinf(raw).any():
            raise InputError(f"{name}: {int(np.isinf(raw).sum())} numbers are infinite: write NaN where none is known")
    real = np.concatenate(raws[1:])
    known = ~np.isnan(real)
    middle = np.array([np.median(real[:, :, f][known[:, :, f]]) if known[:, :, f].any() else 0.0 for f in _of(real)])
    gaps = [np.isnan(raw) for raw in raws]
    gappy = np.any([gap.any(axis=(0, 1)) for gap in gaps], axis=0)
    full = [
        np.concatenate([np.where(gap, middle, raw), gap[:, :, gappy]], axis=2)
        for raw, gap in zip(raws, gaps, strict=True)
    ]
    both = np.concatenate(full[1:])
    mean, std = both.mean(axis=(0, 1)), both.std(axis=(0, 1))
    values = tuple(((one - mean) / np.where(std > 0, std, 1)).astype(np.float32) for one in full)
    counts = ", ".join(f"{int(gap.sum())} of {name}" for name, gap in zip(PARTS, gaps, strict=True) if gap.any())
    if not counts:
        return Compared(values, ())
    said = f"gaps were filled with the median ({counts}), and {int(gappy.sum())} features say where they were"
    return Compared(values, (said,))


def _of(raw: Raw) -> range:
    return range(raw.shape[2])


def _check_columns(frames: Frames, categorical: Collection[str]) -> None:
    wanted = list(frames[1].columns)
    if len(set(wanted)) != len(wanted) or not wanted:
        raise InputError("members: give a table with at least one column, each with a name of its own")
    if unknown := sorted(set(categorical) - set(wanted)):
        raise InputError(f"categorical: there is no column '{unknown[0]}'")
    for name, frame in zip(PARTS, frames, strict=True):
        if missing := [column for column in wanted if column not in frame]:
            raise InputError(
                f"{name}: there is no column '{missing[0]}', which members have: give all the same columns"
            )
        if more := [column for column in frame if column not in wanted]:
            raise InputError(f"{name}: members have no column '{more[0]}': give all the same columns")
        if not len(frame):
            raise InputError(f"{name}: the table has no rows")


def _is_number(column: pd.Series) -> bool:
    kind = column.convert_dtypes().dtype
    times = pd.api.types.is_datetime64_any_dtype(kind) or pd.api.types.is_timedelta64_dtype(kind)
    return times or pd.api.types.is_numeric_dtype(kind) or not column.notna().any()


def _numbers(column: pd.Series) -> Raw:
    """A column as numbers: times in days, truth values as 0 and 1, gaps as NaN."""
    column = column.convert_dtypes()
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        column = pd.to_datetime(column, utc=True) - pd.Timestamp(0, tz="UTC")
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        column = column.dt.total_seconds() / 86_400
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def _levels(name: str, columns: Sequence[pd.Series], codes: bool, notes: list[str]) -> list[Raw]:
    """A feature for each level among members and others; a gap is a level, and another level is none of them."""
    if not codes and len({_is_number(column) for column in columns if column.notna().any()}) > 1:
        raise InputError(f"column '{name}' holds numbers in one table and text in another: make them alike")
    texts = [_text(column, codes) for column in columns]
    levels = sorted(set(texts[1]) | set(texts[2]))
    if len(levels) > min(MOST_LEVELS, max(10, (len(texts[1]) + len(texts[2])) // FEWEST_OF_EACH)):
        raise InputError(
            f"column '{name}' has {len(levels):,} levels: it seems to hold ids or free text; leave it out of all tables"
        )
    if strange := int((~texts[0].isin(levels)).sum()):
        notes.append(f"'{name}': {strange} of {len(texts[0])} synthetic records have a level that no real record has")
    if gaps := sum(int(column.isna().sum()) for column in columns):
        notes.append(f"'{name}': {gaps} gaps count as a level of their own")
    return [(text.to_numpy()[:, None] == np.array(levels, dtype=object)).astype(float) for text in texts]


def _text(column: pd.Series, codes: bool) -> pd.Series:
    """What is compared; numbers that are codes are the same whether they are whole or not: 1 and 1.0."""
    if codes and _is_number(column):
        column = pd.Series(_numbers(column), index=column.index)
    return column.map(lambda one: f"={one:g}" if isinstance(one, float) else f"={one}").where(column.notna(), "")
