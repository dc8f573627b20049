"""What a release must satisfy."""

from pydantic import Field

from tasks.common.params import RoomParams


class Params(RoomParams):
    """``min_patients_per_class``: train patients of the rarest class. ``min_patients_per_record``: train patients of a
    class for each condensed record of it. ``min_test_auc``: what the lower bound of the interval of the mean test AUC
    must exceed; 0 asks for nothing, where test patients are too few to show anything. ``allow_inconclusive``: whether
    an attack that could not decide (too few records) lets a release pass. ``max_tpr``: what the upper bound of every
    attack's true positive rate at a false positive rate of 0.1 % may reach, over shadows where the attack has them.
    None asks for nothing; where it is asked for, a rate that could not be measured refuses."""

    min_patients_per_class: int = Field(20, ge=1)
    min_patients_per_record: float = Field(3, ge=1)
    min_test_auc: float = Field(0.5, ge=0, le=1)
    allow_inconclusive: bool = True
    max_tpr: float | None = Field(None, ge=0, le=1)
