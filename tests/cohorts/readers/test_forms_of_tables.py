"""A table says the same in every form: text as its standards have it, packed or not, workbooks, typed columns."""

import bz2
import datetime as dt
import decimal
import gzip
import io
import lzma
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.support.ingestion_fixtures import Reading
from tests.support.paths import CASES
from tests.support.tables import AGE, PEOPLE, VISITS, read, refused, told

VISIT = [["a", 0.0, "bili", 1.5], ["a", 24.0, "bili", 2.5]]
TEXT = "id,day,bili\na,0,1.5\na,1,2.5\n"
CREATININE = {"creatinine": {"label": "creatinine", "role": "series"}, "age": {**AGE, "column": "age"}}


def of_case(name: str, **changes: Any) -> Reading:
    """The first events and subjects of a folder of `tests/cases`."""
    options = {
        "measurements": {"file": "visits.csv", "subject": "id", "time": "day"},
        "subjects": {"file": "people.csv", "subject": "id"},
        "variables": CREATININE,
        **changes,
    }
    return read(CASES / name, {}, **options)


def packed(name: str, content: str) -> bytes:
    """The content in a zip archive, alone but for what a Mac puts beside it."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr(name, content)
        archive.writestr(f"__MACOSX/._{name}", b"\0\5\26\7")
    return memory.getvalue()


# Text


@pytest.mark.parametrize("name", ["csv-note-ends-in-newline", "mac-line-ends"])
def test_a_well_formed_file_of_another_program_is_read_whole(name: str) -> None:
    events, subjects, counts, _ = of_case(name)
    assert len(subjects) == 120 and counts["visits"] == {"in": 480, "kept": 480, "set_aside": {}}
    assert events.iloc[1].tolist() == ["P100", 24.0, "creatinine", 1.88]


def test_a_packed_file_is_known_by_its_bytes_and_not_by_the_case_of_its_name() -> None:
    events, subjects, _, _ = of_case(
        "gz-upper-case-suffix",
        measurements={"file": "VISITS.CSV.GZ", "subject": "id", "time": "day"},
        subjects={"file": "PEOPLE.CSV", "subject": "id"},
    )
    assert len(events) == 480 and len(subjects) == 120


@pytest.mark.parametrize("written", ["age (years)", "age\n(years)", "Age  (Years)"])
def test_a_name_that_is_broken_over_lines_is_found_however_it_is_declared(written: str) -> None:
    age = {**AGE, "column": written}
    subjects = of_case("header-line-break", variables={**CREATININE, "age": age})[1]
    assert subjects["age"].tolist()[:3] == [63.0, 70.0, 67.0]


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        bz2.compress,
        lzma.compress,
        lambda text: packed("visits.csv", text),
        lambda text: pa.compress(text, "zstd", asbytes=True),
    ],
)
def test_a_packed_text_is_read_under_any_name(tmp_path: Path, pack: Any) -> None:
    content = pack(TEXT.encode())
    assert read(tmp_path, {"visits.csv": content, "subjects.csv": PEOPLE})[0].values.tolist() == VISIT
    said = refused(tmp_path, {"visits.csv": content[: len(content) // 2]})
    assert "is damaged or cut short" in said or "no first line" in said


@pytest.mark.parametrize(
    ("content", "changes"),
    [
        (TEXT.replace("\n", "\r\n"), {}),
        (TEXT.replace("\n", "\r"), {}),
        ("\ufeff" + TEXT, {}),
        ("sep=;\n" + TEXT.replace(",", ";"), {}),
        ('"sep=\t"\r\n' + TEXT.replace(",", "\t"), {"delimiter": ";"}),
        ("id,day,bili\na,0,1.5,\na,1,2.5,\n", {}),
        ("id,day,bili,\na,0,1.5\na,1,2.5\n", {}),
        ("id,day,bili,\na,0,1.5,\na,1,2.5,\n", {}),
        (TEXT.rstrip("\n"), {}),
        (TEXT.replace("id,day", '"ID","Day "'), {}),
        ('id,day,bili,note\na,0,1.5,"said ""no"""\na,1,2.5,"5"" tube, or\r\n""6"""\n', {}),
        ('id,note,day,bili\na,"no fever, no cough\nno rash, well",0,1.5\na,"\n\n",1,2.5\n', {}),
        ('id,note,day,bili\na,"pasted: x,0,1\ny,2,9,7\nz,3,9,7",0,1.5\na,"",1,2.5\n', {}),
        ('id,day,bili,note\na,0,1.5,"5"\na,1,2.5,6" tube\n', {}),
        ('id,day,bili,note\na,0,1.5,"\na,1,2.5,"\n', {"quotes": False}),
        (TEXT.encode("utf-16-le"), {"encoding": "utf-16-le"}),
    ],
)
def test_text_is_read_as_its_writer_meant_it(tmp_path: Path, content: Any, changes: dict[str, Any]) -> None:
    files = {"visits.csv": content, "subjects.csv": PEOPLE}
    events, _, counts, _ = read(tmp_path, files, measurements={**VISITS, **changes})
    assert events.values.tolist() == VISIT
    assert counts["visits"] == {"in": 2, "kept": 2, "set_aside": {}}


