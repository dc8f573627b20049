"""The terminal: whatever is said on it is text, whoever wrote it. See `tasks.common.escape`."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from tasks.common.escape import printable

KEPT = "\n"


class Terminal(Console):
    """Rich's console, whose own colours are the only escape codes on it. What is in brackets is no markup, in a table
    neither, unless `print` is told that it is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As `Console.render`; every piece of text, in a table too, passes through here."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text, KEPT), style, control)
