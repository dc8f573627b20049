"""Control: centroids of k-means within each class."""

from tasks.common.controls import kmeans
from tasks.common.params import RoomParams
from tasks.common.records import Normalised
from tasks.condensation.methods import Condensation, Request


class Options(RoomParams):
    """There is nothing to set."""


def condense(train: Normalised, request: Request, options: Options) -> Condensation:
    """See `tasks.common.controls.kmeans`."""
    made = kmeans(train, request.records_per_class, request.seed)
    return Condensation(made, averaged=made.averaged)
