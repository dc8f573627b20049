"""An attack beside what it must beat: differences with their joint error, and how small a gain would have been seen.

An attack, its baseline and its negative control are judged on the same people, so their figures are not independent,
and none is known exactly. A gain counts only where the difference itself is certain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from recondense.privacy.estimates import (
    Estimate,
    Figures,
    Scores,
    auc_variance,
    knowable,
    measured,
    newcombe,
    placements,
    quantile,
    threshold,
)

POWER = 0.8
REPETITIONS = 20_000
Mask = NDArray[np.bool_]
Correlations = Mapping[float | str, float]
AUC = "auc"


@dataclass(frozen=True)
class Groups:
    """Who of the candidates is who, ``(n_candidates,)`` each: members, validation and test records."""

    members: Mask
    validation: Mask
    others: Mask


@dataclass(frozen=True)
class Comparison:
    """``attack``: of members; ``baseline``: the same without the condensed set; ``negative_control``: of validation
    records in the place of members. How each of the two hangs together with the attack is in ``with_baseline`` and
    ``with_negative_control``, by figure: `AUC` or a false positive rate; 0 where it is not known."""

    attack: Figures
    baseline: Figures
    negative_control: Figures
    with_baseline: Correlations = field(default_factory=dict)
    with_negative_control: Correlations = field(default_factory=dict)

    def over_baseline(self) -> dict[float | str, Estimate]:
        """The gain over the baseline, by figure."""
        return _differences(self.attack, self.baseline, self.with_baseline)

    def over_negative_control(self) -> dict[float | str, Estimate]:
        """The gain over the negative control, by figure."""
        return _differences(self.attack, self.negative_control, self.with_negative_control)

    def succeeds(self) -> bool:
        """Whether one figure certainly exceeds guessing, that of the baseline and that of the negative control."""
        beyond = self.over_baseline(), self.over_negative_control()
        return any(
            found.low > found.guessing and all(name not in gains or gains[name].low > 0 for gains in beyond)
            for name, found in _by_name(self.attack).items()
        )


def compared(attack: Scores, baseline: Scores, groups: Groups, confidence: float) -> Comparison:
    """``attack`` and ``baseline``: the scores ``(n_candidates,)`` from the condensed set and from held-out records."""
    members, validation, others = (
        (attack[group], baseline[group]) for group in (groups.members, groups.validation, groups.others)
    )
    found, held = measured(members[0], others[0], confidence), measured(members[1], others[1], confidence)
    negative_control = measured(validation[0], others[0], confidence)
    with_baseline: dict[float | str, float] = {}
    with_negative_control: dict[float | str, float] = {}
    if all(knowable(*pair) for pair in ((members[0], others[0]), (members[1], others[1]), (validation[0], others[0]))):
        (above, below), (held_above, held_below) = (placements(m, o) for m, o in zip(members, others, strict=True))
        negative_above, negative_below = placements(validation[0], others[0])
        shared = _covariance(below, negative_below) / len(below)
        with_negative_control[AUC] = _correlation(shared, _error(above, below), _error(negative_above, negative_below))
        shared = _covariance(above, held_above) / len(above) + _covariance(below, held_below) / len(below)
        with_baseline[AUC] = _correlation(shared, _error(above, below), _error(held_above, held_below))
        for rate in (rate for rate, one in found.tpr.items() if one):
            allowed = int(rate * len(others[0]) + 1e-9)
            hit, held_hit = (m > threshold(o, allowed) for m, o in zip(members, others, strict=True))
            with_baseline[rate] = _correlation(_covariance(hit, held_hit), float(hit.std()), float(held_hit.std()))
    return Comparison(found, held, negative_control, with_baseline, with_negative_control)


def difference(first: Estimate, second: Estimate, correlation: float) -> Estimate:
    """``first`` less ``second``, with an interval made of theirs and of the ``correlation`` of their errors.

    Zou and Donner 2008, "Construction of confidence limits about effect measures". It does not shrink to a point where
    one of theirs does not.

    >>> gain = difference(Estimate(0.6, 0.5, 0.7, 0.5), Estimate(0.5, 0.4, 0.6, 0.5), 0.0)
    >>> round(gain.value, 3), round(gain.low, 3), round(gain.high, 3)
    (0.1, -0.041, 0.241)
    """

    def reach(one: float, other: float) -> float:
        return float(np.sqrt(max(0.0, one * one + other * other - 2 * correlation * one * other)))

    value = first.value - second.value
    low = value - reach(first.value - first.low, second.high - second.value)
    return Estimate(value, low, value + reach(first.high - first.value, second.value - second.low), 0.0)


def detectable_auc(found: Comparison, confidence: float) -> float:
    """The smallest AUC with which an attack on so many people would have succeeded, by its AUC, in `POWER` of all
    repetitions; 1 if none.

    Baseline and negative control are taken to guess, and hang together with the attack as they do in ``found``. Errors
    are normal with Hanley and McNeil's variance, and intervals are Newcombe's: in simulations 70 to 83 % were found.
    """
    m, v, n = found.attack.n_members, found.negative_control.n_members, found.attack.n_others
    if not min(m, v, n):
        return 1.0
    draws = np.random.default_rng(0).standard_normal((3, REPETITIONS))
    others = [
        (found.with_baseline.get(AUC, 0.0), newcombe(0.5, m, n, confidence), auc_variance(0.5, m, n)),
        (found.with_negative_control.get(AUC, 0.0), newcombe(0.5, v, n, confidence), auc_variance(0.5, v, n)),
    ]

    def spare(auc: float) -> float:
        attack, error = newcombe(auc, m, n, confidence), np.sqrt(auc_variance(auc, m, n)) * draws[0]
        lows = [attack.low - attack.guessing + error]
        for (together, other, variance), noise in zip(others, draws[1:], strict=True):
            beside = np.sqrt(variance) * (together * draws[0] + np.sqrt(1 - together**2) * noise)
            lows.append(difference(attack, other, together).low + error - beside)
        return float(np.quantile(np.min(lows, axis=0), 1 - POWER))

    return float(brentq(spare, 0.5, 1.0)) if spare(1.0) > 0 else 1.0


def reach(confidence: float) -> float:
    """How many standard errors beyond a bound a figure lies that certainly exceeds it in `POWER` of all repetitions."""
    return quantile(confidence) + quantile(2 * POWER - 1)


def _by_name(figures: Figures) -> dict[float | str, Estimate]:
    return {AUC: figures.auc, **{rate: found for rate, found in figures.tpr.items() if found}}


def _differences(attack: Figures, other: Figures, together: Correlations) -> dict[float | str, Estimate]:
    others = _by_name(other)
    return {
        name: difference(found, others[name], together.get(name, 0.0))
        for name, found in _by_name(attack).items()
        if name in others
    }


def _covariance(first: Scores | Mask, second: Scores | Mask) -> float:
    return float((first * second).mean() - first.mean() * second.mean())


def _error(above: Scores, below: Scores) -> float:
    """DeLong's standard error of an AUC, by its placements."""
    return float(np.sqrt(above.var() / len(above) + below.var() / len(below)))


def _correlation(covariance: float, first: float, second: float) -> float:
    return float(np.clip(covariance / (first * second), -1, 1)) if first > 0 and second > 0 else 0.0
