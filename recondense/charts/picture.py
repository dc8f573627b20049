"""Charts as PNG, by matplotlib: their paper, what is drawn more than once, and how they are saved."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recondense.charts import GREY
from recondense.files import atomic


def paper(width: float, height: float, rows: int = 1, columns: int = 1, **shape: Any) -> tuple[Figure, list[Axes]]:
    """A figure of so many inches, and its ``rows`` x ``columns`` panels in order; ``shape``: as subplots takes it."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False, **shape).flat)


def intervals(
    axes: Axes,
    x: Sequence[float],
    means: Sequence[float],
    bounds: Sequence[tuple[float, float]],
    form: str = "o",
    **look: Any,
) -> None:
    """Points with their intervals, upright; ``bounds``: low and high of each. ``form``: "o-" joins the points."""
    spread = [[m - low for m, (low, _) in zip(means, bounds, strict=True)],
              [high - m for m, (_, high) in zip(means, bounds, strict=True)]]  # fmt: skip
    axes.errorbar(x, means, spread, fmt=form, markersize=4, **look)


def interval(axes: Axes, row: float, low: float, mean: float, high: float, colour: str) -> None:
    """An interval that lies in a ``row``, with a dot at its mean."""
    axes.plot([low, high], [row, row], color=colour, linewidth=2)
    axes.plot(mean, row, "o", color=colour, markersize=5)


def rule(axes: Axes, value: float, upright: bool = False, line: str = ":", **look: Any) -> None:
    """A thin line at ``value``, such as what guessing gives."""
    (axes.axvline if upright else axes.axhline)(value, color=GREY, linewidth=1, linestyle=line, **look)


def words(name: str) -> str:
    """A name of params.yaml as words."""
    return name.replace("_", " ")


def save(figure: Figure, path: Path) -> None:
    """Write the picture, whole or not at all."""
    with atomic.replacing(path) as scratch:
        figure.savefig(scratch, format="png", dpi=150)
