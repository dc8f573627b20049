"""Results of units of work, kept from run to run, each under a key of all that it depends on: so none is ever stale.

An entry's name ends in a SHA-256 of its key and its own bytes. One that does not fit its name is removed, and counts as
not there. Entries may hold records: they are their owner's alone.
"""

import hashlib
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from recondense.files import atomic

Arrays = dict[str, NDArray[Any]]


class Store:
    """The entries in ``folder``, as they were when it was opened and as this process changes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        there = sorted(folder.iterdir()) if folder.is_dir() else []
        self._entries = {path.name.rpartition("-")[0]: path for path in there}

    def get(self, key: str) -> Arrays | None:
        """The result under ``key``, None where there is none."""
        path = self._entries.get(key)
        if path is None:
            return None
        content = path.read_bytes() if path.is_file() else b""
        if path.name == _name(key, content):
            found: Arrays = load(content)
            return found
        self.discard(key)
        return None

    def keep(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put a result under ``key``, in place of one that is there."""
        content = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
        path = self.folder / _name(key, content)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write(path, content, mode=0o600)
        if self._entries.get(key, path) != path:
            self.discard(key)
        self._entries[key] = path

    def discard(self, key: str) -> None:
        """Remove the result under ``key``."""
        if path := self._entries.pop(key, None):
            _remove(path)

    def keep_only(self, keys: Collection[str]) -> None:
        """Remove whatever is in the folder but the results under ``keys``; without any the folder goes, too."""
        if not self.folder.is_dir():
            return
        used = {self._entries[key] for key in keys}
        for path in set(self.folder.iterdir()) - used:
            _remove(path)
        if not used:
            self.folder.rmdir()


def _name(key: str, content: bytes) -> str:
    return f"{key}-{hashlib.sha256(key.encode() + content).hexdigest()}.safetensors"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
