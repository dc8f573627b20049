"""What a release must satisfy."""

from pydantic import Field

from tasks.common.params import RoomParams


class Params(RoomParams):
    """``min_patients_per_class``: train patients of the rarest class. ``min_patients_per_record``: train patients of a
    class for each condensed record of it. ``min_test_auc``: what the lower bound of the interval of the mean test AUC
    must exceed; 0 asks for nothing, where test patients are too few to show anything. ``allow_inconclusive``: whether
    an attack that could not decide (too few records) lets a release pass."""

    min_patients_per_class: int = Field(20, ge=1)
    min_patients_per_record: float = Field(3, ge=1)
    min_test_auc: float = Field(0.5, ge=0, le=1)
    allow_inconclusive: bool = True
