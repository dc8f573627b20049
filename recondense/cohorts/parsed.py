"""What was parsed before is not parsed again: results of parsing parts of the raw files, each under its content.

A result's key is the SHA-256 of the bytes that were parsed, of the settings that matter, of the code of this stage and
of the versions of what it computes with (`recondense.files.store`). What a run had no use for is removed at its end, so
that of a record that was changed or taken away nothing is left. What is about a withdrawn subject is never kept,
whoever else is in it.
"""

import functools
import hashlib
import json
import platform
from collections.abc import Callable, Collection
from importlib.metadata import version
from pathlib import Path
from typing import Any

from recondense.files.store import Arrays as Arrays
from recondense.files.store import Store
from recondense.stages import code, plugins

CODE = "recondense.cohorts.read"  # and all readers
# Whatever a reader that keeps results computes with
PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "soundfile", "soxr", "librosa")


class Parsed:
    """Results of parsing, kept in ``folder`` from run to run; without a folder nothing is looked up and nothing kept.

    ``withdrawn``: ids of subjects of whom nothing may be kept.
    """

    def __init__(self, folder: Path | None = None, withdrawn: Collection[str] = ()) -> None:
        self._store, self._withdrawn = Store(folder) if folder else None, frozenset(withdrawn)
        self._used: set[str] = set()

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
        if self._store is None:
            return parse()
        means = json.dumps([_means(CODE), settings], sort_keys=True).encode()
        digest = hashlib.sha256(hashlib.sha256(means).digest())
        digest.update(content)
        key = digest.hexdigest()
        found = self._store.get(key)
        arrays = parse() if found is None else found
        if not self._withdrawn.isdisjoint(subjects(arrays)):
            self._store.discard(key)
            return arrays
        if found is None:
            self._store.keep(key, arrays)
        self._used.add(key)
        return arrays

    def discard_unused(self) -> None:
        """Remove whatever is in the folder that this run had no use for."""
        if self._store is not None:
            self._store.keep_only(self._used)


NOT_KEPT = Parsed()


@functools.cache
def _means(module: str) -> dict[str, str]:
    """What a result depends on beside content and settings: code, versions, and the kind of machine."""
    versions = {name: version(name) for name in PACKAGES}
    used = code.digest(module, *plugins.modules("recondense.cohorts.readers").values())
    return {"code": used, "python": platform.python_version(), "machine": platform.machine(), **versions}
