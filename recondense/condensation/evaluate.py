"""What models trained on a condensed set are worth, beside its baselines: records that anyone can make in a second."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np

from recondense.condensation.baselines import kmeans, random_records
from recondense.errors import InputError
from recondense.models import trial
from recondense.models.choose import choose
from recondense.models.fit import choose_device
from recondense.models.part import Part
from recondense.models.predictions import Results
from recondense.models.recipe import Recipe, Recipes
from recondense.models.teacher import soft_labels
from recondense.models.training_params import Params
from recondense.models.trial import TrainingSet
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import n_classes

BASELINES = {"random_records": random_records, "kmeans": kmeans}


def trained(condensed: CondensedSet, cohort: Normalised, params: Params, recipes: Recipes | None = None) -> Results:
    """What every chosen model predicts, trained on the condensed set and on each baseline of it.

    ``recipes``: those of the condensed set; None has them chosen as a baseline's are. Each seed draws its own random
    records and k-means start. Raises `InputError` where a part of the cohort lacks a class.
    """
    validation, test = Part.of(cohort, "validation"), Part.of(cohort, "test")

    def how(records: CondensedSet, own: Recipes | None) -> Callable[[str], Recipe]:
        if params.protocol != "recipes":
            return lambda network: params.recipe(len(records.labels))
        return (own or choose(records, validation, params.baseline_search, choose_device(params.device))).of

    sets = {"condensed": TrainingSet(lambda seed: condensed, how(condensed, recipes), params.seeds)}
    for name, draw in baselines(cohort.part("train"), params.baselines, per_class(condensed)).items():
        sets[name] = TrainingSet(draw, how(draw(0), None), params.baseline_seeds)
    return trial.run(sets, params, validation, test)


def per_class(condensed: CondensedSet) -> int:
    """How many records of each class a baseline has."""
    return max(1, len(condensed.labels) // n_classes(condensed.labels))


def baselines(train: Normalised, names: Sequence[str], per_class: int) -> dict[str, Callable[[int], CondensedSet]]:
    """Each baseline by seed: with hard labels, and with a teacher's soft ones, which alone can explain a gain.

    A draw is kept: it serves the choice of recipes, the training, and the soft labels that are put on it.
    """
    found: dict[str, Callable[[int], CondensedSet]] = {}
    for name in names:
        found[name] = cache(partial(BASELINES[name], train, per_class))
        found[f"{name}_soft"] = cache(partial(_relabelled, found[name], train))
    return found


def _relabelled(draw: Callable[[int], CondensedSet], train: Normalised, seed: int) -> CondensedSet:
    return soft_labels(draw(seed), train, seed)


def read_reference(folder: Path, networks: list[str], judged: Part) -> Results:
    """The reference stage's results of ``networks`` on ``judged``. Raises `InputError` where they do not fit."""
    results = Results.load(folder)
    missing = sorted(set(networks) - set(results.networks()))
    if missing:
        raise InputError(
            f"{folder} has no {', '.join(missing)}: add to reference.networks in params.yaml, or take from "
            "training.networks"
        )
    if not np.array_equal(np.unique(results.predictions["row"]), np.sort(judged.rows)):
        raise InputError(
            f"{folder} was made for other held-out subjects than normalisation has now: run reference again"
        )
    return results.only(networks)
