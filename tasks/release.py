"""The stage: gather the public figures, ask the gate, write the bundle."""

from recondense.bundle.gather import gather
from recondense.bundle.make import write_bundle
from recondense.bundle.params import Params
from recondense.bundle.refused import forget
from recondense.models.recipe import Recipes
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.results.public import Public
from recondense.stages.catalogue import CONDENSED, NORMALISED, PREPROCESSING, RECIPE
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier


@stage(Params, Tier.PUBLIC)
def release(context: Context[Params]) -> Public:
    """Write the candidate bundle. Raises `Refusal` with every reason of the gate, unless somebody overrides it."""
    layout = context.layout
    forget(layout)
    condensed = CondensedSet.load(CONDENSED.path(context.layout))
    recipes = Recipes.load(RECIPE.path(context.layout))
    preprocessing = Preprocessing.load(PREPROCESSING.path(context.layout))
    cohort = Normalised.load(NORMALISED.path(context.layout))
    metrics = gather(layout, context.params, cohort, condensed, preprocessing)
    write_bundle(context.out, layout, condensed, recipes, preprocessing, metrics)
    return metrics
