"""Which subjects are predicted for, when, and what became of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from tasks.common.attrition import Attrition
from tasks.common.errors import InputError
from tasks.common.tables import read_within, share_of_memory
from tasks.ingestion.datasets._meds.options import Options

NEEDED = {"subject_id": pa.int64(), "prediction_time": pa.timestamp("us")}
OUTCOME = {"boolean_value": pa.bool_()}
SPLITS = Path("metadata", "subject_splits.parquet")


def read_labels(raw: Path, options: Options, attrition: Attrition, outcome_required: bool) -> pd.DataFrame:
    """One row a subject, sorted by id: ``subject_id`` int64, ``prediction_time`` and ``outcome`` (NaN where unknown).

    The unit is "labels". Raises `InputError` where a file is missing or is not of the MEDS label schema.
    """
    place = raw / options.labels
    paths = sorted(place.rglob("*.parquet")) if place.is_dir() else [place]
    if not paths or not place.exists():
        raise InputError(f"{place} is missing or holds no Parquet file: put the labels there, or mend options.labels")
    tables = []
    for path in paths:
        table = read_typed(path, NEEDED, OUTCOME, "the MEDS label schema")
        if outcome_required and "boolean_value" not in table.column_names:
            raise InputError(f"{path} has no column 'boolean_value': outcomes are binary, so labels have to be")
        frame = pd.DataFrame({name: table.column(name).to_pandas() for name in NEEDED})
        known = table.column("boolean_value") if "boolean_value" in table.column_names else pa.nulls(len(frame))
        frame["outcome"] = known.cast(pa.float64()).to_numpy(zero_copy_only=False)
        tables.append(frame.assign(file=str(path.relative_to(raw)), line=np.arange(1, len(frame) + 1)))
    labels = pd.concat(tables, ignore_index=True)
    attrition.came_in("labels", len(labels))
    labels = _chosen(labels, _in_splits(raw, options), options, attrition, outcome_required)
    attrition.kept("labels", len(labels))
    return labels.astype({"subject_id": "int64"}).sort_values("subject_id", ignore_index=True)


def _chosen(
    labels: pd.DataFrame,
    members: "pd.Index[int] | None",
    options: Options,
    attrition: Attrition,
    outcome_required: bool,
) -> pd.DataFrame:
    def refuse(chosen: "pd.Series[bool]", reason: str) -> pd.DataFrame:
        gone = labels[chosen]
        attrition.set_aside_rows("labels", reason, gone, record=gone["subject_id"].astype("string").to_numpy())
        return labels[~chosen]

    moment = ["subject_id", "prediction_time"]
    labels = refuse(labels[moment].isna().any(axis=1), "no subject or prediction time")
    if members is not None:
        labels = refuse(~labels["subject_id"].isin(members), "subject of another split")
    if outcome_required:
        labels = refuse(labels["outcome"].isna(), "no outcome")
    labels = refuse(labels.groupby(moment)["outcome"].transform("nunique") > 1, "contradicting labels")
    labels = labels.sort_values([*moment, "file", "line"], ascending=[True, options.use == "first", True, True])
    return refuse(labels.duplicated("subject_id"), "another label of the same subject is used")


def _in_splits(raw: Path, options: Options) -> "pd.Index[int] | None":
    if not options.splits:
        return None
    path = raw / SPLITS
    if not path.is_file():
        raise InputError(f"{path} is missing, which options.splits needs: put it there, or take options.splits out")
    table = read_typed(path, {"subject_id": pa.int64(), "split": pa.string()}, {}, "the MEDS schema of subject splits")
    splits = table.to_pandas()
    if unknown := sorted(set(options.splits) - set(splits["split"])):
        raise InputError(f"{path} has no split '{unknown[0]}': mend options.splits")
    members: pd.Index[int] = pd.Index(splits.loc[splits["split"].isin(options.splits), "subject_id"])
    return members


def read_typed(path: Path, needed: dict[str, Any], optional: dict[str, Any], schema: str) -> Any:
    """The ``needed`` columns of a Parquet file, and the ``optional`` ones that are there, cast to their types."""
    try:
        found = pyarrow.parquet.read_schema(path).names
        if missing := [name for name in needed if name not in found]:
            raise InputError(
                f"{path} has no column '{missing[0]}': it is not of {schema}; validate it with package meds"
            )
        types = {name: kind for name, kind in {**needed, **optional}.items() if name in found}
        found = read_within(path, share_of_memory(), list(types))
        return found.cast(pa.schema(types))
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path} is no Parquet file of {schema}: write it again; the package meds validates it"
        ) from error
