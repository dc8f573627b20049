"""What was parsed before is not parsed again: results of parsing parts of the raw files, each under its content.

An entry's key is the SHA-256 of the bytes that were parsed, of the settings that matter, of the code of this stage and
of the versions of what it computes with: whatever differs has another key, so no entry is ever stale. An entry's name
ends in a SHA-256 of its key and its own bytes; one that does not fit its name is removed, and parsed again.

Entries hold records, so the folder is restricted. What a run had no use for is removed at its end, so that of a record
that was changed or taken away nothing is left. What is about a withdrawn subject is never kept, whoever else is in it.
"""

import functools
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Collection
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from recondense.stages import code, plugins

Arrays = dict[str, NDArray[Any]]

CODE = "recondense.cohorts.read"  # and all readers
# Whatever a reader that keeps results computes with
PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "soundfile", "soxr", "librosa")


class Parsed:
    """Results of parsing, kept in ``folder`` from run to run; without a folder nothing is looked up and nothing kept.

    ``withdrawn``: ids of subjects of whom nothing may be kept.
    """

    def __init__(self, folder: Path | None = None, withdrawn: Collection[str] = ()) -> None:
        self._folder, self._withdrawn = folder, frozenset(withdrawn)
        there = sorted(folder.iterdir()) if folder and folder.is_dir() else []
        self._entries = {path.name.partition("-")[0]: path for path in there}
        self._used: set[Path] = set()

    def once(
        self,
        content: bytes,
        settings: Any,
        parse: Callable[[], Arrays],
        subjects: Callable[[Arrays], Collection[str]],
    ) -> Arrays:
        """What ``parse`` makes of ``content``, or made of it in an earlier run; the arrays may be read-only.

        ``settings``: all else that the result depends on, as JSON. ``subjects``: the ids of all whom a result is about,
        in the form of ``withdrawn``.
        """
        if self._folder is None:
            return parse()
        means = json.dumps([_means(CODE), settings], sort_keys=True).encode()
        digest = hashlib.sha256(hashlib.sha256(means).digest())
        digest.update(content)
        key = digest.hexdigest()
        found = self._look_up(key)
        arrays = parse() if found is None else found
        if self._withdrawn.isdisjoint(subjects(arrays)):
            if found is None:
                self._entries[key] = self._written(key, arrays)
            self._used.add(self._entries[key])
        elif found is not None:
            _remove(self._entries[key])
        return arrays

    def discard_unused(self) -> None:
        """Remove whatever is in the folder that this run had no use for."""
        if self._folder is None or not self._folder.is_dir():
            return
        for path in set(self._folder.iterdir()) - self._used:
            _remove(path)
        if not self._used:
            self._folder.rmdir()

    def _look_up(self, key: str) -> Arrays | None:
        path = self._entries.get(key)
        if path is None:
            return None
        payload = path.read_bytes() if path.is_file() else b""
        if path.name == _name(key, payload):
            found: Arrays = load(payload)
            return found
        _remove(path)
        return None

    def _written(self, key: str, arrays: Arrays) -> Path:
        assert self._folder is not None
        payload = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / _name(key, payload)
        scratch = path.with_name(f".partial-{os.getpid()}")
        scratch.write_bytes(payload)
        scratch.replace(path)
        return path


NOT_KEPT = Parsed()


def _name(key: str, payload: bytes) -> str:
    return f"{key}-{hashlib.sha256(key.encode() + payload).hexdigest()}.safetensors"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@functools.cache
def _means(module: str) -> dict[str, str]:
    """What a result depends on beside content and settings: code, versions, and the kind of machine."""
    versions = {name: version(name) for name in PACKAGES}
    used = code.digest(module, *plugins.modules("recondense.cohorts.readers").values())
    return {"code": used, "python": platform.python_version(), "machine": platform.machine(), **versions}
