"""What there is: how many of what, how much is missing, how it is spread."""

import numpy as np

from recondense.inspection import FEWEST
from recondense.inspection.cohort import Cohort, Floats, Places, different
from recondense.inspection.found import Flow, Histogram, Measured, Prevalence
from recondense.records.cohort import SPLITS, Variable

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
N_BINS = 24


def flow(cohort: Cohort) -> list[Flow]:
    """One row a unit: how many came in, were set aside by reason (most first), and were kept."""
    rows = []
    for unit, counts in cohort.counts.items():
        aside = sorted(counts.set_aside.items(), key=lambda reason: -reason[1])
        rows.append(Flow(unit=unit, in_=counts.in_, set_aside=dict(aside), kept=counts.kept))
    return rows


def prevalence(cohort: Cohort) -> list[Prevalence]:
    """One row a split and one for all: subjects, and how many of them have the outcome.

    Of more than two classes there is a row for each, with its name in ``class``.
    """
    split = cohort.records.subjects["split"].to_numpy()
    events: dict[int, str | None] = dict(enumerate(cohort.classes)) if cohort.classes else {1: None}
    rows = []
    for name in (*SPLITS, "all"):
        outcome = cohort.outcome[(split == name) | (name == "all")]
        for event, words in events.items():
            found = int((outcome == event).sum())
            share = round(found / len(outcome), 4) if len(outcome) else None
            row = Prevalence(split=name, class_=words, subjects=len(outcome), with_outcome=found, prevalence=share)
            rows.append(row)
    return rows


def variables(cohort: Cohort) -> list[Measured]:
    """One row a variable: how often it was measured, and how its values are spread."""
    return [_variable(cohort, variable) for variable in cohort.variables]


def _variable(cohort: Cohort, variable: Variable) -> Measured:
    subject, hours, value = cohort.measured(variable)
    numeric, share_of_steps = variable.kind == "numeric", None
    if variable.role == "series":
        step = np.floor(hours / cohort.step_hours).astype(np.int64)
        inside = (step >= 0) & (step < cohort.n_steps)
        cells = np.unique(subject[inside] * cohort.n_steps + step[inside])
        share_of_steps = round(len(cells) / (cohort.n_subjects * cohort.n_steps), 4)
    return Measured(
        variable=variable.name,
        label=variable.label,
        unit=variable.unit,
        role=variable.role,
        kind=variable.kind,
        subjects=different(subject),
        share_of_subjects=round(different(subject) / cohort.n_subjects, 4),
        share_of_steps=share_of_steps,
        measurements=len(value),
        percentiles=percentiles(subject, value) if numeric else dict.fromkeys(map(str, PERCENTILES)),
        histogram=histogram(subject, value) if numeric else None,
        levels=None if numeric or different(subject) < FEWEST else _levels(variable, subject, value),
    )


def percentiles(subject: Places, value: Floats) -> dict[str, float | None]:
    """`PERCENTILES` to three digits; None where fewer than `FEWEST` subjects have a value at or beyond it.

    >>> found = percentiles(np.arange(100), np.arange(100.0))
    >>> found["5"], found["25"], found["50"]
    (None, 24.8, 49.5)
    """
    found: dict[str, float | None] = {}
    for percent in PERCENTILES:
        place = float(np.quantile(value, percent / 100)) if len(value) else 0.0
        outside = [value <= place] * (percent <= 50) + [value >= place] * (percent >= 50)
        behind = min(different(subject[chosen]) for chosen in outside)
        found[str(percent)] = float(f"{place:.3g}") if behind >= FEWEST else None
    return found


def histogram(subject: Places, value: Floats) -> Histogram | None:
    """Counts in `N_BINS` equal bins between the outermost percentiles that may be given; None for a bin that holds
    the values of fewer than `FEWEST` subjects. None where there is nothing to draw."""
    given = [place for place in percentiles(subject, value).values() if place is not None]
    if len(given) < 2 or given[0] == given[-1]:
        return None
    edges = np.linspace(given[0], given[-1], N_BINS + 1)
    place = np.digitize(value, edges[1:-1])
    inside = (value >= edges[0]) & (value <= edges[-1])
    counts: list[int | None] = []
    for number in range(N_BINS):
        chosen = inside & (place == number)
        n = different(subject[chosen])
        counts.append(int(chosen.sum()) if n >= FEWEST else None if n else 0)
    return Histogram(low=given[0], high=given[-1], counts=tuple(counts))


def _levels(variable: Variable, subject: Places, value: Floats) -> dict[str, float | None]:
    """The share of each level among the measurements; None where it stands for fewer than `FEWEST` subjects."""
    names = variable.levels or ("no", "yes")
    shares: dict[str, float | None] = {}
    for level, name in enumerate(names):
        chosen = value == level
        enough = different(subject[chosen]) >= FEWEST and different(subject[~chosen]) >= FEWEST
        shares[name] = round(float(chosen.mean()), 3) if enough else None
    return shares
