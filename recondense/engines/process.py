"""Run a stage's command as a process of its own that ends when this one does."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from recondense import log
from recondense.errors import BULLET, REFUSED
from recondense.settings import settings

KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)  # the second is how a shell reports the first
_running: set["subprocess.Popen[bytes]"] = set()


class StageFailed(Exception):
    """A stage stopped; the message is what it said, free of patients' values."""


class StageInterrupted(StageFailed):
    """What stopped the stage lies outside it and may pass: another try may do."""


class StageKilled(StageInterrupted):
    """Something killed a stage's process, most often the system for want of memory."""


class StageRefused(StageFailed):
    """The gate refused; ``reasons``: every one."""

    @property
    def reasons(self) -> list[str]:
        """As `Refusal` put them into its message."""
        return str(self).split(BULLET)[1:]


def execute(command: str, folder: Path, environment: dict[str, str], quiet: bool = False) -> None:
    """Run ``command`` in ``folder`` with ``environment`` beside this process's own; `python` is the one that runs this.

    ``quiet``: its progress and messages are not shown, unless RECONDENSE_DEBUG is 1; for several at a time. Raises
    `StageFailed` with the reason that the stage gave, `StageRefused` where that is the gate's, `StageKilled` where the
    stage was killed and could give none.
    """
    hidden = quiet and not settings().debug
    with tempfile.TemporaryDirectory() as scratch:
        reason = Path(scratch) / "reason"
        process = subprocess.Popen(
            command,
            shell=True,
            cwd=folder,
            stdin=subprocess.PIPE,  # closes when this process dies, however it dies; the stage then ends too
            stderr=subprocess.DEVNULL if hidden else None,
            env={
                **os.environ,
                # dvc.yaml says `python`: the one that runs this
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
                "RECONDENSE_PARENT_PIPE": "1",
                "RECONDENSE_REASON_FILE": str(reason),
                **environment,
            },
        )
        _running.add(process)
        try:
            status = process.wait()
        finally:
            _close(process)
            process.wait()
            _running.discard(process)
        if status in KILLED:
            raise StageKilled(
                f"`{command}` was killed; did the machine run out of memory? The last file below {log.FOLDER} says how "
                "far it came"
            )
        if status:
            said = reason.read_text(encoding="utf-8") if reason.exists() else ""
            said = said or f"`{command}` ended with status {status}"
            raise (StageRefused if status == REFUSED else StageFailed)(said)


def end_children() -> None:
    """End the stages that other threads of this process wait for; for a flow that is interrupted."""
    for process in list(_running):
        _close(process)


def _close(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin:
        process.stdin.close()
