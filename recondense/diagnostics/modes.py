"""Who else on this machine can read what is for the steward alone. What recondense writes is; what was there before it,
or was copied in by hand, may not be."""

import os
import shlex
import stat
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

from recondense.probes.finding import Finding, Found
from recondense.stages.layout import STAGE_FOLDERS

ALSO = (".dvc/cache", ".recondense", "mlflow.db", "mlruns")
CLASSES = ((stat.S_IRGRP, stat.S_IXGRP), (stat.S_IROTH, stat.S_IXOTH))  # to read a file, and to pass a folder


def readable(root: Path) -> Found:
    """Whether records, caches, databases and the vault are closed to other users."""
    from dvc.repo import Repo

    from recondense.git import git

    tracked = {root / name for name in git.git(root, "ls-files", "-z", "data").split("\0") if name}
    vault = Repo(str(root)).config["remote"].get("vault", {}).get("url", "")
    stages = [folder for name, folder in STAGE_FOLDERS.items() if name != "release"]
    below = [path for name in ("1_raw", *stages) for path in sorted((root / "data" / name).glob("*"))]
    places = [*below, *(root / name for name in ALSO), *([Path(vault)] if vault and not urlsplit(vault).scheme else [])]
    open_ = [place for place in places if place.exists() and exposed(place, tracked)]
    if open_:
        names = [str(place.relative_to(root)) if place.is_relative_to(root) else str(place) for place in open_]
        mend = f"chmod -R go-rwx {shlex.join(names)}"
        yield Finding("warning", f"other users of this machine can read {', '.join(names)}", mend)
    else:
        yield Finding("ok", "no other user of this machine can read records, caches, databases or the vault")


def exposed(place: Path, tracked: Collection[Path] = ()) -> bool:
    """Whether there is a file in ``place`` that group or others can read, and that is not ``tracked`` by git."""
    return any(_exposed(place, tracked, read, enter) for read, enter in CLASSES)


def _exposed(place: Path, tracked: Collection[Path], read: int, enter: int) -> bool:
    if not all(parent.stat().st_mode & enter for parent in place.absolute().parents):
        return False
    if place.is_file():
        return _reads(place, tracked, read)
    for folder, inner, names in os.walk(place):
        if not Path(folder).stat().st_mode & enter:
            inner.clear()
        elif any(_reads(Path(folder, name), tracked, read) for name in names):
            return True
    return False


def _reads(path: Path, tracked: Collection[Path], read: int) -> bool:
    return not path.is_symlink() and bool(path.stat().st_mode & read) and path not in tracked
