"""How a recipe is chosen: by what a recipient gets of it, from one network and from several."""

import numpy as np

from recondense.models.choose import _best
from recondense.models.part import Part
from recondense.models.scores import single_auc


def test_networks_that_are_slightly_worse_alone_and_much_better_together_are_chosen() -> None:
    rng = np.random.default_rng(0)
    labels = (np.arange(400) % 2).astype(np.float32)
    signal = np.tile(labels, (3, 1))  # after each of three numbers of steps
    alike = [signal + rng.standard_normal((3, 400))] * 2
    unlike = [signal + 1.05 * rng.standard_normal((3, 400)) for _ in range(2)]
    watched = Part(np.zeros((400, 1, 1), np.float32), labels, np.arange(400))
    assert np.mean([single_auc(labels, each[1]) for each in alike]) > np.mean(
        [single_auc(labels, each[1]) for each in unlike]
    )
    tried = {(1e-3, 0.0): alike, (1e-3, 0.5): unlike}
    assert _best(tried, (1, 2, 3), watched, np.ones(400)).noise == 0.5
    assert _best({(1e-3, 0.0): alike}, (1, 2, 3), watched, np.ones(400)).noise == 0.0
