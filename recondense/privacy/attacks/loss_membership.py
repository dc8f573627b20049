"""Members are predicted better: the score is minus the loss, under the true outcome, of networks trained on the
condensed set (Yeom et al. 2018), averaged over a few networks."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from recondense.models.fit import fit
from recondense.models.recipe import Networks, Recipe
from recondense.privacy.attacks import Target
from recondense.records.labels import likeliest, probabilities
from recondense.stages.params import StageParams

CERTAIN = 1e-12  # a network may be sure beyond double precision, and the logarithm of 0 would outweigh all others


class Options(StageParams):
    """``networks``: files in ``recondense/models/networks/``, each trained ``repeats`` times by ``recipe``."""

    networks: Networks = ("lstm_beta", "rnn_beta", "tcn_beta")
    repeats: int = Field(default=1, ge=1)
    recipe: Recipe = Recipe(steps=100)


def scores(target: Target, options: Options) -> NDArray[np.float64]:
    """The mean log likelihood of each candidate's outcome."""
    total = np.zeros(len(target.labels))
    for name in options.networks:
        for repeat in range(options.repeats):
            predict = fit(
                name,
                target.condensed.values,
                target.condensed.labels,
                options.recipe,
                target.seed + repeat,
                target.device,
            )
            risk = predict(target.values).clip(CERTAIN, 1 - CERTAIN)
            own = np.take_along_axis(probabilities(risk), likeliest(target.labels)[:, None], axis=1)
            total += np.log(own[:, 0])
    return total / (len(options.networks) * options.repeats)
