"""Prefect, DVC and MLflow over one project: what runs, what is cached, and what survives a failure."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.support.paths import REPO
from tests.support.project import QUICK, STAGES, Project, add_cohort, make_project, plant_sentinel

SLOW_CONDENSATION = {"method": "distribution_matching", "records_per_class": 5, "seed": 0, "steps": 100_000}


def condensed(project: Project, cohort: str = "alpha") -> Path:
    return project.root / "data" / "4_condensed" / cohort / "condensed.safetensors"


def test_after_a_flow_dvc_finds_everything_current_and_a_second_flow_is_all_cached(house: Project) -> None:
    assert house.status() == {}
    assert house.run("alpha") == dict.fromkeys(STAGES, "Cached")


def test_after_dvc_repro_a_flow_is_all_cached_and_both_engines_made_the_same_data(
    finished: Project, tmp_path: Path, prefect_server: str
) -> None:
    outside = tmp_path / "raw"  # DVC treats a raw folder outside the project differently
    shutil.copytree(REPO / "data/1_raw/pbcseq", outside)
    plant_sentinel(outside / "pbcseq.csv")
    cohort = {**QUICK, "ingestion": {**QUICK["ingestion"], "raw": str(outside)}}
    other = make_project(tmp_path / "other", {"alpha": cohort}, PREFECT_API_URL=f"{prefect_server}/api")
    other.call("dvc", "repro", "-q")
    assert other.run("alpha") == dict.fromkeys(STAGES, "Cached")
    assert other.status() == {}
    for file in (
        "data/2_ingested/alpha/events.parquet",
        "data/3_normalised/alpha/normalised.safetensors",
        "data/4_condensed/alpha/condensed.safetensors",
    ):
        assert (other.root / file).read_bytes() == (finished.root / file).read_bytes(), file


@pytest.mark.slow
def test_changing_one_cohorts_condensation_reruns_only_that_cohort_from_there_on(house: Project) -> None:
    add_cohort(house.root, "beta", QUICK)
    house.run("beta")
    states = house.run("alpha", "--set", "condensation.records_per_class=4")
    assert states == {stage: "Cached" if stage in STAGES[:3] else "Completed" for stage in STAGES}
    assert house.run("beta") == dict.fromkeys(STAGES, "Cached")


@pytest.mark.slow
def test_editing_a_stages_code_reruns_it_and_what_depends_on_its_new_output(house: Project) -> None:
    add_cohort(house.root, "beta", QUICK)
    house.run("beta")
    with (house.root / "tasks/condensation.py").open("a") as code:
        code.write("# a comment\n")
    assert house.run("alpha") == dict.fromkeys(STAGES, "Cached")
    with (house.root / "tasks/condensation.py").open("a") as code:
        code.write("EDITED = True\n")
    refused = house.call("tasks", "condensation", "alpha", check=False)
    assert refused.returncode == 1
    assert "software.yaml" in refused.stderr
    states = house.run("alpha")
    assert states["condensation"] == "Completed"
    assert states["training"] == "Cached", "the condensed records came out the same, so nothing to train again"
    assert house.run("beta")["condensation"] == "Completed"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["flow", "dvc"])
def test_a_stage_that_fails_half_way_leaves_the_last_good_outputs_and_a_rerun_recovers(
    house: Project, engine: str
) -> None:
    good = condensed(house).read_bytes()
    save = 'result.condensed.save(context.out / "condensed.safetensors")'
    house.edit("tasks/condensation.py", save, f"{save}; raise RuntimeError('patient 4711')")
    arguments = ["recondense.cli", "run", "alpha"] if engine == "flow" else ["dvc", "repro", "condensation@alpha"]
    failed = house.call(*arguments, check=False)
    assert failed.returncode != 0
    assert "condensation@alpha: RuntimeError" in failed.stderr
    assert "4711" not in failed.stderr + failed.stdout, "the text of a foreign exception may quote a record"
    assert condensed(house).read_bytes() == good
    assert not list(condensed(house).parent.parent.glob(".*partial*"))
    house.edit("tasks/condensation.py", f"{save}; raise RuntimeError('patient 4711')", save)
    house.run("alpha")
    assert house.status() == {}


@pytest.mark.slow
def test_kill_9_during_condensation_leaves_the_last_good_state_no_orphan_and_a_rerun_completes(
    house: Project,
) -> None:
    good = condensed(house).read_bytes()
    params = (house.root / "params.yaml").read_text()
    slow = [f"--set=condensation.{key}={value}" for key, value in SLOW_CONDENSATION.items()]
    flow = subprocess.Popen(
        house.command("recondense.cli", "run", "alpha", *slow),
        cwd=house.root,
        env=house.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _until(lambda: bool(_stage_processes(house)) and any(condensed(house).parent.parent.glob(".alpha.partial-*")))
    os.kill(flow.pid, signal.SIGKILL)
    flow.wait()
    _until(lambda: not _stage_processes(house))
    assert condensed(house).read_bytes() == good
    (house.root / "params.yaml").write_text(params)
    house.run("alpha", "--set", "condensation.seed=1")
    assert house.status() == {}
    assert not list(condensed(house).parent.parent.glob(".*partial*")), "the rerun sweeps up what the killed one left"


@pytest.mark.slow
def test_two_flows_at_once_on_one_cohort_do_each_stage_once_and_corrupt_nothing(house: Project) -> None:
    house.edit("params.yaml", "records_per_class: 5", "records_per_class: 3")
    both = [
        subprocess.Popen(
            house.command("recondense.cli", "run", "alpha", "--json"),
            cwd=house.root,
            env=house.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    ends = [flow.communicate(timeout=300) for flow in both]
    assert [flow.returncode for flow in both] == [0, 0], ends
    assert sorted(out.count('"Completed"') for out, _ in ends) == [0, 5]
    assert house.status() == {}
    house.call("recondense.cli", "verify", "data/7_released/alpha/candidate")


def test_a_cohort_without_raw_records_says_what_to_put_where_and_leaves_the_others_alone(
    house: Project,
) -> None:
    with (house.root / "params.yaml").open("a") as params:
        params.write(
            "  absent:\n    ingestion: {dataset: physionet2012, raw: data/1_raw/absent, split: {kind: paper}}\n"
            "    normalisation: {step_hours: 1, n_steps: 48}\n"
            + "".join(f"    {stage}: {{}}\n" for stage in STAGES[2:])
        )
    failed = house.call("recondense.cli", "run", "absent", check=False)
    assert failed.returncode == 1
    for word in ("set-a", "Outcomes-a.txt", "physionet.org", "data/1_raw/absent"):
        assert word in failed.stderr
    assert "Traceback" not in failed.stderr
    assert house.run("alpha") == dict.fromkeys(STAGES, "Cached")
    assert house.status(*(f"{stage}@alpha" for stage in STAGES)) == {}
    assert "absent" in str(house.status())


def test_mlflow_has_one_run_a_flow_with_a_nested_run_a_stage_and_the_bundle_names_it(house: Project) -> None:
    with sqlite3.connect(house.root / "mlflow.db") as database:
        parents = database.execute(
            "select run_uuid from runs where name = 'recondense alpha' order by start_time"
        ).fetchall()
        nested = database.execute(
            "select r.name, r.status from runs r join tags t on t.run_uuid = r.run_uuid "
            "where t.key = 'mlflow.parentRunId' and t.value = ?",
            parents[0],
        ).fetchall()
        auc = database.execute(
            "select value from metrics where run_uuid = ? and key = 'training.test_auc.condensed.mean'",
            parents[0],
        ).fetchone()
    assert sorted(nested) == sorted((stage, "FINISHED") for stage in STAGES)
    assert 0 <= auc[0] <= 1


def _stage_processes(project: Project) -> list[psutil.Process]:
    """The processes that are running one of the project's stages."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(project.root) and "tasks" in process.cmdline()[1:3]:
                found.append(process)
    return found


def _until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.2)
