"""The stage: fit on train, apply to all."""

from recondense.preprocessing.fit import outside_steps
from recondense.preprocessing.normalise import normalise
from recondense.preprocessing.params import Params
from recondense.preprocessing.span import check_span
from recondense.records.cohort import Ingested
from recondense.results.stages import Counts, Normalisation
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier


@stage(Params, Tier.RESTRICTED)
def normalisation(context: Context[Params]) -> Normalisation:
    """Write ``normalised.safetensors`` and ``preprocessing.json``; metrics say how much was measured and left out."""
    check_span(context.layout.root, context.layout.cohort)
    ingested = Ingested.load(context.read("ingestion"))
    cohort, preprocessing = normalise(ingested, context.params)
    cohort.save(context.out / "normalised.safetensors")
    preprocessing.save(context.out / "preprocessing.json")

    outside = outside_steps(preprocessing, ingested.events)
    subjects, steps, features = cohort.values.shape
    return Normalisation(
        shape=(subjects, steps, features),
        measurements=Counts(
            in_=len(ingested.events),
            kept=len(ingested.events) - outside,
            set_aside={"outside the steps": outside} if outside else {},
        ),
        share_observed=preprocessing.share_observed(cohort.observed),
    )
