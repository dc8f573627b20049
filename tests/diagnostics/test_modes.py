"""With other users on the machine: what is written is for its owner alone, but for bundles; `doctor` finds the rest."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recondense.diagnostics.modes import exposed, readable
from recondense.engines import servers
from recondense.errors import InputError
from recondense.stages.layout import Layout
from tests.support.paths import REPO
from tests.support.project import QUICK, SMALL, make_project, with_remotes

OTHERS = stat.S_IRWXG | stat.S_IRWXO


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that every user of the machine can enter, as pytest's own are not."""
    place = Path(tempfile.mkdtemp(prefix="recondense-test-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def python(*arguments: str, folder: Path) -> str:
    """What Python says in ``folder``, started by a shell with the usual umask."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env={**os.environ, "PYTHONPATH": str(REPO)},
        capture_output=True, text=True, umask=0o022, check=True,
    )  # fmt: skip
    return done.stdout


def test_dvc_takes_up_the_umask_of_what_runs_flows(tmp_path: Path) -> None:
    asked = (
        "import recondense.engines.dvc, dvc_data.hashfile.db.local as dvc, os; print(oct(dvc.umask), oct(os.umask(0)))"
    )
    assert python("-c", asked, folder=tmp_path).split() == ["0o77", "0o77"]


def test_what_a_stage_writes_is_closed_to_others_whoever_starts_it(tmp_path: Path) -> None:
    shutil.copytree(REPO / "data/1_raw/pbcseq", tmp_path / "data/1_raw/pbcseq")
    (tmp_path / "dvc.yaml").touch()
    shutil.copy2(REPO / "software.yaml", tmp_path)
    (tmp_path / "params.yaml").write_text(json.dumps({"cohorts": {"small": SMALL}}))
    python("-m", "tasks", "ingestion", "small", folder=tmp_path)
    written = [path for path in (tmp_path / "data/2_ingested").rglob("*")]
    assert len(written) > 4 and not [path for path in written if path.stat().st_mode & OTHERS]


def test_a_bundle_is_for_anyone(small: Layout) -> None:
    bundle = small.folder("release")
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o755
    assert {stat.S_IMODE(path.stat().st_mode) for path in bundle.iterdir()} == {0o644}


def test_a_file_is_exposed_where_it_and_every_folder_above_it_are_open(open_place: Path) -> None:
    (open_place / "inner").mkdir(mode=0o755)
    (open_place / "inner").chmod(0o755)
    record = open_place / "inner/record.csv"
    record.touch()
    for mode, of_folder, told in (
        (0o644, 0o755, True),
        (0o640, 0o750, True),
        (0o600, 0o755, False),
        (0o644, 0o700, False),
    ):
        record.chmod(mode)
        (open_place / "inner").chmod(of_folder)
        assert exposed(open_place / "inner") == exposed(record) == told, (oct(mode), oct(of_folder))
    (open_place / "inner").chmod(0o755)
    assert exposed(open_place) and not exposed(open_place, {record}), "what git has is public already"
    open_place.chmod(0o700)
    assert not exposed(record)


def test_doctor_names_what_others_can_read_and_how_to_close_it(open_place: Path) -> None:
    project = make_project(open_place / "house", {"alpha": QUICK})
    with_remotes(project.root)
    (project.root / "data/1_raw/private").mkdir()
    closed = list(readable(project.root))
    assert [one.level for one in closed] == ["ok"], closed
    for path in (project.root / "data/1_raw/private/records.csv", project.root / "mlflow.db", open_place / "vault/a b"):
        path.touch()
        path.chmod(0o644)
        for parent in path.parents:
            if parent.is_relative_to(open_place):
                parent.chmod(0o755)
    (found,) = readable(project.root)
    assert found.level == "warning" and "data/1_raw/private" in found.found and "mlflow.db" in found.found
    subprocess.run(found.next, shell=True, cwd=project.root, check=True)
    assert [one.level for one in readable(project.root)] == ["ok"], "the advice mends it"


def test_no_password_of_a_database_is_in_a_process_s_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], dict[str, str]]] = []

    class Ended:
        def __init__(self, command: list[str], **how: Any) -> None:
            started.append((command, how["env"]))

        def poll(self) -> int:
            return 1

        terminate = wait = lambda self, *_: None

    monkeypatch.setattr(subprocess, "Popen", Ended)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://ada:s3cret@127.0.0.1/mlflow")
    with pytest.raises(InputError):
        servers.serve_pages(tmp_path, 1, 2)
    assert len(started) == 2 and "s3cret" not in str([command for command, _ in started])
    assert started[1][1]["MLFLOW_BACKEND_STORE_URI"] == "postgresql://ada:s3cret@127.0.0.1/mlflow"
