"""What several test files share."""

import importlib
import json
import os
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from xdist.scheduler import LoadScopeScheduling

from recondense.engines.settings import LOGIN
from recondense.ledger.keys import create
from recondense.stages.layout import Layout
from tests.support.paths import REAL_DATA, REPO
from tests.support.project import QUICK, SMALL, STAGES, Project, copied, make_project, plant_sentinel
from tests.support.services import PREFECT_LOGIN, free_port, running_server

# Prefect, DVC and MLflow stay quiet and offline in every test
os.environ.update(DO_NOT_TRACK="1", PREFECT_SERVER_ANALYTICS_ENABLED="false", MLFLOW_DISABLE_TELEMETRY="true")
os.environ["PREFECT_API_AUTH_STRING"] = PREFECT_LOGIN  # of this process; commands find it among the tests' keys


# Files whose tests share an expensive fixture stay together on one worker. The longest begin first.
TOGETHER = {
    "test_engines": "house",
    "test_cli": "house",
    "test_serve": "serve",
    "test_services": "services",
    "test_sweep": "sweep",
    "test_versions": "versions",
    "test_withdrawal": "withdrawal",
    "test_servers": "servers",
    "test_report": "recipient",
    "test_recipient": "recipient",
    "test_evaluate": "recipient",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--order", default="", help="'reverse', or a word to shuffle by: files, and tests in each of them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    first, order = list(TOGETHER), config.getoption("--order")
    items.sort(key=lambda item: first.index(item.path.stem) if item.path.stem in first else len(first))
    if order == "reverse":
        items.reverse()
    elif order:
        items.sort(key=lambda item: [sha256(f"{order} {name}".encode()).digest() for name in (item.path, item.nodeid)])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """In place of ``--dist loadgroup``, whose groups xdist 3.8 loses under pytest 9.2."""

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            stem = Path(nodeid.split("::")[0]).stem
            return TOGETHER.get(stem, stem)

    return Together(config, log)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of the session have."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session", autouse=True)
def keys_of_the_tests(shared: Path) -> Path:
    """Where tests keep the key that signs ledgers; the user's own is never read nor written."""
    folder = shared / "keys"
    os.environ["RECONDENSE_KEYS"] = str(folder)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            create()
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


@pytest.fixture(scope="session")
def finished(shared: Path) -> Project:
    """A project whose cohort alpha has been run once, the same for all workers of a session; no test changes it.

    One patient carries an id and a cholesterol that stand nowhere else, so that leaks can be searched for.
    """
    folder = shared / "finished"
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            (folder / "prefect").mkdir(parents=True)
            with running_server(folder / "prefect", free_port()) as url:
                project = make_project(folder / "project", {"alpha": QUICK}, PREFECT_API_URL=f"{url}/api")
                plant_sentinel(project.root / "data/1_raw/pbcseq/pbcseq.csv")
                assert project.run("alpha") == dict.fromkeys(STAGES, "Completed")
            (folder / "done").touch()
    return Project(folder / "project")


@pytest.fixture(scope="session")
def server_of_finished(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Prefect server that knows the run of `finished`."""
    home = tmp_path_factory.mktemp("remembers") / "prefect"
    shutil.copytree(finished.root.parent / "prefect", home)
    with running_server(home, free_port()) as url:
        yield url


@pytest.fixture
def house(finished: Project, server_of_finished: str, tmp_path: Path) -> Iterator[Project]:
    """A copy of `finished` for one test, which may do with it what it likes."""
    yield copied(finished, tmp_path / "house", PREFECT_API_URL=f"{server_of_finished}/api")
    shutil.rmtree(tmp_path / "house")


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
