"""What a user may set for this stage."""

from typing import Literal

from pydantic import Field

from recondense.stages.params import StageParams


class Params(StageParams):
    """``count``: how many shadows: more find smaller leaks, and each takes as long as the condensation; with 0 the
    attacks that need them cannot decide. ``steps``: None is as many as the condensation's; fewer save time, but then
    the shadows are not what is released, and figures drawn from them are weaker evidence. ``canaries``: how many
    made-up outlying patients are planted in each, to see whether an attack finds them. ``seed``: who is in each.
    """

    count: int = Field(default=16, ge=0)
    steps: int | None = Field(default=None, ge=1)
    canaries: int = Field(default=3, ge=0)
    seed: int = Field(default=0, ge=0, lt=2**32)
    device: Literal["auto", "cpu", "cuda"] = "auto"
