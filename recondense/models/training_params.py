"""Params of the training stage."""

from typing import Literal

from pydantic import Field

from recondense.models.recipe import RecipeSearch, TrainingParams


class Params(TrainingParams):
    """How models are trained on the condensed set and the baselines; for most keys see
    `recondense.models.recipe.TrainingParams`.

    ``protocol`` "recipes" follows the recipes that belong to each set: the condensed set's own, and for each baseline
    those chosen for it in the same way. ``seeds``: networks trained on the condensed set; also the size of ensembles.
    ``baselines``: what the condensed set is compared with, each with hard and with soft labels.
    ``baseline_seeds``: networks, and draws, of each baseline. ``baseline_search``: how its recipes are chosen.
    """

    protocol: Literal["recipes", "fixed_steps", "paper"] = "recipes"  # type: ignore[assignment]
    seeds: int = Field(default=5, ge=1)
    baselines: tuple[Literal["random_records", "kmeans"], ...] = ("random_records", "kmeans")
    baseline_seeds: int = Field(default=1, ge=1)
    baseline_search: RecipeSearch = RecipeSearch(seeds=1)
