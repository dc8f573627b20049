"""Several tables of measurements, one of subjects and one of outcomes: each value comes from the table that has it."""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from recondense.cohorts.params import Params
from recondense.stages.params import validate
from tests.support.paths import REPO
from tests.support.tables import AGE, BILI, DIED, LONG, PEOPLE, RULE, SUBJECTS, VISITS, read, refused

VITALS = {"file": "vitals.csv", "subject": "case", "time": "h", "decimal": ",", "delimiter": ";"}
RATE = {"label": "heart rate", "unit": "1/min", "role": "series", "low": 0, "high": 350}
OUTCOMES = {"file": "outcomes.csv", "subject": "patient"}
BOTH = {"bili": BILI, "pulse": RATE, "age": AGE}
FILES = {
    "labs.csv": "id,day,test,result\na,2,bili,3\nb,1,bili,2\nz,1,bili,2\na,0,bili,1\n",
    "vitals.csv": "case;h;pulse;weight\na;0,5;80,5;70\nb;1;90;80\na;2;81;\n",
    "subjects.csv": PEOPLE,
}


def test_each_series_is_read_from_the_table_that_has_its_column_or_code(tmp_path: Path) -> None:
    events, _, counts, rows = read(tmp_path, FILES, measurements=[LONG, VITALS], variables=BOTH)
    assert events.values.tolist() == [
        ["a", 0.0, "bili", 1.0],
        ["a", 12.0, "pulse", 80.5],
        ["a", 48.0, "bili", 3.0],
        ["a", 48.0, "pulse", 81.0],
        ["b", 24.0, "bili", 2.0],
        ["b", 24.0, "pulse", 90.0],
    ]
    assert counts["measurements"] == {"in": 7, "kept": 6, "set_aside": {"unknown subject": 1}}
    assert rows[["file", "line"]].values.tolist() == [["labs.csv", 4]]


def test_the_order_of_the_tables_changes_no_event_but_those_of_one_time(tmp_path: Path) -> None:
    either = [
        read(tmp_path, FILES, measurements=tables, variables=BOTH)[0] for tables in ([LONG, VITALS], [VITALS, LONG])
    ]
    first, second = (found.sort_values(list(found.columns), ignore_index=True) for found in either)
    assert first.equals(second)


def test_a_list_of_one_table_is_that_table(tmp_path: Path) -> None:
    alone, listed = (read(tmp_path, FILES, measurements=one)[0] for one in (LONG, [LONG]))
    assert alone.equals(listed)


def test_a_variable_that_two_tables_have_needs_to_say_which(tmp_path: Path) -> None:
    files = {**FILES, "visits.csv": "id,day,bili\na,5,9\n"}
    message = refused(tmp_path, files, measurements=[LONG, VISITS])
    assert "options.variables.bili" in message and "labs.csv and visits.csv" in message and "table: labs.csv" in message
    chosen = {"bili": {**BILI, "table": "visits.csv"}, "blood": {**BILI, "column": "bili", "table": "labs"}}
    events, _, _, _ = read(tmp_path, files, measurements=[{**LONG, "name": "labs"}, VISITS], variables=chosen)
    assert events[events["variable"] == "bili"].values.tolist() == [["a", 120.0, "bili", 9.0]]
    assert events[events["variable"] == "blood"]["value"].tolist() == [1.0, 3.0, 2.0]


def test_a_variable_that_no_table_has_is_an_error_but_not_in_new_records(tmp_path: Path) -> None:
    variables = {**BOTH, "lactate": {**BILI, "label": "lactate"}}
    message = refused(tmp_path, FILES, measurements=[LONG, VITALS], variables=variables)
    assert "options.variables.lactate" in message and "labs.csv, vitals.csv" in message
    events, _, _, _ = read(tmp_path, FILES, measurements=[LONG, VITALS], variables=variables, outcome_required=False)
    assert set(events["variable"]) == {"bili", "pulse"}


def test_a_code_is_the_one_that_is_written_so_before_the_one_that_is_the_same_word(tmp_path: Path) -> None:
    files = {**FILES, "labs.csv": "id,day,test,result\na,0,k,4\na,1,K,5\na,2, BILI ,1\n"}
    variables = {"bili": BILI, "potassium": {**BILI, "column": "K"}, "constant": {**BILI, "column": "k"}}
    events, _, _, _ = read(tmp_path, files, measurements=LONG, variables=variables)
    assert events[["variable", "value"]].values.tolist() == [["constant", 4], ["potassium", 5], ["bili", 1]]


def test_a_table_of_which_nothing_is_read_is_taken_for_a_mistake(tmp_path: Path) -> None:
    files = {**FILES, "visits.csv": "id,day,note\na,5,9\n"}
    assert "no variable is read from visits.csv" in refused(tmp_path, files, measurements=[LONG, VISITS])


