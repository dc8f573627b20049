"""How downstream models are trained, as params. Free of torch, so that checking params.yaml stays quick."""

from typing import Literal

from pydantic import Field, field_validator

from tasks.common import plugins
from tasks.common.params import RoomParams

MODELS = "tasks.networks.models"

# The networks of Wang et al. 2023, arXiv 2305.03711. Every "mean over networks" is over these, so that a new
# model file does not move earlier figures.
PAPER_NETWORKS = (
    "tcn_alpha", "tcn_beta", "tcn_gamma", "lstm_alpha", "lstm_beta", "rnn_alpha", "rnn_beta",
    "vit_alpha", "vit_beta", "transformer_alpha", "transformer_beta",
)  # fmt: skip
PAPER_EPOCHS = 30


class Recipe(RoomParams):
    """How a network is trained: Adam for a fixed number of steps, no held-out record decides when to stop."""

    steps: int = Field(default=100, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    batch_size: int = Field(default=64, ge=2)
    optimiser: Literal["adam"] = "adam"
    weight_decay: float = Field(default=0.0, ge=0)


class TrainingParams(Recipe):
    """A recipe, and what to train by it.

    ``networks``: names of files in ``tasks/networks/models/``, or "all". ``seeds``: runs of each; scores are averaged.
    ``protocol``: "fixed_steps" follows the recipe and needs no real record. "paper" overrides it with that of Wang et
    al. 2023: Adam 5e-4, batches of 64, 30 epochs, the epoch with the best AUC on the *real* validation part.
    ``bootstrap``: resamples of the test subjects behind each interval.
    """

    networks: tuple[str, ...] | Literal["all"] = "all"
    seeds: int = Field(default=1, ge=1)
    bootstrap: int = Field(default=1000, ge=100)
    protocol: Literal["fixed_steps", "paper"] = "fixed_steps"
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @field_validator("networks")
    @classmethod
    def _known(cls, networks: tuple[str, ...] | Literal["all"]) -> tuple[str, ...] | Literal["all"]:
        known = plugins.names(MODELS)
        if networks != "all" and not networks:
            raise ValueError("name at least one network, or all")
        for name in () if networks == "all" else networks:
            if name not in known:
                raise ValueError(f"no '{name}' in tasks/networks/models; choose from: {', '.join(known)}")
        return networks

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
