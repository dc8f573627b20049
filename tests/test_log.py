"""The log of a stage's run: what it did, for its owner alone, without a record's value."""

import logging
import os
import subprocess
import sys
import warnings
from contextlib import nullcontext
from pathlib import Path

import pytest

from recondense import log
from recondense.errors import InputError
from tests.support.paths import REPO

SECRET = "Mrs Miller, 261 mg/dl"
STAGE = "ingestion"


def content(root: Path, kept: str) -> str:
    return (root / kept).read_text()


def test_a_log_says_what_ran_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made/values.safetensors").write_bytes(bytes(2048))
    with log.run(tmp_path, "ward", "normalisation") as kept:
        log.params("normalisation", "{}")
        log.folder("wrote", tmp_path / "made")
        log.counts({"subjects": {"in": 312, "share": 0.5}, "seconds": 1.5, "tier": "restricted", "flag": True})
    said = content(tmp_path, kept)
    for words in ("normalisation of ward", "recondense ", "params of normalisation: SHA-256 44136fa355b3", "done in",
                  "values.safetensors: 2,048 bytes", "counts: subjects.in 312\n"):  # fmt: skip
        assert words in said
    path = tmp_path / kept
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("debug", [False, True])
def test_texts_of_libraries_are_withheld_unless_the_steward_debugs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], debug: bool
) -> None:
    monkeypatch.setenv("RECONDENSE_DEBUG", str(int(debug)))
    told = pytest.warns(UserWarning) if debug else nullcontext()
    with pytest.raises(ValueError), told, log.run(tmp_path, "ward", STAGE) as kept:
        with warnings.catch_warnings(action="always"):
            warnings.showwarning(UserWarning(SECRET), UserWarning, "/lib/reader.py", 7)
        logging.getLogger("library.reader").error("cannot read %s", SECRET)
        float(SECRET)
    said = content(tmp_path, kept)
    assert ("UserWarning at reader.py:7" in said and "library.reader at test_log.py:" in said) or debug
    assert "ValueError" in said and "test_log.py" in said, "the type and the place"
    assert (SECRET in said) == debug and SECRET not in capsys.readouterr().err


def test_a_message_meant_for_the_user_is_kept(tmp_path: Path) -> None:
    with pytest.raises(InputError), log.run(tmp_path, "ward", STAGE) as kept:
        raise InputError("labs.csv, line 7: no unit")
    assert "labs.csv, line 7: no unit" in content(tmp_path, kept)


def test_outside_of_a_stage_the_library_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    log.counts({"subjects": 3})
    log.log.error("something")
    assert capsys.readouterr() == ("", "")


def test_as_many_logs_as_are_kept_of_a_cohort_are_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "KEPT", 3)
    folder = tmp_path / log.FOLDER / "ward"
    folder.mkdir(parents=True)
    for day in range(1, 6):
        (folder / f"2026-01-0{day}T00-00-00-training.log").touch()
    with log.run(tmp_path, "ward", STAGE) as kept:
        pass
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["2026-01-04T00-00-00-training.log", "2026-01-05T00-00-00-training.log", Path(kept).name]


def test_a_stage_runs_where_no_log_can_be_written(tmp_path: Path) -> None:
    (tmp_path / ".recondense").write_text("a file where a folder should be")
    with log.run(tmp_path, "ward", STAGE) as kept:
        assert kept == ""


def test_a_stage_that_stops_names_its_log(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("cohorts: {other: {}}\n")
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    command = [sys.executable, "-m", "tasks", STAGE, "nobody"]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (path,) = (tmp_path / log.FOLDER / "nobody").iterdir()
    assert f"(what the stage did: {path.relative_to(tmp_path)})" in done.stderr
    assert "stopped after" in path.read_text()


def test_a_cohort_whose_name_leads_elsewhere_has_no_log_there(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "params.yaml").write_text("cohorts: {other: {}}\n")
    (root / "dvc.yaml").write_text("stages: {}\n")
    command = [sys.executable, "-m", "tasks", STAGE, "../../../elsewhere"]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "elsewhere" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["project"] and not (root / ".recondense").exists()
