"""What makes a function a stage: checked params, whole outputs or none, metrics, and inputs that stood still."""

import ctypes
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from recondense import log
from recondense.errors import InputError
from recondense.files.strict_json import read_json, write_json
from recondense.progress import working
from recondense.stages.layout import Layout
from recondense.stages.params import section
from recondense.stages.tiers import Tier

P = TypeVar("P", bound=BaseModel)

AT_FDCWD = -100  # linux/fcntl.h
RENAME_EXCHANGE = 2  # linux/fs.h


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
        folder = self.layout.folder(stage)
        log.folder("reads", folder)
        return folder


@dataclass(frozen=True)
class Stage(Generic[P]):
    """A stage function with its params model and the sensitivity of what it writes. Call it with a `Layout`."""

    function: Callable[[Context[P]], BaseModel]
    params: type[P]
    tier: Tier

    @property
    def name(self) -> str:
        """The stage's name, in dvc.yaml, in params.yaml and on the command line."""
        return self.function.__name__

    def __call__(self, layout: Layout) -> dict[str, Any]:
        """Run the stage for one cohort, and return what its ``metrics.json`` holds.

        Its files and ``metrics.json`` (with ``seconds`` and ``tier``) appear together, once the function has returned
        and the params were found unchanged. Raises `InputError`.
        """
        params = section(layout.root, layout.cohort, self.name, self.params)
        log.params(self.name, params.model_dump_json())
        started = time.perf_counter()
        with whole_or_nothing(layout.folder(self.name)) as out, working(self.name, self._last(layout)):
            found = self.function(Context(layout, params, out)).model_dump(mode="json", by_alias=True)
            metrics = {"tier": str(self.tier), "seconds": round(time.perf_counter() - started, 3), **found}
            if not (out / "metrics.json").exists():  # a bundle's is its own, and already in its manifest
                write_json(out / "metrics.json", metrics)
            if section(layout.root, layout.cohort, self.name, self.params) != params:
                raise InputError(f"params.yaml changed while {self.name} ran: its result is discarded; run it again")
        log.folder("wrote", layout.folder(self.name))
        log.counts(metrics)
        return metrics

    def _last(self, layout: Layout) -> float | None:
        """How long it took the last time, if that is known."""
        metrics = layout.folder(self.name) / "metrics.json"
        return read_json(metrics).get("seconds") if metrics.exists() else None


def stage(params: type[P], tier: Tier) -> Callable[[Callable[[Context[P]], BaseModel]], Stage[P]]:
    """Decorator: make a function from `Context` to metrics, a model of `recondense.results`, a `Stage`."""
    return lambda function: Stage(function, params, tier)


@contextmanager
def whole_or_nothing(folder: Path) -> Iterator[Path]:
    """A scratch folder that takes the place of ``folder`` on success; on any failure ``folder`` is as it was.

    What a killed run left behind is swept up by the next.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for stale in folder.parent.glob(f".{folder.name}.partial-*"):
        shutil.rmtree(stale)
    scratch = folder.parent / f".{folder.name}.partial-{os.getpid()}"
    scratch.mkdir()
    try:
        yield scratch
        folder.mkdir(exist_ok=True)
        _exchange(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _exchange(new: Path, old: Path) -> None:
    """Swap two folders: in one atomic step where the system can (Linux), else by renames a moment apart."""
    try:
        swap = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        swap = None
    if swap and swap(AT_FDCWD, bytes(new), AT_FDCWD, bytes(old), RENAME_EXCHANGE) == 0:
        return
    aside = new.with_name(f"{new.name}.old")
    old.rename(aside)
    new.rename(old)
    aside.rename(new)
