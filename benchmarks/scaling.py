"""What a step of unrolled condensation costs at 5,000 patients and at a hundred times as many: time and memory.

    python -m benchmarks.scaling

The train split of PhysioNet-2012 is replicated with a little noise. Each size runs in a process of its own. Steps are
timed without the teacher, twice, few and more: the difference is what steps cost. The rest of a whole condensation is
set-up. Writes ``docs/results/scaling.json``.
"""

import argparse
import json
import multiprocessing
import resource
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import psutil
import torch

from benchmarks.harness import OUT, header, tensor
from recondense.condensation.methods import Request, unrolled
from recondense.files.strict_json import write_json
from recondense.models.fit import choose_device
from recondense.records.cohort import Normalised

SIZES = (5_000, 500_000)
FEW, MORE = 20, 170


def main() -> None:
    """Measure both sizes, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    about, train = header(), tensor("physionet2012").part("train").labelled()
    rows = []
    for size in SIZES:
        # Not a Pool: its workers may have none of their own
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            rows.append(pool.submit(measure, train, size).result())
        print(json.dumps(rows[-1]), flush=True)
    ratio = rows[1]["seconds_a_step"] / rows[0]["seconds_a_step"]
    print(f"a step at {SIZES[1]:,} patients takes {ratio:.2f} times as long as at {SIZES[0]:,}")
    write_json(OUT / "scaling.json", {"measured": about, "rows": rows, "ratio": round(ratio, 3)})


def measure(train: Normalised, size: int) -> dict[str, Any]:
    """Seconds of set-up and of a step, and memory (GB): of the patients themselves, and above that."""
    cohort, options = replicated(train, size), unrolled.Options()
    held = gigabytes()

    def request(steps: int) -> Request:
        return Request(10, steps, 0, choose_device("auto"))

    with watched_workers() as workers:
        started = time.perf_counter()
        unrolled.condense(cohort, request(FEW), options)
        whole = time.perf_counter() - started
        resident, seconds = unrolled.resident(cohort, options.resident_records, 0), {}
        for steps in (FEW, MORE):
            started = time.perf_counter()
            unrolled.learn(resident, resident.labels, request(steps), options)
            seconds[steps] = time.perf_counter() - started
    each = (seconds[MORE] - seconds[FEW]) / (MORE - FEW)
    return {
        "patients": size,
        "seconds_a_step": round(each, 4),
        "seconds_set_up": round(whole - FEW * each, 1),
        "gigabytes_of_patients": round(cohort.values.nbytes / 1e9, 2),
        "gigabytes_more": round(gigabytes() - held, 2),
        "gigabytes_a_worker": round(max(workers, default=0) / 1e9, 2),
        "threads": torch.get_num_threads(),
    }


def replicated(train: Normalised, size: int) -> Normalised:
    """``size`` patients: those of ``train`` again and again, each time with noise of a hundredth of a deviation."""
    rng = np.random.default_rng(0)
    rows = np.resize(np.arange(len(train.labels)), size)
    values = train.values[rows]
    for start in range(0, size, 10_000):
        part = values[start : start + 10_000]
        part += 0.01 * rng.standard_normal(part.shape, dtype=np.float32)
    none_missing = np.ones((size, 1, 1), bool)
    return Normalised(values, none_missing, train.labels[rows], train.split[rows])


def gigabytes() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


@contextmanager
def watched_workers() -> Iterator[list[int]]:
    """The bytes that child processes hold, as seen five times a second.

    Not by `getrusage`: a child's record begins with what its parent held, as does the child until it runs its own code.
    """
    own, seen = psutil.Process().cmdline(), list[int]()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.2):
            for child in psutil.Process().children():
                with suppress(psutil.Error):
                    if child.cmdline() != own:
                        seen.append(child.memory_info().rss)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


if __name__ == "__main__":
    main()
