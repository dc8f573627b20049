"""Attacks, one file each; a file's name is the attack's name in params.yaml.

An attack module has ``Options`` (a `RoomParams` model, with a default for everything) and

    scores(target: Target, options: Options) -> NDArray[np.float64]  # (n_candidates,)

with a higher score for whom the attacker rather believes to be a member, or instead

    guesses(target: Target, options: Options) -> Mapping[str, Guesses]

by variant of the attack, where it makes claims about people other than that they are members: see
`tasks.privacy.guesses`. Who *is* a member is not among the arguments. Equal arguments give equal results, and global
generators are left as they were. ``POPULATION = True`` asks for ``target.population``, and has those people left out
of whoever the attack is judged on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.common.records import CondensedSet

if TYPE_CHECKING:  # params.yaml is checked, and attacks are listed, without waiting for torch
    import torch


@dataclass(frozen=True)
class Target:
    """What an attacker holds: the condensed set, and each candidate's record and outcome.

    ``values``: float32 ``(n_candidates, n_steps, n_features)``, on the condensed set's scale, finite.
    ``labels``: hard ones, see `tasks.common.labels`.
    ``population``: records of other people, neither members nor judged, in the shape of ``values``; none unless the
    attack asks for them.
    """

    condensed: CondensedSet
    values: NDArray[np.float32]
    labels: NDArray[np.float32]
    seed: int
    device: torch.device
    population: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0, 0), np.float32))
