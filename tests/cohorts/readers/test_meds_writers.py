"""MEDS data sets as other tools leave them: hidden files, other types of Parquet, other spellings, labels by number."""

import datetime
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recondense.cohorts.readers import meds
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.stages.params import validate
from tests.support.meds import OF_ONE, SERIES

NOON = datetime.datetime(2020, 1, 3, 12)
EVENTS = pa.table(
    {
        "subject_id": pa.array([1, 1, 2, 2, 3], pa.int64()),
        "time": pa.array([NOON - datetime.timedelta(hours=h) for h in (1, 30, 2, 3, 4)], pa.timestamp("us")),
        "code": pa.array(["LAB//Crea", "LAB//Crea", "LAB//Crea", "LAB//Na", "LAB//Crea"], pa.string()),
        "numeric_value": pa.array([1.5, 2.0, 0.5, 140.0, 3.25], pa.float32()),
    }
)
LABELS = pa.table(
    {
        "subject_id": pa.array([1, 2, 3], pa.int64()),
        "prediction_time": pa.array([NOON] * 3, pa.timestamp("us")),
        "boolean_value": pa.array([True, False, None], pa.bool_()),
    }
)


def put(path: Path, table: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def written(raw: Path, events: Any = EVENTS, labels: Any = LABELS) -> Path:
    put(raw / "data/0.parquet", events)
    put(raw / "labels/0.parquet", labels)
    return raw


def read(raw: Path, **changes: Any) -> tuple[pd.DataFrame, pd.DataFrame, Attrition]:
    """Events, subjects and the account of them."""
    attrition = Attrition()
    options = validate(meds.Options, {**OF_ONE, **changes}, "options")
    return *meds.read(raw, options, attrition), attrition


def retyped(table: Any, **types: Any) -> Any:
    for name, kind in types.items():
        column = table[name].cast(kind) if not isinstance(kind, pa.Array | pa.ChunkedArray) else kind
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def test_hidden_files_and_folders_are_no_data_and_no_labels(tmp_path: Path) -> None:
    events, subjects, _ = read(written(tmp_path))
    assert subjects["outcome"].tolist() == [1.0, 0.0] and len(events) == 2
    put(tmp_path / "data/.cache/0.parquet", EVENTS)
    put(tmp_path / "data/train/.ipynb_checkpoints/0-checkpoint.parquet", EVENTS)
    put(tmp_path / "labels/.cache/0.parquet", retyped(LABELS, boolean_value=pa.array([False, True, True])))
    (tmp_path / "data/._0.parquet").write_bytes(b"\0\5\26\7 Mac OS X")
    (tmp_path / "labels/._0.parquet").write_bytes(b"\0\5\26\7 Mac OS X")
    again, people, attrition = read(tmp_path)
    assert again.equals(events) and people.equals(subjects)
    attrition.kept("measurements", 2)
    attrition.kept("subjects", 2)
    assert attrition.summary()["events"]["in"] == 5


def test_a_data_set_in_a_hidden_folder_of_the_steward_s_own_is_read(tmp_path: Path) -> None:
    assert len(read(written(tmp_path / ".cohorts" / "meds"))[0]) == 2


@pytest.mark.parametrize(
    "types",
    [
        {"code": pa.large_string()},
        {"code": pa.string_view()},
        {"code": pa.dictionary(pa.int32(), pa.string())},
        {"code": pa.dictionary(pa.uint8(), pa.large_string())},
        {"subject_id": pa.int32()},
        {"subject_id": pa.uint64()},
        {"subject_id": pa.float64()},
        {"time": pa.timestamp("ns")},
        {"time": pa.timestamp("ms")},
        {"time": pa.timestamp("s")},
        {"numeric_value": pa.float64()},
        {"numeric_value": pa.decimal128(12, 3)},
    ],
    ids=str,
)
def test_every_writer_s_types_say_the_same(tmp_path: Path, types: dict[str, Any]) -> None:
    expected, people, _ = read(written(tmp_path / "standard"))
    labels = {"subject_id": types["subject_id"]} if "subject_id" in types else {}
    labels |= {"prediction_time": types["time"]} if "time" in types else {}
    raw = written(tmp_path / "other", retyped(EVENTS, **types), retyped(LABELS, **labels))
    events, subjects, _ = read(raw)
    pd.testing.assert_frame_equal(events, expected)
    pd.testing.assert_frame_equal(subjects, people)


def test_times_finer_than_a_microsecond_are_cut_and_values_keep_their_digits(tmp_path: Path) -> None:
    nanoseconds = EVENTS["time"].cast(pa.timestamp("ns")).cast(pa.int64()).to_numpy() + 123
    value = pa.array(EVENTS["numeric_value"].to_numpy().astype(float) + 1e-9)
    events = retyped(EVENTS, time=pa.array(nanoseconds).cast(pa.timestamp("ns")), numeric_value=value)
    found = read(written(tmp_path, events))[0]
    assert np.allclose(found["hours"], [23, 22], atol=1e-6) and found["value"].tolist() == [1.5 + 1e-9, 0.5 + 1e-9]


def test_an_id_that_is_no_whole_number_is_refused(tmp_path: Path) -> None:
    events = retyped(EVENTS, subject_id=pa.array([1.5, 1, 2, 2, 3]))
    with pytest.raises(InputError, match=r"0\.parquet is damaged, or not of the MEDS data schema"):
        read(written(tmp_path, events))


def test_times_with_a_zone_meet_only_times_with_a_zone(tmp_path: Path) -> None:
    zoned = retyped(EVENTS, time=EVENTS["time"].cast(pa.timestamp("us", "UTC")))
    with pytest.raises(InputError) as caught:
        read(written(tmp_path / "mixed", zoned))
    assert "data/0.parquet, column 'time', has a time zone" in str(caught.value)
    assert "labels/0.parquet, column 'prediction_time', has none" in str(caught.value)
    # 13:00 in Berlin is noon in UTC
    berlin = pa.array([NOON] * 3, pa.timestamp("us", "Europe/Berlin"))
    both = read(written(tmp_path / "both", zoned, retyped(LABELS, prediction_time=berlin)))[0]
    assert both.equals(read(written(tmp_path / "neither"))[0])


def test_shards_with_and_without_a_zone_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "data/1.parquet", retyped(EVENTS, time=EVENTS["time"].cast(pa.timestamp("us", "UTC"))))
    with pytest.raises(InputError, match="has a time zone"):
        read(written(tmp_path))