def test_a_line_is_told_as_an_editor_counts_it_below_a_long_header(tmp_path: Path) -> None:
    content = 'sep=,\nid,day,"bili\n(mg/dl)"\na,0,low\na,1\n'
    bili = {"label": "bilirubin", "role": "series", "column": "bili (mg/dl)"}
    _, _, _, rows = read(tmp_path, {"visits.csv": content, "subjects.csv": PEOPLE}, variables={"bili": bili})
    assert rows[["reason", "line"]].values.tolist() == [["malformed line", 5], ["not a number", 4]]


@pytest.mark.parametrize(
    "body",
    [
        'a,0,1,"x\nb,1,2,y\nb,2,3,z\n',  # never closed
        'a,0,"1,x\nb,1,2,"y"\nb,2,3,z\n',  # closed by the mark that opens the next
        'a,0,",x\nb,1,",y\nb,2,3,z\n',  # ditto marks
        'a,"0,1,x\nb,1,2,y\nb,2",3,z\n',  # two strays on the edges of cells
    ],
)
def test_a_quotation_mark_that_swallows_rows_is_refused_with_a_way_out(tmp_path: Path, body: str) -> None:
    said = refused(tmp_path, {"visits.csv": f"id,day,bili,note\n{body}", "subjects.csv": PEOPLE})
    assert "visits.csv, line 2" in said and "quotes: false" in said


def test_a_last_cell_with_a_line_like_a_row_is_read_and_told(tmp_path: Path) -> None:
    """It may be a note with a pasted row as well as a missing mark: nobody can tell but who looks at it."""
    files = {"visits.csv": 'id,day,bili,note\na,0,1.5,"as in\na,7,9.5,x"\na,1,2.5,\n', "subjects.csv": PEOPLE}
    notices, events = told(tmp_path, files)
    assert events.values.tolist() == VISIT
    assert [(one.name, one.count) for one in notices] == [("cells that look like rows: visits.csv", 1)]
    assert "on line 2" in notices[0].text


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        (TEXT.encode("utf-16-le"), {}, "encoding: utf-16-le"),
        (TEXT.encode("utf-16-be"), {}, "encoding: utf-16-be"),
        (b"\xef\xbb\xbf" + TEXT.encode(), {"encoding": "cp1252"}, "leave out the option 'encoding'"),
        (TEXT, {"sheet": "Visits"}, "leave out 'sheet'"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), {}, "Excel before 2007"),
        ("id,day,bili\u0301,bil\u00ed\n", {}, "columns 3 and 4 have the same name"),
    ],
)
def test_what_cannot_be_read_says_in_words_what_it_is(
    tmp_path: Path, content: Any, changes: dict[str, Any], message: str
) -> None:
    said = refused(tmp_path, {"visits.csv": content, "subjects.csv": PEOPLE}, measurements={**VISITS, **changes})
    assert message in said


