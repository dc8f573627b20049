"""Commands that wait, for one another or for a server that is slow to start, say so and go on."""

import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from recondense.engines import tethered
from recondense.files.lock import turn
from tests.support.paths import REPO

WAIT = """
from pathlib import Path
from recondense.files.lock import turn
with turn(Path({root!r}), "cohort-alpha", "another command on cohort alpha"):
    print("mine")
"""


def other(root: Path) -> "subprocess.Popen[str]":
    """Another process that wants the lock."""
    command = [sys.executable, "-c", WAIT.format(root=str(root))]
    return subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_whoever_waits_says_for_what_and_for_which_process(tmp_path: Path) -> None:
    with turn(tmp_path, "cohort-alpha", "nobody"):
        waiter = other(tmp_path)
        assert waiter.stderr
        said = waiter.stderr.readline()
        assert waiter.poll() is None, "it waits"
    assert waiter.communicate(timeout=60)[0] == "mine\n"
    assert "waiting for another command on cohort alpha" in said
    if Path("/proc/locks").exists():
        assert f"process {os.getpid()}" in said


def test_whoever_need_not_wait_says_nothing(tmp_path: Path) -> None:
    assert other(tmp_path).communicate(timeout=60) == ("mine\n", "")


SLOW = """
import sys, time
if any("temporary_server" in one for one in sys.orig_argv):
    time.sleep(6)
"""
START = """
from pathlib import Path
from recondense.engines import servers
from recondense.engines.settings import use_local_services
servers.SAY_SECONDS = 1
use_local_services(Path.cwd())
servers.start_temporary_server(Path.cwd())
from prefect import get_client
with get_client(sync_client=True) as client:
    print(client.api_healthcheck(), client.api_version() != "")
"""


def test_a_temporary_server_that_is_slow_to_start_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow/sitecustomize.py").write_text(textwrap.dedent(SLOW))
    code = os.pathsep.join([str(tmp_path / "slow"), str(REPO)])
    own = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")} | {"PYTHONPATH": code}
    done = subprocess.run(
        [sys.executable, "-c", START], cwd=tmp_path, env=own, capture_output=True, text=True, timeout=300
    )
    assert done.stdout == "None True\n", done.stderr[-2000:]
    assert "slow to start" in done.stderr


def test_a_connection_before_the_server_is_ready_waits_and_is_not_refused() -> None:
    program = "import socket, sys, time; time.sleep(2)\nsocket.socket(fileno=int(sys.argv[1])).accept()[0].send(b'x')"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address, number = listening.getsockname(), listening.fileno()
        process = tethered.start([sys.executable, "-c", program, str(number)], pass_fds=[number])
    began = time.monotonic()
    with socket.create_connection(address, timeout=60) as early:
        assert early.recv(1) == b"x"
    assert time.monotonic() - began > 1 and process.wait(30) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
