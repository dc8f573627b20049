"""What a bundle tells of real patients beside its scores: each figure is about a group, and no group is small.

Of a figure that fewer than ``fewest`` patients would stand behind there is none. Least and greatest values are never
told, for they are single patients'.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.common.labels import Labels, by_class, likeliest, n_classes
from tasks.common.preprocessing import Preprocessing
from tasks.common.records import Normalised
from tasks.networks.part import Part
from tasks.networks.results import Results, ensemble

FEWEST = 10  # patients behind any figure; a cohort's gate may ask for more
FEWEST_OF_A_KIND = 5  # patients with the event, and without it, behind a frequency
BINS = 10
COMPARED = ("condensed", "all_real")  # training sets
SHOWN = "lstm_beta"  # the network of quickstart.py

Array = NDArray[np.float64]


def convergence(curves: pd.DataFrame, networks: Sequence[str]) -> dict[str, dict[str, list[float]]]:
    """``{training_set: {steps, auc}}``: mean AUC of ``networks`` on held-out patients after so many training steps.

    ``curves`` as in `Results`. Networks are looked at after different steps; between two looks the earlier one counts,
    and a network that has ended stays where it was.
    """
    found = {}
    for name in COMPARED:
        own = curves[(curves["training_set"] == name) & curves["network"].isin(networks)]
        if len(own):
            by_network = own.pivot_table(index="step", columns="network", values="auc").sort_index().ffill()
            mean = by_network.dropna().mean(axis=1)
            found[name] = {"steps": mean.index.tolist(), "auc": mean.round(4).tolist()}
    return found


def calibration(results: Results, test: Part, networks: Sequence[str], fewest: int) -> dict[str, Any]:
    """``{network, of: {training_set: bins}}``, `reliability` of the ensemble of one network's seeds."""
    network = SHOWN if SHOWN in networks else networks[0]
    found = {}
    for name in COMPARED:
        runs = results.risks(name, test).get(network)
        if runs is not None and (bins := reliability(test.labels, ensemble(runs), fewest)):
            found[name] = bins
    return {"network": network, "of": found}


def reliability(labels: Labels, risks: Array, fewest: int) -> list[dict[str, float]]:
    """Bins of rising risk: ``patients``, mean ``risk``, ``observed`` frequency, and its Wilson interval ``low, high``.

    A bin holds a tenth of the patients or, where that is needed, as many more as make ``fewest`` of them and five with
    and without the event. Of more than two classes the risk is that of each patient's most likely one, and the event
    that it is the patient's own, as in `tasks.networks.scores.calibration_error`. No bins where one cannot be filled.

    >>> [bin["patients"] for bin in reliability(np.tile([0.0, 1], 50), np.linspace(0, 1, 100), fewest=20)]
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


def _bin(labels: Labels, risks: Array) -> dict[str, float]:
    n, observed = len(labels), float(labels.mean())
    low, high = wilson(observed, n)
    rounded = {"risk": float(risks.mean()), "observed": observed, "low": low, "high": high}
    return {"patients": n, **{name: round(value, 4) for name, value in rounded.items()}}


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``n`` (Wilson 1927).

    >>> [round(end, 3) for end in wilson(0.5, 10)]
    [0.237, 0.763]
    """
    z = 1.959964
    centre, spread = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float((centre - spread) / (1 + z**2 / n)), float((centre + spread) / (1 + z**2 / n))


def class_averages(train: Normalised, preprocessing: Preprocessing, fewest: int) -> dict[str, list[list[float | None]]]:
    """By feature: for each class, for each step, the mean of what was measured then, in clinical units.

    Null where fewer than ``fewest`` patients of the class had it measured in that step: nothing that was carried
    forward or imputed takes part, or a mean over many could be the value of one. Of features that are scaled by their
    logarithm, the geometric mean. Of features that are neither a series nor a static number, none.
    """
    means = []
    for places in by_class(train.labels):
        seen = train.observed[places]
        counts = seen.sum(axis=0)
        sums = np.where(seen, train.values[places], 0).sum(axis=0, dtype=np.float64)
        means.append(np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts >= fewest))
    in_units = preprocessing.in_units(np.array(means))
    return {
        feature.name: [[None if np.isnan(x) else round(float(f"{x:.4g}"), 6) + 0.0 for x in one] for one in column]
        for index, feature in enumerate(preprocessing.features)
        if feature.source in ("series", "static") and not np.isnan(column := in_units[:, :, index]).all()
    }


def coverage(train: Normalised, preprocessing: Preprocessing, fewest: int) -> dict[str, float]:
    """The share of train patients in whom each variable was ever measured; 0 where in fewer than ``fewest``."""
    found = {}
    for index, feature in enumerate(preprocessing.features):
        if feature.source not in ("count", "observed"):
            had = int(train.observed[:, :, index].any(axis=1).sum())
            found[feature.variable] = round(had / len(train.observed), 2) if had >= fewest else 0.0
    return found
