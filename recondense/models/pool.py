"""Spread independent trainings over the machine's cores."""

import ctypes
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import torch

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h

Job = TypeVar("Job")
Result = TypeVar("Result")


def spread(function: Callable[[Job], Result], jobs: Sequence[Job], device: torch.device) -> Iterator[Result]:
    """Results of ``function`` on each of ``jobs``, in their order; both must be picklable.

    On a CPU, as many workers as torch would use threads (``OMP_NUM_THREADS`` limits both) run one thread each: records
    this small do not fill a second thread, and results do not depend on the number of cores. On a GPU, one by one.
    """
    workers = min(torch.get_num_threads(), len(jobs)) if device.type == "cpu" else 1
    if workers <= 1:
        with _one_thread():
            yield from map(function, jobs)
        return
    try:
        yield from _pool(torch.get_num_threads()).map(function, jobs)
    except BrokenProcessPool:
        _pool.cache_clear()  # a worker was killed, and its pool takes no more work
        raise


@cache
def _pool(workers: int) -> ProcessPoolExecutor:
    """Workers that stay until this process ends: to start one is to import torch, which takes seconds."""
    # A forked copy of torch's thread pool can hang
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare)


@contextmanager
def worker_pool(
    tool: Callable[..., Callable[[Job], Result]], arguments: tuple[Any, ...], size: int, device: torch.device
) -> Iterator[Callable[[Sequence[Job]], Iterator[Result]]]:
    """Workers that stay, for many small rounds of jobs: each makes its own ``tool(*arguments)`` once, then calls it.

    Yields what hands out a round and gives its results in the jobs' order, each when it is asked for: the next round
    may be handed out before. At most ``size`` workers, each of one thread as in `spread`; on a GPU, and where only one
    core may be used, this process is the worker.
    """
    workers = min(torch.get_num_threads(), size) if device.type == "cpu" else 1
    if workers <= 1:
        with _one_thread():
            own = tool(*arguments)
            yield lambda jobs: map(own, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_hold, initargs=(tool, arguments)) as pool:
        try:
            yield lambda jobs: pool.map(_use, jobs)
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums come out as they do in a worker: two threads round otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


_tool: Callable[[Any], Any] | None = None


def _hold(tool: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
    global _tool
    _prepare()
    _tool = tool(*arguments)


def _use(job: Any) -> Any:
    assert _tool is not None, "a worker's initializer has not run"
    return _tool(job)


def _prepare() -> None:
    torch.set_num_threads(1)
    _keep_memory()
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _keep_memory() -> None:
    """Have glibc keep what is freed: by default each large tensor is mapped anew, and its pages are zeroed again.

    Attention over 500 records takes half the time. Other C libraries go without.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(M_MMAP_MAX, 0)
        library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def _leave_with_parent() -> None:
    """End this worker when its parent is gone, even by SIGKILL; else it would wait for its next job for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(75)
