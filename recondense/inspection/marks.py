"""Numbers that stand for "unknown": far from all other values, in many subjects, and the same to the last digit."""

import re
from collections.abc import Iterator

import numpy as np

from recondense.inspection import FEWEST
from recondense.inspection.cohort import Cohort, Floats, Places, different

SMALLEST_SHARE = 0.001  # of the variable's measurements
LARGEST_SHARE = 0.5  # of which 0 is a value as any other: a dose not given, a finding not there
USUAL = re.compile(r"-1|-?([789])\1*(\.\1)?|-?9+[78]|-?8+\.8|0")  # -9, 99, 99.9, 888, 998, 0, ...
ROUND_IT = {True: 0.25, False: 0.5}  # of the way to the median there is next to nothing; by whether it is a usual mark
SPREADS = 5  # between quartiles, so far from the median is a number that is no usual mark
DOMINATES = 5  # times as often as all values there together
EMPTY = 0.01  # of the other values at most are there, or it is the end of a skewed scale
STEPS = 3  # of the values' own spacing, or it continues a scale: a score's least, a count of none
MOST = 5  # marks of one variable


def stand_for_unknown(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Numeric variables with such numbers: name, and which they are."""
    for variable in cohort.variables:
        if variable.kind != "numeric":
            continue
        subject, _, value = cohort.measured(variable)
        if found := marks(subject, value):
            said = ", ".join(f"{number:.15g} ({share:.1%} of its values)" for number, share in found.items())
            yield (
                variable.name,
                f"{said}: far from all other values, and often. If this means unknown, declare it in `missing:`",
            )


def marks(subject: Places, value: Floats) -> dict[float, float]:
    """The numbers that may stand for unknown, with their share of ``value``; each is that of `FEWEST` subjects or more.

    >>> pulse = np.tile(np.arange(60.0, 100.0), 10)
    >>> marks(np.arange(400), np.where(np.arange(400) % 20 == 0, -9, pulse))
    {-9.0: 0.05}
    >>> marks(np.arange(400), pulse)
    {}
    """
    found: dict[float, float] = {}
    rest = np.ones(len(value), dtype=bool)
    while len(found) < MOST:
        number = next((end for end in _ends(value[rest]) if _is_mark(end, subject[rest], value[rest])), None)
        if number is None:
            break
        found[number] = round(float((value == number).mean()), 4)
        rest &= value != number
    return dict(sorted(found.items()))


def _ends(value: Floats) -> list[float]:
    """The most frequent of the outermost values, low and high: a few impossible ones may lie beyond a mark."""
    if len(value) < 2 * FEWEST:
        return []
    low, high = np.quantile(value, [SMALLEST_SHARE / 2, 1 - SMALLEST_SHARE / 2])
    ends = []
    for outer in (value[value <= low], value[value >= high]):
        different_ones, counts = np.unique(outer, return_counts=True)
        ends.append(float(different_ones[counts.argmax()]))
    return ends


def _is_mark(number: float, subject: Places, value: Floats) -> bool:
    is_it = value == number
    rest, share = value[~is_it], float(is_it.mean())
    if different(subject[is_it]) < FEWEST or share < SMALLEST_SHARE or len(rest) < FEWEST:
        return False
    usual = USUAL.fullmatch(f"{number:.15g}") is not None
    lower, middle, upper = np.quantile(rest, [0.25, 0.5, 0.75])
    away = abs(number - middle)
    others = np.unique(rest)
    spacing = float(np.median(np.diff(others))) if len(others) > 1 else away
    if (number == 0 and share > LARGEST_SHARE) or ROUND_IT[usual] * away <= STEPS * spacing:
        return False
    if not usual and away < SPREADS * (upper - lower):
        return False
    towards = np.sign(number - middle) * (rest - number)  # above 0 beyond it, below 0 on the way to the median
    near = (towards > -ROUND_IT[usual] * away).sum()
    return bool(is_it.sum() >= DOMINATES * near and near <= EMPTY * len(rest))
