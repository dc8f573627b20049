"""Make a candidate again before it is released: the audit and the bundle, from committed code and recorded inputs.

Whoever edited what these two stages wrote, and had DVC record it, is found out: what comes out is compared byte for
byte, but for what measures the run itself. Inputs come from DVC's cache by the hashes that dvc.lock has for them, never
from the work tree. What earlier stages wrote is taken as recorded: the ledger says which run made it
(`recondense.ledger.artifacts`).
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc_data.hashfile import load
from dvc_data.hashfile.checkout import checkout

from recondense.engines.dvc import Pipeline
from recondense.errors import InputError
from recondense.publishing.outputs import OF_THE_CODE, ComparedOutput, compare_files, of_the_run
from recondense.publishing.scratch import clone, run, scratch

AGAIN = ("privacy", "release")
NAMED = 5  # keys that a message names


def check_remade(here: Pipeline, commit: str) -> None:
    """Raise `InputError` where the candidate at ``commit`` does not come out again; names files and keys, no value."""
    other = [finding for finding in remake(here, commit) if finding.state == "differs"]
    if other:
        stage = other[0].stage  # what comes after it differs for that reason alone
        said = "; ".join(_said(finding) for finding in other if finding.stage == stage)
        raise InputError(
            f"made again from what is recorded, {stage} comes out otherwise: {said}. Either that was edited: restore "
            "it from git and DVC's cache. Or this machine computes otherwise than the one that ran: release there"
        )


def remake(here: Pipeline, commit: str) -> list[ComparedOutput]:
    """Each output of the audit and the release stage, compared with the candidate's. Raises `InputError` where
    they cannot be made."""
    with scratch(here.root) as folder:
        project = clone(here.root, commit, folder)
        with contextlib.chdir(project):  # DVC finds stages from the working directory
            there = Pipeline(project, here.cohort)
            stages = [f"{name}@{here.cohort}" for name in AGAIN]
            _inputs(there, stages, here.repo.cache.local)
            run(there, stages, {})
            return list(_compared(there, stages, here.root))


def _inputs(there: Pipeline, stages: list[str], cache: Any) -> None:
    """Put into the clone what git does not hold of what ``stages`` read, and check all of it against dvc.lock."""
    deps = [dep for name in stages for dep in there.stage(name).deps]
    read = {dep.fs_path for dep in deps}
    for out in (out for name in there.stages for out in there.stage(name).outs):
        if out.fs_path in read and out.use_cache:
            Path(out.fs_path).parent.mkdir(parents=True, exist_ok=True)
            try:
                checkout(out.fs_path, there.repo.fs, load(cache, out.hash_info), cache, force=True, quiet=True)
            except (DvcException, OSError) as error:
                raise InputError(
                    f"DVC's cache lacks {out.def_path}, which the candidate is made of: `dvc fetch`, or run again"
                ) from error
    other = sorted({str(dep.def_path) for dep in deps if dep.workspace_status()})
    if other:
        raise InputError(f"{', '.join(other)}: not what dvc.lock says the last run read. Run again, then release that")


def _compared(there: Pipeline, stages: list[str], root: Path) -> Iterator[ComparedOutput]:
    for name in stages:
        for out in there.stage(name).outs:
            yield from compare_files(name.split("@")[0], out.def_path, root / out.def_path, Path(out.fs_path))


def _said(finding: ComparedOutput) -> str:
    keys = [key for key in finding.keys if not of_the_run(key) and not key.startswith(OF_THE_CODE)]
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return finding.path + (f" ({', '.join(keys[:NAMED])}{more})" if keys else "")
