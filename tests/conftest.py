"""What several test files share."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project import QUICK, REAL_DATA, SENTINELS, STAGES, Project, make_project

# Prefect, DVC and MLflow stay quiet and offline in every test
os.environ.update(DO_NOT_TRACK="1", PREFECT_SERVER_ANALYTICS_ENABLED="false", MLFLOW_DISABLE_TELEMETRY="true")


# Files whose tests share an expensive session fixture stay together on one worker; the longest begin first
TOGETHER = {"test_engines": "engines", "test_sweep": "sweep", "test_cli": "commands", "test_withdrawal": "commands"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(TOGETHER.get(item.path.stem, item.path.stem)))
    first = list(dict.fromkeys(TOGETHER))
    items.sort(key=lambda item: first.index(item.path.stem) if item.path.stem in first else len(first))


@pytest.fixture(scope="session", autouse=True)
def keys_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where tests keep the key that signs ledgers; the user's own is never read nor written."""
    folder = tmp_path_factory.mktemp("keys")
    os.environ["RECONDENSE_KEYS"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def physionet() -> Path:
    """The real PhysioNet-2012 files."""
    folder = REAL_DATA / "physionet2012"
    if not (folder / "set-a.tar.gz").exists():
        pytest.skip(f"the real PhysioNet-2012 files are not in {folder}; RECONDENSE_DATA names the folder above them")
    return folder


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Prefect server on loopback, for this test session."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(Path(sys.executable).parent / "prefect"),
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, env={**os.environ, "PREFECT_HOME": str(home)}, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(f"{url}/api/health", server, home / "log")
            yield url
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Project:
    """A project whose cohorts alpha and beta have been run once; every test that changes it leaves both current.

    One patient carries an id and a cholesterol that stand nowhere else, so that leaks can be searched for.
    """
    project = make_project(
        tmp_path_factory.mktemp("house"), {"alpha": QUICK, "beta": QUICK}, PREFECT_API_URL=f"{prefect_server}/api"
    )
    plant_sentinel(project.root / "data/1_raw/pbcseq/pbcseq.csv")
    for cohort in ("alpha", "beta"):
        assert project.run(cohort) == dict.fromkeys(STAGES, "Completed")
    return project


def plant_sentinel(csv: Path) -> None:
    """Give patient 2 the id and the first cholesterol of `SENTINELS`."""
    lines = csv.read_text().splitlines()
    for number, line in enumerate(lines):
        cells = line.split(",")
        if cells[0] == "2":
            cells[0] = SENTINELS[0]
            if cells[6] == "0":
                cells[12] = SENTINELS[1]
            lines[number] = ",".join(cells)
    csv.write_text("\n".join(lines) + "\n")


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            assert server.poll() is None, log.read_text()[-2000:]
            time.sleep(0.5)
    raise AssertionError(f"Prefect's server did not come up in 120 s: {log.read_text()[-2000:]}")
