"""What a user decides about runs that nobody asks for."""

import re

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from recondense.stages.params import StageParams

BLOCK = re.compile(r"[a-z0-9-]+/[a-z0-9-]+")  # Prefect's own way to name a block
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


class Params(StageParams):
    """``min_new_patients``: subjects of the ingested cohort that were not in the last candidate.
    ``min_interval_hours``: since that candidate. Neither keeps a withdrawal waiting. ``budget``: epsilon that all
    releases together may spend, None for no limit; one beyond it is refused, whoever asks for it. ``population``: a
    name that cohorts with patients in common share, and with it what they have spent. ``release``: whether a candidate
    that passed the gate becomes a release at once, without a person looking. ``notify``: who is told of a
    failure, a Prefect notification block (``slack-webhook/steward``) or the name of an environment variable that holds
    the URL of a webhook or, as Apprise writes it, of an e-mail's way (``mailtos://USER:PASSWORD@SERVER?to=ADDRESS``).
    """

    min_new_patients: int = Field(0, ge=0)
    min_interval_hours: float = Field(0, ge=0)
    budget: float | None = Field(None, gt=0)
    population: str | None = Field(None, min_length=1)
    release: bool = False
    notify: str | None = None

    @field_validator("notify")
    @classmethod
    def _names_no_secret(cls, value: str | None) -> str | None:
        if value is not None and not (BLOCK.fullmatch(value) or VARIABLE.fullmatch(value)):
            raise PydanticCustomError(
                "notify",
                "name a Prefect block (slack-webhook/steward) or an environment variable (STEWARD_WEBHOOK) that holds "
                "the URL; params.yaml is in git, so no URL stands here",
            )
        return value
