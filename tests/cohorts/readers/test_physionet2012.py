"""Reading the PhysioNet Challenge 2012: real stays, and every way in which a file, record or line can be bad."""

import gzip
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recondense.settings import settings
from recondense.stages.layout import Layout
from tasks.ingestion import ingestion
from tests.support.ingestion_fixtures import (
    message_of,
    needs_physionet2012,
    outcome_lines,
    read_physionet2012,
    record,
    write_archive,
    write_set,
)
from tests.support.paths import REAL_DATA

HEART = "00:07,HR,73"
GOOD = {"1.txt": record(1, HEART, "01:30,Temp,36.6"), "2.txt": record(2, HEART)}


# Real stays


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], float]:
    """Project folder with sets a and b ingested, the metrics, and the seconds that took."""
    root = tmp_path_factory.mktemp("project")
    (root / "params.yaml").write_text(
        "cohorts:\n  icu:\n    ingestion: {dataset: physionet2012, split: {kind: paper}, "
        f"raw: {REAL_DATA / 'physionet2012'}}}\n"
    )
    started = time.perf_counter()
    metrics = ingestion(Layout(root, "icu"))
    return root / "data/2_ingested/icu", metrics, time.perf_counter() - started


@needs_physionet2012
def test_all_eight_thousand_stays_are_kept_and_split_as_published(real: tuple[Path, dict[str, Any], float]) -> None:
    _, metrics, _ = real
    assert metrics["counts"]["records"] == {"in": 8000, "kept": 8000, "set_aside": {}}
    assert metrics["counts"]["outcomes"] == {"in": 8000, "kept": 8000, "set_aside": {}}
    assert metrics["subjects"] == {"train": 5120, "validation": 1280, "test": 1600}
    assert metrics["counts"]["measurements"]["in"] == 3_293_708
    deaths = sum(metrics["subjects"][split] * metrics["prevalence"][split] for split in metrics["subjects"])
    assert deaths / 8000 == pytest.approx(0.14025, abs=1e-5)


@needs_physionet2012
def test_a_real_stay_reads_as_its_file_says(real: tuple[Path, dict[str, Any], float]) -> None:
    from recondense.records.cohort import Ingested

    cohort = Ingested.load(real[0])
    stay = cohort.events[cohort.events["subject_id"] == "132539"]
    lines = [line for line in _member("a", "set-a/132539.txt").splitlines()[7:]]
    assert [
        f"{hour:.6f},{name},{value:g}"
        for hour, name, value in zip(stay["hours"], stay["variable"], stay["value"], strict=True)
    ] == [
        f"{int(at[:2]) + int(at[3:]) / 60:.6f},{name},{float(value):g}"
        for at, name, value in (line.split(",") for line in lines)
    ]
    subject = cohort.subjects.set_index("subject_id").loc["132539"]
    assert isinstance(subject, pd.Series)
    assert subject[["outcome", "age", "male", "icu_type"]].to_list() == [0, 54, 0, 3]
    assert subject[["height", "weight_admission", "bmi"]].isna().all()


