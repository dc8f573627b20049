"""Where the cells of a sweep run: each in a scratch project of its own, which is gone when the cell ends.

A cell runs the pipeline's condensation and training by the pipeline's commands, on code and data as they were when the
sweep began: what is edited or run meanwhile does not get in. Nothing here knows Prefect, DVC or MLflow.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recondense.engines.process import StageFailed, end_children, execute
from recondense.files.lock import turn
from recondense.files.strict_json import write_json
from recondense.models.predictions import SIMPLE_MODELS
from recondense.results.base import Interval, seconds
from recondense.results.scores import Trained
from recondense.results.stages import Condensation
from recondense.stages import software
from recondense.stages.command import SEE_LOG
from recondense.stages.layout import Layout
from recondense.stages.renamed import VERSION
from recondense.sweeps.cells import STAGES, Cell
from recondense.sweeps.outcomes import CellScores


@contextmanager
def workspace(root: Path) -> Iterator[Path]:
    """The folder in which a sweep keeps what it works on, empty at first and gone afterwards: it holds records.

    One sweep at a time; what a killed one left is swept up by the next. At the end no stage is left running.
    """
    folder = root / ".recondense" / "sweep"
    with turn(root, "sweep", "another sweep in this project"):
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            yield folder
        finally:
            end_children()
            shutil.rmtree(folder, ignore_errors=True)


def freeze(root: Path, cohort: str, inputs: dict[str, str], folder: Path) -> Path:
    """Keep the code and ``cohort``'s data as they are now in ``folder``; returns where cells of this cohort run.

    Data is hard-linked: a stage swaps its folder and never writes into an old file, so this takes no space.
    """
    frozen = folder / cohort
    for package in ("tasks", "recondense"):
        if (root / package).is_dir():  # the library only where it is the project's own
            shutil.copytree(root / package, frozen / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(root / software.FILE, frozen)
    for name in inputs:
        if (root / name).is_file():
            (frozen / name).parent.mkdir(parents=True, exist_ok=True)
            _link(root / name, frozen / name)
    (frozen / "cells").mkdir()
    return frozen


def run(cell: Cell, frozen: Path, environment: dict[str, str]) -> CellScores:
    """Condense and train in a scratch project below ``frozen``; returns scores and seconds, never records.

    Raises `StageFailed` with what the stage said.
    """
    with tempfile.TemporaryDirectory(dir=frozen / "cells", ignore_cleanup_errors=True) as scratch:
        layout = Layout(Path(scratch).resolve(), cell.cohort)
        write_json(
            layout.root / "params.yaml", {"version": VERSION, "cohorts": {cell.cohort: cell.sections}}
        )  # JSON is YAML
        shutil.copy2(frozen / software.FILE, layout.root)
        (layout.root / "dvc.yaml").touch()  # so that a stage takes this folder for a project
        (layout.root / "data").mkdir()
        for earlier in (frozen / "data").iterdir():
            (layout.root / "data" / earlier.name).symlink_to(earlier.resolve())
        code = os.pathsep.join(filter(None, [str(frozen), os.environ.get("PYTHONPATH")]))
        for stage in STAGES:
            try:
                command, own = f"python -m tasks {stage} {cell.cohort}", {"PYTHONPATH": code, **environment}
                execute(command, layout.root, own, quiet=True)
            except StageFailed as error:
                told = str(error).partition(SEE_LOG)[0]  # the log is gone with this project
                raise type(error)(told.replace(f"{layout.root}/", "")) from None
        condensed, trained = (layout.folder(stage) / "metrics.json" for stage in STAGES)
        taken = {stage: seconds(layout.folder(stage) / "metrics.json") for stage in STAGES}
        condensation, training = Condensation.load(condensed), Trained.load(trained)
    auc, validation = training.test_auc, training.validation_auc or {}
    # The best that all real records give by validation: networks that learned too long are no yardstick
    best = max(("all_real", *SIMPLE_MODELS), key=lambda name: validation[name])
    compared = {"condensed": "condensed", "all_real": best}
    return CellScores(
        validation_auc={name: validation[of] for name, of in compared.items()},
        test_auc={
            name: Interval(mean=auc[of].mean, low=auc[of].low, high=auc[of].high) for name, of in compared.items()
        },
        by_network={name: found.mean for name, found in auc["condensed"].by_network.items()},
        epsilon=condensation.guarantee.epsilon if condensation.guarantee else None,
        records=condensation.records,
        seconds=taken,
    )


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system
        shutil.copy2(source, target)
