"""Control: real records, drawn at random from each class. Not private: its records are patients'."""

from tasks.common.controls import random_records
from tasks.common.params import RoomParams
from tasks.common.records import Normalised
from tasks.condensation.methods import Condensation, Request


class Options(RoomParams):
    """There is nothing to set."""


def condense(train: Normalised, request: Request, options: Options) -> Condensation:
    """See `tasks.common.controls.random_records`."""
    made = random_records(train, request.records_per_class, request.seed)
    return Condensation(made, averaged=made.averaged)
