"""A thousand damaged inboxes: each ends in a cohort that accounts for everything, or in a message that helps."""

import math
import re
import signal
import tarfile
import tempfile
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest

from tasks.common.attrition import Attrition
from tasks.common.errors import InputError
from tasks.common.records import Ingested
from tasks.ingestion.params import Params
from tasks.ingestion.read import ingest
from tests.ingestion_fixtures import DATA, ROOT, outcome_lines, write_archive
from tests.mutations import MUTATIONS, Files

SECONDS = 10  # that a single reading may take; it takes about 0.03
VALUE = "297.531864"  # planted in the files, and not to be found in any message
LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Reader:
    """What the mutations need to know of a data set, and nothing of how its reader works.

    ``files``: a small part of its real files. ``owner(file, line)``: the id of the subject that a line is about; None
    where it says something of all, or where the file is packed and must be whole or be refused.
    ``came_in(files)``: how many items of a unit there are, counted by other means than the reader's.
    """

    dataset: str
    files: Callable[[], Files]
    owner: Callable[[str, bytes], str | None]
    came_in: Callable[[dict[str, bytes | None]], dict[str, int]] = lambda files: {}
    options: dict[str, Any] = field(default_factory=dict)

    def read(self, raw: Path) -> tuple[Ingested, Attrition]:
        split = {"kind": "random", "seed": 1, "validation": 0.25, "test": 0.25}
        params = {"dataset": self.dataset, "raw": str(raw), "split": split, "options": self.options}
        return ingest(raw, Params.model_validate(params))


# pbcseq


