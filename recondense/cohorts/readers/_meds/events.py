"""The events of declared codes, streamed: memory is that of what is kept and of a few batches, whatever the size."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet

from recondense.cohorts.readers._meds.files import cast, read_typed, schema_of
from recondense.cohorts.readers._meds.options import Options
from recondense.errors import InputError
from recondense.files.folders import visible

CODES = Path("metadata", "codes.parquet")
NEEDED = ("subject_id", "time", "code")
STANDARD = "the MEDS data schema"
TYPES = {"subject_id": pa.int64(), "time": pa.timestamp("us"), "code": pa.string(), "numeric_value": pa.float64()}
BATCH = 1 << 17


def shards(raw: Path) -> list[Path]:
    """The Parquet files of the data set, hidden ones left out. Raises `InputError` where there is none."""
    folder = raw / "data"
    paths = visible(folder, folder.rglob("*.parquet"))
    if not paths:
        raise InputError(f"{folder} holds no Parquet file: ingestion.raw has to name the MEDS data set's own folder")
    return paths


def batches(
    paths: Iterable[Path], codes: Iterable[str] | None, subject_ids: "pd.Series[int]"
) -> Iterator[pd.DataFrame]:
    """Frames with the columns of `TYPES`, of the events in ``paths`` of one of the subjects, with one of ``codes``
    where they are given.

    A writer's own types (large strings, dictionaries, 32 bits, another resolution of time) become those. Raises
    `InputError` where a file is not of the MEDS data schema.
    """
    wanted = pyarrow.dataset.field("subject_id").isin(pa.array(subject_ids, pa.int64()))
    if codes is not None:
        # Cast, since the least and greatest code that a file states of itself may be of a type that compares with no
        # other
        wanted &= pyarrow.dataset.field("code").cast(pa.string()).isin(pa.array(codes, pa.string()))
    for path in paths:
        try:
            # Times keep their type until they are in memory: what reads a file refuses to round nanoseconds
            own = {"time": schema_of(path, NEEDED, STANDARD).field("time").type}
            data: Any = pyarrow.dataset.dataset(path, schema=pa.schema({**TYPES, **own}), format="parquet")
            for batch in data.to_batches(filter=wanted, batch_size=BATCH, batch_readahead=2):
                if batch.num_rows:
                    yield cast(pa.Table.from_batches([batch]), TYPES).to_pandas()
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path} is damaged, or not of the MEDS data schema: write it again") from error


def known_codes(raw: Path, paths: Iterable[Path]) -> list[str]:
    """All codes of the data set: as its own list has them, or, where it has no such list, its events."""
    lists = [raw / CODES] if (raw / CODES).is_file() else paths
    tables = [read_typed(path, {"code": pa.string()}, {}, "the MEDS schema of codes")["code"] for path in lists]
    return sorted({code for column in tables for code in pc.unique(column).to_pylist() if code})


def count_events(paths: Iterable[Path]) -> int:
    """How many events the files hold, by what they say of themselves."""
    return sum(pyarrow.parquet.read_metadata(path).num_rows for path in paths)


def in_the_window(found: pd.DataFrame, labels: pd.DataFrame, window_hours: float) -> pd.DataFrame:
    """Add ``place`` (of the subject in ``labels``) and ``hours`` since time zero; ``hours`` is NaN outside the window,
    whose ends both belong to it, and for events without a time."""
    place = pd.Index(labels["subject_id"]).get_indexer(pd.Index(found["subject_id"]))
    before = (labels["prediction_time"].to_numpy()[place] - found["time"].to_numpy()) / np.timedelta64(1, "h")
    inside = (before >= 0) & (before <= window_hours)
    return found.assign(place=place, before=before, hours=np.where(inside, window_hours - before, np.nan))


def series_of(found: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Columns ``place, hours, variable, value`` of the series' events; ``hours`` is NaN outside the window, ``value``
    where there is none."""
    parts = []
    for name, variable in options.variables.items():
        if variable.role == "static":
            continue
        for scale in variable.scales():
            chosen = found[found["code"] == scale.code]
            value = chosen["numeric_value"].astype(float) if scale.factor else 0.0
            parts.append(chosen[["place", "hours"]].assign(variable=name, value=value * scale.factor + scale.offset))
    return pd.concat(parts, ignore_index=True)


def statics_of(found: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Columns ``place, variable, value``: years up to the prediction, or 0 or 1, by events until then."""
    parts = []
    until = found[~(found["before"] < 0)]
    for name, variable in options.variables.items():
        if variable.role == "series":
            continue
        for scale in variable.scales():
            chosen = until[until["code"] == scale.code]
            value = chosen["before"] / (24 * 365.25) if variable.kind == "numeric" else scale.offset
            parts.append(chosen[["place"]].assign(variable=name, value=value))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"place": [], "variable": [], "value": []})
