"""What a user may set for this stage."""

from typing import Any, Literal

from pydantic import Field, field_validator

from recondense.models.recipe import Networks, Recipe
from recondense.results.audit import Settings
from recondense.stages import plugins
from recondense.stages.params import StageParams

ATTACKS = "recondense.privacy.attacks"


class Signals(StageParams):
    """What shadow attacks look at: ``networks``, files in ``recondense/models/networks/``, are trained by ``recipe`` on
    the condensed set and on every shadow, ``repeats`` times each. Those named are the quickest to ask about
    thousands."""

    networks: Networks = ("tcn_beta", "lstm_beta")
    repeats: int = Field(default=2, ge=1)
    recipe: Recipe = Recipe(steps=100)


class Params(StageParams):
    """``attacks``: files in ``attacks/``, or "all"; the gate refuses an audit that left out one of the package's, or
    whose margins or resamples are weaker than the defaults here, or whose confidence is another. An attack is
    ``resisted`` only where its AUC is certain, at ``confidence``, to lie within ``margin`` of guessing (0.5), and no
    true positive rate more than ``tpr_margin`` above guessing. Over all shadows together, a shadow attack counts as a
    success only where a figure is certain to exceed guessing by these margins: with so many pairs of patient and
    shadow, the smallest gain is certain. ``resamples``: of the bootstrap that gives the intervals of those figures.
    ``signals``: of shadow attacks. ``options`` holds settings by attack."""

    attacks: tuple[str, ...] | Literal["all"] = "all"
    margin: float = Field(default=0.05, gt=0, lt=0.5)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    tpr_margin: float = Field(default=0.01, gt=0, lt=1)
    signals: Signals = Signals()
    resamples: int = Field(default=500, ge=100)
    seed: int = Field(default=0, ge=0, lt=2**32)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("attacks", "options")
    @classmethod
    def _known_attacks(cls, named: Any) -> Any:
        known = plugins.names(ATTACKS)
        for attack in () if named == "all" else named:
            if attack not in known:
                raise ValueError(f"no '{attack}' in {ATTACKS.replace('.', '/')}; choose from: {', '.join(known)}")
        if named == ():
            raise ValueError(f"name at least one attack, or all; there are: {', '.join(known)}")
        return named

    def of_each(self, attacks: int) -> "Params":
        """The same with the confidence that each of so many ``attacks``, or variants of one, needs for all intervals
        to hold together with ``confidence`` (Bonferroni): else the more there are, the more succeed by luck.

        >>> round(Params(confidence=0.95).of_each(10).confidence, 6)
        0.995
        """
        return self.model_copy(update={"confidence": 1 - (1 - self.confidence) / attacks})

    def settings(self) -> Settings:
        """What decided the verdicts."""
        named = {f"options.{name}.{key}" for name, of in self.options.items() for key in of}
        changed = {f"signals.{key}" for key, value in self.signals if value != getattr(Signals(), key)}
        changed |= {"seed"} if self.seed else set()
        return Settings(
            margin=self.margin,
            tpr_margin=self.tpr_margin,
            confidence=self.confidence,
            resamples=self.resamples,
            own=tuple(sorted(named | changed)),
        )

    def chosen(self) -> list[str]:
        """The chosen attacks."""
        return plugins.names(ATTACKS) if self.attacks == "all" else list(self.attacks)
