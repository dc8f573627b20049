"""Whether the code on disk is the code of the commit: the files are compared, not what git believes of them.

Git can be told to overlook a change: by `update-index --assume-unchanged` and `--skip-worktree`, excludes of the
clone's own, filters that clean it away, a file system monitor, replaced objects. None of these is asked here.
"""

import hashlib
import os
import stat
import tempfile
from importlib.machinery import all_suffixes
from pathlib import Path

from recondense.errors import InputError
from recondense.git.command import answer

SUBMODULE = "commit"
DIGESTS = {40: "sha1", 64: "sha256"}  # by the length of git's names of objects


def head(root: Path) -> str | None:
    """The commit that is checked out; None outside a git checkout, or where nothing is committed yet."""
    name = answer(root, "rev-parse", "--verify", "HEAD^{commit}")
    return None if name is None else name.decode().strip()


def differing(root: Path) -> list[str] | None:
    """Paths from ``root`` that are not as HEAD has them, and files that Python would import though HEAD lacks them.

    None outside a git checkout, or where nothing is committed yet.
    """
    committed = _committed(root)
    if committed is None:
        return None
    other = {path for path, (mode, name) in committed.items() if not _is(root / path, mode, name)}
    submodules = [path for path, (mode, _) in committed.items() if mode == SUBMODULE]
    inside = {f"{path}/{file}" for path in submodules for file in differing(root / path) or []}
    own = {path for path in _importable(root) if not any(path.startswith(f"{folder}/") for folder in submodules)}
    return sorted(other | inside | own - set(committed))


def changed(root: Path) -> list[str] | None:
    """As `differing`, with all that git neither has in HEAD nor ignores. Raises `InputError` where git cannot say."""
    found, committed = differing(root), _committed(root)
    if found is None or committed is None:
        return None
    with tempfile.TemporaryDirectory() as empty:  # with no index all files are others, whatever the real one says
        asked = ("-c", "core.fsmonitor=false", "ls-files", "-z", "--others", "--exclude-standard")
        others = answer(root, *asked, GIT_INDEX_FILE=f"{empty}/index")
    if others is None:
        raise InputError(f"git cannot list the files in {root}: `git status` says why")
    untracked = {path.rstrip("/") for path in others.decode(errors="surrogateescape").split("\0")} - {""}
    return sorted({*found, *(untracked - set(committed))})


def _committed(root: Path) -> dict[str, tuple[str, str]] | None:
    """Mode and object of every file of HEAD below ``root``, by path from there."""
    listed = answer(root, "ls-tree", "-r", "-z", "HEAD")
    if listed is None:
        return None
    found = {}
    for entry in filter(None, listed.decode(errors="surrogateescape").split("\0")):
        about, path = entry.split("\t", 1)
        mode, kind, name = about.split()
        found[path] = (SUBMODULE if kind == SUBMODULE else mode, name)
    return found


def _is(path: Path, mode: str, name: str) -> bool:
    """Whether what lies at ``path`` is the object ``name``, of that mode."""
    if mode == SUBMODULE:
        return path.is_dir() and head(path) == name
    try:
        kind = path.lstat().st_mode
        if stat.S_ISLNK(kind) != (mode == "120000"):
            return False
        content = os.fsencode(path.readlink()) if stat.S_ISLNK(kind) else path.read_bytes()
    except OSError:  # gone, or a folder by now
        return False
    return hashlib.new(DIGESTS[len(name)], b"blob %d\0" % len(content) + content).hexdigest() == name


def _importable(root: Path) -> list[str]:
    """What `python -m` run in ``root`` would take for modules: there, and in the packages there, however ignored."""
    suffixes = tuple(all_suffixes())
    packages = [folder for folder in root.iterdir() if any((folder / f"__init__{end}").is_file() for end in suffixes)]
    files = [*root.iterdir(), *(path for folder in packages for path in folder.rglob("*"))]
    return [
        path.relative_to(root).as_posix()
        for path in files
        if path.name.endswith(suffixes) and path.parent.name != "__pycache__" and path.is_file()
    ]