def test_an_archive_of_several_files_is_not_guessed_at(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "visits.csv", "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)
    assert "holds 2 files" in refused(tmp_path, {"subjects.csv": PEOPLE})


def test_a_name_is_the_same_in_both_forms_of_unicode_and_exact_ones_come_first(tmp_path: Path) -> None:
    kalium = {"label": "potassium", "role": "series"}
    variables = {"k": {**kalium, "column": "k"}, "K": {**kalium, "column": "K"}, "größe": kalium}
    files = {"visits.csv": "id,day,K,k,gro\u0308ße\na,0,1,2,3\n", "subjects.csv": PEOPLE}
    events = read(tmp_path, files, variables=variables)[0]
    assert dict(zip(events["variable"], events["value"], strict=True)) == {"K": 1.0, "k": 2.0, "größe": 3.0}
    files["visits.csv"] = "id,day,k,größe\na,0,2,3\n"
    assert "no column 'K'" in refused(tmp_path, files, variables=variables)


# Typed columns


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([123456789012, 7]),
        pa.array([123456789012.0, 7.0]),
        pa.array([decimal.Decimal("123456789012.00"), decimal.Decimal("7.00")]),
        pa.array(["123456789012", "7"], pa.string_view()),
        pa.array([b"123456789012", b"7"]),
        pa.array(["123456789012", "7"]).dictionary_encode(),
        pa.array([123456789012, 7]).dictionary_encode(),
        pa.array([123456789012, 7], pa.uint64()),
    ],
)
def test_an_id_is_the_same_in_every_type(tmp_path: Path, ids: Any) -> None:
    visits = pa.table({"id": ids, "day": pa.array([1, 2], pa.int8()), "bili": pa.array([0.1, 2], pa.float32())})
    pyarrow.parquet.write_table(visits, tmp_path / "visits.parquet")
    files = {"subjects.csv": "id,age,died\n123456789012,50,1\n7,60,0\n"}
    events = read(tmp_path, files, measurements={**VISITS, "file": "visits.parquet"})[0]
    assert events.values.tolist() == [["123456789012", 24.0, "bili", 0.1], ["7", 48.0, "bili", 2.0]]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(np.array([0.1, 1000], np.float16)),
        pa.array([decimal.Decimal("0.10"), decimal.Decimal("1000")], pa.decimal256(50, 2)),
        pa.array([0.1, 1000.0]),
        pa.array(["0.1", "1E3"]),
    ],
)
def test_a_number_is_the_same_in_every_type(tmp_path: Path, values: Any) -> None:
    visits = pa.table({"id": ["a", "a"], "day": [0, 1], "bili": values})
    pyarrow.parquet.write_table(visits, tmp_path / "visits.parquet")
    bili = {"bili": {"label": "bilirubin", "role": "series"}}
    files = {"subjects.csv": PEOPLE}
    events = read(tmp_path, files, measurements={**VISITS, "file": "visits.parquet"}, variables=bili)[0]
    assert events["value"].tolist() == [0.1, 1000.0]


@pytest.mark.parametrize("values", [[[1.0]], [{"value": 1.0}], [b"\0\1"]])
def test_a_type_that_no_cell_has_is_refused_by_name_where_it_is_needed(
    tmp_path: Path, values: list[bytes] | list[dict[str, Any]] | list[list[float]]
) -> None:
    visits = pa.table({"id": ["a"], "day": [0], "bili": [1.0], "odd.one": values})
    pyarrow.parquet.write_table(visits, tmp_path / "visits.parquet")
    odd = {"odd": {"label": "odd", "role": "series", "column": "odd.one"}}
    changes: dict[str, Any] = {"measurements": {**VISITS, "file": "visits.parquet"}, "variables": odd}
    assert "column 'odd.one' has the type" in refused(tmp_path, {"subjects.csv": PEOPLE}, **changes)
    changes["variables"] = {"bili": {"label": "bilirubin", "role": "series"}}
    assert len(read(tmp_path, {}, **changes)[0]) == 1


# Workbooks


def workbook(path: Path, rows: Sequence[Sequence[Any]], **others: Any) -> Any:
    """A workbook of the rows as its sheet "Visits", and others."""
    book = openpyxl.Workbook()
    book.active.title = "Visits"
    for row in rows:
        book.active.append(row)
    for name, content in others.items():
        sheet = book.create_sheet(name)
        for row in content:
            sheet.append(row)
    book.save(path)
    return book