@needs_physionet2012
def test_an_extracted_folder_gives_the_same_as_its_archive(tmp_path: Path) -> None:
    for name in ("archive", "folder"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Outcomes-b.txt").symlink_to(REAL_DATA / "physionet2012/Outcomes-b.txt")
    (tmp_path / "archive/set-b.tar.gz").symlink_to(REAL_DATA / "physionet2012/set-b.tar.gz")
    with tarfile.open(REAL_DATA / "physionet2012/set-b.tar.gz") as tar:
        tar.extractall(tmp_path / "folder", filter="data")
    events, subjects, counts, _ = read_physionet2012(tmp_path / "archive")
    other_events, other_subjects, other_counts, _ = read_physionet2012(tmp_path / "folder")
    assert events.equals(other_events)
    assert subjects.equals(other_subjects)
    assert counts == other_counts


@needs_physionet2012
@pytest.mark.skipif(not settings().timings, reason="set RECONDENSE_TIMINGS=1 to measure")
def test_eight_thousand_stays_take_at_most_six_seconds(real: tuple[Path, dict[str, Any], float]) -> None:
    print(f"ingestion of sets a and b: {real[2]:.2f} s")
    assert real[2] <= 6


def _member(part: str, name: str) -> str:
    with tarfile.open(REAL_DATA / f"physionet2012/set-{part}.tar.gz") as tar:
        stream = tar.extractfile(name)
        assert stream is not None
        return stream.read().decode("ascii")


# What a good record means


def test_descriptors_become_statics_and_the_first_weight_is_also_measured(tmp_path: Path) -> None:
    write_set(tmp_path, "a", GOOD, {1: 0, 2: 1})
    events, subjects, counts, _ = read_physionet2012(tmp_path)
    assert events.values.tolist() == [
        ["1", 0.0, "Weight", 80.0],
        ["1", 7 / 60, "HR", 73.0],
        ["1", 1.5, "Temp", 36.6],
        ["2", 0.0, "Weight", 80.0],
        ["2", 7 / 60, "HR", 73.0],
    ]
    assert subjects["outcome"].tolist() == [0, 1]
    assert subjects[["age", "male", "weight_admission", "icu_type"]].values.tolist() == [[54, 0, 80, 3]] * 2
    assert subjects["height"].isna().all()
    assert counts["measurements"] == {"in": 15, "kept": 15, "set_aside": {}}


def test_body_mass_index_follows_from_height_and_weight(tmp_path: Path) -> None:
    tall = record(1, HEART).replace("Height,-1", "Height,200")
    write_set(tmp_path, "a", {"1.txt": tall}, {1: 0})
    assert read_physionet2012(tmp_path)[1]["bmi"].tolist() == [20.0]


def test_an_unknown_weight_is_neither_measured_nor_lost(tmp_path: Path) -> None:
    write_set(tmp_path, "a", {"1.txt": record(1, "05:00,Weight,81", weight="-1")}, {1: 0})
    events, subjects, counts, _ = read_physionet2012(tmp_path)
    assert events["value"].tolist() == [81]
    assert subjects["weight_admission"].isna().all()  # a later weight was not known at admission
    assert counts["measurements"] == {"in": 7, "kept": 7, "set_aside": {}}


def test_a_stay_with_descriptors_only_is_kept(tmp_path: Path) -> None:
    write_set(tmp_path, "a", {"1.txt": record(1, weight="-1")}, {1: 0})
    events, subjects, _, _ = read_physionet2012(tmp_path)
    assert (len(events), len(subjects)) == (0, 1)


def test_events_are_sorted_by_record_number_and_time_whatever_the_order_of_files_and_lines(tmp_path: Path) -> None:
    write_set(tmp_path, "a", {"10.txt": record(10, "47:59,HR,80", HEART), "9.txt": record(9, HEART)}, {9: 0, 10: 1})
    events, subjects, _, _ = read_physionet2012(tmp_path)
    assert subjects["subject_id"].tolist() == ["9", "10"]
    assert events["subject_id"].tolist() == ["9", "9", "10", "10", "10"]
    assert events["hours"].tolist() == [0, 7 / 60, 0, 7 / 60, 47 + 59 / 60]


def test_windows_line_ends_and_a_missing_last_line_end_are_read_alike(tmp_path: Path) -> None:
    write_set(
        tmp_path, "a", {"1.txt": GOOD["1.txt"].replace("\n", "\r\n"), "2.txt": GOOD["2.txt"].rstrip("\n")}, {1: 0, 2: 1}
    )
    assert read_physionet2012(tmp_path)[2]["measurements"] == {"in": 15, "kept": 15, "set_aside": {}}


# Bad lines: the rest of the record is used


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("13:37,HR", "malformed line"),
        ("13:37", "malformed line"),
        ("13:37,HR,73,73", "malformed line"),
        ("", "malformed line"),
        ("13:37,HR,high", "not a number"),
        ("13:37,HR,", "not a number"),
        ("13:37,HR,7_3", "not a number"),
        ("13:37,Mood,3", "unknown variable"),
        ("13:37,,3", "unknown variable"),
        ("13:60,HR,73", "impossible time"),
        ("-01:00,HR,73", "impossible time"),
        ("48:01,HR,73", "impossible time"),
        ("noon,HR,73", "impossible time"),
    ],
)
def test_a_bad_line_is_set_aside_with_its_place(tmp_path: Path, line: str, reason: str) -> None:
    write_set(tmp_path, "a", {"1.txt": record(1, HEART, line, "48:00,HR,74")}, {1: 0})
    events, _, counts, rows = read_physionet2012(tmp_path)
    assert events["value"].tolist() == [80, 73, 74]
    assert counts["measurements"] == {"in": 9, "kept": 8, "set_aside": {reason: 1}}
    assert rows[["file", "record", "line"]].values.tolist() == [["set-a/1.txt", "1", 9]]


# Bad records: set aside with all their lines, the others are used


