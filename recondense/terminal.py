"""The terminal: whatever is said on it is text, whoever wrote it. See `recondense.escape`."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from recondense.escape import printable

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


err = Terminal(stderr=True, highlight=False)


def say(text: str) -> None:
    """One line on standard error."""
    err.print(text, style="dim", soft_wrap=True)


def say_stage(name: str, state: str, seconds: float | None = None) -> None:
    """How a stage stands: its Prefect state, and how long it took where it ran."""
    style = {"Cached": "green", "Completed": "bold green", "Running": "cyan"}.get(state, "bold red")
    err.print(f"  {name:<14} [{style}]{state}[/]" + (f" in {seconds:.1f} s" if seconds else ""), markup=True)
