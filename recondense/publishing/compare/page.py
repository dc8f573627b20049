"""The comparison as one self-contained HTML page, in the style of the bundle's."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from recondense.bundle import releases
from recondense.bundle.templates import render
from recondense.charts.svg import Axis, Line, chart, nice, powers, strip
from recondense.publishing.compare.candidates import SWEEP, Candidate, other_data
from recondense.results.base import Interval
from recondense.results.releases import Spent, Summary

COLOURS = 6  # of the style sheet


def page(cohort: str, found: Sequence[Candidate], missing: Sequence[str]) -> str:
    """``missing``: releases of which MLflow knows nothing."""
    methods = list(dict.fromkeys(one.method for one in found))
    runs, sweeps = [one for one in found if one.state != SWEEP], [one for one in found if one.state == SWEEP]
    networks = list(dict.fromkeys(name for one in found for name in one.networks))
    low, high = _range([v for one in found for v in (one.auc["low"], one.auc["high"])] + _real(found))
    return render(
        "page.html.jinja",
        Path(__file__).parent,
        cohort=cohort,
        tables=[
            (title, [(one, _strip(one.auc, low, high), _attack(one)) for one in part])
            for title, part in (("Releases and runs", runs), ("Sweeps, best first", sweeps))
            if part
        ],
        axis=(low, high),
        real=next((one.all_real for one in reversed(found) if one.all_real), None),
        found=found,
        places={method: place % COLOURS for place, method in enumerate(methods)},
        networks=[(name, _best(name, found)) for name in networks],
        with_networks=[one for one in found if one.networks],
        pictures=list(_pictures(found, methods)),
        versions=list(releases.charts([_release(one) for one in runs if one.name[:1].isdecimal()])),
        other_data=other_data(found),
        missing=missing,
    )


def _real(found: Sequence[Candidate]) -> list[float]:
    return [value for one in found for value in one.all_real.values()]


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Round ends around the values, a guess's 0.5 among them."""
    return min(0.5, int(min(values) * 20) / 20), min(1.0, -int(-max(values) * 20) / 20 + 0.05)


def _strip(score: dict[str, float], low: float, high: float) -> Markup:
    return strip(score["low"], score["mean"], score["high"], Axis(low, high), 0.5)


def _attack(one: Candidate) -> Markup:
    found = one.attack
    return strip(found.low, found.auc, found.high, Axis(0.3, 1), 0.5) if found else Markup()


def _best(name: str, found: Sequence[Candidate]) -> float:
    return max(one.networks[name] for one in found if name in one.networks)


def _release(one: Candidate) -> releases.Row:
    """As `recondense.bundle.releases` has releases; what all cost together is the ledger's to say."""
    figures = Summary(test_auc=Interval.model_validate(one.auc), attack=one.attack)
    return releases.Row(one.name, None, None, figures, Spent())


def _pictures(found: Sequence[Candidate], methods: Sequence[str]) -> Iterator[tuple[str, Markup]]:
    """AUC by what it takes: seconds, and records where there are several sizes."""
    reached = [value for one in found for value in (one.auc["mean"], *one.aucs)] + _real(found)[:1]
    low, high = _range(reached)
    y = Axis(low, high, ticks=nice(low, high))
    timed = [one for one in found if one.seconds]
    if timed:
        end = 10 ** len(powers(max(one.seconds or 1 for one in timed)))
        x = Axis(0.1, end, "seconds to condense, by powers of ten", [0.1, *powers(end)], log=True)
        yield _drawn("AUC against time", timed, methods, x, y, lambda one: max(one.seconds or 0.1, 0.1), False)
    sizes = sorted({one.records_per_class for one in found if one.records_per_class})
    if len(sizes) > 1:
        x = Axis(sizes[0] / 1.3, sizes[-1] * 1.3, "condensed records a class", sizes, log=True)
        sized = [one for one in found if one.records_per_class]
        yield _drawn("AUC against size", sized, methods, x, y, lambda one: float(one.records_per_class or 1), True)


def _drawn(
    title: str, found: Sequence[Candidate], methods: Sequence[str], x: Axis, y: Axis, place: Any, joined: bool
) -> tuple[str, Markup]:
    lines = []
    real = next((one.all_real for one in reversed(found) if one.all_real), None)
    if real:
        lines.append(Line([(x.low, real["mean"]), (x.high, real["mean"])], "all_real"))
    for index, method in enumerate(methods):
        own = sorted((one for one in found if one.method == method), key=place)
        points = [(place(one), one.auc["mean"]) for one in own]
        swept = joined and all(one.state == SWEEP for one in own)
        lines += [
            Line(part, f"k{index % COLOURS}", dots=True) for part in ([points] if swept else [[p] for p in points])
        ]
    said = "; ".join(f"{one.label}: {place(one):g}, AUC {one.auc['mean']:.3f}" for one in found)
    return title, chart(lines, x, y, f"{title}. {said}.")
