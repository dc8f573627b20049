"""Are two groups of values the same quantity in two units?"""

from collections.abc import Iterable

import numpy as np

from recondense.inspection.cohort import Floats
from recondense.inspection.conversions import Conversion

TOLERANCE = 0.2  # of the groups' medians, after conversion, on the logarithm;
TOLERANCE_OF_TEN = 0.045  # of the logarithm of a power of ten, which no name and no unit speaks for
TIGHT = 0.6  # of a power of ten's logarithm: a group that is wider may well be the tail of the other
LIKE = 2.5  # the groups' spreads are at most this factor apart, after conversion
FEWEST_VALUES = 5  # different ones in each group; a score has groups too


def alike(low: Floats, high: Floats, conversions: Iterable[Conversion]) -> str | None:
    """The conversion after which ``low`` is most like ``high``, by name, a power of ten only where it is so after no
    other; None where it is so after none."""
    if min(len(np.unique(low)), len(np.unique(high))) < FEWEST_VALUES:
        return None
    found = {(one.any_quantity, _apart(low, high, one), one.name) for one in conversions}
    return next((name for _, off, name in sorted(found) if off < TOLERANCE), None)


def _apart(low: Floats, high: Floats, conversion: Conversion) -> float:
    """How far the medians of ``low``, converted, and ``high`` are apart on the logarithm; infinite where the groups are
    not alike."""
    a, b = np.log(conversion.convert(low)), np.log(high)
    spreads = [max(float(np.subtract(*np.quantile(x, [0.9, 0.1]))), 0.02) for x in (a, b)]
    off = float(abs(np.median(a) - np.median(b)))
    if not 1 / LIKE < spreads[0] / spreads[1] < LIKE:
        return float(np.inf)
    factor = float(np.log(conversion.convert(np.ones(1)))[0])
    if conversion.any_quantity and (max(spreads) > TIGHT * factor or off > TOLERANCE_OF_TEN * factor):
        return float(np.inf)
    return off
