"""What a user may set for this room."""

from typing import Literal

from pydantic import Field, model_validator

from tasks.common.params import RoomParams


class Params(RoomParams):
    """``step_hours`` and ``n_steps`` cut time into equal bins from the subject's time zero. ``clip_quantiles`` of the
    train split bound each numeric variable. ``scale``: "train" takes bounds, fills, means and deviations from the train
    split; "public" from what is declared of each variable (``usual``) and from no patient, which releases with a
    guarantee of differential privacy need. ``missingness``: "count" adds the number of measurements per step,
    "mask" one feature per series variable saying whether it was measured, "none" neither."""

    step_hours: float = Field(gt=0)
    n_steps: int = Field(ge=1)
    clip_quantiles: tuple[float, float] = (0.005, 0.995)
    carry_forward: bool = True
    scale: Literal["train", "public"] = "train"
    missingness: Literal["count", "mask", "none"] = "count"

    @model_validator(mode="after")
    def _quantiles_in_order(self) -> "Params":
        low, high = self.clip_quantiles
        if not 0 <= low < high <= 1:
            raise ValueError("clip_quantiles must be two numbers with 0 <= low < high <= 1")
        return self
