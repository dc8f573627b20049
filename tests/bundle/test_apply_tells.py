"""A bundle's apply.py: a level is a name, and whatever cannot be used is counted and named."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recondense.preprocessing.preprocessing import Feature, Preprocessing
from recondense.records.cohort import Variable
from tests.support.paths import CASES
from tests.support.stranger import program

apply = program("apply")
CASE = CASES / "apply-levels"
CREATININE = Variable(name="creatinine", label="creatinine", unit="mg/dl", role="series", low=0, high=40)
RHYTHM = Variable(name="rhythm", label="rhythm", role="series", kind="categorical", levels=("2", "1", "Other"))
AGE = Variable(name="age", label="age", unit="years", role="static", low=0, high=120)
SEX = Variable(name="sex", label="sex", role="static", kind="binary", positive=("f",), negative=("m",))
STAGE = Variable(name="stage", label="stage", role="static", kind="categorical", levels=("1", "2", "3", "4"))
EVENTS = "subject,hours,variable,value\na,0,creatinine,1.1\n"


def how(*variables: Variable) -> dict[str, Any]:
    """What preprocessing.json says of ``variables``, each as it is."""
    features = []
    for v in variables:
        source: Any = {"series": "series", "static": "static"}.get(v.role)
        if v.levels and source:
            levels: Any = {"series": "series_level", "static": "level"}[source]
            features += [
                Feature(name=f"{v.name}={i}", source=levels, variable=v.name, level=i) for i in range(len(v.levels))
            ]
        elif source:
            features.append(Feature(name=v.name, source=source, variable=v.name))
    made = Preprocessing(step_hours=1, n_steps=1, carry_forward=True, variables=variables, features=tuple(features))
    return json.loads(made.model_dump_json())


def applied(folder: Path, how: dict[str, Any], **tables: str) -> tuple[np.ndarray, np.ndarray]:
    """Values and observed ``(n_subjects, n_features)`` of the tables, which are texts."""
    given: dict[str, Path | None] = dict.fromkeys(("events", "subjects", "wide"))
    for name, text in tables.items():
        given[name] = folder / f"{name}.csv"
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    values, observed, _ = apply.on_scale(Namespace(**given), how)
    return values[:, 0], observed[:, 0]


def test_a_level_whose_name_is_a_number_is_itself_and_not_the_place_of_another(tmp_path: Path) -> None:
    known = how(CREATININE, AGE, SEX, STAGE)
    found = {}
    for name in ("subjects", "subjects_f", "subjects_gap"):
        events = (CASE / "events.csv").read_text()
        found[name], _ = applied(tmp_path, known, events=events, subjects=(CASE / f"{name}.csv").read_text())
    np.testing.assert_array_equal(found["subjects"][:, 3:], np.eye(4))
    np.testing.assert_array_equal(found["subjects"][:, 2], 1)
    np.testing.assert_array_equal(found["subjects_f"], found["subjects"])
    np.testing.assert_array_equal(found["subjects_gap"][:, 3:], np.diag([1, 1, 1, 0]))


@pytest.mark.parametrize(("said", "level"), [("1", 1), ("01", 1), ("1.0", 1), (" 2 ", 0), ("OTHER", 2), ("0", None)])
def test_levels_of_a_series_are_compared_as_those_of_a_cohort_are(tmp_path: Path, said: str, level: int | None) -> None:
    events = f"subject,hours,variable,value\na,0,rhythm,{said}\na,0,creatinine,1\n"
    values, observed = applied(tmp_path, how(RHYTHM, CREATININE), events=events, subjects="subject\na\n")
    expected = [float(level == place) for place in range(3)]
    assert values[0, :3].tolist() == expected and observed[0, :3].tolist() == [level is not None] * 3


def test_cells_of_statics_that_are_none_of_the_levels_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subjects = "subject,age,sex,stage\na,60,W,1\nb,x,F,II\nc,130,m,\n"
    values, observed = applied(tmp_path, how(CREATININE, AGE, SEX, STAGE), events=EVENTS, subjects=subjects)
    said = capsys.readouterr().out.splitlines()
    assert "sex (no unit): 1 of 3 cells do not count: none of its levels" in said
    assert "stage (no unit): 1 of 3 cells do not count: none of its levels" in said
    assert "stage (no unit): 1 of 3 cells do not count: blank" in said
    assert "age (years): 1 of 3 cells do not count: no number" in said
    assert "age (years): 1 of 3 cells do not count: beyond 0 to 120" in said
    assert observed[:, 2].tolist() == [False, True, True] and values[1:, 2].tolist() == [1, 0]


def test_0_and_1_are_a_binary_variable_s_own_unless_a_level_is_named_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coded = SEX.model_copy(update={"positive": ("2",), "negative": ("1",)})
    ill = SEX.model_copy(update={"positive": ("yes",), "negative": ()})
    subjects = "subject,sex\na,0\nb,1\nc,2\n"
    for variable, expected in ((SEX, [0, 1, None]), (coded, [None, 0, 1]), (ill, [0, 0, 0])):
        _, observed = applied(tmp_path, how(CREATININE, variable), events=EVENTS, subjects=subjects)
        values, _ = applied(tmp_path, how(CREATININE, variable), events=EVENTS, subjects=subjects)
        assert [v if o else None for v, o in zip(values[:, 1], observed[:, 1], strict=True)] == expected
    assert "1 of 3 cells do not count: 1, which is none of the levels that count as 1" in capsys.readouterr().out


def test_names_of_variables_are_the_same_word_and_others_are_asked_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = "Subject,HOURS,variable,value\na,0,Creatinine,1.1\na,0,creatinin,1.2\na,0,shoe size,44\n"
    values, _ = applied(tmp_path, how(CREATININE, AGE), events=events, subjects="SUBJECT,Age,Agee\na,60,1\n")
    said = capsys.readouterr().out
    assert values[0].tolist() == pytest.approx([1.1, 60])
    assert "'creatinin': 1 measurements not used, no series of the model, did you mean 'creatinine'?" in said
    assert "'shoe size': 1 measurements not used, no series of the model\n" in said
    assert "column 'Agee' is not used, did you mean 'age'?" in said


def test_a_variable_called_na_is_sodium_and_no_mark_of_a_missing_value(tmp_path: Path) -> None:
    sodium = CREATININE.model_copy(update={"name": "Na", "high": 200})
    events = "subject,hours,variable,value\na,0,Na,140\n"
    assert applied(tmp_path, how(sodium), events=events, subjects="subject\na\n")[0].tolist() == [[140]]


def test_few_variables_are_said_and_none_at_all_ends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    applied(tmp_path, how(CREATININE, AGE, SEX, STAGE), events=EVENTS, subjects="subject\na\n")
    assert "1 of 4 variables are there: the risks are mostly those of the average patient" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no variable of the model is there"):
        applied(tmp_path, how(AGE, SEX), subjects="subject,sex\na,?\n")


def test_a_bundle_that_does_not_say_its_levels_has_0_and_1(tmp_path: Path) -> None:
    old = how(CREATININE, SEX)
    for variable in old["variables"]:
        for name in ("positive", "negative", "below"):
            del variable[name]
    events = "subject,hours,variable,value\na,0,creatinine,<0.5\n"
    assert applied(tmp_path, old, events=events, subjects="subject,sex\na,1\n")[0].tolist() == [[0.5, 1]]


def test_ids_are_the_same_text_and_rows_without_one_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = "subject,hours,variable,value\n7,0,creatinine,1\n 8 ,0,creatinine,2\n008,0,creatinine,3\n"
    values, _ = applied(tmp_path, how(CREATININE), events=events, subjects='subject\n7.0\n8\n""\n')
    assert values[:, 0].tolist() == [1, 2]
    said = capsys.readouterr().out
    assert "subjects: 1 rows not used, no id" in said and "1 of 3 measurements are of subjects without a row" in said
    with pytest.raises(SystemExit, match="several rows"):
        applied(tmp_path, how(CREATININE), events=events, subjects="subject\n7\n7.0\n")


def test_a_wide_table_with_several_values_of_a_static_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = "subject,hours,creatinine,age\na,0,1,\na,0,3,60\na,0,,61\n"
    assert applied(tmp_path, how(CREATININE, AGE), wide=wide)[0].tolist() == [[2, 60]]
    assert "age: 1 subjects have several values, of which the first one counts" in capsys.readouterr().out


def test_an_outcome_that_stands_in_one_row_of_several_is_found_among_marks_of_missing_values(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text("subject,hours,creatinine,outcome\na,0,1,NA\na,1,2,1\nb,0,1,0\n")
    given = Namespace(wide=tmp_path / "wide.csv", events=None, subjects=None)
    _, _, subjects = apply.on_scale(given, how(CREATININE))
    assert apply.labels_of(subjects["outcome"], []).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"subjects": "subject,AGE,Age\na,1,2\n"}, "several columns may be 'age'"),
        ({"subjects": "age\n1\n"}, "has no column subject"),
        ({"subjects": "subject,age\na,60,5\nb,61,5\n"}, "cannot be read as a table"),
        ({"subjects": "subject;age\na;60\n"}, "has no column subject: its columns are to be divided by commas"),
        ({"subjects": 'subject,age\na,"1\n'}, "cannot be read as a table"),
        ({"subjects": "subject\na\n", "events": "subject,hours,value\n"}, "has no column variable"),
    ],
)
def test_a_table_that_cannot_be_understood_is_refused_in_one_line(
    tmp_path: Path, tables: dict[str, str], said: str
) -> None:
    with pytest.raises(SystemExit, match=said):
        applied(tmp_path, how(CREATININE, AGE), **tables)


@pytest.mark.parametrize(
    ("classes", "cells", "expected"),
    [
        ([], ["1", "0.0", " 1", "", "yes"], [1, 0, 1, None, None]),
        (["mild", "severe", "worst"], ["Severe", "2", "0.0", "mild ", "3"], [1, 2, 0, 0, None]),
        (["3", "2", "1"], ["1", "3.0", "0"], [2, 0, None]),
    ],
)
def test_outcomes_are_names_of_classes_or_their_numbers_where_no_name_is_one(
    classes: list[str], cells: list[str], expected: list[int | None], capsys: pytest.CaptureFixture[str]
) -> None:
    labels = apply.labels_of(apply.pd.Series(cells), classes)
    known = ~np.isnan(labels if labels.ndim == 1 else labels[:, 0])
    place = labels if labels.ndim == 1 else labels.argmax(axis=1)
    assert [int(one) if there else None for one, there in zip(place, known, strict=True)] == expected
    assert "outcome: 1 of " in capsys.readouterr().out


def test_the_program_says_nothing_that_a_terminal_would_obey(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = CREATININE.model_copy(update={"name": "a\x1b[2Jb"})
    events = "subject,hours,variable,value\na,0,c\x1b[2Jd,1\n"
    applied(tmp_path, how(odd, AGE), events=events, subjects="subject,age\na,1\n")
    said = capsys.readouterr().out
    assert "\x1b" not in said and "a\\x1b[2Jb" in said


def test_measurements_outside_the_hours_and_subjects_without_any_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = "".join(f"{one},{hours},creatinine,1\n" for one, hours in (("a", -2), ("a", 1), ("b", 90), ("b", 61)))
    tables = {"events": f"subject,hours,variable,value\n{events}", "subjects": "subject,age\na,50\nb,60\nc,70\n"}
    applied(tmp_path, how(CREATININE, AGE), **tables)
    said = capsys.readouterr().out.splitlines()
    assert "3 of 4 measurements do not count: outside hours 0 to 1" in said
    assert "2 of 3 subjects have no measurement that counts" in said
    applied(tmp_path, how(AGE), subjects="subject,age\na,50\n")
    assert "no measurement that counts" not in capsys.readouterr().out


def test_ids_in_which_digits_are_lost_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wide = "subject,hours,creatinine,age\n1.2E+05,0,1,50\n1.2E+05,0,3,50\n7,0,3,50\n"
    applied(tmp_path, how(CREATININE, AGE), wide=wide)
    said = "subjects: 2 ids such as 1.2E+05, in which digits are lost: several patients may be one"
    assert said in capsys.readouterr().out.splitlines()