def test_ids_of_one_table_that_never_meet_the_subjects_name_that_table(tmp_path: Path) -> None:
    files = {**FILES, "vitals.csv": "case;h;pulse\nP1;1;90\n"}
    message = refused(tmp_path, files, measurements=[LONG, VITALS], variables=BOTH)
    assert "vitals.csv" in message and "options.measurements.1.subject" in message


# Outcomes in a table of their own


def test_outcomes_lie_in_a_table_with_its_own_id(tmp_path: Path) -> None:
    files = {
        **FILES,
        "subjects.csv": "id,age\na,50\nb,60\nc,70\n",
        "outcomes.csv": "patient,died\nb,0\na,1\nq,1\n,0\n",
    }
    events, subjects, counts, rows = read(tmp_path, files, measurements=LONG, outcomes=OUTCOMES)
    assert subjects.values.tolist() == [["a", 1.0, 50.0], ["b", 0.0, 60.0]] and set(events["subject_id"]) == {"a", "b"}
    reasons = {"no subject id": 1, "unknown subject": 1}
    assert counts["outcome rows"] == {"in": 4, "kept": 2, "set_aside": reasons}
    assert counts["subjects"]["set_aside"] == {"no outcome": 1}
    assert rows[rows["unit"] == "outcome rows"]["line"].tolist() == [5, 4]


def test_a_landmark_rule_reads_the_table_of_outcomes(tmp_path: Path) -> None:
    files = {
        "subjects.csv": "id,age\na,50\nb,60\nc,70\n",
        "outcomes.csv": "patient,end,status\na,100,dead\nb,400,alive\nc,100,dead\nc,101,dead\n",
        "labs.csv": FILES["labs.csv"],
    }
    _, subjects, counts, _ = read(tmp_path, files, measurements=LONG, outcomes=OUTCOMES, outcome=None, landmark=RULE)
    assert subjects[["subject_id", "outcome"]].values.tolist() == [["a", 1.0], ["b", 0.0]]
    assert counts["subjects"]["set_aside"] == {"rows of one subject contradict each other": 1}


def test_new_subjects_need_no_table_of_outcomes(tmp_path: Path) -> None:
    files = {"subjects.csv": "id,age\na,50\n", "labs.csv": FILES["labs.csv"]}
    _, subjects, _, _ = read(tmp_path, files, measurements=LONG, outcomes=OUTCOMES, outcome_required=False)
    assert subjects["outcome"].isna().tolist() == [True]
    assert "outcomes.csv is missing" in refused(tmp_path, files, measurements=LONG, outcomes=OUTCOMES)