def trial_files() -> Files:
    """The visits of the trial's first 60 patients under long ids, with a cholesterol that stands nowhere else."""
    header, *lines = (ROOT / "data/1_raw/pbcseq/pbcseq.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines if int(line.split(",")[0]) <= 60]
    for row in rows:
        row[0] = str(913_570_000 + int(row[0]))
        row[12] = VALUE if row[6] == "0" else row[12]
    return {"pbcseq.csv": "\n".join([header, *map(",".join, rows), ""]).encode()}


def first_cell(line: bytes) -> str | None:
    return line.split(b",")[0].strip(b" \t\"'").decode("latin-1")


def id_as_written(line: bytes) -> str:
    """A table's ids are whatever its first column says, odd marks and all."""
    quoted = re.match(rb'"((?:[^"]|"")*)"?([^,]*)', line)
    cell = quoted[1].replace(b'""', b'"') + quoted[2] if quoted else line.split(b",")[0]
    return cell.decode("latin-1").strip()


def rows_of(file: str, unit: str, files: dict[str, bytes | None]) -> dict[str, int]:
    """How many lines below the first one of a table say anything; a cell of several lines could be in quotes."""
    content = files.get(file) or b""
    return {} if b'"' in content else {unit: sum(line.strip(b", \t") != b"" for line in _lines(content)[1:])}


# physionet2012


@cache
def stays() -> Files:
    """The first lines of the records of 20 patients who died and 20 who did not, and their outcomes."""
    if not (DATA / "physionet2012/set-a.tar.gz").is_file():
        pytest.skip(f"no PhysioNet 2012 files in {DATA / 'physionet2012'}; RECONDENSE_DATA names the folder above them")
    table = pd.read_csv(DATA / "physionet2012/Outcomes-a.txt").sort_values("RecordID")
    died = table.groupby("In-hospital_death").head(20).set_index("RecordID")["In-hospital_death"].to_dict()
    files: Files = {"Outcomes-a.txt": outcome_lines(died).encode()}
    with tarfile.open(DATA / "physionet2012/set-a.tar.gz") as archive:
        for member in archive:
            stem = Path(member.name).stem
            if member.isfile() and int(stem) in died:
                lines = archive.extractfile(member).read().splitlines()[:50]  # type: ignore[union-attr]
                files[f"set-a/{stem}.txt"] = b"\n".join([*lines, f"10:11,Cholesterol,{VALUE}".encode(), b""])
            if len(files) > len(died):
                return files
    raise AssertionError("set-a.tar.gz lacks some of the records that Outcomes-a.txt names")


def archived_stays() -> Files:
    with tempfile.TemporaryDirectory() as folder:
        members = {name: content.decode() for name, content in stays().items() if "/" in name}
        write_archive(Path(folder) / "set-a.tar.gz", members)
        packed = (Path(folder) / "set-a.tar.gz").read_bytes()
    return {"Outcomes-a.txt": stays()["Outcomes-a.txt"], "set-a.tar.gz": packed}


def stay(name: str, line: bytes) -> str | None:
    if "/" not in name:
        return first_cell(line)
    stem = Path(name).name.split(".")[0].split(" ")[0]
    return str(int(stem)) if stem.isdecimal() else stem


def records(files: dict[str, bytes | None]) -> dict[str, int]:
    names = [Path(name) for name, content in files.items() if content is not None and name.startswith("set-a/")]
    return {"records": sum(not name.name.startswith(".") for name in names)}


# Every reader has an entry: its real files, and whose a line is
READERS = {
    "pbcseq": Reader(
        "pbcseq", trial_files, lambda name, line: id_as_written(line), partial(rows_of, "pbcseq.csv", "visits")
    ),
    "physionet2012 folder": Reader("physionet2012", lambda: dict(stays()), stay, records),
    "physionet2012 archive": Reader(
        "physionet2012", archived_stays, lambda name, line: None if name.endswith(".gz") else first_cell(line)
    ),
}


# Of every mutation of every reader: a thousand together, however many readers there are
SEEDS = math.ceil(1000 / (len(READERS) * len(MUTATIONS)))


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_damaged_inbox_is_read_with_a_full_account_or_refused_with_a_message_that_helps(name, mutation, capfd):
    for seed in range(SEEDS):
        try:
            judge(name, mutation, seed)
        except Exception as error:
            error.add_note(f"reader {name}, mutation {mutation}, seed {seed}")
            raise
    said = "".join(capfd.readouterr())
    assert not [secret for secret in secrets(name) if secret in said]


@pytest.mark.parametrize("name", READERS)
def test_of_the_damaged_inboxes_some_are_read_and_some_refused(name):
    ends = Counter(judge(name, mutation, seed) for mutation in ("hostile_cells", "emptied") for seed in range(8))
    assert ends["read"] >= 1 and ends["refused"] >= 1


@cache
def undamaged(name: str) -> tuple[Files, Ingested]:
    """The files of a reader, and the cohort that they give when nothing happened to them."""
    reader = READERS[name]
    files = reader.files()
    with inbox(files) as raw:
        cohort, attrition = reader.read(raw)
    attrition.summary()
    assert len(cohort.subjects) >= 30
    return files, cohort


@cache
def secrets(name: str) -> frozenset[str]:
    return frozenset([VALUE, *undamaged(name)[1].subjects["subject_id"]])


def judge(name: str, mutation: str, seed: int) -> str:
    """Read what ``mutation`` made of the files; returns whether that was "read" or "refused", and fails otherwise."""
    reader, (files, cohort) = READERS[name], undamaged(name)
    damaged = MUTATIONS[mutation](Random(zlib.crc32(f"{name} {mutation} {seed}".encode())), files)
    with inbox(damaged) as raw, time_limit(), warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found, attrition = reader.read(raw)
        except InputError as error:
            message = str(error).replace(str(raw), "")
            named = {part for file in files for part in file.split("/")}
            assert any(part in message for part in ("raw files", "split", *named)), message
            assert ": " in message, "a message says what is wrong, and then what to do"
            assert not [secret for secret in secrets(name) if secret in message], message
            return "refused"
    counts: dict[str, Any] = attrition.summary()  # raises where in is not kept plus set aside
    assert counts["subjects"]["kept"] == len(found.subjects)
    assert counts["measurements"]["kept"] >= len(found.events)
    for unit, number in reader.came_in(damaged).items():
        assert counts[unit]["in"] == number, unit
    assert found.subjects["subject_id"].is_unique
    assert set(found.events["subject_id"]) <= set(found.subjects["subject_id"])
    touched = owners_of_changes(reader, files, damaged)
    if touched is not None:
        assert_same(without(cohort, touched), without(found, touched))
    return "read"


def owners_of_changes(reader: Reader, before: Files, after: dict[str, bytes | None]) -> set[str] | None:
    """Ids of the subjects of whom any line was changed, lost or added; None where that may be all of them."""
    owners: set[str] = set()
    for file in {*before, *after}:
        if reader.owner(file, b"") is None and file in before and after.get(file) is not None:
            continue
        old, new = _lines(before.get(file, b"")), _lines(after.get(file) or b"")
        if file in before and "/" not in file and old[:1] != new[:1]:
            return None
        for line in (Counter(old) - Counter(new)) + (Counter(new) - Counter(old)):
            owner = reader.owner(file, line)
            if owner is None:
                return None
            owners.add(owner)
    return owners


def without(cohort: Ingested, ids: set[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    events, subjects = cohort.events, cohort.subjects.drop(columns="split")
    events = events[~events["subject_id"].isin(ids)].sort_values(list(events.columns))
    subjects = subjects[~subjects["subject_id"].isin(ids)].sort_values("subject_id")
    return events.reset_index(drop=True), subjects.reset_index(drop=True)


def assert_same(expected: tuple[pd.DataFrame, pd.DataFrame], found: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    for one, other in zip(expected, found, strict=True):
        pd.testing.assert_frame_equal(one, other, check_dtype=False)


def _lines(content: bytes) -> list[bytes]:
    lines = LINE_END.split(content)
    return lines[:-1] if lines[-1] == b"" else lines


@contextmanager
def inbox(files: dict[str, bytes | None] | Files) -> Iterator[Path]:
    """A folder with ``files``, a folder in place of each that is None."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir() if content is None else path.write_bytes(content)
        yield Path(folder)


@contextmanager
def time_limit() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"reading took more than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
