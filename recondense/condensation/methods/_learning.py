"""What methods that learn step by step share: where records start, what a step draws, how divergence is told."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import AfterValidator
from torch import Tensor

from recondense.condensation import baselines
from recondense.condensation.methods import Request, microaggregation
from recondense.condensation.methods._networks import FAMILIES
from recondense.errors import InputError
from recondense.models import loss
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import as_many_of_each, n_classes
from recondense.stages.params import StageParams


def _known(name: str) -> str:
    if name not in FAMILIES:
        raise ValueError(f"no family '{name}' in methods/_networks.py; choose from: {', '.join(FAMILIES)}")
    return name


Initialisation = Literal["noise", "random_records", "kmeans", "group_means", "microaggregation"]
FamilyName = Annotated[str, AfterValidator(_known)]


class StartOptions(StageParams):
    """``initialisation``: what the records are before the first step."""

    initialisation: Initialisation = "noise"


def initial(train: Normalised, request: Request, options: StartOptions) -> CondensedSet:
    """The records that matching starts from: standard normal noise, or `Means` of train records."""
    if options.initialisation == "microaggregation":
        return microaggregation.aggregates(train, request.records_per_class, request.seed, microaggregation.Options())
    if options.initialisation != "noise":
        control = getattr(baselines, options.initialisation)
        chosen: CondensedSet = control(train, request.records_per_class, request.seed)
        return chosen
    hard = as_many_of_each(request.records_per_class, n_classes(train.labels))
    noise = np.random.default_rng(request.seed).standard_normal((len(hard), *train.values.shape[1:]))
    return CondensedSet(noise.astype(np.float32), hard)


def averaged(start: CondensedSet) -> int | None:
    """The fewest patients whose mean a record of ``start`` is, None where it is none."""
    return start.averaged if isinstance(start, baselines.Means) else None


def drawn(indices: NDArray[np.intp], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Up to ``count`` of ``indices``, each at most once."""
    return indices if len(indices) <= count else rng.choice(indices, count, replace=False, shuffle=False)


def balanced(values: Tensor, of_class: Sequence[NDArray[np.intp]], count: int, rng: np.random.Generator) -> Tensor:
    """Up to ``count`` records of each class, as many of one as of another, ``(n_classes, n, n_steps, n_features)``."""
    count = min(count, *map(len, of_class))
    return torch.stack([values[drawn(indices, count, rng)] for indices in of_class])


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy ``(k,)`` of each network's ``logits`` ``(k, n)``; ``labels`` are ``(k or 1, n or 1)``.

    Of more than two classes both have one more axis, of classes.
    """
    return loss.cross_entropy(logits, labels.expand_as(logits), n_classes(logits[0]), "none").mean(1)


def one_step(optimiser: torch.optim.Optimizer, loss: Tensor, records: Tensor, when: str, mend: str) -> float:
    """One step of ``optimiser`` down ``loss``, whose value is returned. Raises as `check_finite`."""
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    optimiser.step()
    found = loss.item()
    check_finite(found, records, when, mend)
    return found


def check_finite(loss: float, records: Tensor, when: str, mend: str) -> None:
    """Raise `InputError`, which says ``when`` it happened and the ``mend``, unless loss and records are finite."""
    if not (np.isfinite(loss) and records.isfinite().all()):
        raise InputError(f"{when}: its loss or records are no longer finite; lower {mend}")
