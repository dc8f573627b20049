"""``python -m recondense.engines.tethered COMMAND...``: run a command that ends with whoever started it, however that
ends.

Standard input is a pipe whose other end the starter holds: it closes when the starter dies, by SIGKILL too. The command
has a process group of its own, and all of it is ended: a server may have workers.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

SECONDS_TO_END = 5.0


def start(command: Sequence[str], **options: object) -> "subprocess.Popen[bytes]":
    """Start ``command`` tethered to this process; ``options`` are `subprocess.Popen`'s."""
    tethered = [sys.executable, "-P", os.path.abspath(__file__), *command]  # noqa: PTH100
    process: subprocess.Popen[bytes] = subprocess.Popen(tethered, stdin=subprocess.PIPE, **options)  # type: ignore[call-overload]
    return process


def main(command: Sequence[str]) -> int:
    """The command's exit status."""
    # Of this process's files only those that it was given on purpose are inherited (PEP 446)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, close_fds=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the starter's to answer
    signal.signal(signal.SIGTERM, lambda *_: _end(process))
    threading.Thread(target=_end_with_the_starter, args=(process,), daemon=True).start()
    status = process.wait()
    _signal(process, signal.SIGKILL)  # what it may have left behind
    return status


def _end_with_the_starter(process: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 1):
        pass
    _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    _signal(process, signal.SIGTERM)
    late = threading.Timer(SECONDS_TO_END, _signal, (process, signal.SIGKILL))
    late.daemon = True
    late.start()


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
