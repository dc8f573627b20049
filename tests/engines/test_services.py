"""The pipeline over the servers that a hospital would run: Prefect and MLflow on PostgreSQL, remotes on an S3 store."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import QUICK, SENTINELS, STAGES, Project, commit_all, make_project, plant_sentinel
from tests.support.public import check_public
from tests.support.services import PASSWORD, S3_KEYS, free_port, object_store, postgresql, server

s3fs = pytest.importorskip("s3fs", reason="dvc-s3 is not installed")
pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgresql(["prefect", "mlflow"]) as url:
        yield url


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with object_store(tmp_path_factory.mktemp("store"), ["vault", "public"]) as url:
        yield url


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory, database: str, store: str) -> Iterator[Project]:
    """A project whose flows report to a Prefect and an MLflow server that keep their records in PostgreSQL, and whose
    remotes are buckets of an object store; its cohort has been run once."""
    home, scripts = tmp_path_factory.mktemp("servers"), Path(sys.executable).parent
    prefect, mlflow = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    at = ["--host", "127.0.0.1", "--port"]
    prefect_command = [str(scripts / "prefect"), "server", "start", *at, prefect.rsplit(":", 1)[1]]
    connection = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{database}/prefect",
    }
    mlflow_command = [str(scripts / "mlflow"), "server", *at, mlflow.rsplit(":", 1)[1], "--workers", "1"]
    backend = {"MLFLOW_BACKEND_STORE_URI": f"postgresql+psycopg2://{database}/mlflow"}
    mlflow_command += ["--artifacts-destination", str(home / "artifacts")]
    with (
        server(prefect_command, f"{prefect}/api/health", home / "prefect.log", connection),
        server(mlflow_command, f"{mlflow}/health", home / "mlflow.log", backend),
    ):
        addresses = {"PREFECT_API_URL": f"{prefect}/api", "MLFLOW_TRACKING_URI": mlflow, **S3_KEYS}
        project = make_project(tmp_path_factory.mktemp("hospital"), {"alpha": QUICK})
        project.environment.update(addresses)
        plant_sentinel(project.root / "data/1_raw/pbcseq/pbcseq.csv")
        assert project.run("alpha") == dict.fromkeys(STAGES, "Completed")
        yield project


def test_a_cohort_is_run_and_recorded_in_postgresql_without_a_patient_s_id_or_value(
    hospital: Project, database: str
) -> None:
    dumps = {name: dump(f"postgresql://{database}/{name}") for name in ("prefect", "mlflow")}
    assert "release@alpha" in dumps["prefect"] and "training.test_auc.condensed.mean" in dumps["mlflow"]
    for content in dumps.values():
        assert not [sentinel for sentinel in SENTINELS if sentinel in content]
    assert not (hospital.root / "mlflow.db").exists()


def test_a_release_on_an_object_store_is_whole_public_only_where_it_may_be_and_reproduced_from_its_vault(
    hospital: Project, store: str, tmp_path: Path
) -> None:
    for name in ("vault", "release"):
        bucket = "public" if name == "release" else name
        hospital.call("dvc", "remote", "add", name, f"s3://{bucket}/recondense")
        hospital.call("dvc", "remote", "modify", name, "endpointurl", store)
    hospital.call("dvc", "remote", "default", "vault")
    assert hospital.run("alpha") == dict.fromkeys(STAGES, "Cached")
    commit_all(hospital.root)
    version = json.loads(hospital.call("recondense.cli", "release", "alpha", "--json").stdout)["version"]

    files = s3fs.S3FileSystem(key=S3_KEYS["AWS_ACCESS_KEY_ID"], secret=PASSWORD, endpoint_url=store)
    files.get("public/recondense", str(tmp_path / "public"), recursive=True)
    check_public(hospital.root, tmp_path / "public")
    assert files.find("vault/recondense/files")
    assert not [name for name in files.find("public") if not name.startswith("public/recondense/")]

    files.chmod("public/recondense", "public-read", recursive=True)  # as whoever owns the bucket decides
    bundle = tmp_path / "public" / "releases" / "alpha" / version
    ledger = f"{store}/public/recondense/releases/alpha/ledger.jsonl"
    verified = hospital.call("recondense.cli", "verify", str(bundle), "--ledger", ledger, "--json")
    assert {check["detail"] for check in json.loads(verified.stdout)["checks"]} >= {version, "current"}
    again = json.loads(hospital.call("recondense.cli", "reproduce", "alpha", version, "--json").stdout)
    assert again["reproduced"], again

    restored = Project(tmp_path / "restored", hospital.environment)
    subprocess.run(["git", "clone", "-q", str(hospital.root), str(restored.root)], check=True)
    restored.call("dvc", "pull")
    restored.call("recondense.cli", "ledger", "alpha")
    normalised = "data/3_normalised/alpha/normalised.safetensors"
    assert (restored.root / normalised).read_bytes() == (hospital.root / normalised).read_bytes()


def dump(url: str) -> str:
    """Everything that a database holds, as SQL."""
    return subprocess.run(["pg_dump", "--inserts", url], capture_output=True, text=True, check=True).stdout
