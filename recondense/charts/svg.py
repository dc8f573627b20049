"""Charts as inline SVG. Colours and letters come from the page's style sheet, so that they follow light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log10

from markupsafe import Markup, escape

WIDTH, HEIGHT = 340, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 42


@dataclass(frozen=True)
class Line:
    """``points``: (x, y). ``look``: classes of the style sheet. ``bars``: low and high of each point. ``dots``: whether
    points are marked, as where there is only one."""

    points: Sequence[tuple[float, float]]
    look: str
    bars: Sequence[tuple[float, float]] = ()
    dots: bool = False


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high``, with ``ticks`` and a title; ``log``: by powers of ten."""

    low: float
    high: float
    title: str = ""
    ticks: Sequence[float] = field(default_factory=tuple)
    log: bool = False

    def place(self, value: float) -> float:
        """Where a value lies, 0 at the beginning and 1 at the end."""
        low, high, value = (
            (log10(x) for x in (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        )
        return (value - low) / ((high - low) or 1)


def chart(
    lines: Sequence[Line], x: Axis, y: Axis, description: str, width: int = WIDTH, height: int = HEIGHT
) -> Markup:
    """One chart; ``description`` is for whoever cannot see it."""

    def across(value: float) -> float:
        return LEFT + x.place(value) * (width - LEFT - RIGHT)

    def down(value: float) -> float:
        return height - BOTTOM - y.place(value) * (height - TOP - BOTTOM)

    floor = height - BOTTOM
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(description)}">']
    for tick in y.ticks:
        parts.append(f'<path class="grid" d="M{LEFT} {down(tick):.1f}H{width - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{down(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in x.ticks:
        parts.append(f'<path class="axis" d="M{across(tick):.1f} {floor}v4"/>')
        parts.append(f'<text x="{across(tick):.1f}" y="{floor + 17}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{floor}H{width - RIGHT}"/>')
    if x.title:
        parts.append(
            f'<text x="{(LEFT + width - RIGHT) / 2}" y="{height - 6}" text-anchor="middle">{escape(x.title)}</text>'
        )
    for line in lines:
        parts.append(f'<g class="{line.look}">')
        placed = [(across(a), down(b)) for a, b in line.points]
        for (a, _), (low, high) in zip(line.points, line.bars, strict=False):
            parts.append(f'<path class="bar" d="M{across(a):.1f} {down(low):.1f}V{down(high):.1f}"/>')
        parts.append(f'<path d="M{"L".join(f"{a:.1f} {b:.1f}" for a, b in placed)}"/>')
        if line.dots:
            parts += [f'<circle cx="{p[0]:.1f}" cy="{p[1]:.1f}" r="3.5"/>' for p in placed]
        parts.append("</g>")
    return Markup("".join([*parts, "</svg>"]))


def strip(low: float, mean: float, high: float, axis: Axis, mark: float | None = None) -> Markup:
    """An interval in a table cell: a line from low to high, a dot at the mean, a rule at ``mark``. No letters: the
    figures stand beside it."""
    ends = [max(0.0, min(1.0, axis.place(value))) * 200 for value in (low, mean, high)]
    rule = f'<path class="grid" d="M{axis.place(mark) * 200:.1f} 0v16"/>' if mark is not None else ""
    return Markup(
        f'<svg class="strip" viewBox="-5 0 210 16" aria-hidden="true">{rule}'
        f'<path class="bar" d="M{ends[0]:.1f} 8H{ends[2]:.1f}"/><circle cx="{ends[1]:.1f}" cy="8" r="4"/></svg>'
    )


def nice(low: float, high: float, count: int = 4) -> list[float]:
    """About ``count`` round numbers between two.

    >>> nice(0.62, 0.88)
    [0.65, 0.7, 0.75, 0.8, 0.85]
    """
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** int(log10(raw) // 1)
    step = min((m * power for m in (1, 2, 2.5, 5, 10)), key=lambda one: abs(one - raw))
    first = -int(-low // step)
    last = int(high / step + 1e-9)  # 0.9 is nine steps of 0.1, though floats say it is less
    return [float(f"{step * place:.10g}") for place in range(first, last + 1)]


def powers(high: float) -> list[float]:
    """1, 10, 100 and so on, up to ``high``."""
    return [10.0**exponent for exponent in range(int(log10(max(high, 1))) + 1)]
