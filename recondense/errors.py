"""The exceptions a user is meant to read, and what may be said of all others."""

import errno
import os
import re
import socket
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import requires
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
FAULT = 70  # ... with a fault of the program: EX_SOFTWARE of sysexits(3)


EXTRA = re.compile(r"([\w.-]+).*\bextra == ['\"]([\w-]+)")  # a line of the package's own requirements
SYSTEM_ERROR = re.compile(r"\bos error (\d+)|\[errno (\d+)\]", re.IGNORECASE)  # Rust's form, and Arrow's
# Of SQLite's errors those that come from the system: https://sqlite.org/rescode.html
SQLITE_ERRORS = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_PERM: errno.EACCES,
    sqlite3.SQLITE_READONLY: errno.EROFS,
}
# What to do. An error with such a number is the cause of whatever error it leads to.
MEND = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room, or ask for a larger quota",
    errno.EROFS: "that disk can only be read: mount it for writing, or work on another",
    errno.EACCES: "let this user read and write there",
    errno.EPERM: "let this user read and write there",
    errno.EMFILE: "allow more open files (`ulimit -n 4096`), then try again",
    errno.ENFILE: "end other programs, or let the system open more files",
    errno.EIO: "that disk or network share does not work: look at it, then try again",
}


@contextmanager
def needing_extras() -> Iterator[None]:
    """Around imports of what only an extra of recondense installs.

    Raises `InputError`, which says what to install, in place of `ModuleNotFoundError` where such a package is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = _normal((error.name or "").partition(".")[0])
        extras: dict[str, set[str]] = {}
        for text in requires("recondense") or ():
            if match := EXTRA.match(text):
                extras.setdefault(match[2], set()).add(_normal(match[1]))
        holding = [name for name, packages in extras.items() if package in packages]
        if not holding:
            raise
        smallest = min(holding, key=lambda name: len(extras[name]))
        raise InputError(
            f'this needs the package {package}, which is not installed: pip install "recondense[{smallest}]"'
        ) from error


def _normal(name: str) -> str:
    return name.lower().replace("_", "-")


def without_its_text(error: Exception) -> str:
    """Type and places in the code of a foreign ``error``. Its text may quote a record ("could not convert string to
    float: ..."), so it is withheld, but for what the system itself says; RECONDENSE_DEBUG=1 shows all of it on the
    steward's own terminal."""
    if system := said_by_the_system(error):
        return system
    frames = [
        f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    withheld = "(its text is withheld since it may quote a record; set RECONDENSE_DEBUG=1 to see it)"
    return "\n".join([f"{type(error).__name__} {withheld}", *frames])


def said_by_the_system(error: BaseException) -> str:
    """Why the operating system refused, in its own words, for which of our own files, and what to do; "" where it is
    not the cause.

    >>> said_by_the_system(OSError(28, "it may quote a record", "/srv/p/data/4_condensed/a/condensed.safetensors"))
    'No space left on device: data/4_condensed/a/condensed.safetensors: make room on that disk'
    >>> said_by_the_system(PermissionError(13, "denied", "/srv/p/data/1_raw/icu/set-a/132539.txt"))
    'Permission denied: a file in data/1_raw/icu: let this user read and write there'
    >>> said_by_the_system(RuntimeError("I/O error: No space left on device (os error 28)"))
    'No space left on device: make room on that disk'
    >>> said_by_the_system(ValueError("could not convert string to float: 'Mrs Miller'"))
    ''
    """
    for one in chain(error):
        number = _number(one)
        if number in MEND or (number and one is error):
            place = _place(str(getattr(one, "filename", None) or ""))
            return ": ".join(filter(None, [os.strerror(number), place, MEND.get(number, "")]))
    return ""


def system_words(error: BaseException) -> str:
    """The operating system's own words for what led to ``error``, "" where it said nothing.

    >>> system_words(RuntimeError("[Errno 111] Connection refused"))
    'Connection refused'
    """
    for one in chain(error):
        if isinstance(one, socket.gaierror):  # numbers of its own: "Name or service not known"
            return one.strerror or ""
        if number := _number(one):
            return os.strerror(number)
    return ""


def chain(error: BaseException) -> Iterator[BaseException]:
    """``error``, what caused it, and so on."""
    one: BaseException | None = error
    seen: set[int] = set()
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__  # though a library hid it: httpcore raises `from None`


def _number(error: BaseException) -> int | None:
    """The system's number of ``error``, None where it is no error of the system's."""
    number = error.errno if isinstance(error, OSError) and not isinstance(error, socket.gaierror) else None
    if isinstance(error, sqlite3.Error):
        number = SQLITE_ERRORS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    if number is None and (match := SYSTEM_ERROR.search(str(error))):
        number = int(match[1] or match[2])
    return number if number in errno.errorcode else None


def _place(path: str) -> str:
    """``path`` from the project's root where recondense itself writes; of a raw file, whose name may be an id, only its
    cohort's folder; "" elsewhere."""
    if raw := re.search(r"(?:^|/)(data/1_raw/[^/]+)/", path):
        return f"a file in {raw[1]}"
    places = [r"data/(?:[2-7]_[a-z]+|ledger)", r"\.recondense", r"\.dvc", "mlruns"]
    found = re.search(rf"(?:^|/)((?:{'|'.join(places)})/.*|mlflow\.db)$", path)
    return found[1] if found else ""
