"""`recondense doctor`, on projects that are in order and on such as are broken in the ways that projects break."""

import json
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from recondense.diagnostics.doctor import CHECKS, _ask
from recondense.probes.finding import Finding
from tests.support.project import QUICK, Project, make_project, with_remotes
from tests.support.services import free_port

SECRET = "s3cret-of-nobody"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = make_project(tmp_path / "house", {"alpha": QUICK, "beta": QUICK})
    with_remotes(found.root)
    return found


def faults(found: Iterator[Finding]) -> list[Finding]:
    return [one for one in found if one.level == "fault"]


def test_a_project_in_order_has_no_fault_and_its_remotes_are_left_as_they_were(project: Project) -> None:
    found = examined(project)
    assert found["sound"], found
    said = {(row["about"], row["level"]): row["found"] for row in found["findings"]}
    for about in ("remote vault", "remote release", "Prefect", "MLflow", "packages", "folders", "GPU"):
        assert (about, "ok") in said
    assert "takes files and gives them back" in said["remote vault", "ok"]
    for remote in ("vault", "public"):
        assert list((project.root.parent / remote).iterdir()) == []
    assert not (project.root / "mlflow.db").exists(), "a look makes no database"


def asking(folder: Path, *requirements: str) -> None:
    """Say in ``folder`` that the recondense of PYTHONPATH asks for these packages."""
    about = folder / f"recondense-{version('recondense')}.dist-info"
    about.mkdir(parents=True)
    lines = [
        "Metadata-Version: 2.4",
        "Name: recondense",
        f"Version: {version('recondense')}",
        "Requires-Python: >=3.11",
    ]
    (about / "METADATA").write_text("\n".join([*lines, *(f"Requires-Dist: {one}" for one in requirements)]) + "\n")


def test_whatever_is_broken_is_named_with_what_to_do_and_without_passwords(project: Project, tmp_path: Path) -> None:
    shutil.rmtree(project.root.parent / "public")
    asking(
        tmp_path / "asking", "pandas>=99", 'no-such-package-of-ours; extra == "pipeline"', 'unwanted; extra == "audio"'
    )
    project.edit("params.yaml", "records_per_class", "records_a_class")
    (project.root / "data/4_condensed").write_text("a file where a folder should be")
    port = free_port()
    project.environment |= {
        "PREFECT_API_URL": f"http://ada:{SECRET}@127.0.0.1:{port}/api",
        "MLFLOW_TRACKING_URI": f"http://ada:{SECRET}@127.0.0.1:{port}",
        "PYTHONPATH": str(tmp_path / "asking"),
    }
    began = time.monotonic()
    ended = project.call("recondense.cli", "doctor", check=False)
    assert time.monotonic() - began < 240
    assert ended.returncode == 1
    said = " ".join(ended.stdout.split())
    for words in (
        "public is not there mount its disk",
        "where pandas>=99 is asked for",
        "no-such-package-of-ours is missing",
        '-m pip install --upgrade "recondense[pipeline]==',
        "alpha: its params are not valid params.yaml: cohorts.alpha.condensation.records_a_class",
        "data/4_condensed cannot be written to: Not a directory let this user write there",
        f"Prefect does not answer at http://127.0.0.1:{port}/api: Connection refused start it (`recondense ui`)",
        f"MLflow does not answer at http://127.0.0.1:{port}: Connection refused start it",
        "beta: data/1_raw/pbcseq has records (1 file)",  # what is in order is still said
    ):
        assert words in said, ended.stdout
    assert "unwanted" not in said, "no cohort here has recordings"
    assert SECRET not in ended.stdout + ended.stderr


def test_a_store_that_never_answers_costs_its_time_and_no_more(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        config = project.root / ".dvc/config"
        config.write_text(config.read_text().replace("../../vault", f"http://127.0.0.1:{deaf.getsockname()[1]}/vault"))
        began = time.monotonic()
        [found] = _ask("remote vault", project.root, seconds=8)
        assert time.monotonic() - began < 120
    assert (found.level, found.found) == ("fault", "no answer within 8 s")
    assert "see that its host is up" in found.next


@pytest.mark.parametrize(
    ("check", "break_it", "words"),
    [
        ("DVC", lambda root: edit_config(root, "../../public", "../../vault/public"), "are one place"),
        ("DVC", lambda root: edit_config(root, "remote = vault", "remote = release"), "would publish the records"),
        ("remote release", lambda root: edit_config(root, "../../public", "http://127.0.0.1:9/b"), "takes no files"),
        ("cohorts", lambda root: shutil.rmtree(root / "data/1_raw/pbcseq"), "has no records, and had some"),
        ("git", lambda root: shutil.rmtree(root / ".git"), "no commit"),
    ],
)
def test_what_would_stop_a_run_or_publish_records_is_a_fault(
    project: Project, monkeypatch: pytest.MonkeyPatch, check: str, break_it: Callable[[Path], object], words: str
) -> None:
    for cohort in ("alpha", "beta"):
        metrics = project.root / f"data/2_ingested/{cohort}/metrics.json"
        metrics.parent.mkdir(parents=True)
        metrics.write_text("{}")
    monkeypatch.chdir(project.root)
    assert not faults(CHECKS[check](project.root))
    break_it(project.root)
    assert any(words in f"{one.found} {one.next}" for one in faults(CHECKS[check](project.root)))


def test_a_key_that_others_may_read_is_a_fault(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "mine"))
    [absent] = CHECKS["keys"](project.root)
    assert (absent.level, "your first run makes one" in absent.next) == ("warning", True)
    project.environment["RECONDENSE_KEYS"] = str(tmp_path / "mine")
    project.call("recondense.cli", "keys", "create")
    assert [one.level for one in CHECKS["keys"](project.root)] == ["ok"]
    (tmp_path / "mine/private.pem").chmod(0o644)
    [open_to_all] = _ask("keys", project.root, seconds=60)
    assert open_to_all.level == "fault"
    assert "chmod 600" in open_to_all.next


def edit_config(root: Path, old: str, new: str) -> None:
    config = root / ".dvc/config"
    assert old in config.read_text()
    config.write_text(config.read_text().replace(old, new))


def examined(project: Project) -> dict[str, Any]:
    ended = project.call("recondense.cli", "doctor", "--json", check=False)
    found: dict[str, Any] = json.loads(ended.stdout)
    assert ended.returncode == (0 if found["sound"] else 1)
    return found
