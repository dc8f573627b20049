"""Waiting for another command of this project: said once it takes long, with what for and who holds it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from recondense.terminal import say

SECONDS = 1.0  # of waiting in silence
SHOWN = 100  # characters of a command


@contextmanager
def turn(lock: Path, what: str) -> Iterator[None]:
    """Hold the file ``lock``, which is free again when this process is gone. ``what``: who is waited for, in words."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    mine = FileLock(lock)
    with said_after_a_while(lock, what):
        mine.acquire()
    try:
        yield
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
