"""Where a sweep's cells, or shadows, are computed: threads of this process, or Dask workers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from tasks.common.errors import InputError
from tasks.common.progress import working

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_each(count: int) -> dict[str, str]:
    """The environment of one of ``count`` processes: as many threads as the machine has cores, whatever their number.

    The user's own limit wins.
    """
    return {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, cores() // count)))}


@contextmanager
def runner(dask: str | None, workers: int | None) -> Iterator[tuple[TaskRunner[Any], dict[str, str]]]:
    """A task runner, and the environment of the stages that its tasks run.

    ``dask``: None for threads, "local" for a cluster of processes on this machine, or the address of a scheduler whose
    workers share this project's folder. ``workers``: cells at a time, by default one a core. Raises `InputError`.
    """
    if dask is None or dask == "local":
        count = workers or cores()
        environment = threads_each(count)
    else:
        if workers:
            raise InputError("--workers has no say over the workers of an existing scheduler: leave it out")
        environment = {}
    if dask is None:
        if not PREFECT_API_URL.value():
            _temporary_server()
        yield ThreadPoolTaskRunner(max_workers=count), environment
        return
    with _reachable_api(dask):
        from prefect_dask.task_runners import DaskTaskRunner

        if dask != "local":
            yield DaskTaskRunner(address=dask), environment
            return
        # Whoever reaches a scheduler runs code as its owner: loopback, encrypted, keys known to this process only
        guarded = {"host": "127.0.0.1", "dashboard_address": None, "security": True}
        yield DaskTaskRunner(cluster_kwargs={"n_workers": count, "threads_per_worker": 1, **guarded}), environment


@contextmanager
def _reachable_api(dask: str) -> Iterator[None]:
    """A Prefect API that Dask workers reach: the one that is set, else a temporary one on loopback."""
    if PREFECT_API_URL.value():
        yield
        return
    host = urlsplit(dask if "://" in dask else f"tcp://{dask}").hostname
    if dask != "local" and host not in LOOPBACK:
        raise InputError(
            f"workers at {dask} cannot reach a temporary Prefect server on this machine's loopback: start one that "
            "they reach (`prefect server start --host ...`) and name it with --server"
        )
    # Not knowing of it, each worker would start one of its own, and a worker that is killed would leave it behind
    with temporary_settings({PREFECT_API_URL: _temporary_server()}):
        yield


def _temporary_server() -> str:
    """The API of the server that Prefect has for flows without one, started where it does not run yet.

    Prefect would do so at the first flow, while nobody sees what takes so long; it stops the server at exit, after the
    last log.
    """
    from prefect.server.api.server import SubprocessASGIServer

    server = SubprocessASGIServer()
    with working("Prefect's temporary server starts"):
        server.start()
    return server.api_url
