"""Train a bundle's models on its condensed records, score them on another cohort, recalibrate them there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recondense.errors import InputError
from recondense.models.choose import platt, scaled
from recondense.models.fit import calibrated, choose_device, fit
from recondense.models.logits import logits_of
from recondense.models.pool import spread
from recondense.models.predictions import ensemble
from recondense.models.recipe import MODELS, Recipe, Recipes
from recondense.models.reliability import reliability
from recondense.models.scores import resample, score
from recondense.progress import track
from recondense.records.condensed import CondensedSet
from recondense.records.labels import Labels, known, per_class
from recondense.stages import plugins

RESAMPLES = 500
FEWEST = 10  # patients in a bin of risk
Risks = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class NetworkTraining:
    """One network of one seed, and whom it is to judge."""

    network: str
    seed: int
    condensed: CondensedSet
    recipe: Recipe
    values: NDArray[np.float32]
    device: str

    def run(self) -> NDArray[np.float64]:
        """The risks of ``values``."""
        return fit(self.network, self.condensed.values, self.condensed.labels, self.recipe, self.seed, self.device)(
            self.values
        )


def predicted(
    condensed: CondensedSet, recipes: Recipes, networks: Sequence[str], values: NDArray[np.float32], device: str
) -> Risks:
    """The risks of ``values`` by each network that is known here: ``(n_seeds, n)``, or with classes a third axis.

    Networks are trained on ``condensed`` alone, by ``recipes``, as many seeds as these advise for an ensemble.
    """
    chosen = [name for name in networks if name in plugins.names(MODELS)]
    if not chosen:
        raise InputError(f"none of the bundle's networks ({', '.join(networks)}) is known here: update recondense")
    where = choose_device(device)
    jobs = [
        NetworkTraining(name, seed, condensed, recipes.of(name), values, where.type)
        for name in chosen
        for seed in range(recipes.ensemble)
    ]
    runs = list(track(spread(NetworkTraining.run, jobs, where), "training networks", len(jobs)))
    return {
        name: np.stack([run for job, run in zip(jobs, runs, strict=True) if job.network == name]) for name in chosen
    }


def scores(risks: Mapping[str, NDArray[np.float64]], labels: Labels) -> dict[str, Any]:
    """``single``: AUC, AUPRC, Brier, calibration error as `recondense.models.scores.score` has them; ``ensembles``: the
    same for each network's seeds together; ``calibration``: `reliability` of one ensemble, and its ``network``."""
    weights = resample(labels, RESAMPLES, seed=0)
    together = {name: ensemble(runs)[None] for name, runs in risks.items()}
    shown = "lstm_beta" if "lstm_beta" in risks else next(iter(risks))
    return {
        "single": score(labels, risks, weights, list(risks)),
        "ensembles": score(labels, together, weights, list(risks)),
        "calibration": {"network": shown, "bins": reliability(labels, together[shown][0], FEWEST)},
    }


def recalibrated(risks: Risks, labels: Labels, records: int, seed: int = 0) -> dict[str, Any]:
    """What a new slope and intercept for each network, fitted on ``records`` random subjects, gain on all others.

    ``before`` and ``after``: `scores` of those others. Raises `InputError` where either group would lack an outcome.
    """
    if not 1 <= records < len(labels):
        raise InputError(f"--recalibrate {records}: give 1 to {len(labels) - 1}, the labelled records less one")
    order = np.random.default_rng(seed).permutation(len(labels))
    fitted, rest = np.sort(order[:records]), np.sort(order[records:])
    if not min(per_class(labels[fitted]) + per_class(labels[rest])):
        raise InputError(f"--recalibrate {records}: an outcome is missing among these records or the others: give more")
    calibrate = platt if labels.ndim == 1 else scaled
    after = {}
    for name, runs in risks.items():
        logits = [logits_of(run) for run in runs]
        found = calibrate([run[fitted] for run in logits], labels[fitted], np.ones(records))
        after[name] = np.stack([calibrated(run[rest], found) for run in logits])
    before = {name: runs[:, rest] for name, runs in risks.items()}
    return {
        "records": records,
        "scored_on": len(rest),
        "before": scores(before, labels[rest]),
        "after": scores(after, labels[rest]),
    }


def labelled(labels: Labels) -> NDArray[np.bool_]:
    """Whose outcome is known. Raises `InputError` where known outcomes are all of one kind."""
    chosen = known(labels)
    if chosen.any() and not min(per_class(labels[chosen])):
        raise InputError("all known outcomes of the cohort are of one kind, so nothing can be scored: use a larger one")
    return chosen
