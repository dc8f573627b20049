"""Attacks, one file each; a file's name is the attack's name in params.yaml.

An attack module has ``Options`` (a `StageParams` model, with a default for everything) and

    scores(target: Target, options: Options) -> NDArray[np.float64]  # (n_candidates,)

with a higher score for whom the attacker rather believes to be a member, or instead

    guesses(target: Target, options: Options) -> Mapping[str, Guesses]

by variant of the attack, where it makes claims about people other than that they are members: see
`recondense.privacy.guesses`. Who *is* a member is not among the arguments. Equal arguments give equal results, and
global generators are left as they were. ``POPULATION = True`` asks for ``target.population``, and has those people left
out of whoever the attack is judged on.

A module that says ``NEEDS_SHADOWS = True`` knows what is attacked by ``target.shadows`` alone, since shadows are
attacked with it, too; it is asked only where there are at least `FEWEST_SHADOWS`. It looks at what networks make of
each candidate, or at what its own function makes of the sets, ``(n_sets, n_candidates)``, where it has

    signals(sets: Sequence[CondensedSet], values, labels) -> NDArray[np.float64]  # of candidates, as in `Target`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recondense.records.condensed import CondensedSet

if TYPE_CHECKING:  # params.yaml is checked, and attacks are listed, without waiting for torch
    import torch

FEWEST_SHADOWS = 4  # below it no spread can be told


@dataclass(frozen=True)
class Shadows:
    """What one condensed set, and its shadows, say of each candidate.

    ``signal``: float64 ``(n_candidates,)``, the logit of the risk that networks trained on the attacked set give the
    candidate's true class, or what the attack's own ``signals`` gives. ``signals``: float64
    ``(n_shadows, n_candidates)``, the same of each shadow. ``members``: bool, of that shape: who each shadow was
    condensed from, which the attacker knows.
    """

    signal: NDArray[np.float64]
    signals: NDArray[np.float64]
    members: NDArray[np.bool_]

    @classmethod
    def attacking(cls, place: int, signals: NDArray[np.float64], members: NDArray[np.bool_]) -> Shadows:
        """One of several sets as what is attacked, and the others as its shadows."""
        others = np.arange(len(signals)) != place
        return cls(signals[place], signals[others], members[others])


@dataclass(frozen=True)
class Target:
    """What an attacker holds: the condensed set, and each candidate's record and outcome.

    ``values``: float32 ``(n_candidates, n_steps, n_features)``, on the condensed set's scale, finite.
    ``labels``: hard ones, see `recondense.records.labels`.
    ``population``: records of other people, neither members nor judged, in the shape of ``values``; none unless the
    attack asks for them. ``shadows``: for attacks that need them, else None.
    """

    condensed: CondensedSet
    values: NDArray[np.float32]
    labels: NDArray[np.float32]
    seed: int
    device: torch.device
    population: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0, 0), np.float32))
    shadows: Shadows | None = None

    def known_shadows(self) -> Shadows:
        """``shadows``, for an attack that needs them. Raises `ValueError` where there are none."""
        if self.shadows is None:
            raise ValueError("this attack needs shadows")
        return self.shadows
