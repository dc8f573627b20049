"""The stage: train every chosen model on the condensed set and on its baselines, and compare with all real records."""

from typing import Any

from recondense.condensation.evaluate import per_class, read_reference, trained
from recondense.models import trial
from recondense.models.part import Part
from recondense.models.recipe import Recipes
from recondense.models.training_params import Params
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import n_classes
from recondense.results.scores import Training
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier


@stage(Params, Tier.RESTRICTED)
def training(context: Context[Params]) -> dict[str, Any]:
    """Write ``predictions.parquet`` and ``curves.parquet``; metrics as `Results.summary` gives them.

    Intervals are over test subjects, not over draws of baselines. Raises `InputError` where the reference stage's
    predictions do not fit the cohort or the chosen networks.
    """
    params = context.params
    cohort = Normalised.load(context.read("normalisation") / "normalised.safetensors")
    condensed = CondensedSet.load(context.read("condensation") / "condensed.safetensors")
    recipes = Recipes.load(context.read("condensation") / "recipe.json")
    validation, test = Part.of(cohort, "validation"), Part.of(cohort, "test")
    real = read_reference(context.read("reference"), params.chosen(), trial.judged(validation, test))

    results = trained(condensed, cohort, params, recipes)
    results.save(context.out)
    found = {
        **results.joined(real).summary(validation, test, params.bootstrap),
        "protocol": params.protocol,
        "n": {
            "condensed": len(condensed.labels),
            "baselines": n_classes(condensed.labels) * per_class(condensed),
            "test": len(test.labels),
            "test_cases": test.cases,
        },
    }
    return Training.model_validate(found).as_json()
