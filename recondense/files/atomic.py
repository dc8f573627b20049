"""Files that are written whole or not at all, and are still there after a power cut."""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, mode: int | None = None, new: bool = False) -> Iterator[Path]:
    """A scratch file beside ``path``, which takes its place at the end of the block; after an error nothing changed.

    ``mode``: of the file, by default that of the file it replaces. ``new``: nothing is replaced, `FileExistsError` is
    raised where ``path`` is there, even if it came meanwhile. Folders above it are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode is None and path.exists():
        mode = stat.S_IMODE(path.stat().st_mode)
    scratch = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        os.close(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode | stat.S_IWUSR))
        yield scratch
        if mode is not None:
            scratch.chmod(mode)
        put(scratch, path, new)
    finally:
        scratch.unlink(missing_ok=True)


def put(scratch: Path, path: Path, new: bool = False) -> None:
    """Let what was written to ``scratch``, in the same folder, take the place of ``path``; ``new`` as `replacing`."""
    with scratch.open("rb") as file:
        os.fsync(file.fileno())
    if new:
        path.hardlink_to(scratch)  # unlike a rename, never in place of what is there
    else:
        scratch.replace(path)
    with contextlib.suppress(OSError):  # not every system can sync a folder
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def write(path: Path, content: str | bytes, mode: int | None = None, new: bool = False) -> None:
    """Let ``path`` hold ``content``, text as UTF-8; the rest as `replacing`."""
    with replacing(path, mode, new) as scratch:
        scratch.write_bytes(content.encode() if isinstance(content, str) else content)


def sweep(path: Path) -> None:
    """Remove what killed writers of ``path`` left; only for whoever alone may write it, under a lock."""
    for stale in path.parent.glob(f".{path.name}.*"):
        stale.unlink()
