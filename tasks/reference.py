"""The stage: train every chosen model on all real train subjects."""

from recondense.models.part import Part
from recondense.models.reference import reference as on_all_real
from recondense.models.reference_params import Params
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
    results, recipe, single = on_all_real(cohort, context.params)
    results.save(context.out)
    train, validation, test = Part.of(cohort, "train"), Part.of(cohort, "validation"), Part.of(cohort, "test")
    further = {
        "protocol": context.params.protocol,
        "recipe": recipe.model_dump(mode="json"),
        "single_variable": Ranked(feature=single.feature, summary=single.summary),
        "n": RealSizes(train=len(train.labels), test=len(test.labels), test_cases=test.cases),
        "order": cohort.order(),
    }
    return Reference.model_validate({**dict(results.summary(validation, test, context.params.bootstrap)), **further})
