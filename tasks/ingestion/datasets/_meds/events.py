"""The events of declared codes, streamed: memory is that of what is kept and of a few batches, whatever the size."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet

from tasks.common.errors import InputError
from tasks.ingestion.datasets._meds.options import Options

NEEDED = ("subject_id", "time", "code")
SCHEMA = pa.schema(
    {"subject_id": pa.int64(), "time": pa.timestamp("us"), "code": pa.string(), "numeric_value": pa.float32()}
)
BATCH = 1 << 17


def batches(raw: Path, codes: list[str] | None, subject_ids: "pd.Series[int]") -> Iterator[pd.DataFrame]:
    """Frames with the columns of `SCHEMA`, of the events with one of ``codes`` (or any) of one of the subjects.

    Raises `InputError` where there is no data, or a file is not of the MEDS data schema.
    """
    folder = raw / "data"
    paths = sorted(folder.rglob("*.parquet"))
    if not paths:
        raise InputError(f"{folder} holds no Parquet file: ingestion.raw has to name the MEDS data set's own folder")
    for path in paths:
        _check(path)
        data: Any = pyarrow.dataset.dataset(path, schema=SCHEMA, format="parquet")
        wanted = pyarrow.dataset.field("subject_id").isin(pa.array(subject_ids, pa.int64()))
        if codes is not None:
            wanted &= pyarrow.dataset.field("code").isin(codes)
        try:
            for batch in data.to_batches(filter=wanted, batch_size=BATCH, batch_readahead=2):
                if batch.num_rows:
                    yield batch.to_pandas()
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path} is damaged, or not of the MEDS data schema: write it again") from error


def count_events(raw: Path) -> int:
    """How many events the data set holds, by what its files say of themselves."""
    return sum(pyarrow.parquet.read_metadata(path).num_rows for path in (raw / "data").rglob("*.parquet"))


def _check(path: Path) -> None:
    try:
        names = pyarrow.parquet.read_schema(path).names
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is no readable Parquet file: copy or export it again") from error
    if missing := [name for name in NEEDED if name not in names]:
        raise InputError(f"{path} has no column '{missing[0]}', so it is not of the MEDS data schema: export it again")


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
