"""Params of the training room."""

from tasks.networks.recipe import TrainingParams


class Params(TrainingParams):
    """How models are trained on the condensed set and the controls; see `tasks.networks.recipe.TrainingParams`."""
