"""Are two groups of values the same quantity in two units?"""

import numpy as np

from tasks.inspection.cohort import Floats
from tasks.inspection.conversions import Conversion

TOLERANCE = 0.2  # of the groups' medians, after conversion, on the logarithm
FEWEST_VALUES = 5  # different ones in each group; a score has groups too
LIKE = 2.5  # the groups' spreads are at most this factor apart, after conversion
TIGHT = 0.75  # of a power of ten's logarithm: a group that is wider may well be the tail of the other
LARGEST_SHARE_BELOW_ZERO = 0.01


def apart(low: Floats, high: Floats, conversion: Conversion) -> float:
    """How far the medians of ``low``, converted, and ``high`` are apart on the logarithm; infinite where the spreads
    are not those of one quantity, or too wide for two groups."""
    a, b = np.log(conversion.convert(low)), np.log(high)
    spreads = [max(float(np.subtract(*np.quantile(x, [0.9, 0.1]))), 0.02) for x in (a, b)]
    if not 1 / LIKE < spreads[0] / spreads[1] < LIKE:
        return float(np.inf)
    if conversion.any_quantity and max(spreads) > TIGHT * np.log(conversion.convert(np.ones(1)))[0]:
        return float(np.inf)
    return float(abs(np.median(a) - np.median(b)))
