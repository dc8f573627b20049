"""What shadow attacks are given: what each set says of each candidate, and a control that they must pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recondense.models.fit import choose_device
from recondense.privacy.attacks import Shadows
from recondense.privacy.audit import stand_in
from recondense.privacy.params import Params
from recondense.privacy.shadows.sets import ShadowSets
from recondense.privacy.signals import signals
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import by_class, n_classes

CONTROL_RELEASES = 17
MemberSignals = Callable[[Sequence[CondensedSet], NDArray[np.float32], NDArray[np.float32]], NDArray[np.float64]]


@dataclass(frozen=True)
class PositiveControl:
    """Releases of real records as they are: random halves of ``pool``, some train subjects. ``signals`` and
    ``members``: as in `Shadows`, one row a release; each is attacked with the others for its shadows."""

    pool: Normalised
    signals: NDArray[np.float64]
    members: NDArray[np.bool_]


@dataclass(frozen=True)
class ShadowInputs:
    """``released`` and ``baseline``: what is made of all candidates by the condensed set and by validation records in
    its place, beside the same shadows. ``steps`` and ``release_steps``: of a shadow and of the condensed set."""

    released: Shadows
    baseline: Shadows
    positive: PositiveControl
    steps: int
    release_steps: int

    @property
    def caveat(self) -> str:
        """What weakens the evidence, in words; nothing where shadows took as many steps as the release."""
        if self.steps == self.release_steps:
            return ""
        return f"; weaker evidence, as shadows took {self.steps} of the release's {self.release_steps} steps"


def by_networks(params: Params) -> MemberSignals:
    """What networks, trained on each set, make of the candidates."""
    return lambda sets, values, labels: signals(
        sets, values, labels, params.signals, params.seed, choose_device(params.device)
    )


def gather(
    cohort: Normalised,
    condensed: CondensedSet,
    sets: ShadowSets,
    made: dict[str, Any],
    params: Params,
    signals_of: MemberSignals,
) -> ShadowInputs:
    """``cohort``: its labelled subjects; ``made``: the metrics of the shadows; ``signals_of``: what gives the
    signals."""
    size = len(condensed.labels) // n_classes(cohort.labels)
    instead = stand_in(cohort.part("validation"), size, params.seed)
    found = signals_of([condensed, instead, *sets.sets()], cohort.values, cohort.labels)
    return ShadowInputs(
        Shadows(found[0], found[2:], sets.members),
        Shadows(found[1], found[2:], sets.members),
        positive_control(cohort, size, params.seed, signals_of),
        made["steps"],
        made["release_steps"],
    )


def positive_control(cohort: Normalised, size: int, seed: int, signals_of: MemberSignals) -> PositiveControl:
    """Of a pool of twice ``size`` train records of each class, or all there are, halves of each class."""
    rng = np.random.default_rng(seed)
    train = cohort.part("train")
    places = np.concatenate([rng.permutation(rows)[: 2 * size] for rows in by_class(train.labels)])
    pool = train.only(places)
    halves = [
        np.concatenate([rng.permutation(rows)[: max(1, len(rows) // 2)] for rows in by_class(pool.labels)])
        for _ in range(CONTROL_RELEASES)
    ]
    sets = [CondensedSet(pool.values[half], pool.labels[half]) for half in halves]
    members = np.stack([np.isin(np.arange(len(places)), half) for half in halves])
    return PositiveControl(pool, signals_of(sets, pool.values, pool.labels), members)
