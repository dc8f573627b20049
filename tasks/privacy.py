"""The stage: audit the condensed set with each attack."""

from recondense.privacy.params import Params
from recondense.privacy.run import run
from recondense.privacy.shadows.sets import ShadowSets
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.results.audit import Audit
from recondense.results.stages import Shadows
from recondense.stages.catalogue import CONDENSED, METRICS, NORMALISED, SHADOWS
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier


@stage(Params, Tier.AGGREGATE)
def privacy(context: Context[Params]) -> Audit:
    """Return figures and verdict of each attack; no file but ``metrics.json`` is written.

    Raises `InputError` for options that an attack does not know, and where cohort and condensed set do not fit.
    """
    cohort = Normalised.load(NORMALISED.path(context.layout))
    condensed = CondensedSet.load(CONDENSED.path(context.layout))
    sets = ShadowSets.load(SHADOWS.path(context.layout))
    made = Shadows.load(METRICS["shadows"].path(context.layout))
    where = f"params.yaml: cohorts.{context.layout.cohort}.privacy"
    return run(cohort, condensed, sets, made, context.params, where)
