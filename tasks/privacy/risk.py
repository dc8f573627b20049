"""How much more often guesses are right of members than of others: the risk, its interval, and whether it is no luck.

The risk is what is gained, as a share of what there was to gain: (r_members - r_control) / (1 - r_control), r being the
share of guesses that are right of members and of held-out people (Giomi et al. 2022, arXiv 2211.10459, section 3).
"""

from __future__ import annotations

from math import ceil, floor, sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom, norm

from tasks.privacy.evaluate import POWER, Estimate, clopper_pearson
from tasks.privacy.guesses import Guesses, Places, Tally

FEWEST_EXCHANGES = 200
BY_LUCK = 3  # exchanges that may gain as much, where confidence asks for more than the fewest


def wilson(right: float, made: int, confidence: float) -> tuple[float, float]:
    """Centre and half width of Wilson's (1927) interval of a proportion; of none made it is all there is.

    >>> [round(part, 6) for part in wilson(0, 0, 0.95)]
    [0.5, 0.5]
    """
    z = float(norm.ppf((1 + confidence) / 2))
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


def detectable_risk(tally: Tally, confidence: float) -> float:
    """The smallest risk whose interval lies above 0 in `POWER` of all repetitions with so many guesses; 1 if none."""
    if tally.chance is not None:
        counts = range(tally.made + 1)
        enough = next((k for k in counts if clopper_pearson(k, tally.made, confidence)[0] > tally.chance), None)
        if enough is None:
            return 1.0
        share = float(brentq(lambda p: binom.sf(enough - 1, tally.made, p) - POWER, 0, 1))
        return (share - tally.chance) / (1 - tally.chance)
    reach = 1 + float(norm.ppf(POWER) / norm.ppf((1 + confidence) / 2))
    true = tally.others_right / tally.others_made if tally.others_made else 0.5
    control, control_error = wilson(tally.others_right, tally.others_made, confidence)

    def spare(found: float) -> float:
        rate, error = wilson((true + found * (1 - true)) * tally.made, tally.made, confidence)
        return rate - control - reach * sqrt(error**2 + (control_error * (1 - rate) / (1 - control)) ** 2)

    return float(brentq(spare, 0, 1)) if spare(1) > 0 > spare(0) else 1.0


def rare(guesses: Guesses, members: Places, others: Places, confidence: float, seed: int) -> bool:
    """Whether guesses seldom gain as much where members and others are exchanged at random: in a share of at most
    1 - ``confidence`` of exchanges, this one among them (a permutation test).

    Intervals take guesses to be independent, and those made of one condensed record, or about one outlying person, are
    not. Without a leak, any exchange of people is as likely as any other. The greater ``confidence``, the more
    exchanges it takes to show it; they end as soon as too many gain as much (Besag and Clifford 1991).
    """

    def gain(tally: Tally) -> float:
        rival = tally.chance if tally.chance is not None else tally.others_right / max(1, tally.others_made)
        return tally.right / max(1, tally.made) - rival

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


def beats(guesses: Guesses, about: Places, others: Places, rivals: list[float], confidence: float, seed: int) -> bool:
    """Whether guesses about ``about`` are right beyond those about ``others`` and beyond the rates of ``rivals``, with
    the whole interval, and not by an exchange of people."""
    tally = guesses.tally(about, others)
    centre, error = wilson(tally.right, tally.made, confidence)
    if risk(tally, confidence).low <= 0 or centre - error <= max(rivals, default=0.0):
        return False
    return rare(guesses, about, others, confidence, seed)
