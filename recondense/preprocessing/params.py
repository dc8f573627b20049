"""What a user may set for this stage."""

from typing import Literal

from pydantic import Field, model_validator

from recondense.errors import InputError
from recondense.stages.params import StageParams

SPAN_TOLERANCE = 0.005  # less than half of one step in 96: none is shifted by a rounded step_hours


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

    def check_span(self, hours: float) -> None:
        """Raise `InputError` unless the steps span ``hours``, within `SPAN_TOLERANCE`.

        >>> Params(step_hours=2, n_steps=24).check_span(48)
        >>> Params(step_hours=1, n_steps=24).check_span(48)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        recondense.errors.InputError: 24 steps of 1 hours are 24 hours, but subjects are measured for 48 hours: ...
        """
        span = self.step_hours * self.n_steps
        if abs(span / hours - 1) > SPAN_TOLERANCE:
            raise InputError(
                f"{self.n_steps} steps of {self.step_hours:g} hours are {span:g} hours, but subjects are measured for "
                f"{hours:g} hours: set normalisation.step_hours to {hours / self.n_steps:.7e}, or mend the option of "
                "ingestion that says for how long"
            )
