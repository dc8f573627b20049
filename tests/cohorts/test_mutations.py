"""A thousand damaged inboxes: each ends in a cohort that accounts for everything, or in a message that helps."""

import signal
import tempfile
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest

from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.records.cohort import Ingested
from tests.support.mutation_files import VALUE
from tests.support.mutation_readers import READERS, Reader, lines_of
from tests.support.mutations import MUTATIONS, Files

SECONDS = 10  # of processor time that a single reading may take; it takes about 0.03


def test_there_are_a_thousand_mutations() -> None:
    assert sum(reader.seeds for reader in READERS.values()) * len(MUTATIONS) >= 1000


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_damaged_inbox_is_read_with_a_full_account_or_refused_with_a_message_that_helps(
    name: Any, mutation: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    for seed in range(READERS[name].seeds):
        try:
            judge(name, mutation, seed)
        except Exception as error:
            error.add_note(f"reader {name}, mutation {mutation}, seed {seed}")
            raise
    said = "".join(capfd.readouterr())
    assert not [secret for secret in secrets(name) if secret in said]


@pytest.mark.parametrize("name", READERS)
def test_of_the_damaged_inboxes_some_are_read_and_some_refused(name: Any) -> None:
    ends = Counter(judge(name, mutation, seed) for mutation in ("a_file_copied", "emptied") for seed in range(4))
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
            assert any(part in message for part in ("raw files", "split", *reader.places, *named)), message
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
    if touched is not None and reader.a_quote_costs_lines:
        touched |= owners_of_torn_lines(reader, damaged, attrition)
    if touched is not None:
        assert_same(without(cohort, touched), without(found, touched))
    return "read"


def owners_of_changes(reader: Reader, before: Files, after: dict[str, bytes | None]) -> set[str] | None:
    """Ids of the subjects of whom any line was changed, lost or added; None where that may be all of them."""
    owners: set[str] = set()
    for file in {*before, *after}:
        if file in reader.sealed and file in before and after.get(file) is not None:
            continue
        old, new = lines_of(before.get(file, b"")), lines_of(after.get(file) or b"")
        if file in before and "/" not in file and old[:1] != new[:1]:
            return None
        for line in (Counter(old) - Counter(new)) + (Counter(new) - Counter(old)):
            found = reader.owners(file, line)
            if found is None:
                return None
            owners |= found
    return owners


def owners_of_torn_lines(reader: Reader, files: dict[str, bytes | None], attrition: Attrition) -> set[str]:
    """Ids of the subjects that the lines are about that were set aside as malformed."""
    rows = attrition.rows()
    rows = rows[rows["reason"] == "malformed line"]
    lines = {name: lines_of(content or b"") for name, content in files.items()}
    found = [reader.owners(file, lines[file][line - 1]) for file, line in zip(rows["file"], rows["line"], strict=True)]
    return set().union(*(ids or () for ids in found))


def without(cohort: Ingested, ids: set[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    events, subjects = cohort.events, cohort.subjects.drop(columns="split")
    events = events[~events["subject_id"].isin(ids)].sort_values(list(events.columns))
    subjects = subjects[~subjects["subject_id"].isin(ids)].sort_values("subject_id")
    return events.reset_index(drop=True), subjects.reset_index(drop=True)


def assert_same(expected: tuple[pd.DataFrame, pd.DataFrame], found: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    for one, other in zip(expected, found, strict=True):
        pd.testing.assert_frame_equal(one, other, check_dtype=False)


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

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
