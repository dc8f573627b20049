"""The places and files that every run writes: looked at before it begins, within a second or two, and by `doctor`."""

import getpass
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from recondense.errors import InputError
from recondense.files import secret
from recondense.probes.finding import GB, Finding, Found, check, mend_of, unwritable
from recondense.stages.layout import STAGE_FOLDERS

MB = 1e6
DISK, LITTLE_DISK = 10 * GB, 0.2 * GB
LOOK_SECONDS = 1.0  # at one database: a large one is not read to its end
NO_FAULT = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT)  # in use, or not read to its end


def check_state(root: Path) -> None:
    """Raise `InputError`, which says what and how to mend it, where a run could not write what it writes."""
    check(one for look in (user, disk, folders, databases) for one in look(root))


def user(_: Path) -> Found:
    """Whether whoever works here has a place for keys; a container's user may have none."""
    keys = secret.folder()
    if not any(keys.glob("*")) and (problem := unwritable(keys)):
        mend = "export RECONDENSE_KEYS=FOLDER, which only this user can read"
        yield Finding("fault", f"your keys cannot be kept in {keys}: {problem}", mend)
    else:
        yield Finding("ok", f"you are {getpass.getuser()}")


def disk(root: Path) -> Found:
    places = {"the project's disk": root, "the disk of temporary files": Path(tempfile.gettempdir())}
    for name, place in places.items():
        free = shutil.disk_usage(place).free
        words = f"{f'{free / GB:.1f} GB' if free >= LITTLE_DISK else f'{free / MB:.1f} MB'} free on {name}"
        if free >= DISK:
            yield Finding("ok", words)
        else:
            mend = "make room; `dvc gc --workspace` removes results that no cohort stands at any more"
            yield Finding("warning" if free >= LITTLE_DISK else "fault", words, mend)


def folders(root: Path) -> Found:
    """Whether stages, engines and the ledger can write where they do."""
    below = [".dvc", ".recondense", "data/ledger", *dict.fromkeys(f"data/{name}" for name in STAGE_FOLDERS.values())]
    places = {".": root, **{name: root / name for name in below}, "temporary files": Path(tempfile.gettempdir())}
    problems = {name: problem for name, place in places.items() if (problem := unwritable(place))}
    for problem in dict.fromkeys(problems.values()):
        names = [name for name in problems if problems[name] == problem]
        if {".", *below} <= set(names):
            names = ["the project's folder", *names[len(below) + 1 :]]
        yield Finding("fault", f"{', '.join(names)} cannot be written to: {problem}", mend_of(problem))
    if not problems:
        yield Finding("ok", "stages, engines and ledgers can write where they do")


def databases(root: Path) -> Found:
    """Whether the SQLite files of Prefect and MLflow, where they are in use, are whole and can be written to."""
    for path, mend in _own_databases(root):
        name = path.relative_to(root) if path.is_relative_to(root) else path
        if not path.exists():
            yield Finding("ok", f"{name} is made by the first run")
        elif problem := trouble(path):
            yield Finding("fault", f"{name} cannot be used: {problem}", mend)
        else:
            yield Finding("ok", f"{name} is whole")


def trouble(path: Path) -> str:
    """Why the SQLite database at ``path`` cannot be used, in SQLite's own words; "" where nothing was found."""
    if not path.is_file():
        return "it is no file"
    began = time.monotonic()
    try:
        at = f"{path.resolve().as_uri()}?mode=rw"
        with closing(sqlite3.connect(at, uri=True, timeout=0, isolation_level=None)) as database:
            database.set_progress_handler(lambda: int(time.monotonic() - began > LOOK_SECONDS), 10_000)
            if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                return "it is damaged"
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
    except sqlite3.DatabaseError as error:
        return "" if error.sqlite_errorcode in NO_FAULT else str(error)
    return ""


def check_database(path: Path, mend: str) -> None:
    """Raise `InputError` where the SQLite database at ``path`` is there and cannot be used; ``mend``: what to do."""
    if path.exists() and (problem := trouble(path)):
        raise InputError(f"{path.name} cannot be used: {problem}: {mend}")


MEND_MLFLOW = (
    "no result depends on this history of runs: restore it from a backup, or move it away, and the next run begins "
    "another"
)


def _own_databases(root: Path) -> Iterator[tuple[Path, str]]:
    """The files, and what to do where one cannot be used."""
    if not os.environ.get("PREFECT_API_URL") and not os.environ.get("PREFECT_API_DATABASE_CONNECTION_URL"):
        home = Path(os.environ.get("PREFECT_HOME", root / ".recondense" / "prefect"))
        yield home / "prefect.db", "it is only what Prefect's pages show: move it away, and the next run begins another"
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        yield root / "mlflow.db", MEND_MLFLOW
