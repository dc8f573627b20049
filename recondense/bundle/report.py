"""The bundle's report.html: one page for clinicians and ethics boards, with everything in it and nothing fetched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from recondense.bundle import releases
from recondense.bundle.contents import Contents
from recondense.bundle.phrases import MAY, MAY_NOT, beside_real, guarantee, nobody, notices, together
from recondense.bundle.sentences import sentence
from recondense.bundle.templates import render
from recondense.charts.svg import Axis, Line, chart, nice, powers, strip
from recondense.models.predictions import TRAINING_SETS
from recondense.records.labels import likeliest, n_classes, probabilities
from recondense.results.attacks import ATTACKS, NotRun, Withheld
from recondense.results.audit import Canaries
from recondense.results.base import Interval
from recondense.results.public import Bin, Calibration, Curve, Public
from recondense.results.verdicts import VERDICTS

MOST_FEATURES, MOST_RECORDS = 24, 40  # drawn; all are in condensed.parquet
RELEASED = ("random patients’ records and theirs, as they are", "condensed records")


def report(contents: Contents) -> str:
    """The page. Of a figure that is null in the metrics its block is left out."""
    metrics, earlier = contents.metrics, releases.rows(contents)
    return render(
        "report.html.jinja",
        its=contents,
        metrics=metrics,
        privacy=metrics.privacy,
        canaries=list(_canaries(metrics.privacy.canaries)),
        notices=notices(metrics),
        nobody=nobody(metrics),
        beside_real=beside_real(metrics),
        together=together(metrics.privacy.settings.confidence) if _some_figure(metrics) else "",
        gate=[sentence(outcome) for outcome in metrics.gate],
        scores=list(_scores(metrics)),
        networks=list(_networks(metrics)),
        convergence=_convergence(metrics.convergence or {}),
        plateaus=list(_plateaus(metrics)),
        reliability=list(_reliability(metrics.calibration)),
        subgroups=[(group, _strips(group.auc)) for group in metrics.subgroups.groups] if metrics.subgroups else [],
        pictures=list(pictures(contents)),
        class_names=class_names(contents),
        may=MAY,
        may_not=MAY_NOT,
        guarantee=guarantee(contents),
        releases=earlier,
        over_releases=list(releases.charts(earlier)),
        sets=TRAINING_SETS,
        attacks=ATTACKS,
        verdicts=VERDICTS,
    )


def _some_figure(metrics: Public) -> bool:
    """Whether an attack's figure stands on the page."""
    return not all(isinstance(attack, NotRun | Withheld) for attack in metrics.privacy.attacks.values())


def class_names(contents: Contents) -> list[str]:
    """What the classes are called."""
    return list(contents.preprocessing.classes) or ["without the outcome", "with the outcome"]


@dataclass(frozen=True)
class ScoreRow:
    """What one training set is worth, in words, as a figure and as a picture."""

    words: str
    auc: Interval
    strip: Markup


def _scores(metrics: Public) -> Iterator[ScoreRow]:
    """What each training set is worth, the ensemble of the condensed one after it."""
    for name in (each for each in TRAINING_SETS if each in metrics.test_auc):
        yield _row(TRAINING_SETS[name], metrics.test_auc[name])
        together = metrics.ensembles.get(name)
        if name == "condensed" and together:
            yield _row(f"the same, {together.size} networks together", together.test_auc)


def _row(words: str, auc: Interval) -> ScoreRow:
    return ScoreRow(words, auc, _strip(auc.low, auc.mean, auc.high))


def _networks(metrics: Public) -> Iterator[tuple[str, Interval, Interval | None]]:
    """Of each network its score on the condensed records, and on all real ones where that is told."""
    real = metrics.test_auc.get("all_real")
    for network, score in metrics.test_auc["condensed"].by_network.items():
        yield network.replace("_", " "), score, real.by_network.get(network) if real else None


def _canaries(found: Canaries | None) -> Iterator[tuple[str, Interval, Markup]]:
    """How well canaries are found in real records and in condensed ones."""
    for words, figures in () if found is None else zip(RELEASED, (found.as_they_are, found.condensed), strict=True):
        auc = Interval(mean=figures.auc, low=figures.low, high=figures.high)
        yield words, auc, _strip(auc.low, auc.mean, auc.high)


def _strip(low: float, middle: float, high: float) -> Markup:
    return strip(low, middle, high, Axis(0.4, 1), 0.5)


def _strips(by_set: dict[str, Interval]) -> dict[str, Markup]:
    return {name: _strip(score.low, score.mean, score.high) for name, score in by_set.items()}


