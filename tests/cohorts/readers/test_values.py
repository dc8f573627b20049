"""What a cell stands for: limits of measurement are values, and marks of missing values are none."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recondense.cohorts.read import plausible_events
from recondense.cohorts.readers import table
from recondense.records.attrition import Attrition
from recondense.stages.params import validate
from tests.support.paths import CASES
from tests.support.tables import AGE, BILI, LONG, PEOPLE, SUBJECTS, VISITS, declared, read, told, wide

VALUE = {"label": "a value", "role": "series"}
SEX = {"label": "female", "role": "static", "kind": "binary", "positive": ["f"]}


# Limits of measurement


def test_the_sickest_of_the_case_are_values_and_told() -> None:
    changes: dict[str, Any] = {
        "measurements": VISITS,
        "subjects": {**SUBJECTS, "file": "people.csv"},
        "variables": {"creatinine": VALUE, "age": AGE},
    }
    notices, events = told(CASES / "limits-of-detection", {}, **changes)
    subjects = read(CASES / "limits-of-detection", {}, **changes)[1]
    assert len(events) == 480 and events["value"].max() == 2.5
    assert subjects["age"].max() == 89.0 and subjects["age"].notna().all()
    of = {one.name: one for one in notices}
    creatinine = of["limits of measurement: variable 'creatinine' in visits.csv"]
    raw = pd.read_csv(CASES / "limits-of-detection" / "visits.csv")["creatinine"]
    assert (creatinine.count, creatinine.of, creatinine.lost) == (raw.str.contains("[<>]").sum(), 480, False)
    ages = (CASES / "limits-of-detection" / "people.csv").read_text().count("> 89")
    assert of["limits of measurement: variable 'age' in people.csv"].count == ages > 0


@pytest.mark.parametrize(
    ("below", "expected"), [("limit", [0.5, 2.5, 7.0]), ("half", [0.25, 2.5, 7.0]), ("aside", [7.0])]
)
@pytest.mark.parametrize("decimal", [".", ","])
def test_a_limit_counts_by_the_declared_rule(tmp_path: Path, below: str, expected: list[float], decimal: str) -> None:
    content = wide("a,0,<0.5", "a,1,≥ 2.5", "a,2,7").replace(",", ";").replace(".", decimal)
    files = {"visits.csv": content, "subjects.csv": PEOPLE}
    measurements = {**VISITS, "delimiter": ";", "decimal": decimal}
    notices, events = told(tmp_path, files, measurements=measurements, variables={"bili": {**VALUE, "below": below}})
    assert events["value"].tolist() == expected
    assert [(one.count, one.lost) for one in notices] == [(2, below == "aside")]
    assert all("below: half" in one.text for one in notices if below == "limit")


def test_the_plausible_range_is_asked_after_the_rule(tmp_path: Path) -> None:
    options = validate(table.Options, declared(variables={"bili": {**BILI, "low": 0.3, "below": "half"}}), "options")
    (tmp_path / "visits.csv").write_text(wide("a,0,<0.5", "a,1,<0.8"))
    (tmp_path / "subjects.csv").write_text(PEOPLE)
    attrition = Attrition()
    events = table.read(tmp_path, options, attrition)[0]
    assert plausible_events(events, table.variables(options), attrition)["value"].tolist() == [0.4]
    assert attrition.rows()["reason"].tolist() == ["outside plausible range"]


# Marks of missing values


def test_the_marks_of_the_case_are_missing_and_not_the_other_level() -> None:
    creatinine = {**VALUE, "high": 40}
    events, subjects, counts, _ = read(
        CASES / "missing-tokens",
        {},
        measurements={**VISITS, "missing": ["", "NA", -9]},
        subjects={**SUBJECTS, "file": "people.csv"},
        variables={"creatinine": creatinine, "sex": SEX},
    )
    raw = pd.read_csv(CASES / "missing-tokens" / "people.csv", dtype=str)["sex"]
    assert subjects["sex"].isna().sum() == (raw == r"\N").sum() > 20
    assert events["value"].min() > 0 and counts["visits"]["set_aside"] == {}


@pytest.mark.parametrize("mark", [-9, -9.0, "-9", "-09.00"])
@pytest.mark.parametrize("cell", ["-9", "-9.0", "-9.00", " -9 "])
def test_a_number_that_stands_for_missing_is_compared_as_levels_are(
    tmp_path: Path, mark: float | int | str, cell: str
) -> None:
    files = {"visits.csv": wide(f"a,0,{cell}", "a,1,-9.5", "a,2,9"), "subjects.csv": PEOPLE}
    events = read(tmp_path, files, measurements={**VISITS, "missing": [mark]}, variables={"bili": VALUE})[0]
    assert events["value"].tolist() == [-9.5, 9.0]


@pytest.mark.parametrize("mark", [r"\N", "NULL", "n.a.", "#N/A", "<NA>", "NaT", ".", ".b", "None", "nil"])
def test_the_marks_of_usual_systems_are_known(tmp_path: Path, mark: str) -> None:
    files = {"visits.csv": wide("a,0,1"), "subjects.csv": f"id,age,died,sex\na,50,1,{mark}\nb,60,0,m\n"}
    assert read(tmp_path, files, variables={"bili": VALUE, "sex": SEX})[1]["sex"].isna().tolist() == [True, False]


def test_a_mark_that_is_declared_as_a_level_or_code_is_one_in_its_own_column_only(tmp_path: Path) -> None:
    """NA is sodium here, North America there, and still no id and no value of an outcome."""
    region = {"label": "region", "role": "static", "kind": "categorical", "levels": ["EU", "NA"]}
    files = {
        "labs.csv": "id,day,test,result\na,0,NA,140\na,1,NA,NULL\nNA,0,NA,1\n",
        "subjects.csv": "id,died,region,sex\na,1,NA,NA\nb,0,EU,m\n,NA,EU,f\n",
    }
    variables = {"sodium": {**VALUE, "column": "NA"}, "region": region, "sex": SEX}
    events, subjects, counts, _ = read(tmp_path, files, measurements=LONG, variables=variables)
    assert events["value"].tolist() == [140.0]
    assert subjects["region"].tolist() == [1.0, 0.0] and subjects["sex"].isna().tolist() == [True, False]
    assert counts["measurements"]["set_aside"] == {"blank value": 1, "no subject id": 1}


def test_a_mark_may_be_a_level_of_the_outcome(tmp_path: Path) -> None:
    files = {"visits.csv": wide("a,0,1"), "subjects.csv": "id,age,died\na,50,none\nb,60,sepsis\n"}
    outcome = {"column": "died", "positive": ["sepsis"], "negative": ["none"]}
    assert read(tmp_path, files, outcome=outcome)[1]["outcome"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("rows", "named"), [(6, True), (2, False)])
def test_a_word_for_unknown_that_counts_as_no_is_told_and_named_where_it_is_frequent(
    tmp_path: Path, rows: int, named: bool
) -> None:
    people = "".join(f"u{n},50,{n % 2},Unknown\n" for n in range(rows))
    files = {"visits.csv": wide("x,0,1"), "subjects.csv": f"id,age,died,sex\nx,50,1,f\ny,60,0,m\n{people}"}
    notices, _ = told(tmp_path, files, variables={"bili": VALUE, "sex": SEX})
    assert [(one.count, one.of) for one in notices] == [(rows, rows + 2)]
    assert ("'Unknown'" in notices[0].text) == named and "'negative' levels" in notices[0].text
    sex = {**SEX, "negative": ["m"]}
    (notice,) = told(tmp_path, files, variables={"bili": VALUE, "sex": sex})[0]
    assert (notice.count, notice.lost) == (rows, True) and "no declared levels" in notice.text
