"""Is a condensed record, or what can be made of them all, some member's record?

``records``: the condensed records as they are. ``inverted``: records that are optimised, from noise, to pull small
networks in the same direction as the condensed ones of their class do (gradient inversion, Geiping et al. 2020, arXiv
2003.14053); they have hard labels, as people do. A record counts as a member's where its nearest person, of members and
held-out people, is one.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy.spatial.distance import cdist
from torch import Tensor

from recondense.privacy.attacks import Target
from recondense.privacy.guesses import Guesses, Reconstructions
from recondense.records.labels import likeliest, n_classes, probabilities
from recondense.stages.params import StageParams

HIDDEN = 128
START = 0.3  # standard deviation: noise that no gradient removes keeps a record from whomever it is of

Weights = list[Tensor]


class Options(StageParams):
    """``networks`` of one hidden layer, each trained on the condensed set for longer than the one before, up to
    ``training_steps``: 0, since of networks that have learned a handful of records little gradient is left, and real
    records handed over were found less often. ``records_per_class`` at most are made, in ``steps`` steps of Adam at
    ``learning_rate``."""

    networks: int = Field(default=2, ge=1)
    training_steps: int = Field(default=0, ge=0)
    records_per_class: int = Field(default=32, ge=1)
    steps: int = Field(default=150, ge=1)
    learning_rate: float = Field(default=0.1, gt=0)


def guesses(target: Target, options: Options) -> Mapping[str, Guesses]:
    """Both kinds of records, by their Euclidean distance to each candidate."""
    people = target.values.reshape(len(target.values), -1)
    made = {"records": target.condensed.values.reshape(-1, people.shape[1]), "inverted": inverted(target, options)}
    return {name: Reconstructions(cdist(records, people)) for name, records in made.items()}


def inverted(target: Target, options: Options) -> NDArray[np.float32]:
    """Records ``(n, n_steps * n_features)`` whose mean gradient, class by class, has the direction of the condensed
    records' in every network."""
    generator = torch.Generator().manual_seed(target.seed)
    records = torch.from_numpy(target.condensed.values).flatten(1)
    labels = torch.from_numpy(probabilities(target.condensed.labels).astype(np.float32))
    lots = np.linspace(0, options.training_steps, options.networks).round().astype(int)
    classes, likely = n_classes(target.condensed.labels), likeliest(target.condensed.labels)
    networks = [trained(records, labels, int(steps), generator, target.device) for steps in lots]
    records, labels = records.to(target.device), labels.to(target.device)
    made, of_class, wanted = [], [], []
    for outcome in range(classes):
        places = torch.from_numpy(np.flatnonzero(likely == outcome)).to(target.device)
        if not len(places):
            continue
        noise = START * torch.randn(min(len(places), options.records_per_class), records.shape[1], generator=generator)
        made.append(noise.to(target.device).requires_grad_())
        of_class.append(torch.eye(classes, device=target.device)[outcome].expand(len(noise), classes))
        wanted.append([direction(network, records[places], labels[places]) for network in networks])
    optimiser = torch.optim.Adam(made, lr=options.learning_rate)
    for _ in range(options.steps):
        agreements = [
            (direction(network, mine, theirs, create_graph=True) * aim).sum()
            for mine, theirs, aims in zip(made, of_class, wanted, strict=True)
            for network, aim in zip(networks, aims, strict=True)
        ]
        optimiser.zero_grad()
        torch.autograd.backward(-torch.stack(agreements).sum())
        optimiser.step()
    result: NDArray[np.float32] = torch.cat([mine.detach() for mine in made]).cpu().numpy()
    return result


def trained(records: Tensor, labels: Tensor, steps: int, generator: torch.Generator, device: torch.device) -> Weights:
    """The weights of a network after ``steps`` steps of Adam on the condensed set."""
    sizes = [records.shape[1], HIDDEN, labels.shape[1]]
    weights = []
    for before, after in pairwise(sizes):
        weights += [torch.randn(before, after, generator=generator) / before**0.5, torch.zeros(after)]
    weights = [weight.to(device).requires_grad_() for weight in weights]
    optimiser = torch.optim.Adam(weights, lr=1e-2)
    for _ in range(steps):
        optimiser.zero_grad()
        torch.autograd.backward(loss(weights, records.to(device), labels.to(device)))
        optimiser.step()
    return weights


def loss(weights: Sequence[Tensor], records: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy of a network with one hidden layer."""
    hidden = torch.tanh(records @ weights[0] + weights[1])
    result: Tensor = torch.nn.functional.cross_entropy(hidden @ weights[2] + weights[3], labels)
    return result


def direction(weights: Weights, records: Tensor, labels: Tensor, create_graph: bool = False) -> Tensor:
    """The gradient of `loss` by all weights, as one vector of length 1."""
    gradient = torch.autograd.grad(loss(weights, records, labels), weights, create_graph=create_graph)
    flat = torch.cat([part.flatten() for part in gradient])
    unit: Tensor = flat / (flat.norm() + 1e-12)
    return unit
