"""`recondense init`: a project of its own from the installed library alone, whole or not at all."""

import getpass
import shutil
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path

from recondense.errors import InputError
from recondense.git import git
from recondense.project import template
from recondense.project.params_file import add_cohort
from recondense.stages import software

README = Path(__file__).parent / "start.md"
DVC_CONFIG = "[core]\n    analytics = false\n"
BASE = ".template"  # what the template was when it came here: `recondense upgrade` sees her edits by it


def init(folder: Path, examples: Sequence[str] = ()) -> str | None:
    """Make a project in ``folder``, which is new, empty, or a git repository without a commit; with ``examples`` of
    cohorts. Commits it, and returns the name that git commits under, where git knew none of this user.

    Raises `InputError` where ``folder`` holds anything, an example is unknown, or git fails.
    """
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a new folder")
    if found - {".git"} or (found and _has_commit(folder)):
        raise InputError(f"{folder} is not empty: name a new folder, or an empty one")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _fill(scratch, examples)
        scratch.chmod(0o755)
        if not folder.exists():
            name = _commit(scratch)
            scratch.replace(folder)
            return name
        return _move(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _has_commit(folder: Path) -> bool:
    try:
        git.head(folder)
    except InputError:
        return False
    return True


def _fill(root: Path, examples: Sequence[str]) -> None:
    for name, path in template.kept().items():
        for place in (root, root / BASE):
            _copy(path, place / name)
    shutil.copyfile(README, root / "README.md")
    (root / ".dvc" / "config").write_text(DVC_CONFIG, encoding="utf-8")
    (root / "params.yaml").write_text(template.start_of_params(), encoding="utf-8")
    for cohort in examples:
        block, raw = template.example(cohort)
        for name, path in raw.items():
            _copy(path, root / name)
        add_cohort(root, cohort, block)
    (root / "data" / "1_raw").mkdir(exist_ok=True)
    software.write(root)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _move(scratch: Path, folder: Path) -> str | None:
    """Put all of ``scratch`` into ``folder``, which stays, since a shell may stand in it."""
    moved: list[Path] = []
    had_git = (folder / ".git").exists()
    try:
        for path in sorted(scratch.iterdir()):
            moved.append(folder / path.name)
            path.replace(moved[-1])
        return _commit(folder)
    except BaseException:
        for path in [*moved, *([] if had_git else [folder / ".git"])]:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        raise


def _commit(root: Path) -> str | None:
    if not (root / ".git").exists():
        git.git(root, "init", "--quiet", "--initial-branch", "main")
    name = None
    if not (git.setting(root, "user.name") and git.setting(root, "user.email")):
        name = git.setting(root, "user.name") or getpass.getuser()
        git.git(root, "config", "user.name", name)
        git.git(root, "config", "user.email", git.setting(root, "user.email") or f"{name}@{socket.gethostname()}")
    git.git(root, "add", "--all")
    git.git(root, "commit", "--quiet", "--message", "A project of recondense")
    return name
