"""Sweeps: the same results on threads and on Dask, and what is lost with a worker, a cell or a mistake."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import psutil
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.patches import Rectangle

from recondense.errors import InputError
from recondense.sweeps.cells import plan
from recondense.sweeps.figures import sweep_figure
from recondense.sweeps.outcomes import CellOutcome, grouped, smallest
from tests.support.project import QUICK, SENTINELS, Project, make_project, plant_sentinel

# 48 train subjects have the outcome, so 70 records a class is more than there are
CELLS = ["alpha", "--methods", "group_means,random_records", "--sizes", "2,70", "--seeds", "1"]


def sweep(project: Project, *arguments: str, check: bool = True) -> tuple[dict[str, Any], str]:
    """`recondense sweep --json`: what it printed, and what it said."""
    ended = project.call("recondense.cli", "sweep", *arguments, "--json", check=check)
    printed: dict[str, Any] = json.loads(ended.stdout)
    return {**printed, "status": ended.returncode}, ended.stderr


def by_cell(printed: dict[str, Any], key: str = "test_auc") -> dict[tuple[str, int, int], Any]:
    return {(c["method"], c["records_per_class"], c["seed"]): c.get(key) for c in printed["cells"]}


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that nobody has run yet, with what a killed sweep would have left."""
    project = make_project(tmp_path_factory.mktemp("field"), {"alpha": QUICK})
    plant_sentinel(project.root / "data/1_raw/pbcseq/pbcseq.csv")
    (project.root / ".recondense/sweep/alpha/cells/stale").mkdir(parents=True)
    return project


@pytest.fixture(scope="module")
def threads(field: Project, prefect_server: str) -> dict[str, Any]:
    """A sweep on threads: two cells that come through, two that cannot."""
    return sweep(field, *CELLS, "--target", "0.5", "--server", prefect_server, check=False)[0]


def test_a_cell_that_fails_is_reported_with_its_reason_and_the_others_finish(
    field: Project, threads: dict[str, Any]
) -> None:
    assert threads["status"] == 1
    assert by_cell(threads, "state") == {
        ("group_means", 2, 0): "Completed", ("group_means", 70, 0): "Failed",
        ("random_records", 2, 0): "Completed", ("random_records", 70, 0): "Failed",
    }  # fmt: skip
    reason = by_cell(threads, "reason")[("group_means", 70, 0)]
    assert "ask for at most 48" in reason
    assert ".recondense" not in reason, "the scratch folder is gone; nobody should look for it"
    for cell in threads["cells"]:
        assert ("test_auc" in cell) == (cell["state"] == "Completed")
    assert [found["records_per_class"] for found in threads["smallest"]] == [2, 2], "what failed is no answer"


@pytest.mark.slow
def test_a_cells_score_is_the_one_that_the_pipeline_reaches_with_the_same_params(
    field: Project, threads: dict[str, Any]
) -> None:
    field.call("dvc", "repro", "-q", "reference@alpha")
    assert field.status("reference@alpha") == {}, "the sweep left what comes before condensation current"
    field.edit("params.yaml", "records_per_class: 5", "records_per_class: 2")
    for stage in ("condensation", "training"):
        field.call("tasks", stage, "alpha")
    field.edit("params.yaml", "records_per_class: 2", "records_per_class: 5")
    trained = json.loads((field.root / "data/5_trained/alpha/metrics.json").read_text())["test_auc"]
    found = by_cell(threads)[("group_means", 2, 0)]
    for training_set in ("condensed", "all_real"):
        assert found[training_set] == {key: trained[training_set][key] for key in ("mean", "low", "high")}


def test_what_threads_have_computed_is_cached_for_dask(
    field: Project, threads: dict[str, Any], prefect_server: str
) -> None:
    dask, _ = sweep(field, *CELLS[:4], "2", "--seeds", "1", "--dask", "local", "--server", prefect_server)
    assert set(by_cell(dask, "state").values()) == {"Cached"}
    good = {key: auc for key, auc in by_cell(threads).items() if auc}
    assert by_cell(dask) == good


