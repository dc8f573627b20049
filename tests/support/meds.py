"""MEDS data sets, written by the standard's own schemas."""

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import meds as standard
import pyarrow as pa
import pyarrow.parquet as pq

# Subject, time, code, value
Row = tuple[int, datetime.datetime | None, str, float | None]
NOON = datetime.datetime(2020, 1, 3, 12)
VARIABLES: dict[str, dict[str, Any]] = {
    "creatinine": {
        "label": "serum creatinine",
        "unit": "mg/dl",
        "role": "series",
        "low": 0,
        "high": 40,
        "codes": ["LAB//creatinine//mg/dL", {"code": "LAB//creatinine//umol/L", "factor": 0.0113122}],
    },
    "ventilated": {
        "label": "ventilation", "role": "series", "kind": "binary", "positive": ["VENT//ON"], "negative": ["VENT//OFF"]
    },
    "age": {"label": "age", "unit": "years", "role": "static", "years_since": "MEDS_BIRTH"},
    "female": {
        "label": "female sex", "role": "static", "kind": "binary", "positive": ["GENDER//F"], "negative": ["GENDER//M"]
    },
}  # fmt: skip
OPTIONS = {
    "source": {"title": "a MEDS data set", "licence": "ODC-BY 1.0"},
    "labels": "labels",
    "window_hours": 48,
    "variables": VARIABLES,
}
# The same, of one variable
SERIES = {"label": "serum creatinine", "unit": "mg/dl", "role": "series", "codes": ["LAB//Crea"]}
OF_ONE = {
    "source": {"title": "a MEDS data set", "licence": "ODC-BY 1.0"},
    "labels": "labels",
    "window_hours": 24,
    "variables": {"creatinine": SERIES},
}


def at(hours: float) -> datetime.datetime:
    return NOON + datetime.timedelta(hours=hours)


def record(
    subject: int, birth: int = 1960, gender: str = "GENDER//F", events: Iterable[tuple[float, str, float | None]] = ()
) -> list[Row]:
    """A birth, a gender without a time, and ``(hours before or after noon, code, value)``."""
    born = (subject, datetime.datetime(birth, 1, 3, 12), "MEDS_BIRTH", None)
    return [(subject, None, gender, None), born, *((subject, at(hours), code, value) for hours, code, value in events)]


def write(
    raw: Path,
    shards: Mapping[str, list[Row]],
    labels: Sequence[tuple[int, float, bool | None]],
    splits: dict[int, str] | None = None,
) -> Path:
    """A data set of shards (lists of rows) and labels ``(subject, hours from noon, outcome)``, valid by its schemas."""
    for name, rows in shards.items():
        columns = dict(
            zip(("subject_id", "time", "code", "numeric_value"), map(list, zip(*rows, strict=True)), strict=True)
        )
        schema = {
            "subject_id": pa.int64(),
            "time": pa.timestamp("us"),
            "code": pa.string(),
            "numeric_value": pa.float32(),
        }
        _write(raw / "data" / f"{name}.parquet", standard.DataSchema.align(pa.table(columns, pa.schema(schema))))
    subject, hours, outcome = map(list, zip(*labels, strict=True))
    table = pa.table(
        {"subject_id": subject, "prediction_time": pa.array([at(h) for h in hours], pa.timestamp("us")),
         "boolean_value": pa.array(outcome, pa.bool_())}
    )  # fmt: skip
    if None not in outcome:
        table = standard.LabelSchema.align(table)
    _write(raw / "labels" / "0.parquet", table)
    codes = sorted({row[2] for rows in shards.values() for row in rows})
    _write(raw / standard.code_metadata_filepath, standard.CodeMetadataSchema.align(pa.table({"code": codes})))
    (raw / standard.dataset_metadata_filepath).write_text(json.dumps({"dataset_name": "made", "meds_version": "0.4"}))
    if splits:
        table = pa.table({"subject_id": list(splits), "split": list(splits.values())})
        _write(raw / standard.subject_splits_filepath, standard.SubjectSplitSchema.align(table))
    return raw


def _write(path: Path, table: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


LAB, UMOL = "LAB//creatinine//mg/dL", "LAB//creatinine//umol/L"
