"""What a run can do without, tracking and pages: their trouble is told in one sentence, and ends nothing.

The ledger and the gate are neither: where they fail, so does the run.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from flows.console import say
from flows.doctor.finding import kind


@contextmanager
def dispensable(what: str) -> Iterator[None]:
    """Go on after whatever goes wrong in here; ``what`` is then said to be missing."""
    try:
        yield
    except Exception as error:  # stores, servers and figures raise whatever they like
        tell(what, error)


def tell(what: str, error: BaseException) -> None:
    """Say once that ``what`` is missing, and why."""
    _say_once(f"{what}: {why(error)}. The run goes on, and its results do not depend on it")


def why(error: BaseException) -> str:
    """The kind of ``error``, or the words of the system or of SQLite where these are behind it: they quote no record.

    >>> why(sqlite3.OperationalError("attempt to write a readonly database"))
    'attempt to write a readonly database'
    """
    behind: BaseException | None = error
    while behind:
        if isinstance(behind, sqlite3.Error):
            return str(behind)
        if isinstance(behind, OSError) and behind.strerror:
            return behind.strerror
        behind = behind.__cause__ or behind.__context__
    return kind(error)


def lost(error: BaseException) -> bool:
    """Whether ``error`` is that nobody answers: to ask again would take minutes each time."""
    import requests

    behind: BaseException | None = error
    while behind:
        if isinstance(behind, requests.ConnectionError | requests.Timeout):
            return True
        behind = behind.__cause__ or behind.__context__
    return False


@cache
def _say_once(text: str) -> None:
    say(text)