@pytest.mark.parametrize(
    ("content", "reason", "lines"),
    [
        (b"", "empty file", 0),
        (b"\n\n", "empty file", 0),
        (record(3, HEART).split("\n", 1)[1], "no header line Time,Parameter,Value", 7),
        (record(3, HEART).encode("utf-16"), "not plain text", 0),
        (record(3, HEART).encode("utf-16-le"), "not plain text", 0),
        (record(3, HEART).encode() + "00:08,Temp,36°\n".encode("latin-1"), "not plain text", 0),
        ("Time,Parameter,Value\n00:07,HR,73\n", "no RecordID line", 1),
        ("Time,Parameter,Value\n", "no RecordID line", 0),
        (record(4, HEART), "RecordID differs from the file name", 7),
    ],
)
def test_a_bad_record_is_set_aside_with_its_lines(tmp_path: Path, content: Any, reason: str, lines: int) -> None:
    write_set(tmp_path, "a", {**GOOD, "3.txt": content}, {1: 0, 2: 1, 3: 0})
    _, subjects, counts, rows = read_physionet2012(tmp_path)
    assert subjects["subject_id"].tolist() == ["1", "2"]
    assert counts["records"] == {"in": 3, "kept": 2, "set_aside": {reason: 1}}
    assert counts["outcomes"] == {"in": 3, "kept": 2, "set_aside": {"record set aside": 1}}
    lost = {"record set aside": lines} if lines else {}
    assert counts["measurements"] == {"in": 15 + lines, "kept": 15, "set_aside": lost}
    assert set(rows["record"]) == {"3"}


def test_files_that_are_no_records_are_set_aside_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    write_set(
        tmp_path,
        "a",
        {**GOOD, "notes.md": "see 1", "._1.txt": b"\0\5\x16\7", ".DS_Store": b"\0", "deeper/3.txt": record(3)},
        {1: 0, 2: 1, 3: 1},
    )
    _, subjects, counts, _ = read_physionet2012(tmp_path)
    assert subjects["subject_id"].tolist() == ["1", "2", "3"]
    assert counts["records"] == {"in": 4, "kept": 3, "set_aside": {"file name is not a record number": 1}}


def test_of_identical_records_in_two_sets_the_first_is_used(tmp_path: Path) -> None:
    write_set(tmp_path, "a", GOOD, {1: 0, 2: 1})
    write_set(tmp_path, "b", {"2.txt": GOOD["2.txt"]}, {2: 1})
    _, subjects, counts, rows = read_physionet2012(tmp_path)
    assert subjects["subject_id"].tolist() == ["1", "2"]
    assert counts["records"] == {"in": 3, "kept": 2, "set_aside": {"duplicate record": 1}}
    assert counts["measurements"]["set_aside"] == {"record set aside": 7}
    assert counts["outcomes"]["set_aside"] == {"duplicate outcome line": 1}
    assert set(rows["file"]) == {"set-b/2.txt", "Outcomes-b.txt"}


def test_of_contradicting_records_with_one_id_none_is_used(tmp_path: Path) -> None:
    write_set(tmp_path, "a", GOOD, {1: 0, 2: 1})
    write_set(tmp_path, "b", {"2.txt": record(2, "00:07,HR,99")}, {})
    _, subjects, counts, _ = read_physionet2012(tmp_path)
    assert subjects["subject_id"].tolist() == ["1"]
    assert counts["records"] == {"in": 3, "kept": 1, "set_aside": {"contradicting records with one id": 2}}
    assert counts["outcomes"] == {"in": 2, "kept": 1, "set_aside": {"record set aside": 1}}


# Outcomes


def test_records_without_outcome_and_outcomes_without_record_are_set_aside(tmp_path: Path) -> None:
    write_set(tmp_path, "a", GOOD, {1: 0, 7: 1})
    _, subjects, counts, _ = read_physionet2012(tmp_path)
    assert subjects["subject_id"].tolist() == ["1"]
    assert counts["records"] == {"in": 2, "kept": 1, "set_aside": {"record without outcome": 1}}
    assert counts["outcomes"] == {"in": 2, "kept": 1, "set_aside": {"outcome without a record": 1}}
    assert counts["measurements"] == {"in": 15, "kept": 8, "set_aside": {"record set aside": 7}}


