"""Make a release again: its code, its params, its records, every stage, and compare what comes out byte for byte.

The scratch project is a clone at the release's tag. Its records come from the vault alone, wherever the originals lie
now. It holds records, so it is gone when this ends; what a killed one left goes when the next begins.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dvc_data.hashfile.build import build
from filelock import FileLock

from flows.child import StageFailed, execute
from flows.console import say_stage
from flows.params_file import set_params
from flows.pipeline import Pipeline
from flows.releases import git, vault
from flows.releases.difference import Finding, compare_files
from flows.releases.ready import check_remotes
from flows.releases.versions import Releases, Version
from tasks.common.errors import InputError
from tasks.common.layout import Layout
from tasks.common.progress import track, working
from tasks.common.records import read_json
from tasks.condensation.askings import AGAIN


def reproduce(root: Path, cohort: str, version: str) -> list[Finding]:
    """One finding an output file of each stage, in order.

    Raises `InputError` where there is no such release, or where the vault or its code do not serve to make it again.
    """
    releases = Releases(root, cohort)
    commit = releases.commit(Version.parse(version))
    here = Pipeline(root, cohort)
    check_remotes(here)
    store = here.repo.cloud.get_remote_odb(vault.VAULT, "pull")
    with _scratch(root) as folder:
        clone = _clone(root, commit, folder)
        with contextlib.chdir(clone):  # DVC finds stages from the working directory
            there = Pipeline(clone, cohort)
            return list(_again(there, store, folder))


def _again(there: Pipeline, store: Any, folder: Path) -> Iterator[Finding]:
    """Run every stage of the clone on the vault's records, and compare."""
    outs = [(name, out) for name in there.stages for out in there.stage(name).outs]
    originals = folder / "originals"
    for _, out in outs:
        if not out.use_cache:  # metrics are in git, so the clone has them
            (originals / out.def_path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(out.fs_path, originals / out.def_path)
    with working("records from the vault"):
        _records(there, store, folder)
    _run(there)
    for name, out in track(outs, "comparing"):
        yield from _compare(name, out, there, store, originals)


@contextlib.contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    folder = root / ".recondense" / "reproduce"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(folder.with_name("reproduce.lock")):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _clone(root: Path, commit: str, folder: Path) -> Path:
    """A clone of the project at ``commit`` in ``folder``; returns the project's folder in it."""
    top, within = (git.git(root, "rev-parse", what).strip() for what in ("--show-toplevel", "--show-prefix"))
    git.git(folder, "clone", "--quiet", "--no-checkout", top, "project")
    git.git(folder / "project", "checkout", "--quiet", "--detach", commit)
    return folder / "project" / within


def _records(there: Pipeline, store: Any, folder: Path) -> None:
    """Put the raw folder of the release into the clone; one that lay outside the project goes beside the clone."""
    raw = there.records()
    target = Path(raw.fs_path)
    if not target.resolve().is_relative_to(there.root.resolve()):
        target = folder / "raw" / target.name
        target.parent.mkdir()
        set_params(there.root, there.cohort, [f"ingestion.raw={target}"])
    vault.bring_back(store, there.repo, raw.hash_info, target)


def _run(there: Pipeline) -> None:
    """Every stage in order; patients are not asked again, but answered for as they were then."""
    condensed = Layout(there.root, there.cohort).folder("condensation") / "metrics.json"
    asked = (read_json(condensed)["guarantee"] or {}).get("asked")
    environment = {"PYTHONPATH": str(there.root), **({AGAIN: str(asked["number"])} if asked else {})}
    for name in there.stages:
        say_stage(name.split("@")[0], "Running")
        try:
            execute(there.stage(name).cmd, there.root, environment)
        except StageFailed as error:
            raise InputError(f"the release cannot be made again here: {error}") from error


def _compare(name: str, out: Any, there: Pipeline, store: Any, originals: Path) -> Iterator[Finding]:
    """What came out as ``out``, compared with the original, which is only fetched where the hashes differ."""
    stage, path, new = name.split("@")[0], str(out.def_path), Path(out.fs_path)
    if out.use_cache:
        _, _, found = build(there.repo.cache.local, str(new), there.repo.fs, "md5", dry_run=True)
        if found.hash_info == out.hash_info:
            yield Finding(stage, path, "identical")
            return
        (originals / path).parent.mkdir(parents=True, exist_ok=True)
        vault.bring_back(store, there.repo, out.hash_info, originals / path)
    yield from compare_files(stage, path, originals / path, new)
