"""A file is there whole or not at all, with the mode that it should have; one result a key is kept, and only whole."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recondense.files import atomic
from recondense.files.lock import if_free, turn
from recondense.files.store import Store

KILLED = """
import os, sys
from pathlib import Path
from recondense.files import atomic
Path.replace = lambda *_: os._exit(9)  # the moment before the file is in place
atomic.write(Path(sys.argv[1]), "new")
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_writer_that_is_killed_leaves_what_was_there_and_the_next_sweeps_up(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("old")
    assert subprocess.run([sys.executable, "-c", KILLED, path], check=False).returncode == 9
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 2
    atomic.sweep(path)
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_while_writing_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic.replacing(path) as scratch:
        scratch.write_text("half of it")
        _ = 1 / 0
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("before", [0o600, 0o640, 0o444])
def test_a_file_keeps_its_mode_unless_another_is_asked_for(tmp_path: Path, before: int) -> None:
    path = tmp_path / "deep" / "file"
    atomic.write(path, "one", mode=before)
    assert mode(path) == before
    atomic.write(path, "two")
    assert mode(path) == before and path.read_text() == "two"
    atomic.write(path, b"three", mode=0o600)
    assert mode(path) == 0o600 and path.read_bytes() == b"three"


def test_a_new_file_has_the_mode_of_any_other_new_file(tmp_path: Path) -> None:
    atomic.write(tmp_path / "atomic", "")
    (tmp_path / "plain").touch()
    assert mode(tmp_path / "atomic") == mode(tmp_path / "plain")


def test_a_file_that_must_be_new_is_never_put_in_place_of_one_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "noise.key"
    atomic.write(path, b"one", mode=0o600, new=True)
    with pytest.raises(FileExistsError):
        atomic.write(path, b"two", mode=0o600, new=True)
    assert path.read_bytes() == b"one" and list(tmp_path.iterdir()) == [path]


def test_content_is_on_the_disk_before_it_is_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, order = tmp_path / "ledger.jsonl", []
    sync, replace = os.fsync, Path.replace

    def synced(number: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file")
        sync(number)

    def replaced(self: Path, target: Path) -> Path:
        order.append("in place")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    atomic.write(path, "entry")
    assert order == ["file", "in place", "folder"]


def test_a_store_gives_back_what_was_kept_and_nothing_that_was_changed(tmp_path: Path) -> None:
    store, arrays = Store(tmp_path / "kept"), {"x": np.arange(6).reshape(2, 3)}
    store.keep("a-key", arrays)
    (path,) = store.folder.iterdir()
    found = Store(store.folder).get("a-key")
    assert found and (found["x"] == arrays["x"]).all() and Store(store.folder).get("another") is None
    assert (mode(path), mode(store.folder)) == (0o600, 0o700), "entries may hold records"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    assert Store(store.folder).get("a-key") is None and not path.exists()


def test_a_store_keeps_one_result_a_key_and_only_what_is_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path / "kept")
    for value in range(3):
        store.keep("one", {"x": np.array([value])})
    store.keep("two", {"x": np.array([7])})
    found = store.get("one")
    assert found and found["x"].tolist() == [2] and len(list(store.folder.iterdir())) == 2
    store.keep_only(["two"])
    assert store.get("two") and Store(store.folder).get("one") is None
    store.keep_only([])
    assert not store.folder.exists()


def test_a_lock_is_free_for_one_at_a_time(tmp_path: Path) -> None:
    with turn(tmp_path, "cohort-alpha", "nobody"):
        with if_free(tmp_path, "cohort-alpha") as free:
            assert not free
        with if_free(tmp_path, "cohort-beta") as free:
            assert free
    with if_free(tmp_path, "cohort-alpha") as free:
        assert free
