"""Control: means of random groups of each class's records."""

from recondense.condensation.baselines import group_means
from recondense.condensation.methods import Condensation, Request
from recondense.records.cohort import Normalised
from recondense.stages.params import StageParams


class Options(StageParams):
    """There is nothing to set."""


def condense(train: Normalised, request: Request, options: Options) -> Condensation:
    """See `recondense.condensation.baselines.group_means`."""
    made = group_means(train, request.records_per_class, request.seed)
    return Condensation(made, averaged=made.averaged)
