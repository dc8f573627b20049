"""A cohort's raw files from their provider, each recorded in DVC as an import, so that a change upstream is seen.

DVC's own import can't go on after a cut, so the files are downloaded first and the import is recorded without it:
``set-a.tar.gz.dvc`` beside ``set-a.tar.gz``, with the address, the server's ETag, and the file's hash. From then on
`dvc update` knows it too.
"""

import logging
import re
from pathlib import Path
from typing import Any, Literal

from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from pydantic import Field

from recondense.cohorts.params import Params
from recondense.cohorts.readers import Downloads, Source
from recondense.engines.dvc import one_at_a_time
from recondense.errors import InputError
from recondense.files import atomic
from recondense.results.base import Result
from recondense.stages import params
from recondense.stages.layout import Layout
from recondense.wizard.download import Fetched, fetch

logging.getLogger("dvc").setLevel(logging.WARNING)  # its notes go to standard output, which is for results


def what_to_fetch(root: Path, cohort: str) -> tuple[Downloads, Source, Path]:
    """The files, their source with its licence, and the raw folder they belong in. Raises `InputError`."""
    settings = params.section(root, cohort, "ingestion", Params)
    dataset, options = settings.plugin(), settings.plugin_options()
    source = dataset.source(options)
    downloads = getattr(dataset, "downloads", None)
    if downloads is None:
        raise InputError(f"{settings.dataset} names no files to download: get them from {source.url}")
    return downloads(options), source, root / settings.raw


class Row(Result):
    """One file: what became of it, and by what it was checked."""

    file: str
    state: str
    bytes: int
    checked: str
    followed: Literal["yes", "no"] = Field(alias="followed by DVC")


def fetch_cohort(root: Path, cohort: str, mirror: str | None = None) -> list[Row]:
    """Download what is missing or has changed, and record it; one row a file. Raises `InputError`."""
    downloads, _, folder = what_to_fetch(root, cohort)
    with one_at_a_time(Layout(root, cohort)):  # as this cohort's runs, which read these files
        inside = folder.resolve().is_relative_to(root.resolve())
        imports = Imports(root) if inside else None
        known = {name: imports.etag(folder / name) for name in downloads.names} if imports else {}
        rows = []
        for found in fetch(downloads, folder, mirror, known):
            followed = imports.record(found, folder / found.name) if imports else False
            checked = "size and SHA-256" if found.hashed else "size"
            rows.append(
                Row(
                    file=found.name,
                    state=found.state,
                    bytes=found.size,
                    checked=checked,
                    followed="yes" if followed else "no",
                )
            )
    return rows


class Imports:
    """DVC's records of imported files in the project at ``root``."""

    def __init__(self, root: Path) -> None:
        try:
            self.repo: Any = Repo(str(root), _wait_for_lock=True)
        except DvcException as error:
            raise InputError(f"DVC cannot read the project at {root}: {error}") from error

    def etag(self, path: Path) -> str:
        """The ETag that ``path`` was imported under, "" where it was not, or is no longer what was imported."""
        stage = self._stage(path)
        if stage is None or stage.outs[0].workspace_status():
            return ""
        return str(stage.deps[0].hash_info.value or "")

    def record(self, found: Fetched, path: Path) -> bool:
        """Record ``path`` as imported; returns whether its changes upstream can be seen, which takes an ETag."""
        if not found.etag:
            return False
        stage = self._stage(path)
        if stage is not None and stage.deps[0].def_path == found.url and self.etag(path) == found.etag:
            return True
        try:
            self._open(path)
            self.repo.imp_url(found.url, out=str(path), no_exec=True, force=True)
            self.repo.commit(f"{path}.dvc", force=True)
        except LockError as error:
            raise InputError(f"DVC is busy with another command, try again: {error}") from error
        except DvcException as error:
            raise InputError(f"{path} is there, but DVC cannot record where it is from: {error}") from error
        return True

    def _open(self, path: Path) -> None:
        """Let git have ``path``'s .dvc file, where it lies in a folder of data/1_raw: those are closed until then."""
        data = Path(self.repo.root_dir) / "data"
        raw = path.parent.resolve()
        if raw.parent != (data / "1_raw").resolve() or not self.repo.scm.is_ignored(f"{path}.dvc"):
            return
        rules = data / ".gitignore"
        rule = "!/1_raw/" + re.sub(r"([\\*?\[ ])", r"\\\1", raw.name) + "/\n"
        atomic.write(rules, rules.read_text(encoding="utf-8") + rule)
        self.repo._reset()  # or it goes by the rules of before

    def _stage(self, path: Path) -> Any:
        """The import of ``path``, None where there is none."""
        if not path.with_name(f"{path.name}.dvc").is_file():
            return None
        self._open(path)
        self.repo._reset()
        return self.repo.stage.load_one(f"{path}.dvc")
