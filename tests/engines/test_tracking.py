"""Tracking and pages are what a run can do without: where they fail, it is told in a sentence and the results stand."""

import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from prefect.exceptions import PrefectException

from recondense.engines import artifacts, dispensable
from recondense.engines.mlflow import Tracker, tag
from recondense.engines.process import StageRefused
from recondense.stages.layout import Layout
from tests.support.services import free_port, server

FULL = "CREATE TRIGGER full BEFORE INSERT ON {} BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What was said once may be said again; no call is repeated for long."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    dispensable._say_once.cache_clear()
    yield
    dispensable._say_once.cache_clear()


def begun(tmp_path: Path) -> Tracker:
    return Tracker(tmp_path, "recondense small", {"cohort": "small"})


def recorded(tracker: Tracker, small: Layout) -> None:
    """A whole run of a cohort that was run before."""
    with tracker.recording():
        for stage in ("ingestion", "condensation", "training", "privacy", "release"):
            tracker.stage(small, stage, "Completed", {"data/1_raw/small": "00"})


@pytest.mark.parametrize("table", ["metrics", "params", "runs", "tags", "inputs", "latest_metrics"])
def test_a_store_that_fills_up_midway_is_told_once_and_ends_nothing(
    tmp_path: Path, small: Layout, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker = begun(tmp_path)
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute(FULL.format(table))
    recorded(tracker, small)
    said = capsys.readouterr().err
    assert said.count("MLflow lacks what came of this run: database or disk is full") == 1
    assert "Traceback" not in said


def test_what_a_store_does_take_it_has_though_it_refuses_the_rest(tmp_path: Path, small: Layout) -> None:
    tracker = begun(tmp_path)
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute(FULL.format("params"))
    recorded(tracker, small)
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        states = database.execute("select distinct status from runs").fetchall()
        mine = "select count(*) from latest_metrics where run_uuid = ?"
        figures = database.execute(mine, (tracker.run_id,)).fetchone()
    assert states == [("FINISHED",)] and figures[0] > 50


def test_a_read_only_store_leaves_a_run_without_an_id(
    tmp_path: Path, small: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///file:{tmp_path / 'mlflow.db'}?mode=ro&uri=true")
    tracker = begun(tmp_path)
    recorded(tracker, small)
    assert tracker.run_id is None
    assert capsys.readouterr().err.count("attempt to write a readonly database") == 1


def test_a_server_that_nobody_answers_for_is_asked_once(
    tmp_path: Path, small: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://steward:s3cret@127.0.0.1:{free_port()}")
    began = time.monotonic()
    recorded(begun(tmp_path), small)
    said = capsys.readouterr().err
    assert "Connection refused" in said and "s3cret" not in said
    assert time.monotonic() - began < 10


@pytest.mark.slow
def test_a_server_that_goes_away_midway_is_given_up_and_a_stage_s_own_failure_is_what_is_raised(
    tmp_path: Path, small: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    command = [str(Path(sys.executable).parent / "mlflow"), "server", "--host", "127.0.0.1", "--workers", "1"]
    store = {"MLFLOW_BACKEND_STORE_URI": f"sqlite:///{tmp_path / 'server.db'}"}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    at = ["--port", url.rsplit(":", 1)[1], "--artifacts-destination", str(tmp_path / "artifacts")]
    with server([*command, *at], f"{url}/health", tmp_path / "log", store):
        tracker = begun(tmp_path)
        tracker.stage(small, "ingestion", "Completed", {})
    assert tracker.run_id and "lacks" not in capsys.readouterr().err
    with pytest.raises(StageRefused, match="the gate refuses"), tracker.recording():
        tracker.stage(small, "condensation", "Completed", {})
        tracker.refused(["too few patients"])
        raise StageRefused("the gate refuses this release")
    assert capsys.readouterr().err.count("Connection refused") == 1


def test_a_figure_that_cannot_be_drawn_is_left_out_and_the_rest_is_recorded(
    tmp_path: Path, small: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def too_large(*_: object, **__: object) -> None:
        raise ValueError("Image size is too large")

    monkeypatch.setattr(Figure, "savefig", too_large)
    recorded(tracker := begun(tmp_path), small)
    said = capsys.readouterr().err
    assert "MLflow lacks figures of privacy" in said
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        mine = "select count(*) from latest_metrics where run_uuid = ?"
        figures = database.execute(mine, (tracker.run_id,)).fetchone()
    assert figures[0] > 50


def test_a_release_whose_run_cannot_be_tagged_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tracker = begun(tmp_path)
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute(FULL.format("tags"))
    tag(tmp_path, tracker.run_id, version="1.0")
    assert "nothing is noted there" in capsys.readouterr().err


def test_pages_that_prefect_does_not_take_are_told_once_and_end_nothing(
    small: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(*_: object, **__: object) -> None:
        raise PrefectException("no server")

    for name in ("table", "markdown", "link", "progress"):
        monkeypatch.setattr(artifacts, f"create_{name}_artifact", away)
    for stage in artifacts.ROWS:
        artifacts.of_stage(small, stage)
    artifacts.of_run(small, {"ingestion": "Completed"}, "0", "run")
    artifacts.of_refusal("small", None, ["too few patients"])
    artifacts.Course("sweep", 3).at(1)
    assert capsys.readouterr().err.count("Prefect's pages lack what came of this run") == 1
