"""How downstream models are trained, as params. Free of torch, so that checking params.yaml stays quick."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from recondense.files.strict_json import read_json, write_json
from recondense.stages import plugins
from recondense.stages.params import StageParams, validate

MODELS = "recondense.models.networks"

# The networks of Wang et al. 2023, arXiv 2305.03711. Every "mean over networks" is over these, so that a new
# model file does not move earlier figures.
PAPER_NETWORKS = (
    "tcn_alpha", "tcn_beta", "tcn_gamma", "lstm_alpha", "lstm_beta", "rnn_alpha", "rnn_beta",
    "vit_alpha", "vit_beta", "transformer_alpha", "transformer_beta",
)  # fmt: skip
PAPER_EPOCHS = 30


class Calibration(StageParams):
    """What turns a trained network's logit into the logit of a risk: ``slope * logit + intercept`` (Platt 1999).

    Of more than two classes there is an intercept for each; the slope is one over a temperature (Guo et al. 2017).
    """

    slope: float = Field(default=1.0, gt=0)
    intercept: float | tuple[float, ...] = 0.0


class Recipe(StageParams):
    """How a network is trained: Adam for a fixed number of steps, no held-out record decides when to stop.

    ``noise``: normal noise of this standard deviation, on the scale of the records, is added to them anew in each step,
    which keeps a network from learning twenty of them by heart (Bishop 1995, Neural Computation 7:108).
    """

    steps: int = Field(default=100, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    batch_size: int = Field(default=64, ge=2)
    optimiser: Literal["adam"] = "adam"
    weight_decay: float = Field(default=0.0, ge=0)
    noise: float = Field(default=0.0, ge=0)
    calibration: Calibration = Calibration()


class Recipes(StageParams):
    """How each family of networks is trained on one condensed set, and how many networks make an ensemble.

    ``families``: by the ``FAMILY`` of a model's file; ``other`` serves families that are not named. ``ensemble``: the
    logits of so many networks of different seeds are averaged. A bundle's ``recipe.json`` is this.
    """

    format: Literal[1] = 1
    ensemble: int = Field(default=5, ge=1)
    families: dict[str, Recipe] = Field(default_factory=dict)
    other: Recipe = Recipe()

    def of(self, network: str) -> Recipe:
        """The recipe for ``network``, a file in ``recondense/models/networks/``. Raises `InputError` for an unknown
        one."""
        return self.families.get(plugins.load(MODELS, network).FAMILY, self.other)

    def save(self, path: Path) -> None:
        """Write one JSON file."""
        write_json(path, self.model_dump())

    @classmethod
    def load(cls, path: Path) -> "Recipes":
        """Read what `save` wrote. Raises `InputError` naming the key where it is not that."""
        return validate(cls, read_json(path), str(path))


# The smaller networks of each family: TCN-gamma and the alphas are judged by a recipe that they had no part in
REPRESENTATIVES = ("rnn_beta", "lstm_beta", "tcn_beta", "transformer_beta", "vit_beta")


def _known(networks: tuple[str, ...]) -> tuple[str, ...]:
    """``networks``, if each is a file in ``recondense/models/networks/``. Raises `ValueError` with the known names."""
    names = plugins.names(MODELS)
    for name in networks:
        if name not in names:
            raise ValueError(f"no '{name}' in recondense/models/networks; choose from: {', '.join(names)}")
    return networks


# Names of files in models/networks/, at least one
Networks = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_known)]


class RecipeSearch(StageParams):
    """Among which recipes those of a condensed set are chosen: every rate with every amount of noise and every number
    of steps, for a family's ``networks``, each trained with ``seeds`` seeds; then how large an ``ensemble`` to
    advise."""

    networks: Networks = REPRESENTATIVES
    learning_rates: tuple[float, ...] = Field(default=(1e-3,), min_length=1)
    steps: tuple[int, ...] = Field(default=(12, 16, 24, 32, 48, 64, 96), min_length=1)
    noises: tuple[float, ...] = Field(default=(0.5, 0.8), min_length=1)
    seeds: int = Field(default=2, ge=1)
    ensemble: int = Field(default=5, ge=1)

    @field_validator("learning_rates", "steps")
    @classmethod
    def _positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if values[0] <= 0:
            raise ValueError("give positive numbers")
        return values

    @field_validator("learning_rates", "steps", "noises")
    @classmethod
    def _ascending(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if list(values) != sorted(set(values)) or values[0] < 0:
            raise ValueError("give numbers from 0, each larger than the one before")
        return values


class TrainingParams(Recipe):
    """A recipe, and what to train by it.

    ``networks``: names of files in ``recondense/models/networks/``, or "all". ``seeds``: runs of each; scores are
    averaged. ``protocol``: "fixed_steps" follows the recipe and needs no real record. "paper" overrides it with that of
    Wang et al. 2023: Adam 5e-4, batches of 64, 30 epochs, the epoch with the best AUC on the *real* validation part.
    ``bootstrap``: resamples of the test subjects behind each interval.
    """

    networks: tuple[str, ...] | Literal["all"] = "all"
    seeds: int = Field(default=1, ge=1)
    bootstrap: int = Field(default=1000, ge=100)
    protocol: Literal["fixed_steps", "paper"] = "fixed_steps"
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @field_validator("networks")
    @classmethod
    def _all_known(cls, networks: tuple[str, ...] | Literal["all"]) -> tuple[str, ...] | Literal["all"]:
        if not networks:
            raise ValueError("name at least one network, or all")
        return networks if networks == "all" else _known(networks)

    def chosen(self) -> list[str]:
        """Names of the models to train, sorted."""
        return plugins.names(MODELS) if self.networks == "all" else sorted(set(self.networks))

    def recipe(self, n_records: int) -> Recipe:
        """The recipe for a set of ``n_records``; under "paper" an epoch is one pass over them, as published."""
        if self.protocol == "paper":
            steps = PAPER_EPOCHS * steps_per_epoch(n_records, 64)
            return Recipe(steps=steps, learning_rate=5e-4, batch_size=64)
        return Recipe(**self.model_dump(include=set(Recipe.model_fields)))


def steps_per_epoch(n_records: int, batch_size: int) -> int:
    """Steps in one pass over ``n_records``; an incomplete last batch is left out.

    >>> steps_per_epoch(5120, 64), steps_per_epoch(100, 64), steps_per_epoch(20, 64)
    (80, 1, 1)
    """
    return max(1, n_records // batch_size)
