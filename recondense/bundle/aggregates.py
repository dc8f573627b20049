"""What a bundle tells of real patients beside its scores: each figure is about a group, and no group is small.

Of a figure that fewer than ``fewest`` patients would stand behind there is none. Least and greatest values are never
told, for they are single patients'.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from recondense.models.part import Part
from recondense.models.predictions import Results, ensemble
from recondense.models.reliability import reliability
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.cohort import Normalised

COMPARED = ("condensed", "all_real")  # training sets
SHOWN = "lstm_beta"  # the network of quickstart.py


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


def coverage(train: Normalised, preprocessing: Preprocessing, fewest: int) -> dict[str, float]:
    """The share of train patients in whom each variable was ever measured; 0 where in fewer than ``fewest``."""
    found = {}
    for index, feature in enumerate(preprocessing.features):
        if feature.source not in ("count", "observed"):
            had = int(train.observed[:, :, index].any(axis=1).sum())
            found[feature.variable] = round(had / len(train.observed), 2) if had >= fewest else 0.0
    return found
