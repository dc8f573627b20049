"""Gradient matching: condensed records that pull on a network's weights as a class's real records do.

Zhao, Mopuri and Bilen 2021 (arXiv 2006.05929). Networks start untrained and learn from the condensed records; between
their training steps, the records take one Adam step each on

    sum over classes c of D(gradient of the loss on real records of c, gradient of the loss on condensed records of c)

until ``inner_steps`` such steps are done and fresh networks, of the next family, take their place. D is the published
distance: one minus the cosine between the two gradients of the weights that lead to one output node, gathered over
all nodes of all layers; biases and other vectors are left out. Published is its sum over nodes, here it is their mean,
so that a family with many nodes has no more say than another.

Other than published: several networks of one family are matched at once, and the records move by Adam.
"""

import math

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from recondense.condensation.methods import Condensation, Request
from recondense.condensation.methods._learning import (
    FamilyName,
    Initialisation,
    StartOptions,
    averaged,
    balanced,
    cross_entropy,
    initial,
    one_step,
)
from recondense.condensation.methods._networks import FAMILIES, Family, Statistics
from recondense.models.loss import hard_labels
from recondense.progress import track
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import by_class, n_classes

DEFAULT_STEPS = 300


class Options(StartOptions):
    """``real_batch``: real records drawn a class and step. ``families``: of ``_networks.py``, taken in turn.
    ``networks``: how many of a family at once. ``inner_steps``: steps before fresh networks. ``network_steps`` and
    ``network_learning_rate``: the networks' training on the condensed records between two steps, by gradient descent.
    The defaults were chosen on a validation split; at ten times the rate, records ended worse than where they began."""

    initialisation: Initialisation = "kmeans"
    real_batch: int = Field(default=128, ge=1)
    learning_rate: float = Field(default=3e-3, gt=0)
    families: tuple[FamilyName, ...] = Field(default=("rnn", "lstm"), min_length=1)
    networks: int = Field(default=4, ge=1)
    inner_steps: int = Field(default=10, ge=1)
    network_steps: int = Field(default=5, ge=0)
    network_learning_rate: float = Field(default=0.05, gt=0)


def condense(train: Normalised, request: Request, options: Options) -> Condensation:
    """Records with hard labels, those of class 0 first. Raises `InputError` where the loss stops being finite."""
    device, rng = request.device, np.random.default_rng(request.seed)
    generator = torch.Generator().manual_seed(request.seed)
    start = initial(train, request, options)
    values, real_of = torch.as_tensor(train.values, device=device), by_class(train.labels)
    families = [FAMILIES[name](train.values.shape[2], n_classes(train.labels)) for name in options.families]
    records = torch.tensor(start.values, device=device, requires_grad=True)
    labels = torch.as_tensor(start.labels, device=device)
    optimiser = torch.optim.Adam([records], options.learning_rate)
    losses = np.empty(request.steps or DEFAULT_STEPS)
    for step in track(range(len(losses)), "gradient matching"):
        turn, age = divmod(step, options.inner_steps)
        family = families[turn % len(families)]
        if age == 0:
            networks = family.initialise(options.networks, generator, device)
        else:
            networks = trained(family, networks, records.detach(), labels, options)
        # Noise, a control set and the steps keep the classes in order: equal parts are classes
        condensed = torch.stack(records.chunk(len(real_of)))
        loss = mismatch(family, networks, balanced(values, real_of, options.real_batch, rng), condensed)
        losses[step] = one_step(
            optimiser,
            loss,
            records,
            f"gradient matching diverged at step {step + 1} of {len(losses)}",
            f"options.gradient_matching.learning_rate, {options.learning_rate:g} now, or network_learning_rate, "
            f"{options.network_learning_rate:g} now",
        )
    return Condensation(CondensedSet(records.detach().cpu().numpy(), start.labels), losses, averaged=averaged(start))


def trained(family: Family, networks: Tensor, records: Tensor, labels: Tensor, options: Options) -> Tensor:
    """``networks`` ``(k, n_parameters)`` after ``network_steps`` of gradient descent on all ``records``."""
    for _ in range(options.network_steps):
        networks = networks.detach().requires_grad_()
        loss = cross_entropy(family(networks, records[None]), labels[None]).sum()
        networks = networks - options.network_learning_rate * torch.autograd.grad(loss, networks)[0]
    return networks.detach()


def mismatch(family: Family, networks: Tensor, real: Tensor, condensed: Tensor) -> Tensor:
    """The distance of the gradients on ``real`` and ``condensed`` records ``(n_classes, n, n_steps, n_features)``,
    class by class: summed over classes, mean over ``networks`` ``(k, n_parameters)``.

    Batch norm uses what real records of all classes give it, as published: one class by itself would be centred, and
    with it would go what tells it from another.
    """
    statistics: Statistics = {}
    with torch.no_grad():
        family(networks, real.flatten(0, 1)[None], statistics)
    target = gradients(family, networks, real, statistics)
    return distance(family, target, gradients(family, networks, condensed, statistics, differentiable=True))


def gradients(
    family: Family,
    networks: Tensor,
    classes: Tensor,
    statistics: Statistics,
    differentiable: bool = False,
) -> Tensor:
    """Gradients ``(n_classes, k, n_parameters)`` of each network's loss on each of the ``classes`` by itself."""
    k, n = len(networks), len(classes)
    # One copy of the networks for each class, so that all gradients come from a single pass
    copies = networks.repeat(n, 1).requires_grad_()
    shared = {name: (mean.repeat(n, 1, 1, 1), var.repeat(n, 1, 1, 1)) for name, (mean, var) in statistics.items()}
    logits = family(copies, classes.repeat_interleave(k, dim=0), shared)
    outcomes = hard_labels(torch.arange(n, device=logits.device).repeat_interleave(k), n)
    loss = cross_entropy(logits, outcomes[:, None]).sum()
    return torch.autograd.grad(loss, copies, create_graph=differentiable)[0].view(n, k, -1)


def distance(family: Family, first: Tensor, second: Tensor) -> Tensor:
    """One minus the cosine of the gradients ``(n_classes, k, n_parameters)``, node by node: see the module.

    The columns of a matrix of weights are what leads to its output nodes. A gate of an LSTM counts as a node, and a
    kernel of a convolution too.
    """
    sizes = [math.prod(weight.shape) for weight in family.weights.values()]
    apart = []
    for weight, *both in zip(
        family.weights.values(), torch.split(first, sizes, 2), torch.split(second, sizes, 2), strict=True
    ):
        if len(weight.shape) == 2:
            one, other = (part.reshape(*part.shape[:2], *weight.shape) for part in both)
            lengths = torch.linalg.vector_norm(one, dim=2) * torch.linalg.vector_norm(other, dim=2)
            # A node that hears nothing has no direction; it counts as at right angles
            apart.append(1 - (one * other).sum(2) / (lengths + 1e-12))
    return torch.cat(apart, dim=2).mean(dim=(1, 2)).sum()
