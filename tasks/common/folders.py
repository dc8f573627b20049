"""What lies in a folder that people and tools put files into."""

from collections.abc import Iterable
from pathlib import Path


def visible(folder: Path, paths: Iterable[Path]) -> list[Path]:
    """Those of ``paths`` in ``folder`` that are not hidden, nor in a hidden folder of it, sorted.

    A name that begins with a dot is a tool's own: ``._0.parquet`` of macOS, ``.cache/``, ``.ipynb_checkpoints/``.
    """
    return sorted(path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts))
