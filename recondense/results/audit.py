"""What came of all attacks, and under which settings."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field, model_validator

from recondense.results.attacks import Attack, Membership
from recondense.results.base import Result, Share
from recondense.results.verdicts import WORST_FIRST, Verdict


class Settings(Result):
    """What decided the verdicts: see `recondense.privacy.params`. ``own``: names of further settings that are not the
    package's defaults, such as ``options.reconstruction.steps``."""

    margin: Share
    tpr_margin: Share
    confidence: Share
    resamples: int = Field(ge=0)
    own: tuple[str, ...]


class Distribution(Result):
    """Over subjects, of how far a set moves with one of them; null where there are none to tell of."""

    mean: float | None = None
    percentile_99: float | None = None


class Measured(Result):
    """The movement of subjects, and of as many said by lot to be in shadows."""

    of_subjects: Distribution
    by_lot: Distribution


class Influence(Result):
    """See `recondense.privacy.influence`; ``measured`` is null where shadows are too few."""

    class_mean: dict[str, Share]
    measured: Measured | None


class Canaries(Result):
    """How well canaries, so many ``planted`` in each of so many ``shadows``, are found in these, and in real records as
    they are."""

    planted: int
    shadows: int
    condensed: Membership
    as_they_are: Membership


class Audit(Result):
    """The privacy stage's ``metrics.json``. ``verdict``: the worst of all attacks'."""

    settings: Settings
    attacks: dict[str, Attack]
    influence: Influence | None
    canaries: Canaries | None
    verdict: Verdict

    @model_validator(mode="after")
    def _verdict_is_of_the_attacks(self) -> Self:
        if self.verdict != overall([attack.verdict for attack in self.attacks.values()]):
            raise ValueError("verdict is not what those of the attacks come to")
        return self


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst of them; ``inconclusive`` of none."""
    return min(verdicts, key=WORST_FIRST.index, default="inconclusive")
