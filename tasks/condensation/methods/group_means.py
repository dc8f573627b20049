"""Control: means of random groups of each class's records."""

from tasks.common.controls import group_means
from tasks.common.params import RoomParams
from tasks.common.records import Normalised
from tasks.condensation.methods import Condensation, Request


class Options(RoomParams):
    """There is nothing to set."""


def condense(train: Normalised, request: Request, options: Options) -> Condensation:
    """See `tasks.common.controls.group_means`."""
    made = group_means(train, request.records_per_class, request.seed)
    return Condensation(made, averaged=made.averaged)
