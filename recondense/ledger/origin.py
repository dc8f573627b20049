"""Who works here, with which software, on which code; and what git remembers of a file."""

import getpass
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from recondense.git import worktree
from recondense.git.command import answer
from recondense.ledger.entry import Actor

PACKAGES = ("recondense", "torch", "dvc", "prefect")


def actor(root: Path) -> Actor:
    """The name that git would commit under, which whoever works here chooses; without one, the login name.

    No e-mail address: lines of a ledger are signed whole, and some are published.
    """
    name = (answer(root, "config", "user.name") or b"").decode(errors="replace").strip()
    return Actor(name=name or getpass.getuser(), email=None)


def versions(root: Path) -> dict[str, str | bool | None]:
    """Of the software; ``commit``: the one checked out; ``dirty``: whether the code differs from it.

    What runs write does not make it dirty.
    """
    found = worktree.differing(root)
    written = ("dvc.lock", "software.yaml", "data/")
    dirty = None if found is None else any(not path.startswith(written) for path in found)
    return {**_software(), "commit": worktree.head(root), "dirty": dirty}


def remembered(root: Path, path: str) -> dict[str, bytes]:
    """What ``path``, relative to ``root``, held at HEAD and at every tag ``release/*``, by their names."""
    tags = (answer(root, "for-each-ref", "--format=%(refname:short)", "refs/tags/release") or b"").decode().split()
    names = ["HEAD", *tags]
    asked = "".join(f"{name}:./{path}\n" for name in names)
    rest = answer(root, "cat-file", "--batch", given=asked.encode()) or b""
    found = {}
    for name in names:
        head, _, rest = rest.partition(b"\n")
        if head and not head.endswith(b" missing"):
            size = int(head.split()[-1])
            found[name], rest = rest[:size], rest[size + 1 :]
    return found


@cache
def _software() -> dict[str, str | bool | None]:
    found: dict[str, str | bool | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
