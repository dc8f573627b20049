"""What a check says, and how it says it without giving secrets away."""

import os
import tempfile
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from recondense.errors import MEND, InputError, system_words
from recondense.settings import settings

MORE = "RECONDENSE_DEBUG=1 recondense doctor says more"
_REMOTE = "see that its host is up and that its keys are set and may write (`dvc remote list` shows where it is)"
UNREACHABLE = {
    "remote vault": _REMOTE,
    "remote release": _REMOTE,
    "Prefect": "start it (`recondense ui`), or mend --server and PREFECT_API_URL; without them a run starts its own",
    "MLflow": "start it (`recondense ui`), or mend MLFLOW_TRACKING_URI; runs without it go into mlflow.db here",
}
REQUEST_SECONDS = 5
PROBE_BYTES = 1 << 16
GB = 1e9


@dataclass(frozen=True)
class Finding:
    """How one thing stands, and what to do ``next`` ("" where nothing is to be done).

    A fault is in the way of runs, or would undo what they promise; a warning is in the way of a release or a schedule.
    """

    level: Literal["ok", "warning", "fault"]
    found: str
    next: str = ""


Found = Iterator[Finding]


def check(found: Iterable[Finding]) -> None:
    """Raise `InputError`, a line a fault, where there is one among ``found``."""
    if faults := [f"{one.found}: {one.next}" for one in found if one.level == "fault"]:
        raise InputError("\n".join(faults))


def section_of(block: Any, section: str) -> dict[str, Any]:
    """A section of a cohort's block as far as it is one; whether all is valid, `cohorts` says."""
    found = block.get(section) if isinstance(block, dict) else None
    return found if isinstance(found, dict) else {}


def unwritable(folder: Path) -> str:
    """Why no file can be made in ``folder``, or, where it is not there, no such folder; "" where one can."""
    while not folder.exists() and not folder.is_symlink():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(PROBE_BYTES))  # an empty file can be made on a full disk
            file.flush()
            return ""
    except OSError as error:
        return kind(error)


def mend_of(problem: str) -> str:
    """What to do about the system's ``problem``, as `unwritable` says it."""
    advice = {os.strerror(number): mend for number, mend in MEND.items()}
    return advice.get(problem, "let this user write there, or mend its disk")


def kind(error: BaseException) -> str:
    """The kind of ``error``: its own text may hold an address with a password."""
    if settings().debug:
        traceback.print_exception(error)
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"status {status}" if status else system_words(error) or type(error).__name__


def without_secrets(address: str) -> str:
    """``address`` without user, password and query; a path as it is.

    >>> without_secrets("postgresql://ada:s3cret@db:5432/mlflow?sslpassword=s3cret")
    'postgresql://db:5432/mlflow'
    """
    parts = urlsplit(address)
    if not parts.netloc:
        return address.partition("?")[0]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
