"""Make a release again: its code, its params, its records, every stage, and compare what comes out byte for byte.

The scratch project is a clone at the release's tag. Its records come from the vault alone, wherever the originals lie
now.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dvc_data.hashfile.build import build

from recondense.engines.dvc import Pipeline
from recondense.files.strict_json import read_json
from recondense.private.askings import AGAIN
from recondense.progress import track, working
from recondense.project.params_file import set_params
from recondense.publishing import vault
from recondense.publishing.outputs import ComparedOutput, compare_files
from recondense.publishing.ready import check_remotes
from recondense.publishing.scratch import clone, run, scratch
from recondense.publishing.versions import Releases, Version
from recondense.stages.layout import Layout


def reproduce(root: Path, cohort: str, version: str) -> list[ComparedOutput]:
    """Each output file of each stage, in order, compared with the release's.

    Raises `InputError` where there is no such release, or where the vault or its code do not serve to make it again.
    """
    releases = Releases(root, cohort)
    commit = releases.commit(Version.parse(version))
    here = Pipeline(root, cohort)
    check_remotes(here)
    store = here.repo.cloud.get_remote_odb(vault.VAULT, "pull")
    with scratch(root) as folder:
        project = clone(root, commit, folder)
        with contextlib.chdir(project):  # DVC finds stages from the working directory
            there = Pipeline(project, cohort)
            return list(_again(there, store, folder))


def _again(there: Pipeline, store: Any, folder: Path) -> Iterator[ComparedOutput]:
    """Run every stage of the clone on the vault's records, and compare."""
    outs = [(name, out) for name in there.stages for out in there.stage(name).outs]
    originals = folder / "originals"
    for _, out in outs:
        if not out.use_cache:  # metrics are in git, so the clone has them
            (originals / out.def_path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(out.fs_path, originals / out.def_path)
    with working("records from the vault"):
        _records(there, store, folder)
    run(there, there.stages, asked_then(Layout(there.root, there.cohort)))
    for name, out in track(outs, "comparing"):
        yield from _compare(name, out, there, store, originals)


def asked_then(layout: Layout) -> dict[str, str]:
    """The environment in which patients of a clone are not asked again, but answered for as they were then."""
    guarantee = read_json(layout.folder("condensation") / "metrics.json").get("guarantee")
    asked = guarantee and guarantee.get("asked")
    return {AGAIN: str(asked["number"])} if asked else {}


def _records(there: Pipeline, store: Any, folder: Path) -> None:
    """Put the raw folder of the release into the clone; one that lay outside the project goes beside the clone."""
    raw = there.records()
    target = Path(raw.fs_path)
    if not target.resolve().is_relative_to(there.root.resolve()):
        target = folder / "raw" / target.name
        target.parent.mkdir()
        set_params(there.root, there.cohort, [f"ingestion.raw={target}"])
    vault.bring_back(store, there.repo, raw.hash_info, target)


def _compare(name: str, out: Any, there: Pipeline, store: Any, originals: Path) -> Iterator[ComparedOutput]:
    """What came out as ``out``, compared with the original, which is only fetched where the hashes differ."""
    stage, path, new = name.split("@")[0], str(out.def_path), Path(out.fs_path)
    if out.use_cache:
        _, _, found = build(there.repo.cache.local, str(new), there.repo.fs, "md5", dry_run=True)
        if found.hash_info == out.hash_info:
            yield ComparedOutput(stage, path, "identical")
            return
        (originals / path).parent.mkdir(parents=True, exist_ok=True)
        vault.bring_back(store, there.repo, out.hash_info, originals / path)
    yield from compare_files(stage, path, originals / path, new)
