"""From scores to figures with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betaincinv, ndtri
from scipy.stats import rankdata

FALSE_POSITIVE_RATES = (0.01, 0.001, 0.0)
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its confidence interval, and what it would be for an attacker who guesses."""

    value: float
    low: float
    high: float
    guessing: float


@dataclass(frozen=True)
class Figures:
    """How well scores tell members from others. ``tpr``: by false positive rate, None where others are too few."""

    n_members: int
    n_others: int
    auc: Estimate
    tpr: Mapping[float, Estimate | None]

    def within(self, margin: float, tpr_margin: float) -> bool:
        """Whether no figure, for certain, is further than its margin from guessing."""
        return 0.5 - margin <= self.auc.low and self.auc.high <= 0.5 + margin and self.hides(tpr_margin)

    def hides(self, tpr_margin: float) -> bool:
        """Whether no true positive rate that could be had exceeds guessing by more than ``tpr_margin``, for certain."""
        return all(rate.high <= rate.guessing + tpr_margin for rate in self.tpr.values() if rate)

    def above_guessing(self, margin: float, tpr_margin: float) -> bool:
        """Whether a figure certainly exceeds guessing, and not certainly by less than its margin."""
        found = [(self.auc, margin), *((rate, tpr_margin) for rate in self.tpr.values() if rate)]
        return any(one.low > one.guessing and one.high > one.guessing + most for one, most in found)


def measured(members: Scores, others: Scores, confidence: float) -> Figures:
    """The figures of one attack. Members and others need not be equally many: neither figure depends on their ratio."""
    tpr = {rate: true_positive_rate(members, others, rate, confidence) for rate in FALSE_POSITIVE_RATES}
    return Figures(len(members), len(others), area_under_curve(members, others, confidence), tpr)


def area_under_curve(members: Scores, others: Scores, confidence: float) -> Estimate:
    """The probability that a member scores above another, ties counting half.

    The interval is the wider, at each end, of two. DeLong's (1988; by ranks, Sun and Xu 2014) holds for any
    distribution of scores, but shrinks to a point at 0 and 1, where few records often lead; Newcombe's (2006, method
    5) does not. Without members or others, or with a score that is no number, all of 0 to 1.
    """
    m, n = len(members), len(others)
    if not knowable(members, others):
        return Estimate(0.5, 0.0, 1.0, 0.5)
    above, below = placements(members, others)
    value = float(above.mean())
    delong = quantile(confidence) * np.sqrt(_variance(above) / m + _variance(below) / n)
    by_size = newcombe(value, m, n, confidence)
    low, high = min(value - delong, by_size.low), max(value + delong, by_size.high)
    return Estimate(value, max(0.0, float(low)), min(1.0, float(high)), 0.5)


def newcombe(auc: float, m: int, n: int, confidence: float) -> Estimate:
    """An ``auc`` of ``m`` members and ``n`` others with the interval that needs no scores (Newcombe 2006, method 5)."""
    z = quantile(confidence)
    return Estimate(auc, _newcombe(auc, m, n, z, 0.0), _newcombe(auc, m, n, z, 1.0), 0.5)


def knowable(members: Scores, others: Scores) -> bool:
    """Whether there is someone to compare on both sides, and each has a score."""
    return bool(len(members) and len(others)) and not (np.isnan(members).any() or np.isnan(others).any())


def placements(members: Scores, others: Scores) -> tuple[Scores, Scores]:
    """Of each member the share of others below it, and of each other the share of members above it; ties half."""
    m, n = len(members), len(others)
    ranks = rankdata(np.concatenate([members, others]))
    return (ranks[:m] - rankdata(members)) / n, 1 - (ranks[m:] - rankdata(others)) / m


def true_positive_rate(members: Scores, others: Scores, rate: float, confidence: float) -> Estimate | None:
    """The share of members above a threshold that at most ``rate`` of the others exceed (Clopper-Pearson interval).

    Guessing counts as the upper end of the interval of that false positive rate, since the threshold was set on these
    others. None where there are fewer than ``1 / rate`` others; a rate of 0 can always be had, and is where copies of a
    few members show, whom an average over all members hides.
    """
    allowed = int(rate * len(others) + 1e-9)
    if rate > 0 and allowed == 0:
        return None
    guessing = clopper_pearson(allowed, len(others), confidence)[1]
    if not knowable(members, others):
        return Estimate(0.0, 0.0, 1.0, guessing)
    found = int((members > threshold(others, allowed)).sum())
    return Estimate(found / len(members), *clopper_pearson(found, len(members), confidence), guessing)


def threshold(others: Scores, allowed: int) -> float:
    """The least score that at most ``allowed`` of the ``others`` exceed."""
    return float(np.sort(others)[-allowed - 1]) if allowed < len(others) else -np.inf


def clopper_pearson(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """The exact interval of a proportion.

    >>> [round(end, 4) for end in clopper_pearson(0, 10, 0.95)]  # 1 - 0.025 ** (1 / 10)
    [0.0, 0.3085]
    """
    tail = (1 - confidence) / 2
    low = betaincinv(successes, trials - successes + 1, tail) if successes else 0.0
    high = betaincinv(successes + 1, trials - successes, 1 - tail) if successes < trials else 1.0
    return float(low), float(high)


def auc_variance(auc: float, m: int, n: int) -> float:
    """Hanley and McNeil's (1982) variance of an AUC, both group sizes replaced by their mean as Newcombe does."""
    spread = 1 + ((m + n) / 2 - 1) * ((1 - auc) / (2 - auc) + auc / (1 + auc))
    return auc * (1 - auc) * spread / (m * n)


def quantile(confidence: float) -> float:
    """How many standard errors an interval of ``confidence`` reaches to each side."""
    return float(ndtri((1 + confidence) / 2))


def _variance(shares: Scores) -> float:
    return float(shares.var(ddof=1)) if len(shares) > 1 else 0.25  # of one record: the most that it can be


def _newcombe(value: float, m: int, n: int, z: float, end: float) -> float:
    """The AUC towards ``end`` (0 or 1) whose own standard error puts it just ``z`` of them from ``value``."""
    if value == end:
        return end
    beside = value + 1e-9 * (end - value)  # an AUC of 0 or 1 has no standard error, and would be its own answer
    return float(brentq(lambda a: abs(a - value) - z * np.sqrt(auc_variance(a, m, n)), beside, end))
