"""The stage: audit the condensed set with each attack."""

from typing import Any

from recondense.files.strict_json import read_json
from recondense.privacy.params import Params
from recondense.privacy.run import run
from recondense.privacy.shadows.sets import ShadowSets
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier


@stage(Params, Tier.AGGREGATE)
def privacy(context: Context[Params]) -> dict[str, Any]:
    """Return figures and verdict of each attack; no file but ``metrics.json`` is written.

    Raises `InputError` for options that an attack does not know, and where cohort and condensed set do not fit.
    """
    cohort = Normalised.load(context.read("normalisation") / "normalised.safetensors")
    condensed = CondensedSet.load(context.read("condensation") / "condensed.safetensors")
    sets = ShadowSets.load(context.read("shadows") / "shadows.safetensors")
    made = read_json(context.read("shadows") / "metrics.json")
    where = f"params.yaml: cohorts.{context.layout.cohort}.privacy"
    return run(cohort, condensed, sets, made, context.params, where).as_json()
