"""Do two units share a column? Values beyond what is plausible, and values in two groups a known conversion apart."""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.ndimage import gaussian_filter1d

from recondense.inspection import FEWEST, parts
from recondense.inspection.cohort import Cohort, Floats, Places, different, medians
from recondense.inspection.conversions import Conversion, fitting
from recondense.inspection.likeness import alike
from recondense.inspection.marks import marks
from recondense.records.cohort import Variable
from recondense.records.units import plain

SUSPICIOUS_SHARE = 0.01  # of the measurements, beyond the plausible range
LARGEST_SHARE_BELOW_ZERO = 0.01
SMALLEST_GROUP = 0.01  # of the subjects
VALLEY = 0.5  # a group of its own: between the two, density falls below this share of the lower peak,
VALLEY_OF_UNIT = 0.85  # or below this one where the conversion is one of the variable's declared unit


def implausible(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Variables of which ingestion set many measurements aside as outside the plausible range: name, and what."""
    chosen = cohort.aside["reason"] == "outside plausible range"
    known = {variable.name: variable for variable in cohort.variables}
    for name, count in cohort.aside.loc[chosen, "column"].value_counts().items():
        variable = known[str(name)]
        share = int(count) / (int(count) + len(cohort.measured(variable)[2]))
        if share >= SUSPICIOUS_SHARE and count >= FEWEST:
            limits = " to ".join(f"{limit:g}" for limit in (variable.low, variable.high) if limit is not None)
            yield (
                variable.name,
                f"{share:.1%} of its values lay outside the plausible range ({f'{limits} {variable.unit}'.strip()}) "
                "and were set aside: is it in another unit, or is some number a mark for unknown?",
            )


def mixed(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Variables of which some values are a known conversion from the others: name, and which."""
    for variable in cohort.variables:
        if variable.kind == "numeric" and (seen := _seen(cohort, variable)):
            yield variable.name, f"{seen}: are all in one unit?"


def _seen(cohort: Cohort, variable: Variable) -> str | None:
    """In words, where two units are; the place that tells most comes first."""
    subject, hours, value = cohort.measured(variable)
    known = ~np.isin(value, list(marks(subject, value)))
    if not known.any() or (value[known] < 0).mean() > LARGEST_SHARE_BELOW_ZERO:
        return None  # on a scale with values below 0 no unit is a factor of another
    chosen = known & (value > 0)
    subject, hours, value = subject[chosen], hours[chosen], value[chosen]
    conversions = fitting(variable)
    if not variable.unit and len(value) and value.max() <= 1:  # a share of one, in no other unit
        conversions = [one for one in conversions if not one.any_quantity]
    if (found := parts.find(cohort, subject, hours, value, conversions)) is not None:
        return found
    for one, other in ((subject, value), medians(subject, value)):
        for conversion, share in two_groups(one, other, conversions, variable.unit):
            return (
                f"its values form two groups that differ by {conversion}; the smaller holds {share:.1%} of the "
                "subjects' measurements"
            )
    return parts.jumps(subject, value, conversions)


def two_groups(
    subject: Places, value: Floats, conversions: Iterable[Conversion], unit: str = ""
) -> Iterator[tuple[str, float]]:
    """The conversion that turns the lower of two groups of positive values into the higher, and the smaller's share.

    ``subject`` is sorted; every subject weighs the same, however often it was measured. Two units of which the values
    overlap much (a few weights in pounds) make no second group: `recondense.inspection.parts` may find them.
    """
    if different(subject) < 2 * FEWEST or value.min() == value.max():
        return
    weight = 1 / np.bincount(subject)[subject]
    for cut, depth in _valleys(np.log(value), weight):
        low, high = value <= cut, value > cut
        if min(different(subject[low]), different(subject[high])) < FEWEST:
            continue
        likely = [one for one in conversions if depth < VALLEY or (unit and plain(unit) in one.units)]
        if conversion := alike(value[low], value[high], likely):
            yield conversion, float(min(weight[low].sum(), weight[high].sum()) / weight.sum())
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
