"""Params of the reference stage."""

from pydantic import Field

from recondense.models.recipe import TrainingParams


class Params(TrainingParams):
    """How models are trained on all real records; for every key, see `recondense.models.recipe.TrainingParams`."""

    steps: int = Field(default=300, ge=1)
