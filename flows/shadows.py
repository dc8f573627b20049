"""A cohort's shadows as tasks of their own, on threads or on Dask, before the stage gathers them.

Each task leaves its shadow where the stage looks for it, so whoever computed it, and however often a run was killed,
none is computed twice. What the stage does not find it computes itself, as under `dvc repro`.
"""

from pathlib import Path
from typing import Any

from joblib import cpu_count
from prefect import task, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture, as_completed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from recondense.engines.dvc import Pipeline
from recondense.engines.process import end_children, execute
from recondense.engines.retries import worth_another_try
from recondense.engines.runners import threads_each
from recondense.privacy.shadows.work import Work
from recondense.progress import track
from recondense.stages.layout import Layout
from recondense.terminal import say


def on_this_machine() -> TaskRunner[Any]:
    """A shadow a core: two cores for one would have to start workers first, which a short shadow does not repay."""
    return ThreadPoolTaskRunner(max_workers=cpu_count())


@task(
    persist_result=True,
    result_serializer="json",
    cache_policy=NO_CACHE,
    task_run_name="shadow {index} of {cohort}",
    retries=2,
    retry_condition_fn=worth_another_try,
)
def shadow(cohort: str, index: int, root: str, environment: dict[str, str]) -> dict[str, Any]:
    """Compute one shadow, unless it is there. The result says which, and nothing of anybody in it."""
    execute(f"python -m tasks shadows {cohort} {index}", Path(root), environment, quiet=True)
    return {"cohort": cohort, "shadow": index}


def compute_ahead(pipeline: Pipeline, environment: dict[str, str] | None) -> None:
    """Map the shadows that are missing, and wait for them. ``environment``: of their processes, None on this machine.

    Raises `StageFailed` where one stops, once all have ended; those that came through are kept.
    """
    missing = Work.now(Layout(pipeline.root, pipeline.cohort)).missing()
    if not missing:
        return
    say(f"  {len(missing)} shadows to condense")
    if environment is None:
        environment = threads_each(cpu_count())
    try:
        futures: list[PrefectFuture[Any]] = shadow.map(
            unmapped(pipeline.cohort), missing, unmapped(str(pipeline.root)), unmapped(environment)
        )
        for future in track(as_completed(futures), "shadows", len(futures)):
            future.wait()
        for future in futures:
            future.result()
    finally:
        end_children()
