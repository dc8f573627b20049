"""Is a part of a column in another unit: a ward's, that of some hours, of the first subjects, of single values?"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from recondense.inspection import FEWEST
from recondense.inspection.cohort import Cohort, Floats, Places, different, medians
from recondense.inspection.conversions import Conversion
from recondense.inspection.likeness import alike

Chosen = NDArray[np.bool_]
CLOSE = 0.03  # on the logarithm: a jump within a subject is a conversion,
BESIDE = 0.06  # and from here to twice as far it is another one, as many as chance would bring
SURE = 5  # standard errors between the means of a part and the rest
PEAK = 5  # times as many jumps as chance would bring


def find(
    cohort: Cohort, subject: Places, hours: Floats, value: Floats, conversions: Sequence[Conversion]
) -> str | None:
    """In words, the part of positive ``value``, sorted by ``subject``, that is a conversion from the rest."""
    one_each, middle = medians(subject, value)
    for words, of_level in _levels(cohort):
        if conversion := _shifted(middle, of_level[one_each], conversions):
            return f"{words}: the values differ by {conversion} from all others"
    places = np.arange(len(one_each))
    if (cut := _cut(np.log(middle), places)) is not None:
        first = places < cut
        if conversion := _shifted(middle, first, conversions):
            share = f"the first {first.mean():.0%} of the subjects in the order of the file"
            return f"{share}: the values differ by {conversion} from those of the rest"
    order = np.argsort(hours, kind="stable")
    if (cut := _cut(np.log(value[order]), hours[order])) is not None:
        early = hours < cut
        enough = min(different(subject[early]), different(subject[~early])) >= FEWEST
        if enough and (conversion := _shifted(value, early, conversions)):
            return f"before hour {cut:.3g}: the values differ by {conversion} from those after it"
    return None


def _levels(cohort: Cohort) -> Iterator[tuple[str, Chosen]]:
    """Each level of each static, in words, and which subjects have it."""
    for variable in cohort.variables:
        if variable.role == "static" and variable.kind != "numeric":
            column = cohort.records.subjects[variable.name].to_numpy(dtype=float)
            for place, level in enumerate(variable.levels or ("no", "yes")):
                yield f"where {variable.name} is {level}", column == place


def _cut(x: Floats, key: Floats | Places) -> float | None:
    """Where ``x``, sorted by ``key``, is best cut into two of different means: the first ``key`` of the second."""
    ends = 1 + np.flatnonzero(np.diff(key))
    ends = ends[(ends >= FEWEST) & (ends <= len(x) - FEWEST)]
    if not len(ends):
        return None
    low, high = np.quantile(x, [0.02, 0.98])
    sums = np.concatenate([[0.0], np.cumsum(np.clip(x, low, high))])
    apart_by = sums[ends] / ends - (sums[-1] - sums[ends]) / (len(x) - ends)
    between = ends * (len(x) - ends) * apart_by**2
    return float(key[ends[int(between.argmax())]])


def _shifted(value: Floats, part: Chosen, conversions: Sequence[Conversion]) -> str | None:
    """The conversion between ``part`` and the rest, whichever is higher."""
    low, high = value[part], value[~part]
    if min(len(low), len(high)) < FEWEST:
        return None
    if np.median(low) > np.median(high):
        low, high = high, low
    logarithms = np.log(low), np.log(high)
    error = np.sqrt(sum(x.var() / len(x) for x in logarithms))
    if logarithms[1].mean() - logarithms[0].mean() < SURE * error:
        return None
    return alike(low, high, conversions)


def jumps(subject: Places, value: Floats, conversions: Sequence[Conversion]) -> str | None:
    """In words, the conversion by which values of one subject jump from one measurement to the next, or back."""
    same = subject[1:] == subject[:-1]
    before, after, of = value[:-1][same], value[1:][same], subject[1:][same]
    for one in conversions:
        off = np.minimum(
            np.abs(np.log(after) - np.log(one.convert(before))), np.abs(np.log(before) - np.log(one.convert(after)))
        )
        hit, beside = off < CLOSE, (off >= BESIDE) & (off < 2 * BESIDE)
        by_chance = beside.sum() * CLOSE / BESIDE
        if different(of[hit]) >= FEWEST and hit.sum() >= PEAK * max(by_chance, 1):
            return f"in {different(of[hit])} subjects it jumps by {one.name} from one measurement to the next"
    return None
