"""The locks of a project: whoever waits for one says so once it takes long, with what for and who holds it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from recondense.terminal import say

SECONDS = 1.0  # of waiting in silence
SHOWN = 100  # characters of a command


def of_cohort(cohort: str) -> str:
    """The lock that whoever works on a cohort holds, whatever the cohort is called."""
    return f"cohort-{cohort}"


@contextmanager
def turn(root: Path, name: str, what: str) -> Iterator[None]:
    """Hold the lock ``name`` of the project, which is free again when this process is gone.

    ``what``: who is waited for, in words.
    """
    mine = _lock(root, name)
    with said_after_a_while(Path(mine.lock_file), what):
        mine.acquire()
    try:
        yield
    finally:
        mine.release()


@contextmanager
def if_free(root: Path, name: str) -> Iterator[bool]:
    """Whether nobody held the lock ``name``; if so, it is held in the block."""
    mine = _lock(root, name)
    try:
        mine.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        mine.release()


@contextmanager
def said_after_a_while(lock: Path, what: str) -> Iterator[None]:
    """Say what is waited for, where the block has not ended after `SECONDS`."""
    late = threading.Timer(SECONDS, lambda: say(f"waiting for {what}{_by(lock)} (Ctrl-C stops waiting)"))
    late.daemon = True
    late.start()
    try:
        yield
    finally:
        late.cancel()


def _lock(root: Path, name: str) -> FileLock:
    folder = root / ".recondense"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{name}.lock")


def _by(lock: Path) -> str:
    """Which process holds ``lock``, and its command, as far as the system tells: Linux does."""
    import psutil

    process = _holder(lock)
    if process is None:
        return ""
    try:
        command = " ".join(psutil.Process(process).cmdline())
    except psutil.Error:
        return f": process {process}"
    start = max(command.rfind("recondense.cli"), command.rfind("recondense "), command.rfind("dvc "), 0)
    return f": process {process}, `{command[start:][:SHOWN]}`"


def _holder(lock: Path) -> int | None:
    """The process that holds ``lock``, by proc_locks(5): ``1: FLOCK ADVISORY WRITE PROCESS MAJOR:MINOR:INODE ...``."""
    try:
        inode = lock.stat().st_ino
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    rows = [line.split() for line in lines]
    held = (int(row[4]) for row in rows if len(row) > 5 and row[1] != "->" and row[5].endswith(f":{inode}"))
    return next((process for process in held if process > 0), None)
