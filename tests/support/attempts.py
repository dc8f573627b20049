"""``python -m tests.support.attempts ROOT at-once N`` or ``ROOT killed MOMENT``: attempts at a release of cohort alpha.

Each in a process of its own, forked once everything is imported, so that twenty cost little more than one. A line of
standard output says how each ended. ``killed``: by SIGKILL, before its MOMENT-th act upon the world: a command that it
starts, a file that it renames, removes or opens to write.
"""

import os
import signal
import sys
from pathlib import Path

from recondense.errors import InputError
from recondense.publishing.release import release

ACTS = {"subprocess.Popen", "os.rename", "os.remove", "os.mkdir", "shutil.rmtree", "shutil.copyfile"}


def attempt(root: Path, moment: int | None = None) -> None:
    """Try to release, and say how it ended; SIGKILL at ``moment``."""
    os.chdir(root)
    done = 0

    def act(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal done
        writes = event == "open" and arguments[1] not in (None, "r", "rb")
        done += event in ACTS or writes
        if done == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(act)
    try:
        said = f"released: {release(root, 'alpha').version}: {done} acts"
    except InputError as error:
        said = f"refused: {error}"
    os.write(1, f"{said}\n".encode())


def fork(root: Path, moment: int | None = None) -> int:
    """Start an attempt in a process of its own."""
    process = os.fork()
    if process == 0:
        attempt(root, moment)
        os._exit(0)
    return process


if __name__ == "__main__":
    where, how, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    started = [fork(where, number)] if how == "killed" else [fork(where) for _ in range(number)]
    for process in started:
        os.waitpid(process, 0)
