"""How git is called."""

import os
import subprocess
from pathlib import Path

from recondense.errors import InputError

ITSELF = {"GIT_NO_REPLACE_OBJECTS": "1"}  # the commit's own objects, not what `git replace` puts in their place


def git(root: Path, *arguments: str, **environment: str) -> str:
    """The output of one git command in ``root``. Raises `InputError` with what git said."""
    done = _run(root, arguments, environment)
    if done is None:
        raise InputError("git is not installed: a release is a commit and a tag")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"it ended with status {done.returncode}"
        raise InputError(f"git {arguments[0]}: {said}")
    return done.stdout.decode(errors="replace")


def answer(root: Path, *arguments: str, given: bytes | None = None, **environment: str) -> bytes | None:
    """The output of one git command that is told ``given``; None where it fails, or where there is no git."""
    done = _run(root, arguments, environment, given)
    return done.stdout if done and done.returncode == 0 else None


def _run(
    root: Path, arguments: tuple[str, ...], environment: dict[str, str], given: bytes | None = None
) -> "subprocess.CompletedProcess[bytes] | None":
    variables = {**os.environ, **ITSELF, **environment}
    try:
        return subprocess.run(
            ["git", *arguments], cwd=root, env=variables, input=given, capture_output=True, check=False
        )
    except OSError:
        return None
