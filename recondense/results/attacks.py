"""What came of one attack, by its kind."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from recondense.results.base import Result, Share
from recondense.results.verdicts import Verdict

# Every attack of the package, which an audit has to run, and what it does
ATTACKS = {
    "attribute_inference": "guesses from the set what is not known of a patient whose other values are",
    "domias": "guesses that a patient took part if records like hers are denser in the set than among people at large",
    "linkability": "decides by the set whether two parts of a record belong to one patient",
    "lira_offline": "compares how models predict a patient with how they would had she not been among those condensed",
    "lira_online": "compares how models predict a patient when she was, and was not, among those condensed",
    "loss_membership": "guesses that a patient took part if models trained on the set predict her outcome too well",
    "nearest_record": "guesses that a patient took part if a condensed record looks much like hers",
    "reconstruction": "tries to draw a patient's record from the set",
    "rmia": "compares a patient with many others: does the set fit her better than it fits them?",
    "singling_out": "makes a description from the set that is to fit just one patient",
    "tracing": "asks whether condensed records lie nearer to a patient than they would had she been left out",
}
STRICTEST = "0.001"  # the false positive rate at which the gate may bound the true positive rate


class Rate(Result):
    """The true positive rate at one false positive rate, with its interval; or null, with the reason."""

    tpr: Share | None
    low: Share | None = None
    high: Share | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _measured_or_not(self) -> Self:
        ends = (self.tpr, self.low, self.high)
        if (None in ends) != (ends == (None, None, None)) or (self.tpr is None) != (self.reason is not None):
            raise ValueError("a rate has both ends of its interval, or is null with a reason")
        return self


class Membership(Result):
    """How well members are told from others: the AUC (0.5 by guessing) and true positive rates, with intervals."""

    auc: Share
    low: Share
    high: Share
    tpr_at_fpr: dict[str, Rate]
    n_members: int = Field(ge=0)
    n_non_members: int = Field(ge=0)

    def upper_tpr(self) -> float | None:
        """The upper bound of the true positive rate at a false positive rate of 0.1 %; None where there is none."""
        found = self.tpr_at_fpr.get(STRICTEST)
        return found.high if found else None


class Compared(Membership):
    """The same of what the attack is compared with; ``is``: which, in words."""

    is_: str = Field(alias="is")


class Gain(Result):
    """An AUC less another, with the interval of the difference: their errors are not independent."""

    value: float
    low: float
    high: float


class Beside(Compared):
    """The same of a baseline or a negative control, and how far the attack lies above it."""

    gain: Gain


class PositiveControl(Compared):
    """The same of real records handed over as they are; ``detected``: whether the attack finds them."""

    detected: bool


class TopRanked(Result):
    """How many ``members`` are among those ranked first, and how many are ``expected`` by guessing."""

    members: float
    expected: float


class OverShadows(Compared):
    """The attack on every shadow. ``detectable_auc``: the smallest that would have
    succeeded in four of five repetitions."""

    detectable_auc: Share
    by_class: dict[str, Membership]
    top_ranked: dict[str, TopRanked]


class ShadowsUsed(Result):
    """How many shadows the attack learned from, and their condensation steps beside the release's."""

    count: int
    steps: int
    release_steps: int


class OnMembers(Membership):
    """An attack that scores membership. ``detectable_auc``: the smallest with which it would have succeeded in about
    four of five repetitions; 1 if none."""

    kind: Literal["membership"] = "membership"
    detectable_auc: Share
    baseline: Beside
    negative_control: Beside
    positive_control: PositiveControl
    verdict: Verdict
    reason: str

    def unseen_below(self) -> float:
        """The AUC below which it may well have passed unseen."""
        return self.detectable_auc


class WithShadows(OnMembers):
    """The same, of an attack that learned from shadows."""

    kind: Literal["shadows"] = "shadows"  # type: ignore[assignment]
    shadows: ShadowsUsed
    over_shadows: OverShadows
    top_ranked: dict[str, TopRanked]

    def unseen_below(self) -> float:
        """It succeeds on the set, or over shadows if these are made as the set is."""
        alike = self.shadows.steps == self.shadows.release_steps
        return min(self.detectable_auc, self.over_shadows.detectable_auc) if alike else self.detectable_auc

    def upper_tpr(self) -> float | None:
        """Of the figures over shadows: behind them stand more patients."""
        return self.over_shadows.upper_tpr()


class NotRun(Result):
    """An attack that lacked what it needs, such as shadows."""

    kind: Literal["not_run"] = "not_run"
    verdict: Literal["inconclusive"] = "inconclusive"
    reason: str

    def upper_tpr(self) -> None:
        """There is none."""


class GuessRate(Result):
    """The share of ``guesses`` that is right, with its interval; null where none was made."""

    rate: Share | None = None
    low: float
    high: float
    guesses: int


class Risk(Result):
    """What guesses gain of members over others, as a share of what there is to gain: 0 by guessing."""

    risk: Share
    low: Share
    high: Share


class Shift(Risk):
    """The same of validation records; ``is``: that, in words."""

    is_: str = Field(alias="is")


class PositiveRisk(Shift):
    """The same of real records handed over as they are."""

    detected: bool


class Variant(Risk):
    """One way to guess. ``detectable_risk``: as `OnMembers.detectable_auc`. ``chance``: the rate of a guesser, where it
    is known exactly."""

    detectable_risk: Share
    confidence: Share
    rates: dict[str, GuessRate]
    chance: Share | None = None
    shift: Shift
    positive_control: PositiveRisk
    verdict: Verdict
    reason: str


class OfGuesses(Risk):
    """An attack that guesses about people; its figures are those of ``variant``."""

    kind: Literal["guesses"] = "guesses"
    variant: str
    detectable_risk: Share
    rates: dict[str, GuessRate]
    verdict: Verdict
    reason: str
    variants: dict[str, Variant]


class Withheld(Result):
    """An attack whose figures a guarantee keeps back. ``tells_members``: whether a true positive rate can be had of
    it; ``tpr_at_most``: a bound that it keeps for certain, null where it does not or where there is no telling."""

    kind: Literal["withheld"] = "withheld"
    verdict: Verdict
    tells_members: bool
    tpr_at_most: Share | None

    def upper_tpr(self) -> float | None:
        """The bound."""
        return self.tpr_at_most


Attack = Annotated[OnMembers | WithShadows | NotRun | OfGuesses | Withheld, Field(discriminator="kind")]


def tells_members(attack: Attack) -> bool:
    """Whether it is one whose true positive rate can be asked for: guesses about people have none."""
    return attack.tells_members if isinstance(attack, Withheld) else not isinstance(attack, OfGuesses)


def upper_tpr(attack: Attack) -> float | None:
    """The upper bound of its true positive rate at a false positive rate of 0.1 %; None where there is no telling."""
    return None if isinstance(attack, OfGuesses) else attack.upper_tpr()