def test_mlflow_has_one_parent_a_sweep_a_nested_run_a_cell_and_the_figure(
    field: Project, threads: dict[str, Any]
) -> None:
    with sqlite3.connect(field.root / "mlflow.db") as database:
        parent = (threads["mlflow_run"],)
        name, artifacts = database.execute("select name, artifact_uri from runs where run_uuid = ?", parent).fetchone()
        nested = database.execute(
            "select r.run_uuid, r.status from runs r join tags t on t.run_uuid = r.run_uuid "
            "where t.key = 'mlflow.parentRunId' and t.value = ?", parent).fetchall()  # fmt: skip
        recorded = {}
        for run, status in nested:
            params = dict(database.execute("select key, value from params where run_uuid = ?", (run,)).fetchall())
            auc = database.execute(
                "select value from metrics where run_uuid = ? and key = 'test_auc.condensed.mean'", (run,)
            ).fetchone()
            key = (params["method"], int(params["records_per_class"]), int(params["seed"]))
            recorded[key] = (status, auc[0] if auc else None)
    assert name == "sweep alpha"
    assert recorded == {
        key: ("FINISHED", auc["condensed"]["mean"]) if auc else ("FAILED", None)
        for key, auc in by_cell(threads).items()
    }
    written = field.root / threads["figure"]
    assert written.read_bytes()[:4] == b"\x89PNG"
    assert (Path(artifacts.removeprefix("file://")) / "sweep.png").read_bytes()[:4] == b"\x89PNG"
    ignored = subprocess.run(["git", "check-ignore", "-q", threads["figure"]], cwd=field.root)
    assert ignored.returncode == 0


