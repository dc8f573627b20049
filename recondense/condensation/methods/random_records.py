"""Control: real records, drawn at random from each class. Not private: its records are patients'."""

from recondense.condensation.baselines import random_records
from recondense.condensation.methods import Condensation, Request
from recondense.records.cohort import Normalised
from recondense.stages.params import StageParams


class Options(StageParams):
    """There is nothing to set."""


def condense(train: Normalised, request: Request, options: Options) -> Condensation:
    """See `recondense.condensation.baselines.random_records`."""
    made = random_records(train, request.records_per_class, request.seed)
    return Condensation(made, averaged=made.averaged)
