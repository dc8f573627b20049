"""The adapter to DVC: which stages a cohort has, which are current, and running one as `dvc repro` would.

DVC alone decides what is current. A stage runs as the command that dvc.yaml gives it, in a process of its own: the same
code path as `dvc repro`, always the code that is on disk now, and its memory is gone when it ends.
"""

import hashlib
import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import networkx as nx
from dvc.dependency.base import DependencyDoesNotExistError
from dvc.dependency.param import ParamsDependency
from dvc.dvcfile import LOCK_FILE, PROJECT_FILE, load_file
from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.rwlock import rwlock
from dvc.stage.serialize import to_single_stage_lockfile

from recondense.cohorts.params import Params as IngestionParams
from recondense.engines.process import StageFailed, StageInterrupted, execute
from recondense.errors import InputError
from recondense.files.lock import of_cohort, said_after_a_while, turn
from recondense.stages import software
from recondense.stages.layout import Layout
from recondense.stages.params import section
from recondense.terminal import say

BUSY_POLL_SECONDS = 1.0
PARSED = (PROJECT_FILE, LOCK_FILE, "params.yaml")
logging.getLogger("dvc").setLevel(logging.WARNING)  # its notes go to standard output, which is for results


class Pipeline:
    """The stages of one cohort in the DVC project at ``root``."""

    def __init__(self, root: Path, cohort: str) -> None:
        self.root = root
        self.cohort = cohort
        self._loaded: Any = None
        self._version: list[tuple[int, int, int]] = []
        software.check_named(root)
        with self._readable():
            # The default gives up on another process's lock after 3 s
            self.repo: Any = Repo(str(root), _wait_for_lock=True)

    @cached_property
    def stages(self) -> list[str]:
        """The cohort's stages, each after what it depends on. Raises `InputError` where there are none."""
        suffix = f"@{self.cohort}"
        with self._readable():
            graph = self.repo.index.graph  # an edge leads from a stage to what it depends on
        order = [stage.addressing for stage in reversed(list(nx.topological_sort(graph)))]
        stages = [name for name in order if name.endswith(suffix)]
        if not stages:
            raise InputError(f"dvc.yaml has no stage for cohort '{self.cohort}': is it in params.yaml?")
        return stages

    def stage(self, name: str) -> Any:
        """The stage as dvc.yaml, params.yaml and dvc.lock have it now.

        DVC parses them at every call, which costs more than all else that a current cohort needs; here they are parsed
        when they have changed.
        """
        self.repo._reset()
        files = [(self.root / name).stat() for name in PARSED if (self.root / name).exists()]
        version = [(file.st_ino, file.st_mtime_ns, file.st_size) for file in files]
        if version != self._version:
            self._loaded, self._version = load_file(self.repo, str(self.root / PROJECT_FILE)).stages, version
        return self._loaded[name]

    def key(self, name: str) -> str | None:
        """A digest of the stage's dvc.lock entry while the stage is current, None while it has to run."""
        with self.exclusive():
            stage = self.stage(name)
            if stage.changed():
                return None
            entry = to_single_stage_lockfile(stage)
        digest = hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()
        return f"dvc-{name}-{digest}"

    def stale(self) -> list[str]:
        """The stages that would have to run, by DVC's status of them all."""
        with self._waiting():
            self.repo._reset()
            return list(self.repo.status(targets=self.stages))

    def records_changed(self) -> bool:
        """Whether what lies in the raw folder differs by content from what ingestion last read, if it ever did."""
        with self.exclusive():
            return bool(self.records().workspace_status())

    def records(self) -> Any:
        """The raw folder as ingestion's dependency, with the hash that dvc.lock has for it."""
        raw = raw_folder(self.root, self.cohort).resolve()
        stage = self.stage(f"ingestion@{self.cohort}")
        return next(dep for dep in stage.deps if Path(dep.fs_path).resolve() == raw)

    def cached(self, digest: str) -> Path | None:
        """The file with DVC's hash ``digest`` in DVC's cache, None where it is not, or no longer, there."""
        path = Path(self.repo.cache.local.oid_to_path(digest))
        return path if path.is_file() else None

    def before(self, *names: str) -> list[str]:
        """The stages that those called ``names`` need and that are not among them, in order."""
        chosen = {f"{name}@{self.cohort}" for name in names}
        graph = self.repo.index.graph
        needed = {
            earlier.addressing
            for stage in graph
            if stage.addressing in chosen
            for earlier in nx.descendants(graph, stage)
        }
        return [name for name in self.stages if name in needed - chosen]

    def inputs(self, *names: str) -> dict[str, str]:
        """DVC's hashes, by path from the root, of what the stages called ``names`` read and do not make themselves."""
        with self.exclusive():
            stages = [self.stage(f"{name}@{self.cohort}") for name in names]
            made = {out.fs_path for stage in stages for out in stage.outs}
            return {
                dep.def_path: str(dep.get_hash().value)
                for stage in stages
                for dep in stage.deps
                if dep.fs_path not in made and not isinstance(dep, ParamsDependency)
            }

    def locked(self, name: str) -> dict[str, Any]:
        """The stage's part of dvc.lock."""
        with self.exclusive():
            return dict(to_single_stage_lockfile(self.stage(name)))

    def run(self, name: str, environment: dict[str, str] | None = None) -> float:
        """Run one stage and commit it to dvc.lock and DVC's cache. Returns seconds.

        The repo lock is free meanwhile, so that other cohorts go on; the stage's own paths are locked. Raises
        `StageFailed` where the command fails, or a dependency changed while it ran (then nothing is committed).
        """
        with self.exclusive():
            stage = self.stage(name)
            missing = self._save_dependencies(stage)
        with self._paths_locked(stage):
            started = time.perf_counter()
            execute(stage.cmd, self.root, environment or {})
            seconds = time.perf_counter() - started
            if missing:
                raise StageFailed(f"{name}: {missing}")
            moved = [dep.def_path for dep in stage.deps if dep.workspace_status()]
            if moved:
                raise StageFailed(
                    f"{name}: {', '.join(moved)} changed while it ran; its result is not recorded, run it again"
                )
            with self.exclusive():
                # As `dvc commit` does, which would collect and parse every stage of the project first
                stage = self.stage(name)
                stage.save()
                stage.commit()
                stage.dump(update_pipeline=False)
        return seconds

    @staticmethod
    def _save_dependencies(stage: Any) -> str | None:
        """Record the dependencies as they are now. A missing one is left to the stage, whose message says more."""
        try:
            stage.save_deps()
        except DependencyDoesNotExistError as error:
            return str(error)
        return None

    @contextmanager
    def _paths_locked(self, stage: Any) -> Iterator[None]:
        # DVC's own name for this process: its nested locks on the same paths are then seen as ours
        command = " ".join(sys.argv)
        read = [dep.fs_path for dep in stage.deps]
        write = [out.fs_path for out in stage.outs]
        for attempt in count():
            lock = rwlock(self.repo.tmp_dir, self.repo.fs, command, read, write, False)
            try:
                lock.__enter__()
                break
            except LockError as error:
                if attempt == 1:
                    say(f"waiting: {str(error).split(chr(10) * 2)[0]}")  # DVC says who; what follows is how to break in
                time.sleep(BUSY_POLL_SECONDS)
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold DVC's lock of the project; other commands of DVC wait meanwhile."""
        lock = self.repo.lock
        with self._waiting():
            with said_after_a_while(Path(lock.lockfile), "another command of DVC"):
                lock.lock()
            try:
                yield
            finally:
                lock.unlock()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except DvcException as error:
            raise InputError(f"DVC cannot read the project at {self.root}: {error}") from error

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Turn DVC's complaints into messages for the user."""
        try:
            yield
        except LockError as error:
            raise StageInterrupted(f"DVC is busy with another command: {error}") from error


def raw_folder(root: Path, cohort: str) -> Path:
    """Where params.yaml says that a cohort's raw records lie."""
    return root / section(root, cohort, "ingestion", IngestionParams).raw


def one_at_a_time(layout: Layout) -> AbstractContextManager[None]:
    """One command works on a cohort at a time; a second one waits, and says for whom."""
    return turn(layout.root, of_cohort(layout.cohort), f"another command on cohort {layout.cohort}")
