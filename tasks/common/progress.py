"""Progress of long steps, on standard error, for the person who waits."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield ``items`` while a bar on standard error shows ``what``, how far it is and the time left.

    On a terminal the bar moves; elsewhere (a log file) nothing is drawn. Nested calls draw one bar each.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    global _display, _depth
    if _display is None:
        console = Console(stderr=True)
        _display = Progress(TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(),
                            TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
    if _depth == 0:
        _display.start()
    _depth += 1
    count = total if total is not None else len(items) if hasattr(items, "__len__") else None
    bar = _display.add_task(what, total=count)
    try:
        for item in items:
            yield item
            _display.advance(bar)
    finally:
        _display.remove_task(bar)
        _depth -= 1
        if _depth == 0:
            _display.stop()


_display = None
_depth = 0