@pytest.mark.slow
def test_a_killed_worker_costs_only_the_cell_it_was_at(field: Project, threads: dict[str, Any]) -> None:
    """Without a server of the user's, and computing again what threads computed, to compare."""
    storage = field.root / ".recondense/prefect/storage"
    for result in storage.glob("sweep-*"):
        result.unlink()
    arguments = [*CELLS[:4], "2", "--seeds", "2", "--dask", "local", "--workers", "2", "--json"]
    flow = subprocess.Popen(field.command("recondense.cli", "sweep", *arguments), cwd=field.root, env=field.env,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    deadline = time.monotonic() + 180
    at_work: list[psutil.Process] = []
    while not at_work:
        assert flow.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
        at_work = list(stages_of_cells(field))
    orphan = at_work[0]
    orphan.suspend()  # so that its worker is still at its first cell when the other has finished one
    while not any(storage.glob("sweep-*")):
        assert flow.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    finished = {result: (result.stat().st_mtime_ns, result.read_bytes()) for result in storage.glob("sweep-*")}
    worker = next(p for p in orphan.parents() if "multiprocessing" in " ".join(p.cmdline()) and p.pid != flow.pid)
    os.kill(worker.pid, signal.SIGKILL)
    orphan.resume()
    orphan.wait(30)
    out, err = flow.communicate(timeout=240)
    assert flow.returncode == 0, err[-3000:]
    printed = json.loads(out)
    assert by_cell(printed, "state") == dict.fromkeys(by_cell(printed), "Completed")
    assert len(printed["cells"]) == 4
    for result, (written, content) in finished.items():
        assert (result.stat().st_mtime_ns, result.read_bytes()) == (written, content), "computed once and for all"
    assert len(list(storage.glob("sweep-*"))) == 4
    for key, auc in by_cell(threads).items():
        assert auc is None or by_cell(printed)[key] == auc, "threads and Dask compute the same"


def test_no_record_stays_behind_or_gets_into_the_stores_of_prefect_and_mlflow(
    field: Project, threads: dict[str, Any], prefect_home: Path
) -> None:
    assert not (field.root / ".recondense/sweep").exists(), "nor what an earlier, killed sweep left"
    places = [field.root / ".recondense", field.root / "mlruns", field.root / "mlflow.db", prefect_home]
    files = [f for place in places for f in ([place] if place.is_file() else place.rglob("*")) if f.is_file()]
    assert any(f.name.startswith("sweep-") for f in files) and any(f.name == "prefect.db" for f in files)
    for file in files:
        content = file.read_bytes()
        assert not [sentinel for sentinel in SENTINELS if sentinel.encode() in content], file
        assert np.float64(SENTINELS[1]).tobytes() not in content, file


@pytest.mark.parametrize(
    ("methods", "sizes", "message"),
    [
        (["nonesuch"], [2], "no 'nonesuch' in recondense/condensation/methods; choose one of"),
        (["kmeans"], [2, 0], "records_per_class: Input should be greater than or equal to 1"),
    ],
)
def test_wrong_params_are_named_before_any_work(
    field: Project, methods: list[str], sizes: list[int], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        plan(field.root, ["alpha"], methods, sizes, 1)


def test_a_far_scheduler_without_a_server_that_its_workers_reach_is_refused(field: Project) -> None:
    failed = field.call("recondense.cli", "sweep", "alpha", "--dask", "tcp://192.0.2.1:8786", check=False)
    assert failed.returncode == 1
    assert "name it with --server" in " ".join(failed.stderr.split())
    assert "Traceback" not in failed.stderr


def test_a_result_depends_on_its_own_methods_options_and_on_no_others(tmp_path: Path) -> None:
    def key(options: dict[str, Any], inputs: dict[str, str], of_method: str = "a", of_stage: str = "b") -> str:
        cohort = {**QUICK, "condensation": {**QUICK["condensation"], "options": options}}
        (tmp_path / "params.yaml").write_text(json.dumps({"cohorts": {"alpha": cohort}}))
        methods = {"distribution_matching": of_method, "kmeans": "c"}
        code = {"methods": methods, "stages": dict.fromkeys(("condensation", "training"), of_stage)}
        return plan(tmp_path, ["alpha"], ["distribution_matching"], None, 1)[0].key(inputs, code)

    inputs = {"data/2_ingested/alpha/events.parquet": "1", "data/3_normalised/alpha/normalised.safetensors": "2"}
    before = key({}, inputs)
    assert key({"kmeans": {"anything": 1}}, inputs) == before
    assert key({"distribution_matching": {"real_batch": 8}}, inputs) != before
    assert key({}, {**inputs, "data/2_ingested/alpha/events.parquet": "3"}) != before
    assert key({}, inputs, of_method="d") != before
    assert key({}, inputs, of_stage="d") != before


def test_the_figure_has_a_panel_a_cohort_a_line_a_method_its_range_and_all_real_as_a_band(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(json.dumps({"cohorts": {"alpha": QUICK, "beta": QUICK}}))
    cells = plan(tmp_path, ["alpha", "beta"], ["kmeans", "group_means"], [1, 10], 2)
    real = {"mean": 0.9, "low": 0.85, "high": 0.95}
    outcomes = [
        CellOutcome(cell, "Completed", scores(0.6 + 0.1 * cell.seed, real))
        if cell.method == "kmeans" or cell.records_per_class == 1
        else CellOutcome(cell, "Failed", reason="too few")
        for cell in cells
    ]
    groups = grouped(outcomes)
    assert [len(group.aucs) for group in groups[:4]] == [2, 2, 2, 0]
    panels = sweep_figure(groups).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["alpha", "beta"]
    for panel in panels:
        kmeans, group_means = (cast(ErrorbarContainer, found) for found in panel.containers)
        assert [kmeans.get_label(), group_means.get_label()] == ["kmeans", "group means"]
        assert np.asarray(kmeans.lines[0].get_ydata(orig=False)) == pytest.approx([0.65, 0.65])
        assert np.asarray(kmeans.lines[2][0].get_segments()[0][:, 1]) == pytest.approx([0.6, 0.7])
        assert np.size(group_means.lines[0].get_ydata(orig=False)) == 1, "a size that failed has no point"
        (band,) = (cast(Rectangle, patch) for patch in panel.patches)
        assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((0.85, 0.95))


def scores(auc: float, real: dict[str, float]) -> dict[str, Any]:
    return {
        "test_auc": {"condensed": {"mean": auc}, "all_real": real},
        "validation_auc": {"condensed": auc, "all_real": 0.9},
    }


def test_the_smallest_size_that_retains_enough_is_judged_on_the_validation_part(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(json.dumps({"cohorts": {"alpha": QUICK}}))
    cells = plan(tmp_path, ["alpha"], ["kmeans", "group_means"], [20, 5, 1], 2)
    reached = {("kmeans", 1): 0.80, ("kmeans", 5): 0.89, ("kmeans", 20): 0.90}
    outcomes = [
        CellOutcome(one, "Completed", scores(reached.get((one.method, one.records_per_class), 0.7), {"mean": 0.5}))
        for one in cells
    ]
    found = {method: group and group.records_per_class for _, method, group in smallest(grouped(outcomes), 0.98)}
    assert found == {"kmeans": 5, "group_means": None}


def stages_of_cells(project: Project) -> Iterator[psutil.Process]:
    """The processes that are running a stage of one of the project's cells."""
    cells = str(project.root / ".recondense" / "sweep")
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd().startswith(cells) and "tasks" in process.cmdline()[1:3]:
                yield process
