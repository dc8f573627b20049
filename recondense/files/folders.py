"""What lies in a folder that people and tools put files into."""

from collections.abc import Iterable
from pathlib import Path, PurePath


def visible(folder: Path, paths: Iterable[Path]) -> list[Path]:
    """Those of ``paths`` in ``folder`` that are not hidden, nor in a hidden folder of it, sorted.

    A name that begins with a dot is a tool's own: ``._0.parquet`` of macOS, ``.cache/``, ``.ipynb_checkpoints/``.
    """
    return sorted(path for path in paths if not hidden(path.relative_to(folder)))


def hidden(path: PurePath) -> bool:
    """Whether a file, or a folder on the way to it, is hidden.

    >>> hidden(PurePath(".cache/a.csv")), hidden(PurePath("set-a/1.txt"))
    (True, False)
    """
    return any(part.startswith(".") for part in path.parts)
