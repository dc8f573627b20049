"""Commits and tags that hold exactly what they should, whatever else is in the work tree or staged."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from recondense.errors import InputError
from recondense.git import worktree
from recondense.git.command import answer
from recondense.git.command import git as git


def head(root: Path) -> str:
    """The commit that is checked out. Raises `InputError` where there is none."""
    return git(root, "rev-parse", "--verify", "HEAD^{commit}").strip()


def changed(root: Path) -> list[str]:
    """Paths below ``root`` whose files are not as HEAD has them, and those that git neither has nor ignores.

    Raises `InputError` where nothing is committed yet.
    """
    found = worktree.changed(root)
    if found is None:
        raise InputError(f"{root} has no commit: a release is a commit and a tag")
    return found


def in_progress(root: Path) -> bool:
    """Whether a merge, a rebase or the like waits for its end."""
    folder = root / git(root, "rev-parse", "--git-dir").strip()
    return any((folder / name).exists() for name in ("MERGE_HEAD", "CHERRY_PICK_HEAD", "rebase-merge", "rebase-apply"))


def commit(root: Path, paths: Sequence[str], message: str, parent: str) -> str:
    """A commit on ``parent`` with what ``paths`` hold now and nothing else; ``parent`` itself where that is no change.

    No branch leads to it yet: see `advance`.
    """
    if not paths:
        return parent
    with tempfile.TemporaryDirectory() as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        git(root, "read-tree", parent, **index)
        git(root, "add", "--all", "--", *paths, **index)
        tree = git(root, "write-tree", **index).strip()
    if tree == git(root, "rev-parse", f"{parent}^{{tree}}").strip():
        return parent
    signed = ["-S"] if setting(root, "commit.gpgSign") == "true" else []
    return git(root, "commit-tree", *signed, tree, "-p", parent, "-m", message).strip()


def advance(root: Path, new: str, old: str, paths: Sequence[str]) -> None:
    """Let the checked-out branch go from ``old`` to ``new``, whose ``paths`` are as the work tree has them.

    Raises `InputError` where the branch is elsewhere by now; then it stays there.
    """
    if new != old:
        git(root, "update-ref", "-m", "recondense release", "HEAD", new, old)
    if paths:
        git(root, "reset", "--quiet", "--", *paths)  # the index follows, for these paths only


def tag(root: Path, name: str, target: str, message: str) -> None:
    """Make an annotated tag, signed where git is configured to sign tags. Raises `InputError` where there is one."""
    git(root, "tag", "--annotate", "--message", message, name, target)


def tagged(root: Path, prefix: str) -> dict[str, str]:
    """The commits of the tags below ``prefix``, by what follows it in the tag's name."""
    form = "--format=%(refname:strip=2) %(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"
    listed = git(root, "for-each-ref", form, f"refs/tags/{prefix}")
    return {name.removeprefix(f"{prefix}/"): target for name, target in map(str.split, listed.splitlines())}


def content(root: Path, revision: str, path: str) -> str | None:
    """What ``path`` held at ``revision``, None where it was not there."""
    found = answer(root, "show", f"{revision}:./{path}")
    return None if found is None else found.decode(errors="replace")


def setting(root: Path, name: str) -> str | None:
    """A setting of git's configuration, None where there is none."""
    found = answer(root, "config", "--get", name)
    return None if found is None else found.decode(errors="replace").strip()


def merged(mine: str, base: str, new: str) -> str | None:
    """``mine`` with what changed from ``base`` to ``new``; None where both changed the same lines."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, text in (("mine", mine), ("base", base), ("new", new)):
            (folder / name).write_bytes(text.encode())
        found = answer(folder, "merge-file", "--stdout", "--quiet", "mine", "base", "new")
    return None if found is None else found.decode()
