"""Reading the Mayo Clinic trial: the landmark cohort, and what is set aside on the way to it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recondense.cohorts.readers import pbcseq
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from tests.support.ingestion_fixtures import Reading
from tests.support.paths import REPO

RAW = REPO / "data/1_raw/pbcseq"
SERIES = [v.name for v in pbcseq.variables(pbcseq.Options()) if v.role == "series"]
HEADER = (
    "id,futime,status,trt,age,sex,day,ascites,hepato,spiders,edema,bili,chol,albumin,alk.phos,ast,platelet,"
    "protime,stage"
)
CELLS = "0,1,1,0.5,1.5,,3.2,900,80,200,11,3"  # eleven measurements and a blank


def visit(number: str, futime: str = "3000", status: str = "0", day: str = "0", cells: str = CELLS) -> str:
    return f"{number},{futime},{status},1,50,f,{day},{cells}"


def read(raw: Path, *, outcome_required: bool = True) -> Reading:
    """Events, subjects, counts by unit (checked to add up) and rows set aside; what is returned counts as kept."""
    attrition = Attrition()
    events, subjects = pbcseq.read(raw, pbcseq.Options(), attrition, outcome_required=outcome_required)
    attrition.kept("measurements", len(events))
    attrition.kept("subjects", len(subjects))
    attrition.kept("descriptors", 0)
    return events, subjects, attrition.summary(), attrition.rows()


def write(folder: Path, *lines: str, header: str = HEADER) -> Path:
    (folder / "pbcseq.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder


def test_the_landmark_cohort_has_262_patients_of_whom_96_reach_the_outcome() -> None:
    _, subjects, counts, _ = read(RAW)
    assert counts["subjects"] == {
        "in": 312,
        "kept": 262,
        "set_aside": {"censored before the horizon": 28, "outcome before the landmark": 22},
    }
    assert (len(subjects), int(subjects["outcome"].sum())) == (262, 96)


def test_events_are_the_cells_of_the_first_year_s_visits_of_those_patients() -> None:
    events, subjects, counts, _ = read(RAW)
    table = pd.read_csv(RAW / "pbcseq.csv")
    used = table[(table["day"] <= 365) & table["id"].isin(subjects["subject_id"].astype(int))]
    assert counts["measurements"]["in"] == table[SERIES].notna().sum().sum()
    assert len(events) == used[SERIES].notna().sum().sum()
    assert counts["visits"]["kept"] == len(used)
    mean = events.groupby("variable")["value"].mean()
    assert np.allclose(mean[SERIES], used[SERIES].mean())
    assert events["hours"].max() <= 365 * 24


@pytest.mark.parametrize(
    ("futime", "status", "outcome"),
    [
        ("366", "2", 1),
        ("366", "1", 1),
        ("2191", "2", 1),
        ("2192", "2", 0),
        ("2192", "0", 0),
    ],
)
def test_the_outcome_is_death_or_transplant_between_landmark_and_horizon(
    tmp_path: Path, futime: str, status: str, outcome: int
) -> None:
    _, subjects, _, _ = read(write(tmp_path, visit("7", futime, status)))
    assert subjects[["subject_id", "outcome", "age", "female", "trt"]].values.tolist() == [["7", outcome, 50, 1, 1]]


@pytest.mark.parametrize(
    ("futime", "status", "reason"),
    [
        ("365", "2", "outcome before the landmark"),
        ("365", "0", "follow-up ended before the landmark"),
        ("2191", "0", "censored before the horizon"),
        ("", "0", "no outcome"),
        ("400", "", "no outcome"),
    ],
)
def test_a_patient_without_a_known_outcome_at_risk_is_set_aside(
    tmp_path: Path, futime: str, status: str, reason: str
) -> None:
    _, subjects, counts, _ = read(write(tmp_path, visit("7", futime, status), visit("8")))
    assert subjects["subject_id"].tolist() == ["8"]
    assert counts["subjects"] == {"in": 2, "kept": 1, "set_aside": {reason: 1}}
    assert counts["visits"] == {"in": 2, "kept": 1, "set_aside": {"subject set aside": 1}}
    assert counts["measurements"] == {"in": 22, "kept": 11, "set_aside": {"visit set aside": 11}}


def test_a_cell_that_is_no_number_is_set_aside_with_line_and_column(tmp_path: Path) -> None:
    events, _, counts, rows = read(write(tmp_path, visit("7"), visit("7", day="90", cells="0,1,1,0,low,,3,9,8,2,1,3")))
    assert len(events) == 21
    assert counts["measurements"] == {"in": 22, "kept": 21, "set_aside": {"not a number": 1}}
    assert rows[["file", "record", "line", "column"]].values.tolist() == [["pbcseq.csv", "7", 3, "bili"]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("7,3000,0,1,50", "malformed line"),
        (visit("7") + ",1", "malformed line"),
        (visit(""), "no subject id"),
        (visit("7", day="soon"), "time is not a number"),
        (visit("7", day="-3"), "before time zero"),
    ],
)
def test_a_visit_that_cannot_be_placed_is_set_aside(tmp_path: Path, line: Any, reason: str) -> None:
    _, subjects, counts, rows = read(write(tmp_path, visit("7"), line))
    assert subjects["subject_id"].tolist() == ["7"]
    assert counts["visits"] == {"in": 2, "kept": 1, "set_aside": {reason: 1}}
    assert rows.loc[rows["unit"] == "visits", "line"].tolist() == [3]


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        (visit("7", futime="long"), "not a number", "futime"),
        (visit("7").replace(",f,", ",x,"), "unknown level", "sex"),
        (visit("7").replace(",1,50,", ",1,old,"), "not a number", "age"),
    ],
)
def test_an_entry_datum_that_cannot_be_read_is_set_aside_and_another_visit_s_is_used(
    tmp_path: Path, line: Any, reason: str, column: str
) -> None:
    _, subjects, counts, rows = read(write(tmp_path, visit("7"), line))
    assert subjects[["subject_id", "outcome", "age", "female", "trt"]].values.tolist() == [["7", 0, 50, 1, 1]]
    assert counts["descriptors"]["set_aside"] == {reason: 1}
    assert rows[["line", "column"]].values.tolist() == [[3, column]]
    assert counts["visits"] == {"in": 2, "kept": 2, "set_aside": {}}


def test_a_status_that_the_trial_does_not_know_is_no_outcome(tmp_path: Path) -> None:
    _, subjects, counts, _ = read(write(tmp_path, visit("7", status="3"), visit("8")))
    assert subjects["subject_id"].tolist() == ["8"]
    assert counts["subjects"]["set_aside"] == {"status declared neither event nor censored": 1}


def test_a_patient_whose_visits_contradict_each_other_is_set_aside(tmp_path: Path) -> None:
    _, _, counts, _ = read(write(tmp_path, visit("7"), visit("7", futime="3001", day="9"), visit("8")))
    assert counts["subjects"]["set_aside"] == {"rows of one subject contradict each other": 1}


def test_new_patients_are_read_without_follow_up(tmp_path: Path) -> None:
    lines = [",".join(np.delete(visit(number).split(","), [1, 2])) for number in ("7", "8")]
    write(tmp_path, *lines, header=HEADER.replace("futime,status,", ""))
    _, subjects, counts, _ = read(tmp_path, outcome_required=False)
    assert subjects["outcome"].isna().tolist() == [True, True]
    assert counts["measurements"] == {"in": 22, "kept": 22, "set_aside": {}}
    with pytest.raises(InputError, match="no column 'futime'"):
        read(tmp_path)


def test_a_missing_or_foreign_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pbcseq\.csv is missing"):
        read(tmp_path)
    (tmp_path / "pbcseq.csv").write_bytes("id,größe\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"pbcseq\.csv, line 1: not text in utf-8"):
        read(tmp_path)
