"""Unrolled condensation: learn the records on which fresh networks, trained as a recipient would, predict real ones.

Dataset distillation by back-propagation through training (Wang et al. 2018, arXiv 1811.10959) with learned soft labels
(Bohdal et al. 2020, arXiv 2006.08572) and truncated back-propagation (Feng et al. 2023, arXiv 2310.05773). Each step:

1. of the next families, a few fresh random networks are trained on the condensed records by some steps of Adam;
2. they predict a balanced batch of real records; the loss is the cross entropy to targets that lie between each
   record's outcome and the risk that a teacher, who was not shown it, gives it;
3. the gradient of that loss goes back through the last of those steps to the condensed records and labels.

The mean gradient then makes one step of Adam on records and labels. It is taken at the records of one step before:
the next step's networks train meanwhile, so that no core waits for the slowest family. Labels are risks on the
balanced scale; what they mean at the cohort's prevalence is the recipe's calibration.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from recondense.condensation.methods import Condensation, Request
from recondense.condensation.methods._learning import FamilyName, StartOptions, averaged, check_finite, initial
from recondense.condensation.methods._networks import FAMILIES, Family, Statistics
from recondense.models.logits import risks_of
from recondense.models.loss import cross_entropy, probabilities
from recondense.models.pool import worker_pool
from recondense.models.teacher import out_of_fold
from recondense.progress import track
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import Labels, by_class, even_shares, n_classes, per_class

SOFT_LABELS = True
DEFAULT_STEPS = 400
WARM_UP = 20
BETAS = (0.9, 0.99)
INNER_BETAS = (0.9, 0.999)
LONG, MOST_STRIDE = 16, 3  # records of so many steps may be seen with steps left out
TINY = 1e-12  # under Adam's root: its slope stays finite where a gradient is zero
Rows = slice | NDArray[np.intp]
FIRST_LOGIT = 1.5  # of a record's class against all others: sure enough to tell classes apart, free enough to move


class Options(StartOptions):
    """Defaults were chosen on PhysioNet-2012's validation split: see the documentation's page 'How
    defaults were chosen'.

    ``families``: of the inner networks, taken in turn, ``families_per_step`` at once with ``networks`` of each; one
    that stands there twice takes two turns.
    ``real_batch``: real records a class and network. ``batch``: condensed records that a network's step sees, of a
    larger set others each step, as a recipient's do. ``inner_steps``: the least and most steps that a network is
    trained; ``inner_learning_rate``: the least and greatest rate; ``window``: through how many of the last steps the
    gradient goes back. ``teacher``: its share in the targets.
    ``attention_steps``: attention sees so many random steps of a record, as its cost grows with their square.
    ``resident_records``: the most real records that are used, an even share of each class where there are more. They
    lie on the device; time and memory do not grow with the cohort beyond them.
    """

    families: tuple[FamilyName, ...] = Field(
        default=("lstm", "tcn", "attention", "rnn", "attention", "rnn"), min_length=1
    )
    families_per_step: int = Field(default=2, ge=1)
    networks: int = Field(default=1, ge=1)
    real_batch: int = Field(default=64, ge=1)
    batch: int = Field(default=64, ge=2)
    inner_steps: tuple[int, int] = (8, 16)
    inner_learning_rate: tuple[float, float] = (2e-3, 8e-3)
    window: int = Field(default=8, ge=1)
    learning_rate: float = Field(default=6e-2, gt=0)
    label_learning_rate: float = Field(default=6e-2, ge=0)
    teacher: float = Field(default=0.75, ge=0, le=1)
    attention_steps: int = Field(default=16, ge=1)
    resident_records: int = Field(default=20_000, ge=2)

    @model_validator(mode="after")
    def _ranges_ascend(self) -> "Options":
        for name in ("inner_steps", "inner_learning_rate"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(f"{name} needs two positive numbers, the smaller first, not [{low:g}, {high:g}]")
        return self


@dataclass(frozen=True)
class Job:
    """One family's share of one step: the condensed records ``(n, n_steps, n_features)`` and logits of labels now,
    of the shape of labels."""

    family: str
    seed: tuple[int, ...]
    values: NDArray[np.float32]
    logits: NDArray[np.float32]


@dataclass(frozen=True)
class Share:
    """The loss of a `Job`, and its gradient with regard to records and logits, of norm at most 1."""

    loss: float
    values: NDArray[np.float32]
    logits: NDArray[np.float32]


def condense(train: Normalised, request: Request, options: Options) -> Condensation:
    """Records with soft labels, by the class they started in, 0 first. Raises `InputError` where it diverges."""
    train = resident(train, options.resident_records, request.seed)
    targets = (1 - options.teacher) * train.labels
    if options.teacher:
        targets += options.teacher * risks_of(out_of_fold(train, request.seed))
    return learn(train, targets, request, options)


def learn(train: Normalised, targets: Labels, request: Request, options: Options) -> Condensation:
    """The same with given ``targets``: what networks are to predict of each record, of the shape of labels."""
    start = initial(train, request, options)
    values = torch.from_numpy(start.values.copy())
    logits, classes = torch.from_numpy(first_logits(start.labels)), n_classes(start.labels)
    groups = [
        {"params": [values], "lr": options.learning_rate},
        {"params": [logits], "lr": options.label_learning_rate},
    ]
    optimiser = torch.optim.Adam(groups, betas=BETAS)
    n_steps = request.steps or DEFAULT_STEPS
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / WARM_UP) * (1 + np.cos(np.pi * step / n_steps)) / 2
    )
    losses = np.empty(n_steps)
    arguments = (train.values, targets.astype(np.float32), train.labels, options, request.device)

    def jobs(step: int) -> list[Job]:
        now = values.numpy().copy(), logits.numpy().copy()
        return [Job(name, (request.seed, step, place), *now) for place, name in enumerate(in_turn(options, step))]

    with worker_pool(Inner, arguments, options.families_per_step, request.device) as work:
        coming = work(jobs(0))
        for step in track(range(n_steps), "unrolled condensation"):
            under_way, coming = coming, work(jobs(step + 1) if step + 1 < n_steps else [])
            shares = list(under_way)
            losses[step] = np.mean([share.loss for share in shares])
            values.grad = torch.from_numpy(np.mean([share.values for share in shares], axis=0))
            logits.grad = torch.from_numpy(np.mean([share.logits for share in shares], axis=0))
            optimiser.step()
            schedule.step()
            check_finite(
                losses[step],
                torch.cat([values.flatten(), logits.flatten()]),
                f"unrolled condensation diverged at step {step + 1} of {n_steps}",
                f"options.unrolled.learning_rate, {options.learning_rate:g} now, or the upper end of "
                f"inner_learning_rate, {options.inner_learning_rate[1]:g} now",
            )
    return Condensation(
        CondensedSet(values.numpy(), probabilities(logits, classes).numpy()), losses, averaged=averaged(start)
    )


def first_logits(hard: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits of the labels that records start with: whatever the number of classes, each is as sure of its own."""
    if n_classes(hard) == 2:
        return FIRST_LOGIT * (2 * hard - 1)
    logits: NDArray[np.float32] = np.float32(FIRST_LOGIT + np.log(n_classes(hard) - 1)) * hard
    return logits


