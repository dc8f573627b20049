"""What a user may set for this stage."""

from typing import Literal

from pydantic import Field, model_validator

from recondense.stages.params import StageParams


class Params(StageParams):
    """``step_hours`` and ``n_steps`` cut time into equal bins from the subject's time zero. ``clip_quantiles`` of the
    train split bound each numeric variable. ``scale``: "train" takes bounds, fills, means and deviations from the train
    split, which every bundle publishes; "rounded" rounds them coarsely, as those of some hundred patients tell who is
    among them; "public" takes them from what is declared of each variable (``usual``) and from no patient, which
    releases with a guarantee of differential privacy need. ``missingness``: "count" adds the number of measurements per
    step, "mask" one feature per series variable saying whether it was measured, "none" neither."""

    step_hours: float = Field(gt=0)
    n_steps: int = Field(ge=1)
    clip_quantiles: tuple[float, float] = (0.005, 0.995)
    carry_forward: bool = True
    scale: Literal["train", "rounded", "public"] = "rounded"
    missingness: Literal["count", "mask", "none"] = "count"

    @model_validator(mode="after")
    def _quantiles_in_order(self) -> "Params":
        low, high = self.clip_quantiles
        if not 0 <= low < high <= 1:
            raise ValueError("clip_quantiles must be two numbers with 0 <= low < high <= 1")
        return self
