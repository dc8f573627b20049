"""Condensation methods, one file each; a file's name is the method's name in params.yaml.

A method module has ``Options`` (a `StageParams` model, with a default for everything) and

    condense(train: Normalised, request: Request, options: Options) -> Condensation

``train`` has finite values, hard labels (see `recondense.records.labels`), and at least ``records_per_class`` records
of each class. The result has ``records_per_class`` for each class, with hard labels (classes in order) unless the
module says ``SOFT_LABELS = True``, and depends on nothing but the three arguments: the global generators of numpy and
torch are left as they were. A method raises `InputError` where it cannot give a usable result. One that says ``PRIVATE
= True`` is given ``answers`` and gives a `Guarantee`: it looks at ``train`` through the mechanism that this names, and
at nothing else of it but its shape.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recondense.private.guarantee import Guarantee
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet

if TYPE_CHECKING:  # params.yaml is checked, and methods are listed, without waiting for torch
    import torch

    from recondense.private.askings import Answers


@dataclass(frozen=True)
class Request:
    """What every method is asked for. ``steps``: None is the method's own default. ``answers``: through which a
    method with a guarantee asks."""

    records_per_class: int
    steps: int | None
    seed: int
    device: torch.device
    answers: Answers | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Condensation:
    """What a method gives: the condensed set, and the loss before each step ``(steps,)``, empty without steps.

    ``guarantee``: of differential privacy, None where there is none. ``held_out``: records on which training recipes
    are to be chosen, None for the validation split's. ``averaged``: the fewest patients whose mean any record is, or
    was before the first step; None where none is a mean of theirs.
    """

    condensed: CondensedSet
    losses: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    guarantee: Guarantee | None = None
    held_out: Normalised | None = None
    averaged: int | None = None
