"""Where a sweep's cells, or shadows, are computed: threads of this process, or Dask workers."""

import os
from typing import Any

from joblib import cpu_count
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from recondense.errors import InputError, needing_extras


def threads_each(count: int) -> dict[str, str]:
    """The environment of one of ``count`` processes: together as many threads as cores may be used.

    The user's own limit wins.
    """
    return {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, cpu_count() // count)))}


def runner(dask: str | None, workers: int | None) -> tuple[TaskRunner[Any], dict[str, str]]:
    """A task runner, and the environment of the stages that its tasks run.

    ``dask``: None for threads, "local" for a cluster of processes on this machine, or the address of a scheduler whose
    workers share this project's folder. ``workers``: cells at a time, by default one a core. Raises `InputError`.
    """
    if dask is None or dask == "local":
        count = workers or cpu_count()
        environment = threads_each(count)
    else:
        if workers:
            raise InputError("--workers has no say over the workers of an existing scheduler: leave it out")
        environment = {}
    if dask is None:
        return ThreadPoolTaskRunner(max_workers=count), environment
    with needing_extras():
        from prefect_dask.task_runners import DaskTaskRunner

    if dask != "local":
        return DaskTaskRunner(address=dask), environment
    # Whoever reaches a scheduler runs code as its owner: loopback, encrypted, keys known to this process only
    guarded = {"host": "127.0.0.1", "dashboard_address": None, "security": True}
    return DaskTaskRunner(cluster_kwargs={"n_workers": count, "threads_per_worker": 1, **guarded}), environment