def test_a_sheet_says_what_its_cells_hold(tmp_path: Path) -> None:
    start, later = dt.datetime(2024, 1, 10), dt.datetime(2024, 1, 10, 6, 30)
    rows: list[list[Any]] = [
        ["ID", "Day", "bili", "vent", None],
        [7, later, 1.5, dt.timedelta(hours=30)],
        [],
        ["P8", start, "<0.5"],
    ]
    people = [["id", "died", "admitted"], [7.0, True, start], ["P8", False, start]]
    workbook(tmp_path / "ward.xlsx", rows, People=people)
    vent = {"label": "ventilated", "unit": "days", "role": "series"}
    events, subjects, counts, _ = read(
        tmp_path,
        measurements={**VISITS, "file": "ward.xlsx", "sheet": "Visits"},
        subjects={"file": "ward.xlsx", "sheet": "People", "subject": "id"},
        time={"unit": "hours", "timestamps": True, "zero": "admitted"},
        outcome={"column": "died", "positive": [True], "negative": [False]},
        variables={"bili": {"label": "bilirubin", "role": "series"}, "vent": vent},
    )
    assert events.values.tolist() == [["7", 6.5, "bili", 1.5], ["7", 6.5, "vent", 1.25], ["P8", 0.0, "bili", 0.5]]
    assert subjects["outcome"].tolist() == [1.0, 0.0] and counts["visits"]["in"] == 2


def test_of_several_sheets_one_has_to_be_named(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["id", "day", "bili"], ["a", 0, 1.5], ["a", 1, 2.5]]
    workbook(tmp_path / "ward.xlsx", rows, Notes=[["x"]])
    visits = {**VISITS, "file": "ward.xlsx"}
    said = refused(tmp_path, {"subjects.csv": PEOPLE}, measurements=visits)
    assert "name one with 'sheet' beside 'file': Visits, Notes" in said
    assert "has no sheet 'Vists'" in refused(tmp_path, {}, measurements={**visits, "sheet": "Vists"})
    assert read(tmp_path, {}, measurements={**visits, "sheet": "Visits"})[0].values.tolist() == VISIT
    book = openpyxl.load_workbook(tmp_path / "ward.xlsx")
    book["Notes"].sheet_state = "hidden"
    book.save(tmp_path / "ward.xlsx")
    assert read(tmp_path, {}, measurements=visits)[0].values.tolist() == VISIT


def test_a_formula_without_its_value_is_blank_and_told(tmp_path: Path) -> None:
    workbook(tmp_path / "ward.xlsx", [["id", "day", "bili"], ["a", 0, 1.5], ["a", 1, "=1+1.5"]])
    notices, events = told(tmp_path, {"subjects.csv": PEOPLE}, measurements={**VISITS, "file": "ward.xlsx"})
    assert events.values.tolist() == VISIT[:1]
    assert [(one.count, one.of, one.lost) for one in notices] == [(1, 1, True)]
    assert "open it in a spreadsheet, save it" in notices[0].text


def test_a_workbook_that_would_fill_the_memory_is_refused_before_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook(tmp_path / "ward.xlsx", [["id", "day", "bili"], ["a", 0, 1.5]])
    monkeypatch.setattr("recondense.cohorts.readers._table.excel.share_of_memory", lambda: 1000)
    assert "are allowed" in refused(tmp_path, {"subjects.csv": PEOPLE}, measurements={**VISITS, "file": "ward.xlsx"})


def test_a_damaged_workbook_is_named(tmp_path: Path) -> None:
    workbook(tmp_path / "ward.xlsx", [["id", "day", "bili"], ["a", 0, 1.5]])
    whole = (tmp_path / "ward.xlsx").read_bytes()
    for content in (whole[: len(whole) // 2], whole.replace(b"xl/workbook.xml", b"xl/workbxxk.xml")):
        said = refused(
            tmp_path, {"ward.xlsx": content, "subjects.csv": PEOPLE}, measurements={**VISITS, "file": "ward.xlsx"}
        )
        assert "ward.xlsx is no readable Excel workbook" in said
