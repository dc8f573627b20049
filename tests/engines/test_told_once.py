"""Why a stage stopped is said once: by the flow that started it, or by the stage where no flow did."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recondense.engines.process import StageFailed, execute
from tests.support.paths import REPO

COMMAND = [sys.executable, "-m", "tasks", "ingestion", "nobody"]
SAID = "params.yaml has no cohort 'nobody'"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A project without the cohort that is asked for."""
    (tmp_path / "params.yaml").write_text("cohorts: {other: {}}\n")
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    shutil.copy2(REPO / "software.yaml", tmp_path)
    return tmp_path


def test_a_stage_that_a_flow_started_leaves_the_telling_to_the_flow(
    empty: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StageFailed, match=SAID):
        execute(" ".join(COMMAND), empty, {"PYTHONPATH": str(REPO)})
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("file", [None, "no folder/reason"])
def test_a_stage_that_nobody_hears_says_it_itself(empty: Path, file: str | None) -> None:
    asked = {"RECONDENSE_REASON_FILE": str(empty / file)} if file else {}
    environment = {**os.environ, "PYTHONPATH": str(REPO), **asked}
    ended = subprocess.run(COMMAND, cwd=empty, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and ended.stderr.count(SAID) == 1 and "Traceback" not in ended.stderr
