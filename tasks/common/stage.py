"""What makes a function a stage: checked params, whole outputs or none, metrics, and inputs that stood still."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from tasks.common.errors import InputError
from tasks.common.layout import Layout
from tasks.common.params import section
from tasks.common.records import write_json
from tasks.common.tiers import Tier

P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True)
class Context(Generic[P]):
    """What a stage function is given.

    ``params``: the stage's section of params.yaml. ``out``: an empty folder for the stage's files.
    `read` names the folder of an earlier stage.
    """

    layout: Layout
    params: P
    out: Path

    def read(self, stage: str) -> Path:
        """The folder that an earlier ``stage`` wrote for this cohort."""
        return self.layout.folder(stage)


@dataclass(frozen=True)
class Stage(Generic[P]):
    """A stage function with its params model and the sensitivity of what it writes. Call it with a `Layout`."""

    function: Callable[[Context[P]], dict[str, Any]]
    params: type[P]
    tier: Tier

    @property
    def name(self) -> str:
        """The stage's name, in dvc.yaml, in params.yaml and on the command line."""
        return self.function.__name__

    def __call__(self, layout: Layout) -> dict[str, Any]:
        """Run the stage for one cohort: its files and ``metrics.json`` (with ``seconds`` and ``tier``) appear together,
        after the function has returned and its params were found unchanged. Returns the metrics. Raises `InputError`."""
        params = section(layout.root, layout.cohort, self.name, self.params)
        started = time.perf_counter()
        with whole_or_nothing(layout.folder(self.name)) as out:
            metrics = self.function(Context(layout, params, out))
            metrics = {"tier": str(self.tier), "seconds": round(time.perf_counter() - started, 3), **metrics}
            write_json(out / "metrics.json", metrics)
            if section(layout.root, layout.cohort, self.name, self.params) != params:
                raise InputError(f"params.yaml changed while {self.name} ran: its result is discarded; run it again")
        return metrics


def stage(params: type[P], tier: Tier) -> Callable[[Callable[[Context[P]], dict[str, Any]]], Stage[P]]:
    """Decorator: make a function from `Context` to metrics (JSON scalars, nested as needed) a `Stage`."""
    return lambda function: Stage(function, params, tier)


@contextmanager
def whole_or_nothing(folder: Path) -> Iterator[Path]:
    """A scratch folder whose files replace those of ``folder`` on success; on any failure ``folder`` is as it was.

    Files are renamed into place one by one, ``metrics.json`` last. Files of an earlier run that the new one did not
    write are removed. A scratch folder left by a killed run is swept up by the next.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for stale in folder.parent.glob(f".{folder.name}.partial-*"):
        shutil.rmtree(stale)
    scratch = folder.parent / f".{folder.name}.partial-{os.getpid()}"
    scratch.mkdir()
    try:
        yield scratch
        folder.mkdir(exist_ok=True)
        written = sorted((path.name for path in scratch.iterdir()), key=lambda name: (name == "metrics.json", name))
        for name in written:
            os.replace(scratch / name, folder / name)
        for leftover in set(os.listdir(folder)) - set(written) - {"candidate", ".gitignore"}:
            (folder / leftover).unlink()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
