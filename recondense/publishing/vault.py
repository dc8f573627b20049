"""The remote ``vault``: all that a release was made from, for those who may see records.

DVC pushes what stages write. The raw folder is a dependency, which DVC hashes and does not keep; here it goes to the
vault under the very hash that dvc.lock has for it, straight from where it lies, without a copy in DVC's cache.
"""

from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc_data.hashfile import load
from dvc_data.hashfile.build import build
from dvc_data.hashfile.checkout import checkout
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.transfer import transfer

from recondense.engines.dvc import Pipeline
from recondense.errors import InputError

VAULT = "vault"


def push(pipeline: Pipeline) -> None:
    """Bring the raw folder and what every stage wrote, as dvc.lock has them, to the vault. Raises `InputError`."""
    try:
        with pipeline.exclusive():
            raw = pipeline.records()
            staging, _, found = build(pipeline.repo.cache.local, raw.fs_path, raw.fs, "md5", ignore=raw.repo.dvcignore)
            if found.hash_info != raw.hash_info:
                raise InputError(f"{raw.def_path} has changed since ingestion read it: `recondense run` again")
            store = pipeline.repo.cloud.get_remote_odb(VAULT, "push")
            failed = transfer(staging, store, {found.hash_info}, shallow=False).failed
        if failed:
            raise InputError(f"{len(failed)} files of {raw.def_path} did not reach the vault: try again")
        pipeline.repo.push(targets=pipeline.stages, remote=VAULT)
    except (DvcException, OSError) as error:
        raise InputError(f"the remote '{VAULT}' cannot be written to: {_said(error)}") from error


def bring_back(store: Any, repo: Repo, digest: HashInfo, target: Path) -> None:
    """Write what the vault's object ``store`` has under ``digest`` to ``target``, by way of ``repo``'s cache.

    What ``target`` held before is replaced. Raises `InputError` where the vault lacks it.
    """
    cache: Any = repo.cache.local
    try:
        failed = transfer(store, cache, {digest}, shallow=False).failed
        if failed:
            raise InputError(f"the vault lacks {len(failed)} of the files of {target.name}")
        checkout(str(target), repo.fs, load(cache, digest), cache, force=True, quiet=True)
    except (DvcException, OSError) as error:
        raise InputError(f"the vault does not give back {target.name}: {_said(error)}") from error


def _said(error: Exception) -> str:
    return str(error).strip() or type(error).__name__