@pytest.mark.parametrize(
    ("more", "reason", "lost", "kept"),
    [
        ("2,6,1,5,-1,1\n", "duplicate outcome line", 1, ["1", "2"]),
        ("2,6,1,5,-1,0\n", "contradicting outcome lines", 2, ["1"]),
        ("3,6,1,5,-1,2\n", "outcome not 0 or 1", 1, ["1", "2"]),
        ("3,6,1,5,-1,\n", "outcome not 0 or 1", 1, ["1", "2"]),
        ("3,6,1\n", "malformed line", 1, ["1", "2"]),
    ],
)
def test_a_bad_outcome_line_is_set_aside(tmp_path: Path, more: str, reason: str, lost: int, kept: list[str]) -> None:
    write_set(tmp_path, "a", GOOD, {1: 0, 2: 1})
    with (tmp_path / "Outcomes-a.txt").open("a") as outcomes:
        outcomes.write(more)
    _, subjects, counts, _ = read_physionet2012(tmp_path)
    assert subjects["subject_id"].tolist() == kept
    assert counts["outcomes"] == {"in": 3, "kept": 3 - lost, "set_aside": {reason: lost}}


def test_new_records_are_read_without_outcomes(tmp_path: Path) -> None:
    write_set(tmp_path, "a", GOOD, {2: 1})
    write_set(tmp_path, "c", {"3.txt": record(3)}, None)
    _, subjects, counts, _ = read_physionet2012(tmp_path, outcome_required=False)
    assert subjects["outcome"].fillna(-1).tolist() == [-1, 1, -1]
    assert counts["records"] == {"in": 3, "kept": 3, "set_aside": {}}


# Faults of whole files


def test_missing_files_are_named_with_their_origin_and_their_place(tmp_path: Path) -> None:
    message = message_of(tmp_path)
    assert "set-a.tar.gz" in message and "https://physionet.org/content/challenge-2012/1.0.0/" in message
    assert str(tmp_path) in message
    write_set(tmp_path, "b", GOOD, None)
    assert "Outcomes-b.txt is missing" in message_of(tmp_path)


def test_outcomes_without_the_needed_columns_or_in_another_encoding_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path, "a", GOOD, {1: 0, 2: 1})
    outcomes = tmp_path / "Outcomes-a.txt"
    outcomes.write_text("RecordID,Survival\n1,3\n")
    assert "In-hospital_death" in message_of(tmp_path)
    outcomes.write_bytes(outcome_lines({1: 0}).encode("utf-16"))
    assert "not plain comma-separated text" in message_of(tmp_path)
    outcomes.write_text("")
    assert "RecordID" in message_of(tmp_path)


@pytest.fixture
def archived(tmp_path: Path) -> Path:
    """A raw folder whose two good records are in an archive."""
    write_archive(tmp_path / "set-a.tar.gz", {f"set-a/{name}": content for name, content in GOOD.items()})
    (tmp_path / "Outcomes-a.txt").write_text(outcome_lines({1: 0, 2: 1}))
    return tmp_path


def test_an_archive_reads_as_a_folder_does(archived: Path) -> None:
    assert read_physionet2012(archived)[2]["measurements"] == {"in": 15, "kept": 15, "set_aside": {}}


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-4],
        lambda whole: b"<html>not found</html>",
        lambda whole: b"",
        lambda whole: gzip.compress(b"no archive at all"),
        lambda whole: gzip.compress(gzip.decompress(whole)[:700]),
        lambda whole: gzip.compress(gzip.decompress(whole)[:1024]),
        lambda whole: gzip.compress(gzip.decompress(whole)[:1100]),
        lambda whole: gzip.compress(gzip.decompress(whole)[:1024] + b"torn header" * 100),
    ],
)
def test_a_damaged_archive_is_refused(archived: Path, damage: Callable[[Any], Any]) -> None:
    path = archived / "set-a.tar.gz"
    path.write_bytes(damage(path.read_bytes()))
    assert "set-a.tar.gz is damaged or cut short" in message_of(archived)


def _link(name: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    "member",
    [
        {"/etc/3.txt": record(3)},
        {"set-a/../../3.txt": record(3)},
        {"set-a/3.txt": _link("set-a/3.txt", tarfile.SYMTYPE)},
        {"set-a/3.txt": _link("set-a/3.txt", tarfile.LNKTYPE)},
        {"set-a/3.txt": _link("set-a/3.txt", tarfile.CHRTYPE)},
        {"set-a/3.txt": _link("set-a/3.txt", tarfile.FIFOTYPE)},
    ],
)
def test_an_archive_that_reaches_outside_its_folder_is_refused_whole(archived: Path, member: dict[str, Any]) -> None:
    write_archive(archived / "set-a.tar.gz", {"set-a/1.txt": GOOD["1.txt"], **member})
    assert "all of it is refused" in message_of(archived)


def test_the_extracted_folder_is_read_where_the_archive_is_there_too(archived: Path) -> None:
    write_set(archived, "a", {"1.txt": GOOD["1.txt"]}, {1: 0})
    assert read_physionet2012(archived)[1]["subject_id"].tolist() == ["1"]