# Labels


@pytest.mark.parametrize(
    "values",
    [[1, 0, None], [1.0, 0.0, None], ["1", "0", ""], ["True", "FALSE", "NA"], ["true", "false", None]],
    ids=str,
)
def test_labels_are_true_and_false_or_1_and_0_in_any_type(tmp_path: Path, values: list[Any]) -> None:
    subjects = read(written(tmp_path, labels=retyped(LABELS, boolean_value=pa.array(values))))[1]
    assert subjects["outcome"].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("values", [[1, 0, 2], [1, 0, -1], ["yes", "no", None], [0.5, 1, 0], ["1", "0", "unknown"]])
def test_other_labels_are_refused_with_their_number_until_they_are_declared(tmp_path: Path, values: list[Any]) -> None:
    raw = written(tmp_path, labels=retyped(LABELS, boolean_value=pa.array(values)))
    with pytest.raises(
        InputError, match=r"'boolean_value': [12] of 3 labels are neither of 'true', '1' nor of 'false'"
    ):
        read(raw)


def test_declared_labels_are_read_as_they_were_declared(tmp_path: Path) -> None:
    raw = written(tmp_path, labels=retyped(LABELS, boolean_value=pa.array([2, 1, 9])))
    subjects = read(raw, outcome={"positive": [2], "negative": [1], "missing": [9]})[1]
    assert subjects[["subject_id", "outcome"]].values.tolist() == [["1", 1.0], ["2", 0.0]]
    with pytest.raises(InputError, match="the level '1' is named twice"):
        read(raw, outcome={"positive": ["01"], "negative": [1]})


# Codes


def code(name: str) -> dict[str, Any]:
    return {"creatinine": {**SERIES, "codes": [name]}}


def test_a_code_in_another_spelling_is_found_where_it_is_the_only_one(tmp_path: Path) -> None:
    expected = read(written(tmp_path / "raw"))[0]
    assert read(tmp_path / "raw", variables=code("lab//crea "))[0].equals(expected)
    both = retyped(EVENTS, code=pa.array(["LAB//Crea", "LAB//Crea", "LAB//CREA", "x", "x"]))
    events = read(written(tmp_path / "both", both), variables=code("LAB//CREA"))[0]
    assert events["subject_id"].tolist() == ["2"]  # as it is written, and no other
    with pytest.raises(InputError, match="did you mean 'LAB//"):
        read(tmp_path / "both", variables=code("lab//crea"))


def test_the_data_set_s_own_list_of_codes_is_asked_first(tmp_path: Path) -> None:
    written(tmp_path)
    put(tmp_path / "metadata/codes.parquet", pa.table({"code": ["LAB//Crea", "LAB//Na"]}))
    assert len(read(tmp_path, variables=code("lab//crea"))[0]) == 2


def test_a_code_of_several_that_never_occurs_is_noted(tmp_path: Path) -> None:
    variables = {"creatinine": {**SERIES, "codes": ["LAB//Crea", "LAB//Creatinine"]}}
    attrition = read(written(tmp_path), variables=variables)[2]
    (notice,) = attrition.notices
    assert (notice.count, notice.of, notice.lost) == (1, 2, False)
    assert "'LAB//Creatinine'" in notice.text and "did you mean 'LAB//Crea'" in notice.text


def test_new_records_come_without_labels_of_the_outcome(tmp_path: Path) -> None:
    written(tmp_path, labels=LABELS.drop(["boolean_value"]))
    options = validate(meds.Options, OF_ONE, "options")
    subjects = meds.read(tmp_path, options, Attrition(), outcome_required=False)[1]
    assert subjects["outcome"].isna().all() and len(subjects) == 3
    shutil.rmtree(tmp_path / "data")
    with pytest.raises(InputError, match="holds no Parquet file"):
        read(tmp_path)
