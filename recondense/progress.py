"""Progress of long steps, on standard error, for the person who waits: how far, how long so far, how long still.

On a terminal bars move and go when done; elsewhere (a log file) there is a line now and then. Calls may nest.
"""

import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from recondense.escape import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import ProgressColumn

T = TypeVar("T")
LINE_SECONDS = 30.0  # between two lines of a log file


@dataclass(eq=False)
class Work:
    """What is being done, and how much of it is; ``expected``: seconds in all."""

    what: str
    expected: float | None = None
    total: float | None = None
    done: int = 0
    began: float = field(default_factory=time.monotonic)


_under_way: list[Work] = []  # the outermost first


def track(items: Iterable[T], what: str, total: float | None = None) -> Iterator[T]:
    """Yield ``items`` while a bar shows ``what``, how far it is, the time so far and the time left.

    ``total`` is needed only where ``items`` has no length.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(_NAME, markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), _left())
    in_all = len(items) if total is None and isinstance(items, Sized) else total
    with Progress(*columns, **_quiet()) as progress, _told(Work(what, total=in_all)) as work:
        for item in progress.track(items, total=in_all, description=what):
            yield item
            work.done += 1


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """The file at ``path``, open in binary, while a bar shows how much of it has been read."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(_NAME, markup=False), BarColumn(), DownloadColumn(), TimeElapsedColumn(), _left())
    name = printable(path.name)
    with Progress(*columns, **_quiet()) as progress, progress.open(path, "rb", description=name) as file:
        yield file


@contextmanager
def working(what: str, expected: float | None = None) -> Iterator[None]:
    """A bar for work whose parts cannot be counted. ``expected``: seconds, from the last time that it was done."""
    from rich.progress import Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
    from rich.progress_bar import ProgressBar

    class Bar(ProgressColumn):
        def render(self, task: Task) -> ProgressBar:
            return ProgressBar(expected or 100, min(task.elapsed or 0, expected or 0), width=40, pulse=not expected)

    columns = (TextColumn(_NAME, markup=False), Bar(), TimeElapsedColumn(), _left(expected))
    with Progress(*columns, **_quiet()) as progress, _told(Work(what, expected)):
        progress.add_task(what, total=None)
        yield


def line(works: Sequence[Work], now: float) -> str:
    """How far ``works`` are, the outermost first, how long it took so far, and how long still.

    >>> line([Work("privacy", began=0), Work("attacks", None, 7, 3, began=0)], 80)
    'privacy: attacks 3 of 7, 0:01:20 so far, about 0:01:47 left'
    >>> line([Work("privacy", expected=200, began=0)], 80), line([Work("shadows", None, 4, began=0)], 80)
    ('privacy: 0:01:20 so far, about 0:02:00 left', 'shadows 0 of 4, 0:01:20 so far')
    """
    outermost, elapsed = works[0], now - works[0].began
    counted = [work for work in works if work.total]
    in_all = outermost.expected
    if in_all is None and counted:
        first = counted[0]
        rest = at_this_rate(now - first.began, first.done, first.total)
        in_all = rest and rest + first.began - outermost.began
    said = [f"{work.what} {work.done:,} of {work.total:,g}" for work in counted]
    said += [f"{timedelta(seconds=round(elapsed))} so far", remaining(elapsed, in_all)]
    return ("" if outermost.total else f"{outermost.what}: ") + ", ".join(filter(None, said))


@contextmanager
def _told(work: Work) -> Iterator[Work]:
    """Say now and then in a log file how far ``work`` is, and all that it is a part of."""
    _under_way.append(work)
    ended = threading.Event()
    if len(_under_way) == 1 and not _console().is_terminal:
        threading.Thread(target=_say_lines, args=(ended,), daemon=True).start()
    try:
        yield work
    finally:
        ended.set()
        _under_way.remove(work)


def _say_lines(ended: threading.Event) -> None:
    while not ended.wait(LINE_SECONDS):
        if works := list(_under_way):
            print(f"  {printable(line(works, time.monotonic()))}", file=sys.stderr, flush=True)


def remaining(elapsed: float, expected: float | None) -> str:
    """What can be said of the time left, in seconds.

    >>> remaining(5, 65), remaining(70, 65), remaining(5, None)
    ('about 0:01:00 left', 'longer than last time (0:01:05)', '')
    """
    if expected is None:
        return ""
    if elapsed >= expected:
        return f"longer than last time ({timedelta(seconds=round(expected))})"
    return f"about {timedelta(seconds=round(expected - elapsed))} left"


def at_this_rate(elapsed: float, completed: float, total: float | None) -> float | None:
    """How long it takes in all, in seconds, where ``completed`` of ``total`` took ``elapsed``; None without a clue.

    By the mean over all that is done: where much was done at once and the rest is slow, this grows with what is seen.

    >>> at_this_rate(30, 1, 4), at_this_rate(60, 1, 4), at_this_rate(30, 0, 4), at_this_rate(30, 1, None)
    (120.0, 240.0, None, None)
    """
    return elapsed / completed * total if completed and total else None


_NAME = "  {task.description}"


def _left(expected: float | None = None) -> "ProgressColumn":
    """The time left, by what was done so far or, where that cannot be counted, by how long was ``expected``."""
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Left(ProgressColumn):
        def render(self, task: Task) -> Text:
            elapsed = task.elapsed or 0
            in_all = expected or at_this_rate(elapsed, task.completed, task.total)
            return Text("" if task.finished else remaining(elapsed, in_all), style="progress.remaining")

    return Left()


@cache
def _console() -> "Console":
    """One for all: bars know of each other through it."""
    from rich.console import Console

    return Console(stderr=True)


def _quiet() -> dict[str, Any]:
    # Standard output is for results: rich would put it on standard error while a bar is there
    return {
        "console": _console(),
        "transient": True,
        "redirect_stdout": False,
        "disable": not _console().is_terminal,
    }
