"""Progress is for the person at a terminal; a log file stays as it was."""

import os
import pty
import subprocess
import sys

from tests.project import REPO

SCRIPT = """
import time
from pathlib import Path
from tasks.common.progress import reading, track, working
with working("condensation", expected=60):
    for _ in track(range(4), "steps"):
        time.sleep(0.6)  # drawn ten times a second, less often on a busy machine
with reading(Path("README.md")) as file:
    print("read", len(file.read()))
"""


def run(at_a_terminal: bool) -> tuple[str, str]:
    """Standard output, and what a terminal or a log file saw on standard error."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    error = slave if at_a_terminal else subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=REPO, stdout=subprocess.PIPE, stderr=error,
                          env=environment) as process:  # fmt: skip
        os.close(slave)
        seen = b""
        while at_a_terminal:
            try:
                part = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            seen += part
            if not part:
                break
        out, said = process.communicate(timeout=60)
    os.close(master)
    assert process.returncode == 0
    return out.decode(), (seen if at_a_terminal else said).decode()


def test_a_terminal_shows_what_is_done_and_how_long_it_will_still_take() -> None:
    out, seen = run(at_a_terminal=True)
    for said in ("condensation", "about 0:01:00 left", "steps", "3/4", "README.md"):
        assert said in seen, said
    assert out == f"read {(REPO / 'README.md').stat().st_size}\n", "results stay alone on standard output"


def test_a_log_file_gets_no_bar() -> None:
    assert run(at_a_terminal=False) == (f"read {(REPO / 'README.md').stat().st_size}\n", "")
