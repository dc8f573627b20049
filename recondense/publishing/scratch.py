"""A project of its own for a while: a clone in which stages run on what was recorded, apart from the work tree."""

import contextlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from recondense.engines.dvc import Pipeline
from recondense.engines.process import StageFailed, execute
from recondense.errors import InputError
from recondense.files.lock import turn
from recondense.git import git
from recondense.stages import software
from recondense.terminal import say_stage


@contextlib.contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """An empty folder for one at a time. It may hold records, so it is gone when this ends; what a killed one left goes
    when the next begins."""
    folder = root / ".recondense" / "again"
    with turn(root, "again", "another release or reproduction"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def clone(root: Path, commit: str, folder: Path) -> Path:
    """A clone of the project at ``commit``, on a branch or not, in ``folder``; returns the project's folder in it."""
    top, within = (git.git(root, "rev-parse", what).strip() for what in ("--show-toplevel", "--show-prefix"))
    git.git(folder, "clone", "--quiet", "--no-checkout", "--local", top, "project")
    git.git(folder / "project", "checkout", "--quiet", "--detach", commit)
    return folder / "project" / within


def run(there: Pipeline, stages: Iterable[str], environment: Mapping[str, str]) -> None:
    """Run these stages of a clone with the clone's own code and ``environment`` beside this process's own.

    Raises `InputError` where one stops, or the clone was made under a version of the library that is not installed.
    """
    check_library(there.root)
    for name in stages:
        say_stage(name.split("@")[0], "Running")
        try:
            execute(there.stage(name).cmd, there.root, {"PYTHONPATH": str(there.root), **environment})
        except StageFailed as error:
            raise InputError(f"{name} cannot be made again here: {error}") from error


def check_library(clone: Path) -> None:
    """Raise `InputError` where ``clone`` has no library of its own and was made under another than the installed."""
    if (clone / "recondense").is_dir() or not (clone / software.FILE).exists():
        return
    made, here = software.named(clone)["version"], version("recondense")
    if made != here:
        raise InputError(
            f"it was made with recondense {made}, and {here} is installed: do this in an environment with "
            f"recondense=={made}"
        )
