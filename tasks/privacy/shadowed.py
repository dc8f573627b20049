"""What shadow attacks are given: networks' confidences, computed once for all of them, and a control they must pass."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.common.labels import by_class
from tasks.common.records import SPLITS, CondensedSet, Normalised
from tasks.common.shadow_sets import ShadowSets
from tasks.networks.fit import choose_device
from tasks.privacy.attacks import Shadows
from tasks.privacy.evaluate import Estimate, Figures, Verdict
from tasks.privacy.params import Params
from tasks.privacy.pooled import Pooled, pooled, succeeds
from tasks.privacy.signals import signals

CONTROL_SHADOWS = 8
TOP = (10, 50, 100)
Rows = NDArray[np.intp]
Scores = NDArray[np.float64]


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


def gather(
    cohort: Normalised,
    condensed: CondensedSet,
    baseline: CondensedSet,
    sets: ShadowSets,
    made: dict[str, Any],
    params: Params,
) -> Evidence:
    """Train the networks. ``cohort``: its labelled subjects; ``made``: the metrics of the shadows."""
    device = choose_device(params.device)
    heard = signals(
        [condensed, baseline, *sets.sets()], cohort.values, cohort.labels, params.signals, params.seed, device
    )
    size = len(condensed.labels) // len(by_class(cohort.labels))
    return Evidence(
        Shadows(heard[0], heard[2:], sets.members),
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


def over_shadows(attack: Callable[[Shadows], Scores], shadows: Shadows, params: Params) -> tuple[Pooled, Scores]:
    """The figures of ``attack`` on every shadow in turn, with the others for its shadows, and its scores."""
    scores = np.stack([attack(shadows.attacking(place)) for place in range(len(shadows.signals))])
    return pooled(scores, shadows.members, params.confidence, params.resamples, params.seed), scores


def top_ranked(scores: Scores, members: NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    """How many members are among the first 10, 50 and 100 by score, mean over rows of ``(n_attacked, n_candidates)``,
    and how many would be among as many drawn at random. Ties are broken at random."""
    breaks = np.random.default_rng(0).random(scores.shape)
    ranked = np.take_along_axis(members, np.lexsort((breaks, -scores), axis=1), axis=1)
    return {
        str(top): {"members": round(float(ranked[:, :top].sum(axis=1).mean()), 2),
                   "expected": round(float(top * members.mean()), 2)}
        for top in TOP if top < scores.shape[1]
    }  # fmt: skip


def judged_with_shadows(
    verdict: Verdict, reason: str, found: Figures, detected: bool, over: Pooled, evidence: Evidence, params: Params
) -> tuple[Verdict, str]:
    """The verdict on the condensed set, ``verdict``, in the light of its shadows, and the reason.

    ``found``: the figures it was drawn from; ``detected``: whether the positive control was passed.
    """
    if verdict == "succeeded":
        return verdict, reason + evidence.caveat
    if succeeds(over, params.margin, params.tpr_margin):
        return "succeeded", f"over {over.n_shadows} shadows members are told apart beyond the margins{evidence.caveat}"
    if not detected:
        return verdict, reason
    auc = over.figures.auc
    within = _within(auc, params.margin)
    if verdict == "resisted" and not within:
        return "inconclusive", f"over {over.n_shadows} shadows the AUC may be {auc.low:.3f} to {auc.high:.3f}"
    undecided = verdict == "inconclusive" and found.auc.low <= 0.5 <= found.auc.high
    if undecided and within and not evidence.caveat:
        return "resisted", f"over {over.n_shadows} shadows the AUC lies within {params.margin:g} of guessing"
    return verdict, reason + evidence.caveat


def _within(auc: Estimate, margin: float) -> bool:
    return 0.5 - margin <= auc.low and auc.high <= 0.5 + margin
