"""Spread independent trainings over the machine's cores."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import torch

Job = TypeVar("Job")
Result = TypeVar("Result")


def spread(function: Callable[[Job], Result], jobs: Sequence[Job], device: torch.device) -> Iterator[Result]:
    """Results of ``function`` on each of ``jobs``, in their order; both must be picklable.

    On a CPU, as many workers as torch would use threads (``OMP_NUM_THREADS`` limits both) run one thread each: records
    this small do not fill a second thread, and results do not depend on the number of cores. On a GPU, one by one.
    """
    workers = min(torch.get_num_threads(), len(jobs)) if device.type == "cpu" else 1
    if workers <= 1:
        yield from map(function, jobs)
        return
    context = multiprocessing.get_context("spawn")  # a forked copy of torch's thread pool can hang
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare) as pool:
        try:
            yield from pool.map(function, jobs)
        finally:
            pool.shutdown(cancel_futures=True)


def _prepare() -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """End this worker when its parent is gone, even by SIGKILL; else it would wait for its next job for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(75)
