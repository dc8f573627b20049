"""Control: centroids of k-means within each class."""

from recondense.condensation.baselines import kmeans
from recondense.condensation.methods import Condensation, Request
from recondense.records.cohort import Normalised
from recondense.stages.params import StageParams


class Options(StageParams):
    """There is nothing to set."""


def condense(train: Normalised, request: Request, options: Options) -> Condensation:
    """See `recondense.condensation.baselines.kmeans`."""
    made = kmeans(train, request.records_per_class, request.seed)
    return Condensation(made, averaged=made.averaged)
