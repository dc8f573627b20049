"""Distribution matching: condensed records that random networks cannot tell from a class's real ones, on average.

Zhao and Bilen 2023 (arXiv 2110.04181), as Wang et al. 2023 (arXiv 2305.03711) use it for medical records. Each step
draws an untrained network and takes one Adam step on

    sum over classes c of | mean over real x of c of f(x)  -  mean over condensed s of c of f(s) |^2

where f is either the network's output, the risk or that of each class (``output``, as published), or what its head
reads (``features``): many numbers, that hold on to far more of a class than an output does.

The published setting: ``steps: 24000`` and options ``{representation: output, initialisation: noise,
real_batch: 256, learning_rate: 0.001, networks: [tcn_alpha, ..., vit_beta]}``.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from recondense.condensation.methods import Condensation, Request
from recondense.condensation.methods._learning import StartOptions, averaged, drawn, initial, one_step
from recondense.errors import InputError
from recondense.models.fit import build, is_network
from recondense.models.loss import probabilities
from recondense.progress import track
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import by_class, n_classes

DEFAULT_STEPS = 300


class Options(StartOptions):
    """``real_batch``: real records drawn a class and step. ``networks``: one is drawn each step; files in
    ``recondense/models/networks/``. The defaults were chosen on validation splits; see the module for the published
    ones."""

    representation: Literal["output", "features"] = "features"
    real_batch: int = Field(default=256, ge=1)
    learning_rate: float = Field(default=3e-2, gt=0)
    networks: tuple[str, ...] = Field(default=("lstm_beta", "rnn_beta"), min_length=1)

    @field_validator("networks")
    @classmethod
    def _networks_exist(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for name in networks:
            try:
                if not is_network(name):
                    raise ValueError(f"{name} is a model on summaries, not a network: it has nothing to match")
            except InputError as error:
                raise ValueError(str(error)) from error
        return networks


def condense(train: Normalised, request: Request, options: Options) -> Condensation:
    """Records with hard labels, those of class 0 first. Raises `InputError` where the loss stops being finite."""
    device, rng = request.device, np.random.default_rng(request.seed)
    _, n_steps, n_features = train.values.shape
    start = initial(train, request, options)
    values = torch.as_tensor(train.values, device=device)
    real_of, condensed_of = by_class(train.labels), by_class(start.labels)
    records = torch.tensor(start.values, device=device, requires_grad=True)
    optimiser = torch.optim.Adam([records], options.learning_rate)
    losses = np.empty(request.steps or DEFAULT_STEPS)
    forked = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
    with forked, torch.backends.cudnn.flags(deterministic=True):
        torch.manual_seed(request.seed)
        for step in track(range(len(losses)), "distribution matching"):
            name = options.networks[rng.integers(len(options.networks))]
            network = build(name, n_steps, n_features, n_classes(train.labels)).to(device)
            real = [values[drawn(indices, options.real_batch, rng)] for indices in real_of]
            condensed = [records[indices] for indices in condensed_of]
            loss = mismatch(network, real, condensed, options.representation)
            losses[step] = one_step(
                optimiser,
                loss,
                records,
                f"distribution matching diverged at step {step + 1} of {len(losses)}",
                f"options.distribution_matching.learning_rate, {options.learning_rate:g} now",
            )
    return Condensation(CondensedSet(records.detach().cpu().numpy(), start.labels), losses, averaged=averaged(start))


def represent(network: nn.Module, records: Tensor, representation: str) -> Tensor:
    """What ``network`` makes of ``records`` ``(n, n_steps, n_features)``: its risk ``(n, 1)`` or ``(n, n_classes)``, or
    the ``features`` ``(n, width)`` that its head, by convention its last linear layer, reads."""
    if representation == "output":
        logits = network(records)
        return probabilities(logits, n_classes(logits)).reshape(len(records), -1)
    seen: list[Tensor] = []
    head = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    with head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
        network(records)
    return seen[-1]


def mismatch(network: nn.Module, real: Sequence[Tensor], condensed: Sequence[Tensor], representation: str) -> Tensor:
    """The squared distance between the mean representations of real and condensed records, summed over classes.

    ``real`` and ``condensed`` hold one ``(n, n_steps, n_features)`` a class. Each class goes through the network by
    itself, in training mode, as published: batch norm then sees one class at a time.
    """
    network.train().requires_grad_(False)
    distances = []
    for real_class, condensed_class in zip(real, condensed, strict=True):
        target = represent(network, real_class, representation).mean(dim=0)
        distances.append((target - represent(network, condensed_class, representation).mean(dim=0)).square().sum())
    return torch.stack(distances).sum()
