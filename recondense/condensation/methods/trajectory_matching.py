"""Trajectory matching: condensed records that lead a network along the way that training on real records takes it.

Cazenavette et al. 2022 (arXiv 2203.11932), with the smooth ways of Nganjimi et al. 2025 (arXiv 2510.05805, and
2604.21638) for clinical records. Experts are trained on all real records. What is kept of each is not the noisy way it
went but a quadratic Bezier curve from its first weights to its last, whose control point was then moved to where the
loss of the networks along the curve, on real records, is low on average. Each step puts a student on the curve at a
random time t, trains it on the condensed records by ``student_steps`` of gradient descent, and takes one Adam step on

    | student - curve(t + span) |^2 / | curve(t) - curve(t + span) |^2

which is 1 for a student that does not move and 0 for one that arrives. Records are learned, the students' learning
rate too, and labels where ``soft_labels`` says so.

Other than published: experts see as many records of one class as of the other, since condensed labels are balanced and
no student could follow them to a network that expects few cases; and several experts of a family are matched at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
from recondense.condensation.methods._networks import FAMILIES, Family
from recondense.errors import InputError
from recondense.models.loss import hard_labels, probabilities
from recondense.progress import track
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import by_class, n_classes

DEFAULT_STEPS = 120
MOMENTUM = 0.9
# Adam's step on the logarithm of the students' learning rate: it may change by about 2 percent a step
RATE_STEP = 0.02
# A soft label starts with this for the record's class, and the others share the rest: at 0 logits would be infinite
ALMOST_CERTAIN = 0.95


class Options(StartOptions):
    """``families``: of ``_networks.py``, taken in turn; ``experts``: how many of each. ``expert_steps``: of gradient
    descent with momentum, on ``real_batch`` records a class; ``curve_steps``: of the same, for the control points.
    ``span``: how far along the curve, 0 to 1, a student is to get in its ``student_steps``. ``student_learning_rate``:
    where the learned one starts. ``soft_labels``: learn labels too. The defaults were chosen on a validation split."""

    initialisation: Initialisation = "kmeans"
    families: tuple[FamilyName, ...] = Field(default=("rnn", "lstm", "tcn"), min_length=1)
    experts: int = Field(default=4, ge=1)
    expert_steps: int = Field(default=100, ge=1)
    expert_learning_rate: float = Field(default=0.02, gt=0)
    curve_steps: int = Field(default=30, ge=0)
    real_batch: int = Field(default=64, ge=1)
    span: float = Field(default=0.25, gt=0, le=1)
    student_steps: int = Field(default=8, ge=1)
    student_learning_rate: float = Field(default=0.1, gt=0)
    learning_rate: float = Field(default=1e-2, gt=0)
    soft_labels: bool = False


@dataclass(frozen=True)
class Curve:
    """A quadratic Bezier curve for each of ``k`` networks; each point is ``(k, n_parameters)``."""

    start: Tensor
    control: Tensor
    end: Tensor

    def __call__(self, time: Tensor) -> Tensor:
        """The networks at ``time`` ``(k,)``, 0 at the start and 1 at the end."""
        t = time[:, None]
        return (1 - t) ** 2 * self.start + 2 * t * (1 - t) * self.control + t**2 * self.end


def condense(train: Normalised, request: Request, options: Options) -> Condensation:
    """Records, those of class 0 first. Raises `InputError` where experts, loss or records stop being finite."""
    device, rng = request.device, np.random.default_rng(request.seed)
    generator = torch.Generator().manual_seed(request.seed)
    start = initial(train, request, options)
    classes = n_classes(train.labels)
    families = [FAMILIES[name](train.values.shape[2], classes) for name in options.families]
    curves = [surrogate(family, train, options, rng, generator, device) for family in families]
    records = torch.tensor(start.values, device=device, requires_grad=True)
    hard = torch.as_tensor(start.labels, device=device)
    certainty = almost_certain(hard).requires_grad_(options.soft_labels)
    # Architectures differ in how large a step they stand
    rates = torch.full((len(families),), np.log(options.student_learning_rate), device=device, requires_grad=True)
    learned: list[dict[str, Any]] = [
        {"params": [records, certainty] if options.soft_labels else [records]},
        {"params": [rates], "lr": RATE_STEP},
    ]
    optimiser = torch.optim.Adam(learned, options.learning_rate)
    losses = np.empty(request.steps or DEFAULT_STEPS)
    for step in track(range(len(losses)), "trajectory matching"):
        turn = step % len(families)
        labels = probabilities(certainty, classes) if options.soft_labels else hard
        time = torch.rand(options.experts, generator=generator).to(device) * (1 - options.span)
        first, target = curves[turn](time), curves[turn](time + options.span)
        arrived = student(families[turn], first, records, labels, rates[turn].exp(), options.student_steps)
        loss = mismatch(first, arrived, target)
        losses[step] = one_step(
            optimiser,
            loss,
            records,
            f"trajectory matching diverged at step {step + 1} of {len(losses)}",
            f"options.trajectory_matching.learning_rate, {options.learning_rate:g} now, or student_learning_rate, "
            f"{options.student_learning_rate:g} now",
        )
    labels = probabilities(certainty.detach(), classes) if options.soft_labels else hard
    return Condensation(
        CondensedSet(records.detach().cpu().numpy(), labels.cpu().numpy()), losses, averaged=averaged(start)
    )


def almost_certain(hard: Tensor) -> Tensor:
    """Logits of soft labels that say `ALMOST_CERTAIN` what ``hard`` ones say."""
    if n_classes(hard) == 2:
        return torch.logit(hard, 1 - ALMOST_CERTAIN)
    return hard * float(np.log(ALMOST_CERTAIN / (1 - ALMOST_CERTAIN) * (n_classes(hard) - 1)))


def surrogate(
    family: Family,
    train: Normalised,
    options: Options,
    rng: np.random.Generator,
    generator: torch.Generator,
    device: torch.device,
) -> Curve:
    """The curves of newly trained experts of ``family``. Raises `InputError` where training diverges."""
    values, of_class = torch.as_tensor(train.values, device=device), by_class(train.labels)

    def loss(networks: Tensor) -> Tensor:
        real = balanced(values, of_class, options.real_batch, rng)
        outcomes = hard_labels(torch.arange(len(real), device=device).repeat_interleave(real.shape[1]), len(real))
        return cross_entropy(family(networks, real.flatten(0, 1)[None]), outcomes[None]).sum()

    def loss_on_curve(control: Tensor) -> Tensor:
        time = torch.rand(options.experts, generator=generator).to(device)
        return loss(Curve(start, control, end)(time))

    what = type(family).__name__
    start = family.initialise(options.experts, generator, device)
    end = descend(start, loss, options.expert_steps, options.expert_learning_rate, f"{what} experts")
    middle = (start + end) / 2
    control = descend(middle, loss_on_curve, options.curve_steps, options.expert_learning_rate, f"{what} curves")
    return Curve(start, control, end)


def descend(start: Tensor, loss: Callable[[Tensor], Tensor], n_steps: int, learning_rate: float, what: str) -> Tensor:
    """Where gradient descent with momentum on ``loss`` leads from ``start`` ``(k, n_parameters)``."""
    point = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([point], learning_rate, momentum=MOMENTUM)
    for _ in track(range(n_steps), what):
        optimiser.zero_grad()
        torch.autograd.backward(loss(point))
        optimiser.step()
    if not point.isfinite().all():
        raise InputError(
            f"trajectory matching: {what} diverged; lower options.trajectory_matching.expert_learning_rate, "
            f"{learning_rate:g} now"
        )
    return point.detach()


def student(family: Family, first: Tensor, records: Tensor, labels: Tensor, rate: Tensor, n_steps: int) -> Tensor:
    """Networks ``first`` ``(k, n_parameters)`` after gradient descent on all ``records``, differentiable in the rest.

    ``records`` ``(n, n_steps, n_features)``, ``labels`` of them, ``rate`` a scalar.
    """
    networks = first.clone().requires_grad_()
    for _ in range(n_steps):
        loss = cross_entropy(family(networks, records[None]), labels[None]).sum()
        networks = networks - rate * torch.autograd.grad(loss, networks, create_graph=True)[0]
    return networks


def mismatch(first: Tensor, arrived: Tensor, target: Tensor) -> Tensor:
    """What is left of the way from ``first`` to ``target`` ``(k, n_parameters)``: squared, as a share, mean over k."""
    left, way = ((target - point).square().sum(1) for point in (arrived, first))
    return (left / way).mean()
