"""How much more often guesses are right of members than of others: the risk, its interval, and whether it is no luck.

The risk is what is gained, as a share of what there was to gain: (r_members - r_control) / (1 - r_control), r being the
share of guesses that are right of members and of held-out people (Giomi et al. 2022, arXiv 2211.10459, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import binom

from recondense.privacy.estimates import Estimate, clopper_pearson, quantile
from recondense.privacy.gains import POWER, difference
from recondense.privacy.guesses import Guesses, Places, Tally

REPETITIONS = 400
STEPS = 9  # halvings of what is between no risk and all of it: to 1 in 512
FEWEST_EXCHANGES = 200
BY_LUCK = 3  # exchanges that may gain as much, where confidence asks for more than the fewest


def wilson(right: float, made: int, confidence: float) -> tuple[float, float]:
    """Centre and half width of Wilson's (1927) interval of a proportion; of none made it is all there is.

    >>> [round(part, 6) for part in wilson(0, 0, 0.95)]
    [0.5, 0.5]
    """
    z = quantile(confidence)
    variance = right * (made - right) / made if made else 0.0
    return (right + z * z / 2) / (made + z * z), z / (made + z * z) * sqrt(variance + z * z / 4)


def risk(tally: Tally, confidence: float) -> Estimate:
    """The risk, with Giomi's interval: centres and half widths of Wilson's, propagated to first order. Where ``chance``
    is known the interval is Clopper and Pearson's. Below 0 where guesses are more often right of others."""
    if tally.chance is not None:
        ends = (tally.right / max(1, tally.made), *clopper_pearson(tally.right, tally.made, confidence))
        value, low, high = ((end - tally.chance) / (1 - tally.chance) for end in ends)
        return Estimate(value, low, high, 0.0)
    attack, attack_error = wilson(tally.right, tally.made, confidence)
    control, control_error = wilson(tally.others_right, tally.others_made, confidence)
    value = (attack - control) / (1 - control)
    error = sqrt((attack_error / (1 - control)) ** 2 + (control_error * (attack - 1) / (1 - control) ** 2) ** 2)
    return Estimate(value, value - error, value + error, 0.0)


@dataclass(frozen=True)
class Baseline:
    """Guesses about the same people without the condensed set: ``right`` of ``made``, and the correlation of their
    errors with the attack's."""

    right: int
    made: int
    together: float


@dataclass(frozen=True)
class Tallies:
    """The attack's guesses about members beside those about test records (``found``), its guesses about validation
    records beside the same (``shift``), and its baselines."""

    found: Tally
    shift: Tally
    baselines: Sequence[Baseline] = ()

    def beats(self, confidence: float) -> bool:
        """Whether guesses certainly are right of members beyond test records, by more than they are of validation
        records, and beyond every baseline: the interval of each difference lies above 0.

        The two risks share their test records; to take them for independent makes the interval wider."""
        own, found = share(self.found.right, self.found.made, confidence), risk(self.found, confidence)
        gains = [difference(found, risk(self.shift, confidence), 0.0)]
        for baseline in self.baselines:
            gains.append(difference(own, share(baseline.right, baseline.made, confidence), baseline.together))
        return found.low > 0 and all(gain.low > 0 for gain in gains)


def share(right: int, made: int, confidence: float) -> Estimate:
    """A proportion with Wilson's interval."""
    centre, error = wilson(right, made, confidence)
    return Estimate(right / max(1, made), centre - error, centre + error, 0.0)


def detectable_risk(found: Tallies, confidence: float) -> float:
    """The smallest risk at which `Tallies.beats` holds in `POWER` of all repetitions with so many guesses; 1 if none.

    Guesses about held-out people, and those of baselines, are taken to be right as often as they were in ``found``. All
    guesses count as independent of each other, so that `rare` may find fewer.
    """
    draws = np.random.default_rng(0).standard_normal((3 + len(found.baselines), REPETITIONS))

    def power(true: float) -> float:
        attack, shift = _repeated(found.found, true, draws[[0, 1]]), _repeated(found.shift, 0.0, draws[[2, 1]])
        baselines = [_redrawn(baseline, draws[[0, place]]) for place, baseline in enumerate(found.baselines, start=3)]
        again = zip(attack, shift, zip(*baselines, strict=True) if baselines else [()] * REPETITIONS, strict=True)
        return float(np.mean([Tallies(*one).beats(confidence) for one in again]))

    low, high = 0.0, 1.0
    if power(high) < POWER:
        return high
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


def _repeated(tally: Tally, true: float, draws: NDArray[np.float64]) -> list[Tally]:
    """A tally a repetition, where members' risk is ``true``. ``draws``: normal ones, of members and of others."""
    of_others = tally.others_right / tally.others_made if tally.others_made else 0.5
    control = of_others if tally.chance is None else tally.chance
    right = _drawn(control + true * (1 - control), tally.made, draws[0])
    others = tally.made - right if tally.chance is not None else _drawn(control, tally.others_made, draws[1])
    return [
        Tally(one, tally.made, other, tally.others_made, tally.chance)
        for one, other in zip(right.tolist(), others.tolist(), strict=True)
    ]


def _redrawn(baseline: Baseline, draws: NDArray[np.float64]) -> list[Baseline]:
    mixed = baseline.together * draws[0] + sqrt(1 - baseline.together**2) * draws[1]
    right = _drawn(baseline.right / max(1, baseline.made), baseline.made, mixed)
    return [Baseline(one, baseline.made, baseline.together) for one in right.tolist()]


def _drawn(rate: float, made: int, draws: NDArray[np.float64]) -> NDArray[np.int64]:
    """Binomial counts that rise with normal ``draws``."""
    counts: NDArray[np.int64] = np.maximum(0, binom.ppf(ndtr(draws), made, min(1.0, rate))).astype(np.int64)
    return counts


def rare(guesses: Guesses, members: Places, others: Places, confidence: float, seed: int) -> bool:
    """Whether guesses seldom gain as much where members and others are exchanged at random: in a share of at most
    1 - ``confidence`` of exchanges, this one among them (a permutation test).

    Intervals take guesses to be independent, and those made of one condensed record, or about one outlying person, are
    not. Without a leak, any exchange of people is as likely as any other. The greater ``confidence``, the more
    exchanges it takes to show it; they end as soon as too many gain as much (Besag and Clifford 1991).
    """

    def gain(tally: Tally) -> float:
        baseline = tally.chance if tally.chance is not None else tally.others_right / max(1, tally.others_made)
        return tally.right / max(1, tally.made) - baseline

    found, everyone = gain(guesses.tally(members, others)), np.concatenate([members, others])
    chance = 1 - confidence
    exchanges = max(FEWEST_EXCHANGES, ceil(BY_LUCK / chance))
    rng, as_much, allowed = np.random.default_rng(seed), 1, floor(chance * exchanges + 1e-9)
    for _ in range(exchanges - 1):
        mixed = rng.permutation(everyone)
        as_much += gain(guesses.tally(mixed[: len(members)], mixed[len(members) :])) >= found - 1e-12
        if as_much > allowed:
            return False
    return True
