"""Do two units share a column? Values beyond what is plausible, and values in two groups a known conversion apart."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tasks.inspection import FEWEST
from tasks.inspection.cohort import Cohort, Floats, Places, different

SUSPICIOUS_SHARE = 0.01  # of the measurements, beyond the plausible range
SMALLEST_GROUP = 0.01  # of the subjects
VALLEY = 0.5  # a group of its own: between the two, density falls below this share of the lower peak,
VALLEY_OF_UNIT = 0.85  # or below this one where the conversion is one of the variable's declared unit
TOLERANCE = 0.2  # of the groups' medians, after conversion, on the logarithm
FEWEST_VALUES = 5  # different ones in each group; a score has groups too
LIKE = 2.5  # the groups' spreads are at most this factor apart, after conversion

MOLAR = ("mg/dl", "mmol/l", "µmol/l", "umol/l")
# Name, units that it is between where it is not of all, and from the lower group to the higher one
CONVERSIONS: tuple[tuple[str, tuple[str, ...], Callable[[Floats], Floats]], ...] = (
    ("1.8 x + 32 (°C and °F)", ("°c", "°f"), lambda x: 1.8 * x + 32),
    ("2.2 (kg and lb)", ("kg", "lb"), lambda x: 2.205 * x),
    ("2.54 (inch and cm)", ("cm", "inch", "in"), lambda x: 2.54 * x),
    ("2.8 (urea nitrogen, mmol/l and mg/dl)", MOLAR, lambda x: 2.801 * x),
    ("7.5 (kPa and mmHg)", ("kpa", "mmhg"), lambda x: 7.501 * x),
    ("17.1 (bilirubin, mg/dl and µmol/l)", MOLAR, lambda x: 17.1 * x),
    ("18 (glucose, mmol/l and mg/dl)", MOLAR, lambda x: 18.02 * x),
    ("38.7 (cholesterol, mmol/l and mg/dl)", MOLAR, lambda x: 38.67 * x),
    ("88.4 (creatinine, mg/dl and µmol/l)", MOLAR, lambda x: 88.4 * x),
    ("10", (), lambda x: 10 * x),
    ("100", (), lambda x: 100 * x),
    ("1000", (), lambda x: 1000 * x),
)


def implausible(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Variables of which ingestion set many measurements aside as outside the plausible range: name, and what."""
    chosen = cohort.aside["reason"] == "outside plausible range"
    for name, count in cohort.aside.loc[chosen, "column"].value_counts().items():
        variable = next(one for one in cohort.variables if one.name == name)
        share = int(count) / (int(count) + len(cohort.measured(variable)[2]))
        if share >= SUSPICIOUS_SHARE and count >= FEWEST:
            limits = " to ".join(f"{limit:g}" for limit in (variable.low, variable.high) if limit is not None)
            yield (
                variable.name,
                f"{share:.1%} of its values lay outside the plausible range ({f'{limits} {variable.unit}'.strip()}) "
                "and were set aside: is it in another unit, or is some number a mark for unknown?",
            )


def mixed(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Variables whose values form two groups a known conversion apart: name, and what was seen."""
    for variable in cohort.variables:
        if variable.kind == "numeric":
            subject, _, value = cohort.measured(variable)
            for conversion, share in two_groups(subject, value, variable.unit):
                yield (
                    variable.name,
                    f"its values form two groups that differ by {conversion}; the smaller holds {share:.1%} of the "
                    "subjects' measurements: are both in one unit?",
                )


def two_groups(subject: Places, value: Floats, unit: str = "") -> Iterator[tuple[str, float]]:
    """The conversion that turns the lower of two groups of positive values into the higher, and the smaller's share.

    A conversion counts where it is of the declared ``unit``, where that is not declared, or where it is a power of ten.
    ``subject`` is sorted; every subject weighs the same, however often it was measured. Two units of which the values
    overlap much (a few weights in pounds) make no second group and are not found.
    """
    positive = value > 0
    subject, value = subject[positive], value[positive]
    if different(subject) < 2 * FEWEST or value.min() == value.max():
        return
    weight = 1 / np.bincount(subject)[subject]
    for cut, depth in _valleys(np.log(value), weight):
        low, high = value <= cut, value > cut
        if min(different(subject[low]), different(subject[high])) < FEWEST:
            continue
        if min(len(np.unique(value[low])), len(np.unique(value[high]))) < FEWEST_VALUES:
            continue
        apart = {
            name: _apart(convert(value[low]), value[high])
            for name, units, convert in CONVERSIONS
            if (depth < VALLEY and (not units or not unit)) or (depth < VALLEY_OF_UNIT and unit.lower() in units)
        }
        nearest = min(apart, key=lambda name: apart[name], default=None)
        if nearest and apart[nearest] < TOLERANCE:
            yield nearest, float(min(weight[low].sum(), weight[high].sum()) / weight.sum())
            return


def _valleys(x: Floats, weight: Floats) -> list[tuple[float, float]]:
    """Values at which the weighted density of ``x``, a logarithm, has a valley, and its depth; deepest first."""
    counts, edges = np.histogram(x, bins=400, weights=weight)
    # Half of Silverman's width: his rule is for one group, and smooths two that are near each other into one
    iqr = np.subtract(*np.quantile(x, [0.75, 0.25])) / 1.34
    width = 0.45 * max(iqr, 0.02) * len(np.unique(x)) ** -0.2 / (edges[1] - edges[0])
    density = gaussian_filter1d(counts, max(width, 1.0), mode="constant")
    left, right = np.maximum.accumulate(density), np.maximum.accumulate(density[::-1])[::-1]
    depth = density / np.maximum(np.minimum(left, right), 1e-300)
    below = np.cumsum(counts) / counts.sum()
    depth[np.minimum(below, 1 - below) < SMALLEST_GROUP] = 1
    inner = depth[1:-1]
    lowest = 1 + np.flatnonzero((inner < depth[:-2]) & (inner <= depth[2:]) & (inner < VALLEY_OF_UNIT))
    order = lowest[np.argsort(depth[lowest], kind="stable")][:20]
    return [(float(np.exp((edges[place] + edges[place + 1]) / 2)), float(depth[place])) for place in order]


def _apart(one: Floats, other: Floats) -> float:
    """How far the medians are apart on the logarithm; infinite where the spreads differ too much for one quantity."""
    a, b = np.log(one), np.log(other)
    spread = [max(float(np.subtract(*np.quantile(x, [0.9, 0.1]))), 0.02) for x in (a, b)]
    return float(abs(np.median(a) - np.median(b))) if 1 / LIKE < spread[0] / spread[1] < LIKE else float(np.inf)
