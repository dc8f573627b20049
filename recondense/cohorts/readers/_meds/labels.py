"""Which subjects are predicted for, when, and what became of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from recondense.cohorts.readers._declared import listed
from recondense.cohorts.readers._meds.files import read_typed, schema_of
from recondense.cohorts.readers._meds.options import Options, Outcome
from recondense.errors import InputError
from recondense.files.folders import visible
from recondense.records.attrition import Attrition
from recondense.records.cells import MISSING, two_levels, without_marks

NEEDED = {"subject_id": pa.int64(), "prediction_time": pa.timestamp("us")}
OUTCOME = {"boolean_value": pa.string()}
SCHEMA = "the MEDS label schema"
SPLITS = Path("metadata", "subject_splits.parquet")


def _files(raw: Path, options: Options) -> list[Path]:
    """The files of labels, hidden ones left out. Raises `InputError` where there is none."""
    place = raw / options.labels
    paths = visible(place, place.rglob("*.parquet")) if place.is_dir() else [place]
    if not paths or not place.exists():
        raise InputError(f"{place} is missing or holds no Parquet file: put the labels there, or mend options.labels")
    return paths


def times_of_labels(raw: Path, options: Options) -> list[tuple[Path, str, Any]]:
    """The prediction times' file, column and type, of each file."""
    column = "prediction_time"
    return [(path, column, schema_of(path, NEEDED, SCHEMA).field(column).type) for path in _files(raw, options)]


def read_labels(raw: Path, options: Options, attrition: Attrition, outcome_required: bool) -> pd.DataFrame:
    """One row a subject, sorted by id: ``subject_id`` int64, ``prediction_time`` and ``outcome`` (NaN where unknown).

    The unit is "labels". Raises `InputError` where a file is missing or is not of the MEDS label schema, or a label is
    of no declared level.
    """
    tables = []
    for path in _files(raw, options):
        table = read_typed(path, NEEDED, OUTCOME, SCHEMA)
        if outcome_required and "boolean_value" not in table.column_names:
            raise InputError(f"{path} has no column 'boolean_value': outcomes are binary, so labels have to be")
        frame = pd.DataFrame({name: table.column(name).to_pandas() for name in NEEDED})
        frame["outcome"] = np.nan
        if "boolean_value" in table.column_names:
            frame["outcome"] = _outcome(path, table.column("boolean_value"), options.outcome)
        tables.append(frame.assign(file=str(path.relative_to(raw)), line=np.arange(1, len(frame) + 1)))
    labels = pd.concat(tables, ignore_index=True)
    attrition.came_in("labels", len(labels))
    labels = _chosen(labels, _in_splits(raw, options), options, attrition, outcome_required)
    attrition.kept("labels", len(labels))
    return labels.astype({"subject_id": "int64"}).sort_values("subject_id", ignore_index=True)


def _outcome(path: Path, column: Any, declared: Outcome) -> NDArray[np.float64]:
    """1 and 0 by the declared levels, NaN where there is no label. Raises `InputError` for any other level."""
    cells = without_marks(pd.Series(column.fill_null("").to_pandas(), dtype="str"), (*MISSING, *declared.missing))
    found = two_levels(cells, declared.positive, declared.negative)
    other = (cells != "").to_numpy(dtype=bool) & np.isnan(found)
    if other.any():
        raise InputError(
            f"{path}, column 'boolean_value': {int(other.sum())} of {len(cells)} labels are neither of "
            f"{listed(declared.positive)} nor of {listed(declared.negative)} (the first is in row "
            f"{int(other.argmax()) + 1}): mend them, or say what they mean in options.outcome: 'positive', 'negative' "
            "and 'missing', which is for labels that are not known"
        )
    return found


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
