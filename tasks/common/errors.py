"""The exceptions a user is meant to read, and what may be said of all others."""

import errno
import os
import re
import traceback
from pathlib import Path


class InputError(Exception):
    """Something given from outside (a file, a parameter, an option) cannot be used.

    The message says which file, record position and column, and how to mend it. It never holds a patient's values.
    """


class Refusal(InputError):
    """Everything was read, and a rule forbids to go on. ``reasons``: every one, without patients' values."""

    def __init__(self, what: str, reasons: list[str]) -> None:
        super().__init__(f"{what}:" + "".join(f"{BULLET}{reason}" for reason in reasons))
        self.reasons = reasons


BULLET = "\n  - "
REFUSED = 3  # the exit status of a stage that ended with a `Refusal`


SYSTEM_ERROR = re.compile(r"\bos error (\d+)|\[errno (\d+)\]", re.IGNORECASE)  # Rust's form, and Arrow's


def without_its_text(error: Exception) -> str:
    """Type and places in the code of a foreign ``error``. Its text may quote a record ("could not convert string to
    float: ..."), so it is withheld, but for what the system itself says; RECONDENSE_DEBUG=1 shows all of it on the
    steward's own terminal."""
    frames = [
        f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    system = said_by_the_system(error)
    withheld = "(its text is withheld since it may quote a record; set RECONDENSE_DEBUG=1 to see it)"
    said = f": {system}" if system else f" {withheld}"
    return "\n".join([f"{type(error).__name__}{said}", *frames])


def said_by_the_system(error: BaseException) -> str:
    """Why the operating system refused, in its own words, and for which of our own files; "" where it is not the cause.

    >>> said_by_the_system(OSError(28, "it may quote a record", "/srv/p/data/4_condensed/a/condensed.safetensors"))
    'No space left on device: data/4_condensed/a/condensed.safetensors'
    >>> said_by_the_system(PermissionError(13, "denied", "/srv/p/data/1_raw/set-a/132539.txt"))
    'Permission denied'
    >>> said_by_the_system(RuntimeError("I/O error: No space left on device (os error 28)"))
    'No space left on device'
    >>> said_by_the_system(ValueError("could not convert string to float: 'Mrs Miller'"))
    ''
    """
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (match := SYSTEM_ERROR.search(str(error))):
        number = int(match[1] or match[2])
    if number is None or number not in errno.errorcode:
        return ""
    own = _own_place(str(getattr(error, "filename", None) or ""))
    return os.strerror(number) + (f": {own}" if own else "")


def _own_place(path: str) -> str:
    """``path`` from the project's root where recondense itself writes; "" elsewhere: a raw file's name may be an id."""
    from tasks.common.layout import STAGE_FOLDERS  # which imports this module

    places = [rf"data/(?:{'|'.join([*STAGE_FOLDERS.values(), 'ledger'])})", r"\.recondense", r"\.dvc", "mlruns"]
    found = re.search(rf"(?:^|/)((?:{'|'.join(places)})/.*|mlflow\.db)$", path)
    return found[1] if found else ""
