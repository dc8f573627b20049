"""The pipeline over the servers that a hospital would run: Prefect and MLflow on PostgreSQL."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import plant_sentinel
from tests.project import QUICK, SENTINELS, STAGES, Project, make_project
from tests.services import free_port, postgresql, server

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgresql(["prefect", "mlflow"]) as url:
        yield url


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Project]:
    """A project whose flows report to a Prefect and an MLflow server that keep their records in PostgreSQL."""
    home, scripts = tmp_path_factory.mktemp("servers"), Path(sys.executable).parent
    prefect, mlflow = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    at = ["--host", "127.0.0.1", "--port"]
    prefect_command = [str(scripts / "prefect"), "server", "start", *at, prefect.rsplit(":", 1)[1]]
    connection = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{database}/prefect",
    }
    mlflow_command = [str(scripts / "mlflow"), "server", *at, mlflow.rsplit(":", 1)[1], "--workers", "1"]
    mlflow_command += ["--backend-store-uri", f"postgresql+psycopg2://{database}/mlflow"]
    mlflow_command += ["--artifacts-destination", str(home / "artifacts")]
    with (
        server(prefect_command, f"{prefect}/api/health", home / "prefect.log", connection),
        server(mlflow_command, f"{mlflow}/health", home / "mlflow.log", {}),
    ):
        addresses = {"PREFECT_API_URL": f"{prefect}/api", "MLFLOW_TRACKING_URI": mlflow}
        project = make_project(tmp_path_factory.mktemp("hospital"), {"alpha": QUICK}, **addresses)
        plant_sentinel(project.root / "data/1_raw/pbcseq/pbcseq.csv")
        yield project


def test_a_cohort_is_run_and_recorded_in_postgresql_without_a_patient_s_id_or_value(
    hospital: Project, database: str
) -> None:
    assert hospital.run("alpha") == dict.fromkeys(STAGES, "Completed")
    assert hospital.run("alpha") == dict.fromkeys(STAGES, "Cached")
    dumps = {name: dump(f"postgresql://{database}/{name}") for name in ("prefect", "mlflow")}
    assert "release@alpha" in dumps["prefect"] and "training.test_auc.condensed.mean" in dumps["mlflow"]
    for content in dumps.values():
        assert not [sentinel for sentinel in SENTINELS if sentinel in content]
    assert not (hospital.root / "mlflow.db").exists()


def dump(url: str) -> str:
    """Everything that a database holds, as SQL."""
    return subprocess.run(["pg_dump", "--inserts", url], capture_output=True, text=True, check=True).stdout
