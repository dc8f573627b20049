"""What shadow attacks are given: networks' confidences, computed once for all of them, and a control they must pass."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.common.labels import by_class, n_classes
from tasks.common.records import SPLITS, CondensedSet, Normalised
from tasks.common.shadow_sets import ShadowSets
from tasks.networks.fit import choose_device
from tasks.privacy.attacks import Shadows
from tasks.privacy.audit import stand_in
from tasks.privacy.params import Params
from tasks.privacy.signals import signals

CONTROL_SHADOWS = 8
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class PositiveControl:
    """A release of real records as they are, and shadows of it: other such releases.

    ``pool``: which candidates the records were drawn from, of each class a random half; ``members``: bool, who of
    ``pool`` was. ``rows``: the candidates that ``shadows`` is about: ``pool``, and then the test split.
    """

    condensed: CondensedSet
    rows: Rows
    pool: Rows
    members: NDArray[np.bool_]
    shadows: Shadows


@dataclass(frozen=True)
class Evidence:
    """``released`` and ``baseline``: what is made of all candidates by the condensed set and by ``instead``, validation
    records in its place, beside the same shadows. ``steps`` and ``release_steps``: of a shadow and of the release."""

    released: Shadows
    instead: CondensedSet
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


def gather(
    cohort: Normalised, condensed: CondensedSet, sets: ShadowSets, made: dict[str, Any], params: Params
) -> Evidence:
    """Train the networks. ``cohort``: its labelled subjects; ``made``: the metrics of the shadows."""
    device = choose_device(params.device)
    size = len(condensed.labels) // n_classes(cohort.labels)
    instead = stand_in(cohort.part("validation"), size, params.seed)
    held = [condensed, instead, *sets.sets()]
    heard = signals(held, cohort.values, cohort.labels, params.signals, params.seed, device)
    return Evidence(
        Shadows(heard[0], heard[2:], sets.members),
        instead,
        Shadows(heard[1], heard[2:], sets.members),
        positive_control(cohort, size, params),
        made["steps"],
        made["release_steps"],
    )


def positive_control(cohort: Normalised, size: int, params: Params) -> PositiveControl:
    """Random halves of a pool of train records, twice ``size`` of each class or all there are: one is the release."""
    rng = np.random.default_rng(params.seed)
    train = cohort.split == SPLITS.index("train")
    classes = [rng.permutation(places[train[places]])[: 2 * size] for places in by_class(cohort.labels)]
    pool = np.concatenate(classes)
    halves = [
        np.concatenate([rng.permutation(places)[: max(1, len(places) // 2)] for places in classes])
        for _ in range(1 + CONTROL_SHADOWS)
    ]
    rows = np.concatenate([pool, np.flatnonzero(cohort.split == SPLITS.index("test"))])
    members = np.stack([np.isin(rows, half) for half in halves])
    sets = [CondensedSet(cohort.values[half], cohort.labels[half]) for half in halves]
    device = choose_device(params.device)
    heard = signals(sets, cohort.values[rows], cohort.labels[rows], params.signals, params.seed, device)
    known = Shadows(heard[0], heard[1:], members[1:])
    return PositiveControl(sets[0], rows, pool, members[0], known)
