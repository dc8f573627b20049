"""A full disk, a folder that cannot be written to, a damaged database: said before a run begins, with what to do."""

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from recondense.diagnostics.services import mlflow_store
from recondense.engines.mlflow import client
from recondense.errors import InputError
from recondense.probes import state
from recondense.probes.state import check_state, folders, trouble
from tests.support.project import QUICK, Project, make_project

SECRETS = ("913572468", "297.531864")


@pytest.fixture(autouse=True)
def engines_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_API_DATABASE_CONNECTION_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("state"), {"alpha": QUICK})


@contextmanager
def mounted(folder: Path, *how: str) -> Iterator[Path]:
    """``folder`` under a file system of its own, for as long as the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *how, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this user may not mount file systems, and only a small one can be full")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[Path]:
    with mounted(folder, "-t", "tmpfs", "-o", "size=64k", "none"):
        with pytest.raises(OSError, match="No space left"):
            (folder / "filler").write_bytes(bytes(1 << 20))
        yield folder


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    with mounted(folder, "-t", "tmpfs", "-o", "ro", "none"):
        yield folder


@contextmanager
def no_folder(folder: Path) -> Iterator[Path]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where a folder should be")
    yield folder


@pytest.mark.parametrize(
    ("broken", "reason"),
    [(full, "No space left on device"), (read_only, "Read-only file system"), (no_folder, "Not a directory")],
)
@pytest.mark.parametrize("place", [".recondense", "data/4_condensed"])
def test_a_place_that_cannot_be_written_to_is_named_with_its_reason(
    tmp_path: Path, broken: Callable[[Path], AbstractContextManager[Path]], reason: str, place: str
) -> None:
    check_state(tmp_path)
    with broken(tmp_path / place), pytest.raises(InputError, match=f"{place} cannot be written to: {reason}"):
        check_state(tmp_path)


def test_a_full_disk_is_told_of_the_project_and_not_folder_by_folder_with_what_helps(tmp_path: Path) -> None:
    with full(tmp_path / "project") as root:
        (found,) = folders(root)
        (store,) = mlflow_store(root)
    assert (found.found, found.next) == (
        "the project's folder cannot be written to: No space left on device",
        "make room on that disk",
    )
    assert "No space left on device" in store.found and store.next == found.next


def test_too_little_space_is_said_before_it_runs_out(tmp_path: Path) -> None:
    small = mounted(tmp_path / "project", "-t", "tmpfs", "-o", "size=50m", "none")
    with small as root, pytest.raises(InputError, match=r"52\.\d MB free on the project's disk: make room"):
        check_state(root)


def written(path: Path) -> Path:
    """A database of some pages."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table runs (id integer primary key, name text)")
        database.executemany("insert into runs (name) values (?)", [(SECRETS[0] * 20,)] * 2000)
        database.commit()
    return path


def overwritten(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def torn_in_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = os.urandom(4096)
    path.write_bytes(content)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [overwritten, torn_in_the_middle, a_folder])
@pytest.mark.parametrize("name", ["mlflow.db", ".recondense/prefect/prefect.db"])
def test_a_damaged_database_is_named_with_what_to_do(tmp_path: Path, harm: Callable[[Path], None], name: str) -> None:
    path = written(tmp_path / name)
    check_state(tmp_path)
    harm(path)
    with pytest.raises(InputError, match=f"{name} cannot be used: .*move it away") as told:
        check_state(tmp_path)
    assert SECRETS[0] not in str(told.value)


def test_a_damaged_database_that_no_run_uses_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mlflow.db", ".recondense/prefect/prefect.db"):
        overwritten(written(tmp_path / name))
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    check_state(tmp_path)


def test_a_database_in_use_or_too_large_to_look_through_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "mlflow.db")
    with closing(sqlite3.connect(path)) as another:
        another.execute("begin exclusive")
        assert trouble(path) == ""
    monkeypatch.setattr(state, "LOOK_SECONDS", 0.0)
    assert trouble(path) == ""


def test_whoever_asks_mlflow_for_runs_is_told_of_its_damage(tmp_path: Path) -> None:
    overwritten(written(tmp_path / "mlflow.db"))
    with pytest.raises(InputError, match=r"mlflow.db cannot be used: .*restore it"):
        client(tmp_path)


@pytest.mark.parametrize("name", ["mlflow.db", ".recondense/prefect/prefect.db"])
def test_a_run_on_a_damaged_database_ends_at_once_with_one_readable_message(project: Project, name: str) -> None:
    path = written(project.root / name)
    overwritten(path)
    began = time.monotonic()
    ended = project.call("recondense.cli", "run", "alpha", check=False)
    path.unlink()
    assert time.monotonic() - began < 30
    said = " ".join(ended.stderr.split())
    assert ended.returncode == 1 and "Traceback" not in said
    assert f"{name} cannot be used: file is not a database" in said and "move it away" in said


def test_a_stage_that_meets_a_full_disk_says_so_and_which_of_its_own_files(project: Project) -> None:
    project.call("tasks", "ingestion", "alpha")
    folder = project.root / "data/3_normalised/alpha"
    with full(folder.parent):
        ended = project.call("tasks", "normalisation", "alpha", check=False)
    shutil.rmtree(folder, ignore_errors=True)
    assert ended.returncode != 0
    assert "No space left on device" in ended.stderr
    assert "withheld" not in ended.stderr


def test_doctor_and_run_look_at_the_same_things(project: Project) -> None:
    path = written(project.root / "mlflow.db")
    overwritten(path)
    said = " ".join(project.call("recondense.cli", "doctor", check=False).stdout.split())
    path.unlink()
    assert "mlflow.db cannot be used: file is not a database" in said
