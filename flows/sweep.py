"""The flow of a sweep: cohorts x methods x sizes x seeds, every cell a cached Prefect task on threads or on Dask.

DVC decides that what comes before condensation is current, and its hashes of code and data are in each cell's cache
key. So a cell that any runner has computed is `Cached` for every other. Task results are scores, never data.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import flow, task, unmapped
from prefect.context import TaskRunContext
from prefect.futures import PrefectFuture, as_completed

from flows.recondense import stage_state
from recondense.charts.picture import save
from recondense.cli.console import say_cell
from recondense.engines import artifacts
from recondense.engines.dvc import Pipeline, one_at_a_time
from recondense.engines.mlflow import Tracker
from recondense.engines.process import StageFailed
from recondense.engines.retries import worth_another_try
from recondense.engines.snapshot import freeze, run, workspace
from recondense.progress import track
from recondense.project.follow import follow
from recondense.project.sections import check_cohort
from recondense.stages import software
from recondense.stages.layout import Layout
from recondense.sweeps.cells import STAGES, Cell, plan
from recondense.sweeps.figures import sweep_figure
from recondense.sweeps.outcomes import CellOutcome, grouped
from recondense.terminal import say


def _key(_: TaskRunContext, parameters: dict[str, Any]) -> str:
    key: str = parameters["key"]
    return key


@task(
    persist_result=True,
    result_serializer="json",
    cache_key_fn=_key,
    task_run_name="{one}",
    retries=2,
    retry_condition_fn=worth_another_try,
)
def cell(one: Cell, key: str, frozen: str, environment: dict[str, str]) -> dict[str, Any]:
    """Run one cell. Where a Dask worker dies, Dask gives its cells to others; the rest is in Prefect's storage."""
    return run(one, Path(frozen), environment)


@flow(name="sweep", flow_run_name="sweep-{cohorts}", persist_result=False)
def sweep(
    root: str,
    cohorts: Sequence[str],
    methods: Sequence[str],
    sizes: Sequence[int] | None,
    seeds: int,
    environment: dict[str, str],
) -> dict[str, Any]:
    """Run every cell whose result is not in Prefect's storage, with ``environment`` beside the runner's own.

    Returns the MLflow run's id, the figure's path and the outcomes in the order of the plan. A cell that fails is an
    outcome like others. Raises `InputError` before any work where the params are wrong.
    """
    folder = Path(root)
    for cohort in cohorts:
        check_cohort(folder, cohort)
    follow(folder)
    code = software.named(folder)
    cells = plan(folder, cohorts, methods, sizes, seeds)
    name = f"sweep {' '.join(cohorts)}"
    tracker = Tracker(folder, name, {"cohorts": " ".join(cohorts)})
    outcomes: list[CellOutcome] = []
    read: dict[str, dict[str, str]] = {}  # by cohort: DVC's hashes of what its cells need
    with tracker.recording(), workspace(folder) as bench:
        futures: dict[PrefectFuture[Any], Cell] = {}
        for cohort in cohorts:
            mine = [one for one in cells if one.cohort == cohort]
            try:
                frozen, read[cohort] = _prepare(Layout(folder, cohort), bench, tracker.run_id)
            except StageFailed as error:
                outcomes += [CellOutcome(one, "Failed", reason=str(error)) for one in mine]
                continue
            keys = [one.key(read[cohort], code) for one in mine]
            submitted = cell.map(mine, keys, unmapped(str(frozen)), unmapped(environment))
            futures.update(zip(submitted, mine, strict=True))
        course = artifacts.Course(name, len(cells))
        for done, outcome in enumerate(outcomes, start=1):
            tracker.cell(outcome, {})
            say_cell(outcome, done, len(cells))
        for future in track(as_completed(list(futures)), "cells", len(futures)):
            outcomes.append(_outcome(futures[future], future))
            tracker.cell(outcomes[-1], read[outcomes[-1].cell.cohort])
            say_cell(outcomes[-1], len(outcomes), len(cells))
            course.at(len(outcomes))
        outcomes.sort(key=lambda outcome: cells.index(outcome.cell))
        figure = sweep_figure(grouped(outcomes))
        tracker.sweep(grouped(outcomes), figure)
        artifacts.of_sweep(name, grouped(outcomes), outcomes)
        artifacts.link_to_mlflow(name, tracker.experiment, tracker.run_id)
    picture = folder / ".recondense" / "sweeps" / f"{datetime.now():%Y-%m-%dT%H-%M-%S}.png"
    save(figure, picture)
    return {"outcomes": outcomes, "figure": str(picture.relative_to(folder)), "mlflow_run": tracker.run_id}


def _prepare(layout: Layout, bench: Path, mlflow_run: str | None) -> tuple[Path, dict[str, str]]:
    """Bring what the cells need up to date, and keep it. Returns where they run, and the hashes of what they need."""
    say(f"{layout.cohort}: what its cells need")
    with one_at_a_time(layout):
        pipeline = Pipeline(layout.root, layout.cohort)
        for stage in pipeline.before(*STAGES):
            stage_state(pipeline, stage, mlflow_run)
        inputs = pipeline.inputs(*STAGES)
        frozen = freeze(layout.root, layout.cohort, inputs, bench)
        if pipeline.inputs(*STAGES) != inputs:
            raise StageFailed(f"{layout.cohort}: code or data changed while the sweep began; start it again")
    return frozen, inputs


def _outcome(one: Cell, future: PrefectFuture[Any]) -> CellOutcome:
    try:
        scores = future.result()
    except StageFailed as error:
        return CellOutcome(one, "Failed", reason=str(error))
    except Exception as error:  # a fault of the runner, say a worker that died again and again: the others go on
        return CellOutcome(one, "Crashed", reason=f"{type(error).__name__}: {error}")
    return CellOutcome(one, str(future.state.name), scores)
