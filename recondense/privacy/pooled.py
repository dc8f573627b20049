"""Figures of one attack on many shadows, each attacked with the help of all others.

Non-members of one condensed set are too few to show a true positive rate at a false positive rate of 0.1 %. Every
shadow has non-members of its own, and all pairs of a patient and a shadow together are many. They are not independent:
the same patients come in every shadow, and one shadow's scores hang together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recondense.privacy.estimates import (
    FALSE_POSITIVE_RATES,
    Estimate,
    Figures,
    clopper_pearson,
    knowable,
    measured,
    quantile,
)
from recondense.privacy.gains import reach
from recondense.privacy.params import Params

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """Scores of pairs of a shadow and a patient, and whether the one was condensed from the other.

    Arrays are ``(n_shadows, n_patients)``. A threshold lies between two levels of score.
    """

    level: NDArray[np.int64]
    n_levels: int
    members: NDArray[np.bool_]

    @classmethod
    def of(cls, scores: Scores, members: NDArray[np.bool_]) -> "Pairs":
        """Scores ``(n_shadows, n_patients)``; a higher one for whom the attack rather believes to be a member."""
        values, level = np.unique(scores, return_inverse=True)
        return cls(level.reshape(scores.shape), len(values), members)

    def figures(self, weights: Scores) -> list[float]:
        """The area under the curve, and the true positive rate at each of `FALSE_POSITIVE_RATES`; pairs weighted.

        Defined as `recondense.privacy.estimates` defines them, which they equal where all weights are 1.
        """
        inside = np.bincount(self.level[self.members], weights[self.members], self.n_levels)
        outside = np.bincount(self.level[~self.members], weights[~self.members], self.n_levels)
        n_inside, n_outside = inside.sum(), outside.sum()
        below = np.cumsum(outside) - outside
        area = float((inside * (below + outside / 2)).sum() / (n_inside * n_outside))
        above = np.cumsum(outside[::-1])  # others at this level or above, from the highest level down
        found = np.cumsum(inside[::-1]) - inside[::-1]  # members strictly above it
        rates = []
        for rate in FALSE_POSITIVE_RATES:
            first = int(np.argmax(above > rate * n_outside + 1e-9))  # the level that would be one false alarm too many
            rates.append(float(found[first] / n_inside))
        return [area, *rates]


@dataclass(frozen=True)
class Pooled:
    """``figures``, with the pairs behind them of members and of others; ``detectable_auc``: the smallest AUC that would
    have succeeded, as `succeeds` says, in at least four of five repetitions; 1 if none."""

    figures: Figures
    n_shadows: int
    detectable_auc: float


def pooled(scores: Scores, members: NDArray[np.bool_], params: Params) -> Pooled:
    """The figures of all pairs together, ``(n_shadows, n_patients)``. Of ``params`` the confidence, the margin, the
    resamples and the seed count. Nothing is known of scores that are no numbers, or all of one side.

    Intervals come from the pigeonhole bootstrap (Owen 2007, arXiv 0712.1111): patients and shadows are drawn anew, each
    by itself, and a pair counts as often as both were drawn together. For means over crossed factors that is
    conservative. At each end the wider of two counts. The one is the percentile, of which few resamples say little
    where ``confidence`` is high. The other is of an AUC the normal one with the bootstrap's error, of a true positive
    rate `_as_if_independent`.
    """
    (n_shadows, n_patients), confidence = scores.shape, params.confidence
    if not knowable(scores[members], scores[~members]):
        return Pooled(measured(scores[members], scores[~members], confidence), n_shadows, 1.0)
    pairs, rng = Pairs.of(scores, members), np.random.default_rng(params.seed)
    value, *rates = pairs.figures(np.ones(scores.shape))
    drawn = np.array([pairs.figures(_weights(n_shadows, n_patients, members, rng)) for _ in range(params.resamples)])
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    errors, counts = drawn.std(axis=0, ddof=1), (int(members.sum()), int((~members).sum()))
    tpr: dict[float, Estimate | None] = {}
    for place, (rate, found) in enumerate(zip(FALSE_POSITIVE_RATES, rates, strict=True), start=1):
        alone = _as_if_independent(found, float(errors[place]), n_patients, counts[0], confidence)
        guessing = clopper_pearson(round(rate * n_patients), n_patients, confidence)[1]
        measurable = rate == 0 or int(rate * (~members).sum() + 1e-9) > 0
        ends = min(float(low[place]), alone[0]), max(float(high[place]), alone[1])
        tpr[rate] = Estimate(found, *ends, guessing) if measurable else None
    away = float(quantile(confidence) * errors[0])
    ends = min(float(low[0]), value - away), max(float(high[0]), value + away)
    auc = Estimate(value, max(0.0, ends[0]), min(1.0, ends[1]), 0.5)
    smallest = min(1.0, 0.5 + params.margin + reach(confidence) * float(errors[0]))
    return Pooled(Figures(*counts, auc, tpr), n_shadows, smallest)


def _as_if_independent(
    rate: float, error: float, n_patients: int, n_pairs: int, confidence: float
) -> tuple[float, float]:
    """Clopper and Pearson's interval of a ``rate`` of as many independent trials as would give it this standard
    ``error`` (Korn and Graubard 1998), at most ``n_pairs``; where nothing varies, as no member is found say, of as many
    as there are patients: then it does not shrink to a point."""
    trials = min(n_pairs, max(1, round(rate * (1 - rate) / error**2))) if error > 0 and 0 < rate < 1 else n_patients
    return clopper_pearson(round(rate * trials), trials, confidence)


def _weights(n_shadows: int, n_patients: int, members: NDArray[np.bool_], rng: np.random.Generator) -> Scores:
    """How often each pair was drawn; drawn again where no member, or nobody else, was."""
    while True:
        shadows = np.bincount(rng.integers(n_shadows, size=n_shadows), minlength=n_shadows)
        patients = np.bincount(rng.integers(n_patients, size=n_patients), minlength=n_patients)
        weights = np.outer(shadows, patients).astype(float)
        if weights[members].any() and weights[~members].any():
            return weights


def succeeds(found: Pooled, margin: float, tpr_margin: float) -> bool:
    """Whether a figure is certain to exceed guessing by its margin."""
    rates = [rate for rate in found.figures.tpr.values() if rate is not None]
    certain = found.figures.auc.low > 0.5 + margin
    return certain or any(rate.low > rate.guessing + tpr_margin for rate in rates)
