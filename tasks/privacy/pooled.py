"""Figures of one attack on many shadows, each attacked with the help of all others.

Non-members of one condensed set are too few to show a true positive rate at a false positive rate of 0.1 %. Every
shadow has non-members of its own, and all pairs of a patient and a shadow together are many. They are not independent:
the same patients come in every shadow, and one shadow's scores hang together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.privacy.evaluate import FALSE_POSITIVE_RATES, Estimate, Figures, clopper_pearson, reach

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

        Defined as `tasks.privacy.evaluate` defines them, which they equal where all weights are 1.
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
    """``figures``, with the patients behind them for members and for others; ``detectable_auc``: the smallest AUC whose
    interval would lie above 0.5 in four of five repetitions."""

    figures: Figures
    n_shadows: int
    detectable_auc: float


def pooled(scores: Scores, members: NDArray[np.bool_], confidence: float, resamples: int, seed: int) -> Pooled:
    """The figures of all pairs together, ``(n_shadows, n_patients)``.

    Intervals are percentiles of the pigeonhole bootstrap (Owen 2007, arXiv 0712.1111): patients and shadows are drawn
    anew, each by itself, and a pair counts as often as both were drawn together. For means over crossed factors that
    is conservative. A true positive rate's is, at each end, the wider of that and of Clopper and Pearson's as if each
    patient had been seen only once, which does not shrink to a point where none is found.
    """
    pairs, (n_shadows, n_patients) = Pairs.of(scores, members), scores.shape
    value, *rates = pairs.figures(np.ones(scores.shape))
    rng = np.random.default_rng(seed)
    drawn = np.array([pairs.figures(_weights(n_shadows, n_patients, members, rng)) for _ in range(resamples)])
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    tpr: dict[float, Estimate | None] = {}
    for place, (rate, found) in enumerate(zip(FALSE_POSITIVE_RATES, rates, strict=True), start=1):
        once = clopper_pearson(round(found * n_patients), n_patients, confidence)
        guessing = clopper_pearson(round(rate * n_patients), n_patients, confidence)[1]
        measurable = rate == 0 or int(rate * (~members).sum() + 1e-9) > 0
        ends = min(float(low[place]), once[0]), max(float(high[place]), once[1])
        tpr[rate] = Estimate(found, *ends, guessing) if measurable else None
    auc = Estimate(value, min(float(low[0]), value), max(float(high[0]), value), 0.5)
    smallest = min(1.0, 0.5 + reach(confidence) * float(drawn[:, 0].std(ddof=1)))
    counts = int(members.sum()), int((~members).sum())
    return Pooled(Figures(*counts, auc, tpr), n_shadows, smallest)


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
