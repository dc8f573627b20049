"""How long reading the open cohorts takes, raw files to events: three times in this process, each in a new project.

    python -m benchmarks.ingestion

"first": all but one of a cohort's files of records, with nothing kept from before. "one new": again, once that one has
arrived; of cohorts whose records are in one file, or in the archives that their provider publishes, again as they were.
Seconds by the clock, and in brackets those of the processor, which other work on the machine does not lengthen.
"""

import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ruamel.yaml import YAML

from benchmarks.harness import header, project
from recondense.files.strict_json import read_json
from recondense.stages.layout import Layout
from recondense.stages.params import block
from recondense.stages.renamed import VERSION
from tasks.ingestion import ingestion


def as_published(source: Path, raw: Path) -> list[Path]:
    """The cohort's files under ``raw``. Returns those of records that may arrive one by one: none."""
    for path in source.rglob("*"):
        if path.is_file():
            (raw / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            (raw / path.relative_to(source)).symlink_to(path)
    return []


def recordings(source: Path, raw: Path) -> list[Path]:
    """The same, and each recording may arrive by itself."""
    as_published(source, raw)
    return sorted(raw.rglob("*.wav"))


def extracted(source: Path, raw: Path) -> list[Path]:
    """The same with archives unpacked; each record file may arrive by itself."""
    as_published(source, raw)
    for path in sorted(raw.glob("*.tar.gz")):
        with tarfile.open(path) as archive:
            archive.extractall(raw, filter="data")
        path.unlink()
    return sorted(raw.glob("set-*/*.txt"))


COHORTS: tuple[tuple[str, str, Callable[[Path, Path], list[Path]]], ...] = (
    ("pbcseq", "pbcseq", as_published),
    ("physionet2012", "physionet2012", as_published),
    ("physionet2012", "physionet2012", extracted),
    ("mimic3_demo", "mimic3-demo", as_published),
    ("coswara_open", "coswara", recordings),
)
RUNS = 3


def main() -> None:
    """Print seconds and what was kept."""
    for name, value in header().items():
        print(f"{name}: {value}")
    for cohort, folder, files in COHORTS:
        timed = [once(cohort, folder, files) for _ in range(RUNS)]
        first, again = (", ".join(str(run[place]) for run in timed) for place in (0, 1))
        subjects, arrived = timed[0][2:]
        what = "one new" if arrived else "again"
        print(f"{cohort}, {files.__name__}: first {first} s; {what} {again} s; {subjects} subjects", flush=True)


def once(cohort: str, folder: str, files: Callable[[Path, Path], list[Path]]) -> tuple[str, str, int, bool]:
    """Seconds of the first run and of the next, subjects, and whether a file has arrived between the two."""
    with tempfile.TemporaryDirectory() as scratch:
        layout = project(cohort, Path(scratch), folder)
        raw = layout.root / "raw"
        params = block(layout.root, cohort)
        arriving = files(Path(params["ingestion"]["raw"]), raw)[-1:]
        params["ingestion"]["raw"] = "raw"
        YAML(typ="safe").dump({"version": VERSION, "cohorts": {cohort: params}}, layout.root / "params.yaml")
        for path in arriving:
            path.rename(layout.root / path.name)
        first = timed_run(layout)
        for path in arriving:
            (layout.root / path.name).rename(path)
        again = timed_run(layout)
        kept = read_json(layout.folder("ingestion") / "metrics.json")["subjects"]
        return first, again, sum(kept.values()), bool(arriving)


def timed_run(layout: Layout) -> str:
    """Seconds of one run of the stage."""
    started, used = time.perf_counter(), time.process_time()
    ingestion(layout)
    return f"{time.perf_counter() - started:.1f} ({time.process_time() - used:.1f})"


if __name__ == "__main__":
    main()
