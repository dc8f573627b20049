"""What several test files share."""

import importlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from recondense.engines.settings import LOGIN
from recondense.stages.layout import Layout
from tests.project import QUICK, QUICK_SEARCH, REAL_DATA, REPO, SENTINELS, STAGES, Project, make_project
from tests.services import PREFECT_LOGIN, free_port, server

# Prefect, DVC and MLflow stay quiet and offline in every test
os.environ.update(DO_NOT_TRACK="1", PREFECT_SERVER_ANALYTICS_ENABLED="false", MLFLOW_DISABLE_TELEMETRY="true")
os.environ["PREFECT_API_AUTH_STRING"] = PREFECT_LOGIN  # of this process; commands find it among the tests' keys


# Files whose tests share an expensive session fixture stay together on one worker. The longest begin first.
TOGETHER = {
    "test_engines": "house",
    "test_cli": "house",
    "test_withdrawal": "house",
    "test_versions": "house",
    "test_sweep": "sweep",
    "test_services": "services",
    "test_servers": "servers",
    "test_serve": "serve",
    "test_report": "recipient",
    "test_recipient": "recipient",
    "test_evaluate": "recipient",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    first = list(TOGETHER)
    items.sort(key=lambda item: first.index(item.path.stem) if item.path.stem in first else len(first))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """In place of ``--dist loadgroup``, whose groups xdist 3.8 loses under pytest 9.2."""

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            stem = Path(nodeid.split("::")[0]).stem
            return TOGETHER.get(stem, stem)

    return Together(config, log)


NETWORKS = ["lstm_beta", "tcn_beta"]
SMALL = {
    **QUICK,
    "ingestion": {**QUICK["ingestion"], "split": {"kind": "random", "seed": 0, "validation": 0.2, "test": 0.6}},
    "reference": {"networks": NETWORKS, "steps": 20},
    "condensation": {**QUICK["condensation"], "records_per_class": 2, "recipe_search": {**QUICK_SEARCH, "ensemble": 2}},
    "training": {**QUICK["training"], "networks": NETWORKS, "baselines": []},
    "release": {**QUICK["release"], "min_patients_per_class": 10, "min_patients_per_record": 1, "min_test_auc": 0},
}


@pytest.fixture(scope="session", autouse=True)
def keys_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where tests keep the key that signs ledgers; the user's own is never read nor written."""
    folder = tmp_path_factory.mktemp("keys")
    os.environ["RECONDENSE_KEYS"] = str(folder)
    (folder / LOGIN).write_text(PREFECT_LOGIN)
    (folder / LOGIN).chmod(0o600)
    return folder


@pytest.fixture(scope="session")
def physionet() -> Path:
    """The real PhysioNet-2012 files."""
    folder = REAL_DATA / "physionet2012"
    if not (folder / "set-a.tar.gz").exists():
        pytest.skip(f"the real PhysioNet-2012 files are not in {folder}; RECONDENSE_DATA names the folder above them")
    return folder


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's Prefect server keeps its database and its log."""
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="session")
def prefect_server(prefect_home: Path) -> Iterator[str]:
    """The URL of a real Prefect server on loopback, for this test session."""
    with running_server(prefect_home, free_port()) as url:
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


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A cohort taken through every stage in this process: pbcseq, with a quick condensation. No test changes it."""
    layout = Layout(tmp_path_factory.mktemp("small"), "small")
    raw = layout.root / "data/1_raw/pbcseq"
    shutil.copytree(REPO / "data/1_raw/pbcseq", raw)
    (layout.root / "dvc.yaml").touch()
    (layout.root / "params.yaml").write_text(json.dumps({"cohorts": {"small": SMALL}}))
    for name in STAGES:
        getattr(importlib.import_module(f"tasks.{name}"), name)(layout)
    return layout


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
