"""Predicted risks beside observed frequencies, in groups large enough to tell of."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from recondense.records.labels import Labels, likeliest, n_classes
from recondense.results.scores import Bin

FEWEST_OF_A_KIND = 5  # patients with the event, and without it, behind a frequency
BINS = 10

Array = NDArray[np.float64]


def reliability(labels: Labels, risks: Array, fewest: int) -> list[Bin]:
    """Bins of rising risk: ``patients``, mean ``risk``, ``observed`` frequency, and its Wilson interval ``low, high``.

    A bin holds a tenth of the patients or, where that is needed, as many more as make ``fewest`` of them and five with
    and without the event. Of more than two classes the risk is that of each patient's most likely one, and the event
    that it is the patient's own, as in `recondense.models.scores.calibration_error`. No bins where one cannot be
    filled.

    >>> [bin.patients for bin in reliability(np.tile([0.0, 1], 50), np.linspace(0, 1, 100), fewest=20)]
    [20, 20, 20, 20, 20]
    """
    if n_classes(risks) > 2:
        top = likeliest(risks)[:, None]
        labels, risks = np.take_along_axis(labels, top, 1)[:, 0], np.take_along_axis(risks, top, 1)[:, 0]
    order = np.argsort(risks, kind="stable")
    size = max(fewest, -(-len(order) // BINS))
    ends, start = [0], 0
    for end in range(1, len(order) + 1):
        events = int(labels[order[start:end]].sum())
        if end - start >= size and min(events, end - start - events) >= FEWEST_OF_A_KIND:
            ends.append(end)
            start = end
    ends[-1] = len(order) if len(ends) > 1 else 0  # who is left over joins the last bin
    return [_bin(labels[order[start:end]], risks[order[start:end]]) for start, end in pairwise(ends)]


def _bin(labels: Labels, risks: Array) -> Bin:
    n = len(labels)
    interval = binomtest(int(labels.sum()), n).proportion_ci(0.95, method="wilson")
    found = (risks.mean(), labels.mean(), interval.low, interval.high)
    risk, observed, low, high = (round(float(value), 4) for value in found)
    return Bin(patients=n, risk=risk, observed=observed, low=low, high=high)
