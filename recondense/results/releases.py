"""The few public figures by which the releases of a cohort are compared."""

from pydantic import ConfigDict

from recondense.results.base import Interval, Result, Share
from recondense.results.public import Public


class Strongest(Result):
    """The attack with the highest AUC."""

    name: str
    auc: Share
    low: Share
    high: Share


class Summary(Result):
    """``test_auc`` of the condensed set; ``attack`` is null where no attack's figure is stated."""

    test_auc: Interval
    attack: Strongest | None

    @classmethod
    def of(cls, metrics: Public) -> "Summary":
        """Of one bundle."""
        measured = [
            Strongest(name=name, auc=attack.auc, low=attack.low, high=attack.high)
            for name, attack in metrics.privacy.attacks.items()
            if attack.kind in ("membership", "shadows")
        ]
        score = metrics.test_auc["condensed"]
        return cls(
            test_auc=Interval(mean=score.mean, low=score.low, high=score.high),
            attack=max(measured, key=lambda attack: attack.auc, default=None),
        )


class Withdrawn(Result):
    """When and why."""

    time: str
    reason: str


class Spent(Result):
    """Epsilon of one release, and of all up to it; null where there is no guarantee."""

    epsilon: float | None = None
    cumulative_epsilon: float | None = None


class Earlier(Result):
    """A release as a ledger's listing has it; what else that says is of no use here."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    version: str
    released: str
    withdrawn: Withdrawn | None
    figures: Summary | None = None
    privacy: Spent = Spent()
