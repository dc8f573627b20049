"""What a run can do without, tracking and pages: their trouble is told in one sentence, and ends nothing.

The ledger and the gate are neither: where they fail, so does the run.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from recondense.errors import chain
from recondense.probes.finding import kind
from recondense.terminal import say


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
    said = (str(one) for one in chain(error) if isinstance(one, sqlite3.Error))
    return next(said, "") or kind(error)


def lost(error: BaseException) -> bool:
    """Whether ``error`` is that nobody answers: to ask again would take minutes each time."""
    import requests

    return any(isinstance(one, requests.ConnectionError | requests.Timeout) for one in chain(error))


@cache
def _say_once(text: str) -> None:
    say(text)
