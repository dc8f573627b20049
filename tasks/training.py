"""The stage: train every chosen model on the condensed set and on its baselines, and compare with all real records."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

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
from recondense.results.scores import Training
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier

BASELINES = {"random_records": random_records, "kmeans": kmeans}


@stage(Params, Tier.RESTRICTED)
def training(context: Context[Params]) -> dict[str, Any]:
    """Write ``predictions.parquet`` and ``curves.parquet``; metrics as `Results.summary` gives them.

    Each seed draws its own random records and k-means start. Intervals are over test subjects, not over such draws.
    Raises `InputError` where the reference stage's predictions do not fit the cohort or the chosen networks.
    """
    params = context.params
    cohort = Normalised.load(context.read("normalisation") / "normalised.safetensors")
    condensed = CondensedSet.load(context.read("condensation") / "condensed.safetensors")
    recipes = Recipes.load(context.read("condensation") / "recipe.json")
    validation, test = Part.of(cohort, "validation"), Part.of(cohort, "test")
    real = read_reference(context.read("reference"), params.chosen(), trial.judged(validation, test))

    def how(records: CondensedSet, own: Recipes | None) -> Callable[[str], Recipe]:
        if params.protocol != "recipes":
            return lambda network: params.recipe(len(records.labels))
        return (own or choose(records, validation, params.baseline_search, choose_device(params.device))).of

    sets = {"condensed": TrainingSet(lambda seed: condensed, how(condensed, recipes), params.seeds)}
    classes = n_classes(condensed.labels)
    per_class = max(1, len(condensed.labels) // classes)
    for name, draw in baselines(cohort.part("train"), params.baselines, per_class).items():
        sets[name] = TrainingSet(draw, how(draw(0), None), params.baseline_seeds)
    results = trial.run(sets, params, validation, test)

    results.save(context.out)
    found = {
        **results.joined(real).summary(validation, test, params.bootstrap),
        "protocol": params.protocol,
        "n": {
            "condensed": len(condensed.labels),
            "baselines": classes * per_class,
            "test": len(test.labels),
            "test_cases": test.cases,
        },
    }
    return Training.model_validate(found).as_json()


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