def test_outcomes_of_nobody_in_the_cohort_name_both_options(tmp_path: Path) -> None:
    files = {**FILES, "outcomes.csv": "patient,died\nP1,0\nP2,1\n"}
    message = refused(tmp_path, files, measurements=LONG, outcomes=OUTCOMES)
    assert "options.outcomes.subject" in message and "options.subjects.subject" in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"measurements": []}, "at least 1"),
        ({"measurements": [LONG, LONG]}, "two tables of measurements are called 'labs.csv'"),
        ({"measurements": [LONG, VITALS], "subjects": None}, "declare 'subjects'"),
        ({"measurements": [LONG, {**VITALS, "tine": 1}]}, "options.measurements.1.tine is not a known parameter"),
        ({"variables": {"bili": {**BILI, "table": "x.csv"}}}, "names the table 'x.csv'; those of measurements: 'vi"),
        ({"variables": {"bili": BILI, "age": {**AGE, "table": "visits.csv"}}}, "leave its 'table' out"),
    ],
)
def test_a_declaration_of_tables_that_makes_no_sense_names_its_key(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    assert message in refused(tmp_path, {}, **changes)


# Time zero, and the window


def test_time_zero_can_be_the_first_measurement_that_counts(tmp_path: Path) -> None:
    files = {
        "labs.csv": "id,day,test,result\na,3,bili,900\na,4,bili,low\na,5,bili,2\na,7,bili,3\n,1,bili,1\nb,9,chol,1\n",
        "vitals.csv": "case;h;pulse\na;4,5;80\nb;11;90\na;;70\nb;9;\n",
        "subjects.csv": "id,age,died\na,50,1\nb,60,0\nc,70,0\n",
    }
    time = {"unit": "days", "zero": {"first": "measurement"}}
    events, subjects, counts, _ = read(tmp_path, files, measurements=[LONG, VITALS], variables=BOTH, time=time)
    # Of a's rows day 3 is implausible and day 4 no number, so hours count from 4.5; b's first is on day 11
    assert events.values.tolist() == [
        ["a", 0.0, "pulse", 80.0],
        ["a", 12.0, "bili", 2.0],
        ["a", 60.0, "bili", 3.0],
        ["b", 0.0, "pulse", 90.0],
    ]
    assert subjects["subject_id"].tolist() == ["a", "b"]
    assert counts["subjects"]["set_aside"] == {"no time zero": 1}  # c was never measured
    assert counts["measurements"]["set_aside"]["before time zero"] == 3  # and one of b, of no declared variable


def test_time_zero_of_timestamps_can_be_the_first_measurement(tmp_path: Path) -> None:
    files = {
        "visits.csv": "id,day,bili\na,2020-02-01T08:00,1\na,2020-02-02T08:00,2\nb,2021-01-01T00:00,3\n",
        "subjects.csv": PEOPLE,
    }
    time = {"unit": "hours", "timestamps": True, "zero": {"first": "measurement"}, "until": 12}
    events, _, counts, _ = read(tmp_path, files, time=time)
    assert events[["subject_id", "hours"]].values.tolist() == [["a", 0.0], ["b", 0.0]]
    assert counts["visits"]["set_aside"] == {"after the landmark": 1}


def test_a_column_may_be_called_first_measurement(tmp_path: Path) -> None:
    files = {"visits.csv": "id,day,bili\na,7,1\n", "subjects.csv": "id,age,died,first measurement\na,1,1,5\nb,2,0,5\n"}
    events, _, _, _ = read(tmp_path, files, time={"unit": "days", "zero": "first measurement"})
    assert events["hours"].tolist() == [48.0]


@pytest.mark.parametrize("column", [False, True])
def test_a_window_looks_back_from_the_landmark_and_hours_count_from_where_it_begins(
    tmp_path: Path, column: bool
) -> None:
    rows = ["a,7,1", "a,8,2", "a,10,3", "a,10.5,4", "b,8,5"]
    files = {
        "visits.csv": "\n".join(["id,day,bili", *rows]),
        "subjects.csv": "id,age,died,leaves\na,50,1,10\nb,60,0,9\n",
    }
    time = {"unit": "days", "until": "leaves" if column else 10, "window": 2}
    events, _, counts, _ = read(tmp_path, files, time=time)
    # a: days 8 to 10, both of them counted; b: days 8 to 10, or 7 to 9
    assert events.values.tolist() == [
        ["a", 0.0, "bili", 2.0],
        ["a", 48.0, "bili", 3.0],
        ["b", 24.0 if column else 0.0, "bili", 5.0],
    ]
    assert counts["visits"]["set_aside"] == {"before the window": 1, "after the landmark": 1}


def test_a_window_may_lie_before_time_zero(tmp_path: Path) -> None:
    """What was measured in the two days before an operation, which is time zero."""
    files = {
        "visits.csv": "id,day,bili\na,2020-01-01,1\na,2020-01-03,2\na,2020-01-05,3\n",
        "subjects.csv": "id,age,died,operation\na,50,1,2020-01-04\nb,60,0,2020-01-04\n",
    }
    time = {"unit": "days", "timestamps": True, "zero": "operation", "until": 0, "window": 2}
    events, _, _, _ = read(tmp_path, files, time=time)
    assert events[["hours", "value"]].values.tolist() == [[24.0, 2.0]]


def test_a_window_ends_with_the_landmark_of_a_rule(tmp_path: Path) -> None:
    files = {
        "visits.csv": "id,day,bili\na,10,1\na,25,2\na,31,3\n",
        "subjects.csv": "id,age,end,status\na,50,100,dead\nb,60,400,alive\n",
    }
    events, subjects, _, _ = read(tmp_path, files, time={"unit": "days", "window": 10}, outcome=None, landmark=RULE)
    assert events[["hours", "value"]].values.tolist() == [[120.0, 2.0]] and len(subjects) == 2


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ({"unit": "days", "window": 2}, "'time.window' ends at the landmark"),
        ({"unit": "days", "window": 0, "until": 1}, "options.time.window: Input should be greater than 0"),
        ({"unit": "days", "zero": {"first": "visit"}}, "options.time.zero.first: Input should be 'measurement'"),
    ],
)
def test_a_time_that_makes_no_sense_names_its_key(tmp_path: Path, time: dict[str, Any], message: str) -> None:
    assert message in refused(tmp_path, {}, time=time)


def test_a_first_measurement_needs_measurements(tmp_path: Path) -> None:
    changes = {"measurements": None, "variables": {"age": AGE}, "subjects": SUBJECTS, "outcome": DIED}
    time = {"unit": "days", "zero": {"first": "measurement"}}
    assert "needs 'measurements'" in refused(tmp_path, {}, time=time, **changes)


def test_the_example_of_the_documentation_is_valid() -> None:
    page = (REPO / "docs/steward/your-own-cohort.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```\n(dataset: table\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    params = validate(Params, YAML(typ="safe").load(example), "ingestion")
    target = params.plugin().target(params.plugin_options())
    assert target.in_words().startswith("death in hospital, before discharge; predicted 48 hours after the first")
