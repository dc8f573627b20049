"""Progress is for the person at a terminal; a log file has a line now and then."""

import os
import pty
import subprocess
import sys

from tests.support.paths import REPO

SCRIPT = """
import time
from pathlib import Path
from recondense.progress import reading, track, working
with working("condensation", expected=60):
    for _ in track(range(4), "steps"):
        time.sleep(0.6)  # drawn ten times a second, less often on a busy machine
with reading(Path("README.md")) as file:
    print("read", len(file.read()))
"""


LOGGED = """
import time
from recondense import progress
progress.LINE_SECONDS = 0.2
with progress.working("privacy", expected=60):
    for _ in progress.track(["rmia", "domias"], "attacks"):
        time.sleep(0.5)
for _ in progress.track(range(4), "shadows"):
    time.sleep(0.3)
"""


def run(at_a_terminal: bool, script: str = SCRIPT) -> tuple[str, str]:
    """Standard output, and what a terminal or a log file saw on standard error."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    error = slave if at_a_terminal else subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], cwd=REPO, stdout=subprocess.PIPE, stderr=error,
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


def test_a_log_file_has_a_line_now_and_then_that_says_how_far_and_how_long() -> None:
    _, said = run(at_a_terminal=False, script=LOGGED)
    lines = said.splitlines()
    assert lines[0] == "  privacy: attacks 0 of 2, 0:00:00 so far, about 0:01:00 left"
    assert any(line.startswith("  privacy: attacks 1 of 2, 0:00:01 so far") for line in lines)
    assert any(line.startswith("  shadows 2 of 4") and "left" in line for line in lines), "by what was done"
    assert not any("\x1b" in line for line in lines)


def test_a_terminal_has_no_such_lines() -> None:
    assert "of 2, " not in run(at_a_terminal=True, script=LOGGED)[1]


def test_a_log_file_gets_no_bar() -> None:
    assert run(at_a_terminal=False) == (f"read {(REPO / 'README.md').stat().st_size}\n", "")
