"""Real servers on loopback for the tests marked ``services``: PostgreSQL and an S3-compatible object store."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "only-for-tests"
PREFECT_LOGIN = f"steward:{PASSWORD}"
S3_KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": PASSWORD, "AWS_DEFAULT_REGION": "us-east-1"}


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def server(command: Sequence[str], url: str, log: Path, environment: dict[str, str]) -> Iterator[str]:
    """Run ``command`` until the block ends; yields ``url``, once it answers."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
        try:
            _until_it_answers(url, process, log)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _until_it_answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            late = time.monotonic() > deadline
            assert process.poll() is None and not late, f"{url} does not answer: {log.read_text()[-2000:]}"
            time.sleep(0.3)


@contextmanager
def postgresql(databases: Sequence[str]) -> Iterator[str]:
    """A fresh PostgreSQL server with ``databases``; yields ``recondense:PASSWORD@127.0.0.1:PORT``."""
    programs = _postgresql_programs()
    # The server refuses to run as root, and pytest's folders are open to their owner only
    folder, owner = Path(tempfile.mkdtemp(prefix="recondense-pg-")), "postgres" if os.geteuid() == 0 else None
    data, port = folder / "data", free_port()
    if owner:
        shutil.chown(folder, owner)

    def call(program: str, *arguments: str) -> None:
        command = [str(programs / program), *arguments]
        done = subprocess.run(command, user=owner, cwd=folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]

    try:
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if owner:
            shutil.chown(secret, owner)
        call(
            "initdb", "-D", str(data), "-U", "recondense", "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8"
        )
        options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
        call("pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-w", "-o", options, "start")
        try:
            url = f"recondense:{PASSWORD}@127.0.0.1:{port}"
            for database in databases:
                call("psql", f"postgresql://{url}/postgres", "-qc", f"CREATE DATABASE {database}")
            yield url
        finally:
            call("pg_ctl", "-D", str(data), "-m", "fast", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def _postgresql_programs() -> Path:
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        pytest.skip("no PostgreSQL server is installed (Debian's package is postgresql)")
    return folders[-1]


@contextmanager
def object_store(folder: Path, buckets: Sequence[str]) -> Iterator[str]:
    """An S3-compatible server with ``buckets``; yields its URL, whose keys are `S3_KEYS`."""
    pytest.importorskip("moto", reason="moto[server] is not installed")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with server(command, f"{url}/moto-api/", folder / "s3.log", S3_KEYS):
        for bucket in buckets:
            urllib.request.urlopen(urllib.request.Request(f"{url}/{bucket}", method="PUT"), timeout=10).close()
        yield url


@contextmanager
def running_server(home: Path, port: int) -> Iterator[str]:
    """The URL of a real Prefect server on loopback that keeps its state in ``home``; it ends with the block.

    It asks for a login, as those do that recondense starts.
    """
    url = f"http://127.0.0.1:{port}"
    command = [str(Path(sys.executable).parent / "prefect"), "server", "start", "--host", "127.0.0.1"]
    environment = {"PREFECT_HOME": str(home), "PREFECT_SERVER_API_AUTH_STRING": PREFECT_LOGIN}
    with server([*command, "--port", str(port)], f"{url}/api/health", home / "log", environment):
        yield url
