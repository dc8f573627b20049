"""From scores to figures with intervals, and from figures to a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import beta, norm, rankdata

from tasks.results.verdicts import Verdict

FALSE_POSITIVE_RATES = (0.01, 0.001, 0.0)
POWER = 0.8
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


def measured(members: Scores, others: Scores, confidence: float) -> Figures:
    """The figures of one attack. Members and others need not be equally many: neither figure depends on their ratio."""
    tpr = {rate: true_positive_rate(members, others, rate, confidence) for rate in FALSE_POSITIVE_RATES}
    return Figures(len(members), len(others), area_under_curve(members, others, confidence), tpr)


def area_under_curve(members: Scores, others: Scores, confidence: float) -> Estimate:
    """The probability that a member scores above another, ties counting half.

    The interval is the wider, at each end, of two. DeLong's (1988; by ranks, Sun and Xu 2014) holds for any
    distribution of scores, but shrinks to a point at 0 and 1, where few records often lead; Newcombe's (2006, method
    5) does not.
    """
    m, n = len(members), len(others)
    ranks = rankdata(np.concatenate([members, others]))
    above = (ranks[:m] - rankdata(members)) / n  # of each member: the share of others below it
    below = 1 - (ranks[m:] - rankdata(others)) / m  # of each other: the share of members above it
    value = float(above.mean())
    z = _quantile(confidence)
    delong = z * np.sqrt(_variance(above) / m + _variance(below) / n)
    low = min(value - delong, _newcombe(value, m, n, z, 0.0))
    high = max(value + delong, _newcombe(value, m, n, z, 1.0))
    return Estimate(value, max(0.0, float(low)), min(1.0, float(high)), 0.5)


def true_positive_rate(members: Scores, others: Scores, rate: float, confidence: float) -> Estimate | None:
    """The share of members above a threshold that at most ``rate`` of the others exceed (Clopper-Pearson interval).

    Guessing counts as the upper end of the interval of that false positive rate, since the threshold was set on these
    others. None where there are fewer than ``1 / rate`` others; a rate of 0 can always be had, and is where copies of a
    few members show, whom an average over all members hides.
    """
    allowed = int(rate * len(others) + 1e-9)
    if rate > 0 and allowed == 0:
        return None
    threshold = np.sort(others)[-allowed - 1] if allowed < len(others) else -np.inf
    found = int((members > threshold).sum())
    low, high = clopper_pearson(found, len(members), confidence)
    return Estimate(found / len(members), low, high, clopper_pearson(allowed, len(others), confidence)[1])


def clopper_pearson(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """The exact interval of a proportion.

    >>> [round(end, 4) for end in clopper_pearson(0, 10, 0.95)]  # 1 - 0.025 ** (1 / 10)
    [0.0, 0.3085]
    """
    tail = (1 - confidence) / 2
    low = beta.ppf(tail, successes, trials - successes + 1) if successes else 0.0
    high = beta.ppf(1 - tail, successes + 1, trials - successes) if successes < trials else 1.0
    return float(low), float(high)


def detectable_auc(n_members: int, n_others: int, confidence: float) -> float:
    """The smallest AUC whose interval lies above 0.5 in `POWER` of all repetitions with so many records."""
    errors = reach(confidence)
    return float(brentq(lambda a: a - 0.5 - errors * np.sqrt(_auc_variance(a, n_members, n_others)), 0.5, 1))


def reach(confidence: float) -> float:
    """How many standard errors above guessing a figure lies that is told from it in `POWER` of all repetitions."""
    return _quantile(confidence) + float(norm.ppf(POWER))


def beats(attack: Figures, *others: Figures) -> bool:
    """Whether a figure of ``attack`` lies, with its whole interval, above guessing and above that of all ``others``."""
    pairs = [(attack.auc, [other.auc.value for other in others])]
    for rate, found in attack.tpr.items():
        if found:
            pairs.append((found, [rival.value for other in others if (rival := other.tpr[rate])]))
    return any(found.low > max([found.guessing, *rivals]) for found, rivals in pairs)


def hides(attack: Figures, tpr_margin: float) -> bool:
    """Whether no true positive rate that could be had exceeds guessing by more than ``tpr_margin``, for certain."""
    return all(rate.high <= rate.guessing + tpr_margin for rate in attack.tpr.values() if rate)


def judged(
    attack: Figures,
    baseline: Figures,
    control: Figures,
    positive: Figures,
    margin: float,
    tpr_margin: float,
    confidence: float,
) -> tuple[Verdict, str]:
    """The verdict on one attack, and the reason for it in words. An AUC within ``margin`` of guessing hides the few who
    are found for sure (Carlini et al. 2022), so true positive rates have to keep to ``tpr_margin``, too."""
    if beats(attack, baseline, control):
        return "succeeded", "members are told apart, beyond guessing, the baseline and the control"
    if not beats(positive, baseline, control):
        return "inconclusive", "the attack misses even real records handed over as they are, so it proves nothing"
    if 0.5 - margin <= attack.auc.low and attack.auc.high <= 0.5 + margin:
        if hides(attack, tpr_margin):
            return "resisted", f"AUC lies within {margin:g} of guessing, and the attack does find real records"
        return "inconclusive", (
            f"too few records: AUC lies within {margin:g} of guessing, but more than {tpr_margin:g} of the "
            f"{attack.n_members} members may be found beyond guessing"
        )
    if attack.auc.low > 0.5 or attack.auc.high < 0.5:
        return "inconclusive", (
            "train and held-out records differ in ways that do not come from the condensed set (baseline or control is "
            "as far from 0.5, or the held-out records score higher): split the cohort at random to tell"
        )
    smallest = detectable_auc(attack.n_members, attack.n_others, confidence)
    return "inconclusive", (
        f"too few records: with {attack.n_members} members and {attack.n_others} others, an AUC below {smallest:.3f} "
        f"would be missed more often than one time in five"
    )


def _quantile(confidence: float) -> float:
    return float(norm.ppf((1 + confidence) / 2))


def _variance(shares: Scores) -> float:
    return float(shares.var(ddof=1)) if len(shares) > 1 else 0.25  # of one record: the most that it can be


def _auc_variance(auc: float, m: int, n: int) -> float:
    """Hanley and McNeil's (1982) variance of an AUC, both group sizes replaced by their mean as Newcombe does."""
    spread = 1 + ((m + n) / 2 - 1) * ((1 - auc) / (2 - auc) + auc / (1 + auc))
    return auc * (1 - auc) * spread / (m * n)


def _newcombe(value: float, m: int, n: int, z: float, end: float) -> float:
    """The AUC towards ``end`` (0 or 1) whose own standard error puts it just ``z`` of them from ``value``."""
    if value == end:
        return end
    beside = value + 1e-9 * (end - value)  # an AUC of 0 or 1 has no standard error, and would be its own answer
    return float(brentq(lambda a: abs(a - value) - z * np.sqrt(_auc_variance(a, m, n)), beside, end))