def _convergence(found: dict[str, Curve]) -> Markup | None:
    if not found:
        return None
    steps = max(curve.steps[-1] for curve in found.values())
    aucs = [auc for curve in found.values() for auc in curve.auc]
    low, high = min(*aucs, 0.5), min(1.0, max(aucs) + 0.02)
    lines = [Line(list(zip(curve.steps, curve.auc, strict=True)), name) for name, curve in found.items()]
    said = "; ".join(
        f"{TRAINING_SETS[name]}: {curve.auc[0]:.2f} after {curve.steps[0]} step, "
        f"{curve.auc[-1]:.2f} after {curve.steps[-1]}"
        for name, curve in found.items()
    )
    x = Axis(1, max(steps, 2), "training steps, by powers of ten", powers(steps), log=True)
    return chart(lines, x, Axis(low, high, ticks=nice(low, high)), f"AUC against training steps. {said}.")


def _plateaus(metrics: Public) -> Iterator[tuple[str, float, int, int]]:
    """Of each training set whose curve is drawn: median, least and most training steps to the plateau."""
    for name in metrics.convergence or {}:
        of = (metrics.steps_to_plateau or {}).get(name, {})
        if steps := [of[network] for network in metrics.mean_over if network in of]:
            yield name, median(steps), min(steps), max(steps)


def _reliability(calibration: Calibration | None) -> Iterator[tuple[str, Markup, Sequence[Bin]]]:
    axis = Axis(0, 1, "mean risk", nice(0, 1))
    for name, bins in calibration.of.items() if calibration else ():
        lines = [
            Line([(0, 0), (1, 1)], "ideal"),
            Line([(b.risk, b.observed) for b in bins], name, [(b.low, b.high) for b in bins], dots=True),
        ]
        said = "; ".join(f"risk {b.risk:.2f}, observed {b.observed:.2f}" for b in bins)
        yield TRAINING_SETS[name], chart(lines, axis, Axis(0, 1, ticks=nice(0, 1)), f"Calibration: {said}."), bins


def pictures(contents: Contents) -> Iterator[tuple[str, str, Markup]]:
    """Name, unit and chart of the features in which condensed records of different classes differ most.

    No real value has a part in them: averages over patients of 48 hours and 47 variables tell who the patients were.
    """
    condensed, preprocessing = contents.condensed, contents.preprocessing
    classes = likeliest(condensed.labels)
    shown = np.concatenate(
        [
            np.flatnonzero(classes == k)[: max(1, MOST_RECORDS // n_classes(condensed.labels))]
            for k in range(classes.max() + 1)
        ]
    )
    in_units = preprocessing.in_units(condensed.values)
    times, unit = _time(preprocessing.step_hours, preprocessing.n_steps)
    end = float(times[-1] + times[0])
    over_time = any(feature.source in ("series", "series_level") for feature in preprocessing.features)
    x = Axis(0, end, unit, nice(0, end)) if over_time else Axis(0, end)
    numbers = [i for i, f in enumerate(preprocessing.features) if f.source in ("series", "static")]
    for index in sorted(numbers, key=lambda i: -_difference(contents, i))[:MOST_FEATURES]:
        feature = preprocessing.features[index]
        placed = [(classes[r], list(zip(times.tolist(), in_units[r, :, index].tolist(), strict=True))) for r in shown]
        lines = [Line(points, f"one k{outcome % 6}", dots=len(times) == 1) for outcome, points in placed]
        low, high = float(in_units[shown, :, index].min()), float(in_units[shown, :, index].max())
        margin = 0.05 * (high - low) or 0.5
        y = Axis(low - margin, high + margin, ticks=nice(low - margin, high + margin, 3))
        label = next((v.label for v in preprocessing.variables if v.name == feature.variable), feature.name)
        said = f"{label}{' over time' if over_time else ''}: {len(shown)} condensed records by class"
        yield label, feature.unit, chart(lines, x, y, said, width=300, height=180)


def _difference(contents: Contents, index: int) -> float:
    """How far apart the classes' mean condensed records are in one feature, in standard deviations of real ones."""
    weights = probabilities(contents.condensed.labels)
    means = weights.T @ contents.condensed.values[:, :, index] / np.maximum(weights.sum(axis=0), 1e-9)[:, None]
    return round(float(np.abs(means.max(axis=0) - means.min(axis=0)).mean()), 6)  # no machine's last bits


def _time(step_hours: float, n_steps: int) -> tuple[NDArray[np.float64], str]:
    """The middle of each step, in a unit that suits the whole."""
    units = {"days": 24.0, "hours": 1.0, "minutes": 1 / 60}
    fitting = (name for name, hours in units.items() if step_hours * n_steps >= 14 * hours)
    unit = next(fitting, "seconds")
    middles = (np.arange(n_steps, dtype=np.float64) + 0.5) * (step_hours / units.get(unit, 1 / 3600))
    return middles, unit
