"""MEDS data sets, written by the standard's own schemas: what lies in the window before each prediction is read."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from recondense.cohorts.readers import meds
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.stages.params import validate
from tests.support.ingestion_fixtures import Reading
from tests.support.meds import LAB, OPTIONS, UMOL, VARIABLES, record, write


def read(raw: Path, *, outcome_required: bool = True, **changes: Any) -> Reading:
    """Events, subjects, counts by unit (checked to add up) and rows set aside; what is returned counts as kept."""
    attrition = Attrition()
    options = validate(meds.Options, {**OPTIONS, **changes}, "options")
    events, subjects = meds.read(raw, options, attrition, outcome_required=outcome_required)
    attrition.kept("measurements", len(events))
    attrition.kept("subjects", len(subjects))
    attrition.kept("descriptors", 0)
    return events, subjects, attrition.summary(), attrition.rows()


TWO = {
    "train/0": record(
        7,
        events=[(-49, LAB, 9.0), (-48, LAB, 1.0), (-1, UMOL, 88.4), (-1, LAB, None), (0, LAB, 2.0), (1, LAB, 9.0)],
    ),
    "held_out/0": record(3, 1990, "GENDER//M", [(-5, "VENT//ON", None), (-3, "VENT//OFF", None)]),
}  # fmt: skip


def test_the_window_ends_with_the_prediction_and_units_are_made_equal(tmp_path: Path) -> None:
    events, subjects, counts, rows = read(write(tmp_path, TWO, [(7, 0, True), (3, 0, False)]))
    assert events[["subject_id", "hours", "variable"]].values.tolist() == [
        ["3", 43.0, "ventilated"],
        ["3", 45.0, "ventilated"],
        ["7", 0.0, "creatinine"],
        ["7", 47.0, "creatinine"],
        ["7", 48.0, "creatinine"],
    ]
    assert np.allclose(events["value"], [1, 0, 1, 1, 2], atol=1e-4)
    assert subjects[["subject_id", "outcome", "female"]].values.tolist() == [["3", 0.0, 0.0], ["7", 1.0, 1.0]]
    assert np.allclose(subjects["age"], [30, 60], atol=0.01)
    assert counts["measurements"] == {
        "in": 8,
        "kept": 5,
        "set_aside": {"no numeric value": 1, "outside the window": 2},
    }
    assert counts["events"] == {"in": 12, "kept": 12, "set_aside": {}}
    assert rows.loc[rows["unit"] == "measurements", ["record", "column"]].dropna().values.tolist() == [
        ["7", "creatinine"]
    ]


def test_events_that_nothing_asked_for_are_counted(tmp_path: Path) -> None:
    others = {"train/0": [*TWO["train/0"], *record(9, 1990, "GENDER//M", [(-1, LAB, 1.0), (-1, "OTHER", 5.0)])]}
    before = read(write(tmp_path / "few", {**TWO}, [(7, 0, True), (3, 0, False)]))
    _, _, counts, rows = read(write(tmp_path / "more", {**TWO, **others}, [(7, 0, True), (3, 0, False)]))
    aside = {"of no declared code, or of a subject without a label": 4}
    assert counts["events"] == {"in": 16, "kept": 12, "set_aside": aside}
    assert counts["measurements"] == before[2]["measurements"]
    assert rows.loc[rows["unit"] == "events", "count"].tolist() == [4]


def test_a_subject_s_order_and_dtypes_do_not_depend_on_the_shards(tmp_path: Path) -> None:
    labels = [(7, 0, True), (3, 0, False)]
    first = read(write(tmp_path / "a", TWO, labels))[:2]
    other = read(write(tmp_path / "b", {"all": [*TWO["held_out/0"], *TWO["train/0"]]}, labels[::-1]))[:2]
    for one, two in zip(first, other, strict=True):
        pd.testing.assert_frame_equal(one, two)
    assert [str(first[0][column].dtype) for column in first[0]] == ["str", "float64", "str", "float64"]


@pytest.mark.parametrize(("use", "hours", "outcome"), [("first", [1.0], 0.0), ("last", [0.0, 47.0, 47.0], 1.0)])
def test_one_label_a_subject_is_used(tmp_path: Path, use: str, hours: list[float], outcome: float) -> None:
    labels = [(7, 0, True), (7, -47, False), (7, -2, True), (3, 0, False)]
    events, subjects, counts, _ = read(write(tmp_path, TWO, labels), use=use)
    assert subjects.loc[subjects["subject_id"] == "7", "outcome"].tolist() == [outcome]
    kept = events.loc[events["subject_id"] == "7", "hours"].tolist()
    assert kept == ([46.0, 47.0] if use == "first" else [0.0, 47.0, 48.0])
    assert counts["labels"] == {
        "in": 4,
        "kept": 2,
        "set_aside": {"another label of the same subject is used": 2},
    }


def test_labels_that_contradict_each_other_or_lack_an_outcome_are_set_aside(tmp_path: Path) -> None:
    labels = [(7, 0, True), (7, 0, False), (3, 0, True), (3, 1, None), (5, 0, True)]
    _, subjects, counts, _ = read(
        write(tmp_path, TWO, labels), variables={**VARIABLES, "creatinine": VARIABLES["ventilated"]}
    )
    assert subjects["subject_id"].tolist() == ["3"]
    assert counts["labels"]["set_aside"] == {"contradicting labels": 2, "no outcome": 1}
    assert counts["subjects"]["set_aside"] == {"no event of a declared code": 1}


def test_only_the_asked_for_splits_are_read(tmp_path: Path) -> None:
    write(tmp_path, TWO, [(7, 0, True), (3, 0, False)], splits={7: "train", 3: "held_out"})
    few = {name: VARIABLES[name] for name in ("creatinine", "age")}
    _, subjects, counts, _ = read(tmp_path, splits=["train"], variables=few)
    assert subjects["subject_id"].tolist() == ["7"]
    assert counts["labels"]["set_aside"] == {"subject of another split": 1}
    with pytest.raises(InputError, match="no split 'tuning'"):
        read(tmp_path, splits=["tuning"])


def test_contradicting_codes_leave_a_static_unknown(tmp_path: Path) -> None:
    shards = {"0": [*record(7, events=[(-1, LAB, 1.0), (-1, "VENT//ON", None)]), (7, None, "GENDER//M", None)]}
    _, subjects, counts, _ = read(write(tmp_path, shards, [(7, 0, True)]))
    assert subjects["female"].isna().all()
    assert counts["descriptors"]["set_aside"] == {"contradicting codes": 1}


def test_new_subjects_need_no_outcome(tmp_path: Path) -> None:
    write(tmp_path, TWO, [(7, 0, True)])
    pq.write_table(pq.read_table(tmp_path / "labels/0.parquet").drop(["boolean_value"]), tmp_path / "labels/0.parquet")
    _, subjects, _, _ = read(tmp_path, outcome_required=False)
    assert subjects["outcome"].isna().tolist() == [True]
    with pytest.raises(InputError, match="no column 'boolean_value'"):
        read(tmp_path)


def test_codes_kept_as_a_dictionary_and_shards_without_values_are_read(tmp_path: Path) -> None:
    write(tmp_path, TWO, [(7, 0, True), (3, 0, False)])
    before = read(tmp_path)[0]
    path = tmp_path / "data/train/0.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(2, "code", table["code"].dictionary_encode()), path)
    path = tmp_path / "data/held_out/0.parquet"
    pq.write_table(pq.read_table(path).drop(["numeric_value"]), path)
    pd.testing.assert_frame_equal(read(tmp_path)[0], before)


def test_a_code_that_never_occurs_is_answered_with_similar_ones(tmp_path: Path) -> None:
    write(tmp_path, TWO, [(7, 0, True), (3, 0, False)])
    mistyped = {**VARIABLES["creatinine"], "codes": ["LAB//creatinin//mg/dL"]}
    with pytest.raises(InputError, match=r"variables\.creatinine: .*did you mean 'LAB//creatinine//mg/dL'"):
        read(tmp_path, variables={**VARIABLES, "creatinine": mistyped})


def test_files_that_are_no_meds_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="labels is missing"):
        read(tmp_path)
    write(tmp_path, TWO, [(7, 0, True), (3, 0, False)])
    path = tmp_path / "data/train/0.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"train/0\.parquet is no readable Parquet"):
        read(tmp_path)
    path.write_bytes(whole)
    pq.write_table(pq.read_table(path).rename_columns(["subject_id", "time", "concept", "numeric_value"]), path)
    with pytest.raises(InputError, match=r"train/0\.parquet has no column 'code'"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window_hours": 0}, "options.window_hours"),
        ({"labels": "/srv/labels"}, "without '..'"),
        ({"source": {"title": "x"}}, "options.source.licence"),
        ({"variables": {"age": VARIABLES["age"]}}, "at least one variable with 'role: series'"),
        ({"variables": {"x": {"label": "x", "role": "series", "positive": ["A"]}}}, "made of 'codes'"),
        ({"variables": {"x": {"label": "x", "role": "static", "codes": ["A"]}}}, "made of 'years_since'"),
        ({"variables": {"x": {"label": "x", "role": "series", "codes": ["A", "A"]}}}, "named twice"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        validate(meds.Options, {**OPTIONS, **changes}, "options")
    assert message in str(caught.value)
