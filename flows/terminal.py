"""The terminal: whatever is said on it is text, whoever wrote it. See `tasks.common.escape`."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from tasks.common.escape import printable

KEPT = "\n"


class Terminal(Console):
    """Rich's console, whose own colours are the only escape codes on it."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As `Console.render`; every piece of text, in a table too, passes through here."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text, KEPT), style, control)
