"""The stage: gather the shadows, computing those that are not there yet."""

from recondense.privacy.shadows.gather import gather
from recondense.privacy.shadows.params import Params
from recondense.privacy.shadows.work import clear
from recondense.results.stages import Shadows
from recondense.stages.layout import Layout
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier


@stage(Params, Tier.RESTRICTED)
def shadows(context: Context[Params]) -> Shadows:
    """Write ``shadows.safetensors``; metrics say of how many subjects how many shadows are, and their steps beside the
    release's.

    Raises `InputError` where a method cannot condense a subset, and where inputs changed meanwhile.
    """
    sets, metrics = gather(context.layout)
    sets.save(context.out / "shadows.safetensors")
    clear(context.layout)
    return metrics


def unit(layout: Layout, index: int) -> None:
    """Compute shadow ``index`` where it is not there, for the stage to find it."""
    from recondense.privacy.shadows.unit import unit as compute  # torch takes seconds

    compute(layout, index)
