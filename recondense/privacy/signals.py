"""How sure networks trained on a condensed set are of each candidate's true class: what shadow attacks look at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recondense.models.fit import fit
from recondense.models.pool import worker_pool
from recondense.privacy.params import Signals
from recondense.progress import track
from recondense.records.condensed import CondensedSet
from recondense.records.labels import likeliest, probabilities

CERTAIN = 1e-12  # beyond it a logit would say more of double precision than of the network
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Job:
    """One network to train, on one condensed set."""

    condensed: CondensedSet
    network: str
    seed: int


class SignalWorker:
    """Trains networks and asks each about the same candidates: what one worker does, `Job` by `Job`."""

    def __init__(
        self, values: NDArray[np.float32], labels: NDArray[np.float32], params: Signals, device: torch.device
    ) -> None:
        self.values = torch.from_numpy(values).to(device)
        self.true = likeliest(labels)[:, None]
        self.params = params
        self.device = device

    def __call__(self, job: Job) -> Scores:
        records = job.condensed
        predict = fit(job.network, records.values, records.labels, self.params.recipe, job.seed, self.device)
        sure = np.take_along_axis(probabilities(predict(self.values)), self.true, axis=1)[:, 0].clip(CERTAIN, None)
        others = (1 - sure).clip(CERTAIN, None)
        signal: Scores = np.log(sure) - np.log(others)
        return signal


def signals(
    sets: Sequence[CondensedSet],
    values: NDArray[np.float32],
    labels: NDArray[np.float32],
    params: Signals,
    seed: int,
    device: torch.device,
) -> Scores:
    """The logit of the confidence in each candidate's true class, mean over networks, ``(n_sets, n_candidates)``.

    Networks of different sets start from the same weights, so that their differences come from the sets.
    """
    networks = [(name, seed + repeat) for name in params.networks for repeat in range(params.repeats)]
    jobs = [Job(condensed, *network) for condensed in sets for network in networks]
    with worker_pool(SignalWorker, (values, labels, params, device), torch.get_num_threads(), device) as work:
        found = np.stack(list(track(work(jobs), "networks for shadow attacks", len(jobs))))
    mean: Scores = found.reshape(len(sets), len(networks), -1).mean(axis=1)
    return mean
