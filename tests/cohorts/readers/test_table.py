"""Your own tables: what is declared is what is read, and whatever can't be used is set aside with its place."""

import gzip
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest
from recondense.cohorts.readers import pbcseq, table
from recondense.errors import InputError
from recondense.preprocessing.fit import fit
from recondense.preprocessing.params import Params as Normalisation
from recondense.records.attrition import Attrition
from recondense.records.cohort import Ingested
from recondense.stages.params import validate
from tests.support.paths import REPO
from tests.support.tables import (
    AGE,
    BILI,
    DIED,
    LONG,
    PEOPLE,
    RULE,
    SUBJECTS,
    VISITS,
    Files,
    declared,
    read,
    refused,
    wide,
)

# The forms of a table


def test_wide_visits_and_subjects_become_events_and_statics(tmp_path: Path) -> None:
    events, subjects, counts, _ = read(
        tmp_path, {"visits.csv": wide("b,1,2.5", "a,0.5,3", "a,0,", "b,0,1"), "subjects.csv": PEOPLE}
    )
    assert events.values.tolist() == [["a", 12.0, "bili", 3.0], ["b", 0.0, "bili", 1.0], ["b", 24.0, "bili", 2.5]]
    assert subjects.values.tolist() == [["a", 1.0, 50.0], ["b", 0.0, 60.0]]
    assert counts["visits"] == {"in": 4, "kept": 4, "set_aside": {}}
    assert counts["measurements"]["in"] == 3


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet", "sql"])
def test_long_measurements_say_the_same_as_wide_ones_in_every_form_of_file(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real trial, melted to one row a measurement."""
    visits = pd.read_csv(REPO / "data/1_raw/pbcseq/pbcseq.csv")
    series = [name for name, v in pbcseq.DECLARED["variables"].items() if v["role"] == "series"]
    long = visits.melt(["id", "day"], series, "test", "result").dropna()
    people = visits.groupby("id")[["age", "sex", "trt", "futime", "status"]].first().reset_index()
    names = {"labs": f"labs.{form}", "people": f"people.{form}"}
    with sqlite3.connect(tmp_path / "trial.db") as database:
        for frame, name in ((long, "labs"), (people, "people")):
            if form == "sql":
                frame.to_sql(name, database, index=False)
            elif form == "parquet":
                frame.to_parquet(tmp_path / names[name])
            else:
                frame.to_csv(tmp_path / names[name], index=False)
    monkeypatch.setenv("TRIAL_DB", f"sqlite:///{tmp_path}/trial.db")
    place = {
        name: {"query": f"select * from {name}", "url": "env:TRIAL_DB"} if form == "sql" else {"file": names[name]}
        for name in names
    }
    landmark = {"at": 365, "horizon": 1826, "time": "futime", "status": "status", "events": [1, 2], "censored": [0]}
    events, subjects, counts, _ = read(
        tmp_path,
        measurements={**place["labs"], **{key: LONG[key] for key in ("subject", "time", "variable", "value")}},
        subjects={**place["people"], "subject": "id"},
        outcome=None,
        landmark=landmark,
        variables=pbcseq.DECLARED["variables"],
    )
    as_visits = pbcseq.read(REPO / "data/1_raw/pbcseq", pbcseq.Options(), Attrition())
    order = ["subject_id", "hours", "variable"]
    pd.testing.assert_frame_equal(
        events.sort_values(order, ignore_index=True), as_visits[0].sort_values(order, ignore_index=True)
    )
    pd.testing.assert_frame_equal(subjects, as_visits[1])
    assert counts["measurements"]["in"] == len(long)


def test_one_table_can_hold_visits_and_subjects(tmp_path: Path) -> None:
    files = {"visits.csv": "id,day,bili,age,died\na,0,1,50,1\na,9,2,,1\nb,0,3,60,0\n"}
    events, subjects, _, _ = read(tmp_path, files, subjects=None)
    assert len(events) == 3
    assert subjects.values.tolist() == [["a", 1.0, 50.0], ["b", 0.0, 60.0]]


def test_a_cohort_without_measurements_becomes_tensors_of_one_step(tmp_path: Path) -> None:
    people = "id,age,died,ward\n" + "".join(
        f"p{n},{20 + n},{n % 2},{'medical' if n % 3 else 'Surgical'}\n" for n in range(40)
    )
    (tmp_path / "subjects.csv").write_text(people)
    ward = {"label": "ward", "role": "static", "kind": "categorical", "levels": ["medical", "surgical"]}
    options = declared(measurements=None, time=None, variables={"age": AGE, "ward": ward})
    split = {"kind": "random", "seed": 0, "validation": 0.2, "test": 0.3}
    params = Params(dataset="table", raw=str(tmp_path), split=split, options=options)
    cohort, attrition = ingest(tmp_path, params)
    cohort.save(tmp_path)
    cohort = Ingested.load(tmp_path)
    preprocessing = fit(cohort, Normalisation(step_hours=24, n_steps=1))
    values, observed = preprocessing.apply(cohort.events, cohort.subjects)
    assert [feature.name for feature in preprocessing.features] == ["age", "ward=medical", "ward=surgical"]
    assert values.shape == (40, 1, 3) and observed.all()
    assert np.corrcoef(values[:, 0, 0], np.arange(40))[0, 1] > 0.999
    assert attrition.summary()["subjects"] == {"in": 40, "kept": 40, "set_aside": {}}


# Text as it comes


@pytest.mark.parametrize(
    ("content", "changes"),
    [
        ("\ufeffid,day,bili\r\na,0,1.5\r\n".encode(), {}),
        ('id,day,bili\n"a","0"," 1.5 "\n', {}),
        ("id;day;bili\na;0;1,5\n", {"delimiter": ";", "decimal": ","}),
        ("id\tday\tbili\na\t0\t1.5\n", {"delimiter": "\t"}),
        ("id,day,bili,größe\na,0,1.5,1\n".encode("cp1252"), {"encoding": "cp1252"}),
        ("id,day,bili\na,0,1.5\n".encode("utf-16"), {"encoding": "utf-16"}),
        ("id,day,bili\na,0,1.5\na,1,n/k\n", {"missing": ["n/k"]}),
        ("id,day,bili\n\n a ,0,1.5\n\n", {}),
        ('note,id,day,bili\n"two\nlines",a,0,1.5\n', {}),
    ],
)
def test_text_is_read_as_it_was_meant(tmp_path: Path, content: bytes | str, changes: dict[str, Any]) -> None:
    events, _, counts, _ = read(
        tmp_path, {"visits.csv": content, "subjects.csv": PEOPLE}, measurements={**VISITS, **changes}
    )
    assert events.values.tolist() == [["a", 0.0, "bili", 1.5]]
    assert counts["measurements"]["set_aside"] == {}


def test_ragged_lines_are_set_aside_by_their_line_even_below_a_cell_of_several_lines(tmp_path: Path) -> None:
    content = 'id,day,bili,note\na,0,1,"on\ntwo lines"\na,1,2\na,2,3,x,y\n\na,3,low,z\na,4,5,\n'
    _, _, counts, rows = read(tmp_path, {"visits.csv": content, "subjects.csv": PEOPLE})
    assert counts["visits"] == {"in": 5, "kept": 3, "set_aside": {"malformed line": 2}}
    assert rows[["reason", "line"]].values.tolist() == [
        ["malformed line", 4],
        ["malformed line", 5],
        ["not a number", 7],
    ]


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        ("id,day,bili\na,0,1\né,0,1\n".encode("latin-1"), {}, "visits.csv, line 3: not text in utf-8"),
        ("id,day,bili\na,0,1\n".encode("utf-16"), {}, "encoding: utf-16"),
        (b"id,day,bili\na,0,1\0\n", {}, "line 2: holds a zero byte"),
        ("", {}, "no first line"),
        ("id,day,day,bili\na,0,0,1\n", {}, "columns 2 and 3 have the same name"),
        ("id,day,billi\na,0,1\n", {}, "no column 'bili', which options.variables.bili names: did you mean 'billi'?"),
        ("ID,Id,day,bili\na,a,0,1\n", {}, "did you mean 'ID' or 'Id'?"),
        ("id;day;bili\na;0;1\n", {}, "is the option 'delimiter' right?"),
        ("id,day,bili\na,0\nb,1\n", {}, "no line has the 3 cells of the first one"),
        ('id,day,bili\na,0,"1\nb,1,2\nb,2,3\n', {}, "line 2, column 'bili': a quotation mark is missing"),
        ('note,id,day,bili\nx,a,0,1\n"y,a,0,1\nz,a,0,1\nz",a,0,1\n', {}, "line 3, column 'note': a quotation mark"),
        ('id,day,bili,note\na,0,"1,x\nb,1,2",y\n', {}, "line 2, column 'bili': a quotation mark"),
        ('id,day,bili,note\na,0,"1,x\nb,1,2,y\nb,2",3,z\n', {}, "line 2: a quotation mark"),
        ('id,day,bili,note\nb,0,1,x\na,0,"1,x\nb,1,2,y\n', {}, "line 3: a quotation mark"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_place_and_mend(
    tmp_path: Path, content: bytes | str, changes: dict[str, Any], message: str
) -> None:
    files = {"visits.csv": content, "subjects.csv": PEOPLE}
    assert message in refused(tmp_path, files, measurements={**VISITS, **changes})


def test_every_line_of_a_torn_row_is_counted_and_lines_that_say_nothing_are_not(tmp_path: Path) -> None:
    content = 'id,day,bili,note\na,0,1,\na,1,"2\nand more\nand more",,,\n,\n , ,\t,\n \na,2,3,\n'
    _, _, counts, rows = read(tmp_path, {"visits.csv": content, "subjects.csv": PEOPLE})
    assert counts["visits"] == {"in": 5, "kept": 2, "set_aside": {"malformed line": 3}}
    assert rows["line"].tolist() == [3, 4, 5]


def test_a_file_without_column_names_is_refused_without_printing_its_first_record(tmp_path: Path) -> None:
    said = refused(tmp_path, {"visits.csv": "Jane Roe,17,4.25\n", "subjects.csv": PEOPLE})
    assert "its first line" in said and "Roe" not in said and "4.25" not in said


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    cut = gzip.compress(wide("a,0,1").encode())[:-9]
    files: Files = {"visits.csv.gz": cut, "subjects.csv": PEOPLE}
    assert "visits.csv.gz is damaged" in refused(tmp_path, files, measurements={**VISITS, "file": "visits.csv.gz"})
    files = {"visits.parquet": b"PAR1 not really"}
    assert "no readable Parquet" in refused(tmp_path, files, measurements={**VISITS, "file": "visits.parquet"})


FAULTS = [b"NaN", b"inf", b"1e400", b"-5", b'"', b"x" * 50_000, b"\xff", b"\0", b"9" * 400, b"1_0", b"\r", b"''", b""]


def mutated(lines: list[bytes], rng: np.random.Generator) -> bytes:
    """The lines with one to four faults such as files have: bytes, cells, lines, delimiters, encodings, ends."""
    lines = list(lines)
    for kind in rng.choice(8, rng.integers(1, 5), p=[0.2, 0.15, 0.15, 0.1, 0.2, 0.1, 0.05, 0.05]):
        place = int(rng.integers(len(lines)))
        cells = lines[place].split(b",")
        if kind == 0 and lines[place]:
            at = int(rng.integers(len(lines[place])))
            lines[place] = lines[place][:at] + bytes([rng.integers(256)]) + lines[place][at + 1 :]
        elif kind == 1 and len(lines) > 1:
            del lines[place]
        elif kind == 2:
            lines.insert(place, lines[int(rng.integers(len(lines)))])
        elif kind == 3:
            lines[place] = b",".join(cells[at] for at in rng.permutation(len(cells)))
        elif kind == 4:
            cells[int(rng.integers(len(cells)))] = FAULTS[int(rng.integers(len(FAULTS)))]
            lines[place] = b",".join(cells)
        elif kind == 5:
            lines[place] = lines[place][: int(rng.integers(len(lines[place]) + 1))]
        elif kind == 6:
            lines = [line.replace(b",", b";") for line in lines]
        else:
            encoding = ["utf-16", "utf-8-sig", "utf-32", "cp500"][int(rng.integers(4))]
            lines = [b"\n".join(lines).decode("latin-1").encode(encoding)]
    return b"\n".join(lines)


@pytest.mark.parametrize("seed", range(2))
def test_a_damaged_file_gives_a_result_whose_counts_add_up_or_a_clear_error(tmp_path: Path, seed: int) -> None:
    """Each mutant is the first 120 lines of the real trial with faults; a traceback fails the test."""
    rng, lines = np.random.default_rng(seed), (REPO / "data/1_raw/pbcseq/pbcseq.csv").read_bytes().split(b"\n")[:120]
    refusals = 0
    for _ in range(15):
        content = mutated(lines, rng)
        (tmp_path / "pbcseq.csv").write_bytes(content)
        attrition = Attrition()
        try:
            events, subjects = pbcseq.read(tmp_path, pbcseq.Options(), attrition)
        except InputError as error:
            refusals += 1
            assert str(tmp_path) in str(error) or "options." in str(error)
            assert len(str(error)) < 1000
            continue
        attrition.kept("measurements", len(events))
        attrition.kept("subjects", len(subjects))
        attrition.kept("descriptors", 0)
        counts = attrition.summary()
        if b'"' not in content:
            text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
            assert counts["visits"]["in"] == len([line for line in text.split("\n")[1:] if line.strip(", ")])
    assert 0 < refusals < 15


# Measurements


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",1,2", "no subject id"),
        ("c,1,2", "unknown subject"),
        ("a,,2", "no time"),
        ("a,soon,2", "time is not a number"),
        ("a,inf,2", "time is not a number"),
        ("a,-1,2", "before time zero"),
        ("a,8,2", "after the landmark"),
    ],
)
def test_a_row_that_cannot_be_placed_is_set_aside_in_both_forms(tmp_path: Path, row: str, reason: str) -> None:
    time = {"unit": "days", "until": 7}
    files = {"visits.csv": wide("a,7,1", row), "subjects.csv": PEOPLE}
    events, _, counts, rows = read(tmp_path, files, time=time)
    assert events["hours"].tolist() == [168.0]
    assert counts["visits"]["set_aside"] == {reason: 1}
    assert counts["measurements"] == {"in": 2, "kept": 1, "set_aside": {"visit set aside": 1}}
    assert rows["line"].tolist() == [3, 3]

    subject, day, value = row.split(",")
    files = {"labs.csv": f"id,day,test,result\na,7,bili,1\n{subject},{day},bili,{value}\n"}
    _, _, counts, _ = read(tmp_path, files, time=time, measurements=LONG)
    assert counts["measurements"] == {"in": 2, "kept": 1, "set_aside": {reason: 1}}


def test_long_rows_without_a_usable_value_or_a_declared_variable_are_set_aside(tmp_path: Path) -> None:
    rows = ["a,0,BILI,1", "a,0,BILI,", "a,0,BILI,low", "a,0,chol,300", "a,0,edema,severe"]
    files = {"labs.csv": "\n".join(["id,day,test,result", *rows]), "subjects.csv": PEOPLE}
    edema = {"label": "oedema", "role": "series", "kind": "binary", "positive": ["severe"], "negative": ["none"]}
    variables = {"bili": {**BILI, "column": "BILI"}, "edema": edema, "age": AGE}
    events, _, counts, _ = read(tmp_path, files, measurements=LONG, variables=variables)
    assert events[["variable", "value"]].values.tolist() == [["bili", 1.0], ["edema", 1.0]]
    reasons = {"blank value": 1, "not a number": 1, "undeclared variable": 1}
    assert counts["measurements"] == {"in": 5, "kept": 2, "set_aside": reasons}


@pytest.mark.parametrize("form", ["wide", "long"])
def test_one_categorical_column_feeds_a_binary_variable_a_level(tmp_path: Path, form: str) -> None:
    files = {"visits.csv": "id,day,rhythm\na,0,sinus\nb,0,AF\n", "labs.csv": "id,day,test,result\n"
             "a,0,rhythm,sinus\nb,0,rhythm,AF\n", "subjects.csv": PEOPLE}  # fmt: skip
    variables = {
        name: {"label": name, "role": "series", "kind": "binary", "column": "rhythm", "positive": [level]}
        for name, level in (("sinus", "sinus"), ("fibrillation", "af"))
    }
    events, _, _, _ = read(tmp_path, files, measurements=VISITS if form == "wide" else LONG, variables=variables)
    found = {(row.subject_id, row.variable): row.value for row in events.itertuples()}
    assert found == {("a", "sinus"): 1, ("a", "fibrillation"): 0, ("b", "sinus"): 0, ("b", "fibrillation"): 1}


def test_a_categorical_series_is_the_index_of_its_level(tmp_path: Path) -> None:
    files = {"visits.csv": "id,day,rhythm\na,0,sinus\nb,0,AF\nb,1,jazz\n", "subjects.csv": PEOPLE}
    rhythm = {"label": "rhythm", "role": "series", "kind": "categorical", "levels": ["sinus", "af"]}
    events, _, counts, _ = read(tmp_path, files, measurements=VISITS, variables={"rhythm": rhythm})
    assert events["value"].tolist() == [0.0, 1.0]
    assert sum(counts["measurements"]["set_aside"].values()) == 1


def test_timestamps_count_from_each_subject_s_time_zero(tmp_path: Path) -> None:
    files = {
        "visits.csv": wide("a,2020-01-02 06:00,1", "b,2021-05-01,2", "b,someday,3", "b,9999-12-31,4"),
        "subjects.csv": "id,age,died,admitted,cut\na,50,1,2020-01-01,2020-01-03\nb,60,0,2021-05-01,2021-05-01\n",
    }
    time = {"unit": "hours", "timestamps": True, "zero": "admitted", "until": "cut"}
    events, _, counts, _ = read(tmp_path, files, time=time)
    assert events["hours"].tolist() == [30.0, 0.0]
    assert counts["visits"]["set_aside"] == {"time is not a timestamp": 1, "after the landmark": 1}
    files = {
        "visits.csv": wide("a,01.02.2020 06:00,1"),
        "subjects.csv": "id,age,died,admitted\na,50,1,01.02.2020 00:00\n",
    }
    time = {"unit": "hours", "timestamps": True, "zero": "admitted", "format": "%d.%m.%Y %H:%M"}
    assert read(tmp_path, files, time=time)[0]["hours"].tolist() == [6.0]
    mixed = {"visits.csv": wide("a,2020-01-02T06:00Z,1", "a,2020-01-02T06:00,1")}
    time = {"unit": "hours", "timestamps": True, "zero": "admitted"}
    assert "column 'day' of visits.csv have an offset from UTC, others there have none" in refused(
        tmp_path, mixed, time=time
    )


def test_ids_that_never_meet_are_a_mistake_in_the_options(tmp_path: Path) -> None:
    said = refused(tmp_path, {"visits.csv": wide("A-1,0,1"), "subjects.csv": PEOPLE})
    assert "options.measurements.subject and options.subjects.subject" in said and "A-1" not in said


# Subjects and outcomes


def test_levels_of_the_outcome_that_are_declared_neither_way_are_set_aside(tmp_path: Path) -> None:
    files = {"subjects.csv": "id,age,died\na,1,home\nb,2,Ward\nc,3,hospice\nd,4,\n", "visits.csv": wide("a,0,1")}
    outcome = {"column": "died", "positive": ["ward", "icu"], "negative": ["home"]}
    _, subjects, counts, _ = read(tmp_path, files, outcome=outcome)
    assert subjects[["subject_id", "outcome"]].values.tolist() == [["a", 0.0], ["b", 1.0]]
    reasons = {"no outcome": 1, "outcome declared neither positive nor negative": 1}
    assert counts["subjects"] == {"in": 4, "kept": 2, "set_aside": reasons}
    _, new, counts, _ = read(tmp_path, files, outcome=outcome, outcome_required=False)
    assert new["outcome"].isna().tolist() == [False, False, True, True]


def test_rows_of_one_subject_complete_each_other_or_contradict(tmp_path: Path) -> None:
    files = {"subjects.csv": "id,age,died\na,50,1\na,,1\nb,60,0\nb,61,0\n,1,1\nc,old,0\n", "visits.csv": wide("a,0,1")}
    _, subjects, counts, rows = read(tmp_path, files)
    assert subjects.fillna(-1).values.tolist() == [["a", 1.0, 50.0], ["c", 0.0, -1.0]]
    assert counts["subjects"]["set_aside"] == {"rows of one subject contradict each other": 1}
    assert counts["subject rows"]["set_aside"] == {"no subject id": 1}
    garbled = rows[rows["unit"] == "descriptors"]
    assert garbled[["reason", "line", "column"]].values.tolist() == [["not a number", 7, "age"]]


@pytest.mark.parametrize(
    ("use", "expected"), [("first", ["s2", "s3"]), ("last", ["s1", "s3"]), ("all", ["s1", "s2", "s3"])]
)
def test_subjects_of_one_patient_are_reduced_to_one_or_share_a_split(
    tmp_path: Path, use: str, expected: list[str]
) -> None:
    files = {
        "subjects.csv": "id,mrn,age,died,start\ns1,p,50,1,9\ns2,p,50,0,2\ns3,q,60,1,5\ns4,q,60,,1\n",
        "visits.csv": wide("s1,9,1", "s2,3,2", "s3,7,3"),
    }
    events, subjects, counts, _ = read(
        tmp_path,
        files,
        subjects={**SUBJECTS, "patient": "mrn", "use": use},
        time={"unit": "days", "zero": "start"},
    )
    assert subjects["subject_id"].tolist() == expected
    assert counts["subjects"]["set_aside"].get("another subject of the same patient is used", 0) == 3 - len(expected)
    assert subjects["patient_id"].nunique() == 2, "the split is drawn by patient"
    assert set(events["subject_id"]) <= set(expected)


@pytest.mark.parametrize(
    ("end", "status", "outcome"),
    [
        ("31", "dead", 1.0),
        ("130", "dead", 1.0),
        ("131", "dead", 0.0),
        ("131", "alive", 0.0),
        ("130", "alive", "censored before the horizon"),
        ("30", "dead", "outcome before the landmark"),
        ("30", "alive", "follow-up ended before the landmark"),
        ("inf", "alive", "no outcome"),
        ("90", "moved", "status declared neither event nor censored"),
    ],
)
def test_the_landmark_rule_judges_who_is_still_at_risk(
    tmp_path: Path, end: str, status: str, outcome: float | str
) -> None:
    files = {"visits.csv": wide("a,29,1", "a,31,2"), "subjects.csv": f"id,age,end,status\na,50,{end},{status}\n"}
    events, subjects, counts, _ = read(tmp_path, files, outcome=None, landmark=RULE)
    if isinstance(outcome, float):
        assert subjects["outcome"].tolist() == [outcome]
        assert events["hours"].tolist() == [29 * 24]
    else:
        assert counts["subjects"]["set_aside"] == {outcome: 1}


def test_of_several_kinds_of_event_the_one_that_ended_the_follow_up_is_the_class(tmp_path: Path) -> None:
    ends = {"a": "31,graft", "b": "130,dead", "c": "131,dead", "d": "131,alive", "e": "99,alive", "f": "99,moved"}
    people = "".join(f"{name},50,{end}\n" for name, end in ends.items())
    files = {"visits.csv": wide("a,29,1"), "subjects.csv": f"id,age,end,status\n{people}"}
    rule = {**RULE, "events": {"transplanted": ["graft"], "died": ["dead", "killed"]}}
    _, subjects, counts, _ = read(tmp_path, files, outcome=None, landmark=rule)
    assert dict(zip(subjects["subject_id"], subjects["outcome"], strict=True)) == {
        "a": 1.0,
        "b": 2.0,
        "c": 0.0,
        "d": 0.0,
    }
    aside = {"censored before the horizon": 1, "status declared neither event nor censored": 1}
    assert counts["subjects"]["set_aside"] == aside
    options = validate(table.Options, declared(outcome=None, landmark=rule), "options")
    assert table.variables(options)[-1].levels == ("no event", "transplanted", "died")


def test_new_subjects_need_no_columns_of_the_outcome(tmp_path: Path) -> None:
    files = {"visits.csv": wide("a,0,1"), "subjects.csv": "id,age\na,50\n"}
    _, subjects, _, _ = read(tmp_path, files, outcome_required=False)
    assert subjects["outcome"].isna().tolist() == [True]
    assert "options.outcome.column" in refused(tmp_path, files)


# Databases


@pytest.mark.parametrize(
    ("url", "query", "message"),
    [
        ("env:COHORT_DB", "select id, day, bili from visit", "no such table: visit"),
        ("env:COHORT_DB", "delete from visits", "begin it with SELECT"),
        ("env:UNSET_DB", "select 1", "the environment variable UNSET_DB is not set"),
        ("env:STRANGE_DB", "select 1", "holds no SQLAlchemy URL"),
        ("env:AWAY_DB", "select 1", "away.db is missing"),
        ("env:SERVER_DB", "select 1", "the query to env:SERVER_DB"),
        ("sqlite:///none.db", "select 1", "none.db is missing"),
    ],
)
def test_a_query_that_fails_is_explained_and_no_password_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, query: str, message: str
) -> None:
    with sqlite3.connect(tmp_path / "cohort.db") as database:
        database.executescript("create table visits (id, day, bili); insert into visits values ('a', 0, 1.5);")
    monkeypatch.setenv("COHORT_DB", f"sqlite:///{tmp_path}/cohort.db")
    monkeypatch.setenv("AWAY_DB", f"sqlite:///{tmp_path}/away.db")
    monkeypatch.setenv("STRANGE_DB", "my hovercraft:s3cret")
    monkeypatch.setenv("SERVER_DB", "mysql+nodriver://me:s3cret@localhost/x")
    place = {"query": query, "url": url, "subject": "id", "time": "day"}
    said = refused(tmp_path, {"subjects.csv": PEOPLE}, measurements=place)
    assert message in said and "s3cret" not in said
    with sqlite3.connect(tmp_path / "cohort.db") as database:
        assert database.execute("select count(*) from visits").fetchone() == (1,)


def test_a_database_in_the_raw_folder_is_read_by_its_name(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "cohort.db") as database:
        database.executescript(
            "create table v (id integer, day, bili); insert into v values (1, 0, 1.5), (2, 0, 'low'), (2, 1, null);"
        )
    place = {
        "query": "select * from v where '10:30' > ''",
        "url": "sqlite:///cohort.db",
        "subject": "id",
        "time": "day",
    }
    events, _, _, rows = read(tmp_path, {"subjects.csv": "id,age,died\n1,50,1\n2,60,0\n"}, measurements=place)
    assert events.values.tolist() == [["1", 0.0, "bili", 1.5]]
    assert rows[["file", "line", "column"]].values.tolist() == [["query", 2, "bili"]]


# Declarations


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": {"title": "x"}}, "options.source.licence: Field required"),
        ({"outcome": None}, "declare either 'outcome'"),
        ({"time": None}, "need 'time'"),
        ({"time": {"unit": "weeks"}}, "options.time.unit: Input should be 'minutes', 'hours' or 'days'"),
        ({"time": {"unit": "days", "timestamps": True}}, "timestamps need 'zero'"),
        ({"measurements": {**VISITS, "value": "x"}}, "options.measurements: Value error, name both"),
        ({"measurements": {**VISITS, "file": None}}, "name either a 'file'"),
        ({"measurements": {**VISITS, "file": "../x.csv"}}, "without '..'"),
        ({"measurements": {**VISITS, "encoding": "utf-9"}}, "no such encoding"),
        ({"measurements": None}, "'bili' is a series"),
        ({"variables": {"age": AGE}}, "no variable with 'role: series'"),
        ({"variables": {"bili": {**BILI, "hihg": 3}}}, "known here: label, role, unit, kind, low, high"),
        ({"variables": {"bili": {**BILI, "low": 90}}}, "options.variables.bili: Value error, 'low' must be less"),
        ({"variables": {"bili": {**BILI, "low": None, "skewed": True}}}, "'low' of 0 or more"),
        ({"variables": {"outcome": AGE}}, "has a meaning of its own"),
        ({"variables": {"x": {"label": "x", "role": "static", "kind": "categorical"}}}, "needs its 'levels'"),
        ({"outcome": {"column": "died", "positive": ["1"], "negative": ["1.0", "0"]}}, "named twice"),
        (
            {"outcome": {"column": "died", "positive": ["1"]}},
            "'positive' and the 'negative' levels, or three 'classes'",
        ),
        ({"outcome": {"column": "stage", "classes": {"low": [1], "high": [2]}}}, "'classes' are three or more"),
        ({"outcome": {"column": "stage", "classes": {"a": [1], "b": [2], "c": [3, 1]}}}, "named twice"),
        (
            {"outcome": {"column": "stage", "classes": {"a": [1], "b": [2], "c": []}}},
            "options.outcome.classes.c: Tuple",
        ),
        ({"outcome": {**DIED, "classes": {"a": [1], "b": [2], "c": [3]}}}, "declare either 'classes'"),
        ({"outcome": None, "landmark": {**RULE, "events": {"dead": [2]}}}, "two kinds of 'events'"),
        ({"outcome": None, "landmark": {**RULE, "events": []}}, "options.landmark.events.codes: Tuple"),
    ],
)
def test_a_declaration_that_makes_no_sense_names_its_key_and_the_mend(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        validate(table.Options, declared(**changes), "options")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql://me:s3cret@host/db", "postgresql://host/db", "sqlite:////srv/x.db", "nonsense", "env:"]
)
def test_params_name_no_server_no_machine_and_no_password(url: str) -> None:
    with pytest.raises(InputError) as caught:
        place = {"query": "select 1", "url": url, "subject": "id", "time": "day"}
        validate(table.Options, declared(measurements=place), "options")
    assert "env:NAME" in str(caught.value) and "s3cret" not in str(caught.value)