def in_turn(options: Options, step: int) -> list[str]:
    """The families of ``step``: the next ones, and from the front again.

    >>> [in_turn(Options(), step) for step in range(2)]
    [['lstm', 'tcn'], ['attention', 'rnn']]
    """
    first = step * options.families_per_step
    return [options.families[(first + place) % len(options.families)] for place in range(options.families_per_step)]


def resident(train: Normalised, limit: int, seed: int) -> Normalised:
    """``train``, or at most ``limit`` random records of it: as many of each class, or all of a smaller one."""
    if len(train.labels) <= limit:
        return train
    rng = np.random.default_rng(seed)
    classes = [rng.permutation(rows) for rows in by_class(train.labels)]
    share = even_shares(per_class(train.labels), limit)
    rows = np.sort(np.concatenate([rows[:share] for rows in classes]))
    return Normalised(train.values[rows], train.observed[rows], train.labels[rows], train.split[rows])


class Inner:
    """Trains networks on condensed records and tells how to change these: what one worker does, `Job` by `Job`."""

    def __init__(
        self,
        values: NDArray[np.float32],
        targets: NDArray[np.float32],
        labels: NDArray[np.float32],
        options: Options,
        device: torch.device,
    ) -> None:
        self.values, self.targets = (torch.from_numpy(each).to(device) for each in (values, targets))
        self.rows = by_class(labels)
        self.options = options
        self.device = device
        self.families = {name: FAMILIES[name](values.shape[2], n_classes(labels)) for name in options.families}

    def __call__(self, job: Job) -> Share:
        rng = np.random.default_rng(job.seed)
        options, family = self.options, self.families[job.family]
        values, logits = (
            torch.tensor(each, device=self.device, requires_grad=True) for each in (job.values, job.logits)
        )
        seen = self._seen(job.family, rng)
        slow, fast = np.log(options.inner_learning_rate)
        rate = np.exp(rng.uniform(slow, fast, (options.networks, 1))).astype(np.float32)
        n_steps = int(rng.integers(*options.inner_steps, endpoint=True))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        shown = values[None, :, seen]
        parameters = fit(
            family,
            family.initialise(options.networks, generator, self.device),
            shown,
            probabilities(logits, family.n_classes),
            batches(len(values), options.batch, n_steps, rng),
            options.window,
            torch.from_numpy(rate).to(self.device),
        )
        drawn = np.concatenate([rng.choice(rows, (options.networks, options.real_batch)) for rows in self.rows], axis=1)
        real, targets = self.values[drawn][:, :, seen], self.targets[drawn]
        statistics: Statistics = {}
        family(parameters, shown, statistics)  # a recipient's batch norm knows the condensed records only
        loss = cross_entropy(family(parameters, real, statistics), targets, family.n_classes)
        gradients = torch.autograd.grad(loss, (values, logits))
        norm = float(torch.cat([gradient.flatten() for gradient in gradients]).norm())
        clipped = [(gradient / max(norm, 1.0)).cpu().numpy() for gradient in gradients]
        return Share(loss.item(), *clipped)

    def _seen(self, family: str, rng: np.random.Generator) -> slice | NDArray[np.intp]:
        """Which steps of the records are seen: some by attention; every one, second or third by LSTMs and TCNs.

        It saves time, and what is learned must not hang on the length of a step.
        """
        n_steps = self.values.shape[1]
        if family == "attention" and n_steps > self.options.attention_steps:
            return np.sort(rng.choice(n_steps, self.options.attention_steps, replace=False))
        if family in ("lstm", "tcn") and n_steps >= LONG:
            stride = int(rng.integers(1, MOST_STRIDE, endpoint=True))
            return slice(int(rng.integers(stride)), None, stride)
        return slice(None)


