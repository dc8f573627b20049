"""The stage: train every chosen model on all real train subjects."""

from recondense.models import trial
from recondense.models.part import Part
from recondense.models.reference_params import Params
from recondense.models.simple import simple_models
from recondense.records.cohort import Normalised
from recondense.results.scores import Ranked, RealSizes, Reference
from recondense.stages.catalogue import NORMALISED
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier


@stage(Params, Tier.RESTRICTED)
def reference(context: Context[Params]) -> Reference:
    """Write ``predictions.parquet`` and ``curves.parquet``; metrics as `Results.summary` gives them, under "all_real"
    and, whichever networks were chosen, each of `SIMPLE`; ``single_variable`` says which it was.

    Raises `InputError` where a part of the cohort has one outcome only.
    """
    cohort = Normalised.load(NORMALISED.path(context.layout))
    train, validation, test = Part.of(cohort, "train"), Part.of(cohort, "validation"), Part.of(cohort, "test")

    params, recipe = context.params, context.params.recipe(len(train.labels))
    all_real = trial.TrainingSet(lambda seed: train, lambda network: recipe, params.seeds)
    simple, single = simple_models(cohort, train, trial.judged(validation, test))
    results = trial.run({"all_real": all_real}, params, validation, test).joined(simple)

    results.save(context.out)
    further = {
        "protocol": params.protocol,
        "recipe": recipe.model_dump(mode="json"),
        "single_variable": Ranked(feature=single.feature, summary=single.summary),
        "n": RealSizes(train=len(train.labels), test=len(test.labels), test_cases=test.cases),
        "order": cohort.order(),
    }
    return Reference.model_validate({**dict(results.summary(validation, test, params.bootstrap)), **further})
