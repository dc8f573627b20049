"""How long reading the open cohorts takes, raw files to events: three runs of each in this process.

python -m benchmarks.ingestion
"""

import tempfile
import time
from pathlib import Path

from benchmarks.harness import header, project
from tasks.common.records import read_json
from tasks.ingestion.stage import ingestion

COHORTS = {
    "pbcseq": "pbcseq",
    "physionet2012": "physionet2012",
    "mimic3_demo": "mimic3-demo",
    "coswara_open": "coswara",
}
RUNS = 3


def main() -> None:
    """Print seconds and what was kept."""
    for name, value in header().items():
        print(f"{name}: {value}")
    for cohort, folder in COHORTS.items():
        seconds = []
        for _ in range(RUNS):
            with tempfile.TemporaryDirectory() as scratch:
                layout = project(cohort, Path(scratch), folder)
                started = time.perf_counter()
                ingestion(layout)
                seconds.append(time.perf_counter() - started)
                kept = read_json(layout.folder("ingestion") / "metrics.json")["subjects"]
        runs = ", ".join(f"{each:.1f}" for each in seconds)
        print(f"{cohort}: {runs} s; {sum(kept.values())} subjects", flush=True)


if __name__ == "__main__":
    main()
