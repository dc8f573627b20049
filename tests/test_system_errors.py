"""The system's own words reach the user through every library that wraps them; a record's values never do."""

import errno
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from recondense.errors import said_by_the_system, without_its_text


def wrapped(error: Exception, hidden: bool = False) -> Exception:
    """``error`` as a library raises it again, under a text of its own."""
    try:
        try:
            raise error
        except Exception as cause:
            if hidden:
                raise RuntimeError("could not save 'Mrs Miller'") from None
            raise RuntimeError("could not save 'Mrs Miller'") from cause
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize(
    ("number", "words", "mend"),
    [
        (errno.ENOSPC, "No space left on device", "make room"),
        (errno.EDQUOT, "Disk quota exceeded", "quota"),
        (errno.EROFS, "Read-only file system", "mount it"),
        (errno.EACCES, "Permission denied", "let this user"),
        (errno.EMFILE, "Too many open files", "ulimit -n"),
        (errno.EIO, "Input/output error", "look at it"),
    ],
)
def test_the_system_s_reason_and_what_to_do_come_through_a_library(
    number: int, words: str, mend: str, hidden: bool
) -> None:
    error = wrapped(OSError(number, "Mrs Miller", "/srv/p/data/3_normalised/icu/normalised.safetensors"), hidden)
    said = without_its_text(error)
    assert said.startswith(f"{words}: data/3_normalised/icu/normalised.safetensors: ") and mend in said
    assert "Miller" not in said and "withheld" not in said


def test_a_full_disk_that_sqlite_meets_is_told_as_one(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.execute("pragma max_page_count = 4")
        database.execute("create table runs (name text)")
        with pytest.raises(sqlite3.OperationalError, match="full") as met:
            database.execute("insert into runs values (?)", ("Mrs Miller" * 10_000,))
    assert said_by_the_system(wrapped(met.value)).startswith("No space left on device: make room")


@pytest.mark.parametrize(
    "error", [ValueError("could not convert: 'Mrs Miller'"), KeyError("Mrs Miller"), sqlite3.IntegrityError("Miller")]
)
def test_what_no_system_said_is_withheld_however_it_is_wrapped(error: Exception) -> None:
    for one in (error, wrapped(error)):
        assert said_by_the_system(one) == ""
        assert "Miller" not in without_its_text(one) and "withheld" in without_its_text(one)


def test_a_file_that_was_merely_looked_for_is_not_the_cause_of_a_later_error() -> None:
    assert said_by_the_system(wrapped(FileNotFoundError(errno.ENOENT, "no such file", "/srv/p/x"))) == ""