def batches(n_records: int, size: int, n_steps: int, rng: np.random.Generator) -> list[Rows]:
    """Which of ``n_records`` each step sees: all of them, or ``size`` at a time, in a new order each pass."""
    if n_records <= size:
        return [slice(None)] * n_steps
    a_pass = n_records // size
    orders = [rng.permutation(n_records)[: a_pass * size] for _ in range(-(-n_steps // a_pass))]
    return list(np.concatenate(orders).reshape(-1, size)[:n_steps])


def fit(
    family: Family, parameters: Tensor, values: Tensor, labels: Tensor, seen: list[Rows], window: int, rate: Tensor
) -> Tensor:
    """Parameters ``(k, n_parameters)`` after a step of Adam at ``rate`` ``(k, 1)`` on each of ``seen``.

    ``seen``: rows of ``values`` ``(1, n, n_steps, n_features)`` and ``labels`` ``(n,)``, or ``(n, n_classes)``.
    Parameters of the last ``window`` steps can be differentiated with regard to ``values`` and ``labels``.
    """
    first, second = INNER_BETAS
    mean, square = torch.zeros_like(parameters), torch.zeros_like(parameters)
    for step, rows in enumerate(seen, start=1):
        tracked = step > len(seen) - window
        if not tracked or step in (1, len(seen) - window + 1):
            parameters = parameters.detach().requires_grad_()
        logits = family(parameters, (values if tracked else values.detach())[:, rows])
        targets = (labels if tracked else labels.detach())[rows]
        loss = cross_entropy(logits, targets.expand_as(logits), family.n_classes, "sum") / len(targets)
        (gradient,) = torch.autograd.grad(loss, parameters, create_graph=tracked)
        mean = first * mean + (1 - first) * gradient
        square = second * square + (1 - second) * gradient.square()
        root = (square / (1 - second**step) + TINY).sqrt()
        parameters = parameters - rate * (mean / (1 - first**step)) / root
    return parameters
