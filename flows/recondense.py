"""The flow: raw records to a release candidate for one cohort, every stage a cached Prefect task.

DVC decides whether a stage is current. Where it is, the Prefect task ends as ``Cached`` under a key derived from the
stage's dvc.lock entry, whichever engine did the work; where it is not, the task runs it. Task results are small JSON
manifests, never data.
"""

from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.results import get_result_store
from prefect.runtime import flow_run

from flows.shadows import compute_ahead, on_this_machine
from recondense.bundle.refused import kept
from recondense.cli.console import refused as show_refused
from recondense.cohorts.notices import of_cohort, say_notices
from recondense.condensation.params import Params as Condensation
from recondense.engines import artifacts
from recondense.engines.dvc import Pipeline, one_at_a_time
from recondense.engines.mlflow import Tracker
from recondense.engines.process import StageRefused
from recondense.engines.recorder import Recorder, check_override, open_ledger
from recondense.engines.retries import worth_another_try
from recondense.probes.state import check_state
from recondense.project.follow import follow
from recondense.project.sections import check_cohort
from recondense.records.attrition import NOTICES
from recondense.stages.layout import Layout
from recondense.stages.params import section
from recondense.terminal import say_stage

RETRY_SECONDS = [10.0, 60.0]


@task(
    persist_result=True,
    result_serializer="json",
    retries=len(RETRY_SECONDS),
    retry_delay_seconds=RETRY_SECONDS,
    retry_condition_fn=worth_another_try,
)
def run_stage(stage: str, root: str, environment: dict[str, str]) -> dict[str, Any]:
    """Run one stage and commit it. The result says which stage and how long, nothing else."""
    name, cohort = stage.split("@")
    seconds = Pipeline(Path(root), cohort).run(stage, environment)
    return {"stage": name, "cohort": cohort, "seconds": round(seconds, 3)}


@flow(name="recondense", flow_run_name="recondense-{cohort}", persist_result=False, task_runner=on_this_machine())
def recondense(
    cohort: str, root: str, environment: dict[str, str] | None = None, again: bool = False
) -> dict[str, Any]:
    """Raw records to release candidate. Returns each stage's final Prefect state and the MLflow run's id.

    ``environment``: of the processes that condense shadows, where the flow is given another task runner for these.
    ``again``: run a stage though it is current where no flow of the ledger ran it, so that it may be released.

    One run per cohort at a time: a second waits for the first and then finds its work done. Raises `InputError` before
    any work where the params are wrong or this user may not write into the cohort's ledger, `StageFailed` where a stage
    stops.
    """
    layout = Layout(Path(root), cohort)
    check_state(layout.root)
    follow(layout.root)
    check_cohort(layout.root, cohort)
    check_override(layout)
    ledger = open_ledger(layout)
    with one_at_a_time(layout):
        pipeline = Pipeline(layout.root, cohort)
        tags = {"cohort": cohort, "method": section(layout.root, cohort, "condensation", Condensation).method}
        with Tracker(layout.root, f"recondense {cohort}", tags).recording() as tracker:
            recorder = Recorder(pipeline, ledger, {"mlflow_run": tracker.run_id, "prefect_flow_run": flow_run.id})
            states: dict[str, str] = {}
            for stage in pipeline.stages:
                name = stage.split("@")[0]
                if name == "shadows" and pipeline.key(stage) is None:
                    compute_ahead(pipeline, environment)
                try:
                    unrecorded = again and not recorder.ran(stage)
                    states[name], seconds = stage_state(pipeline, stage, tracker.run_id, unrecorded)
                except StageRefused as refusal:
                    recorder.refused(stage, refusal)
                    tracker.refused(refusal.reasons)
                    if figures := kept(layout):
                        show_refused(layout, figures)
                    artifacts.of_refusal(cohort, figures, refusal.reasons)
                    raise
                if name == "ingestion":
                    say_notices(of_cohort(layout), f"{layout.folder(name).relative_to(layout.root)}/{NOTICES}")
                read = recorder.stage(stage, seconds)
                tracker.stage(layout, name, states[name], read)
                artifacts.of_stage(layout, name)
            artifacts.of_run(layout, states, tracker.experiment, tracker.run_id)
    return {"states": states, "mlflow_run": tracker.run_id}


def stage_state(
    pipeline: Pipeline, stage: str, mlflow_run: str | None, again: bool = False
) -> tuple[str, float | None]:
    """Run one stage through Prefect, or skip it where it is current and not to be run ``again``.

    Returns the name of the task run's state, and seconds where it ran.
    """
    key = None if again else pipeline.key(stage)
    name, cohort = stage.split("@")
    this = run_stage.with_options(task_run_name=stage, cache_key_fn=lambda *_: key)
    if key is None:
        say_stage(name, "Running")
    else:
        store: Any = get_result_store().update_for_task(this)
        if not store.exists(key):  # the work was done by `dvc repro`, or before Prefect's storage was cleared
            store.write(obj={"stage": name, "cohort": cohort, "seconds": 0.0}, key=key)
    environment = {"RECONDENSE_MLFLOW_RUN": mlflow_run} if mlflow_run else {}
    state = this(stage, str(pipeline.root), environment, return_state=True)
    manifest = state.result()  # raises what the stage raised
    seconds = None if key else float(manifest["seconds"])
    say_stage(name, str(state.name), seconds)
    return str(state.name), seconds
