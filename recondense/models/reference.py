"""What models learn from all real train subjects."""

from recondense.models import trial
from recondense.models.part import Part
from recondense.models.predictions import Results
from recondense.models.recipe import Recipe
from recondense.models.reference_params import Params
from recondense.models.simple import SingleVariable, simple_models
from recondense.records.cohort import Normalised


def reference(cohort: Normalised, params: Params) -> tuple[Results, Recipe, SingleVariable]:
    """Predictions of every chosen model and of each of `SIMPLE`, the recipe of the former, and the best single
    variable. Raises `InputError` where a part of the cohort has one outcome only."""
    train, validation, test = Part.of(cohort, "train"), Part.of(cohort, "validation"), Part.of(cohort, "test")
    recipe = params.recipe(len(train.labels))
    all_real = trial.TrainingSet(lambda seed: train, lambda network: recipe, params.seeds)
    simple, single = simple_models(cohort, train, trial.judged(validation, test))
    return trial.run({"all_real": all_real}, params, validation, test).joined(simple), recipe, single
