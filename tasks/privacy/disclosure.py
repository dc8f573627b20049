"""From right and wrong guesses about people to a risk with its interval, and to a verdict.

The risk is how much more often guesses are right of members than of held-out people (the control), as a share of what
there was to gain: (r_members - r_control) / (1 - r_control) (Giomi et al. 2022, arXiv 2211.10459, section 3). Beside it
stand a baseline, the attack with validation records for the condensed set, and where there is one a naive guess; a
shift, the same risk of validation records; and a positive control, the attack on random train records, about those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import binom, norm

from tasks.privacy.evaluate import POWER, Estimate, Verdict, clopper_pearson
from tasks.privacy.guesses import Guesses, Places, Tally
from tasks.privacy.params import Params

SWAPS = 199
Variants = Mapping[str, Guesses]


@dataclass(frozen=True)
class People:
    """Places among the candidates, in random order: train, validation and test records, and the train records that the
    positive control hands over."""

    members: Places
    validation: Places
    others: Places
    copied: Places

    @classmethod
    def of(
        cls,
        members: NDArray[np.bool_],
        validation: NDArray[np.bool_],
        others: NDArray[np.bool_],
        copied: NDArray[np.bool_],
        seed: int,
    ) -> People:
        """From a mask of the candidates for each."""
        rng = np.random.default_rng(seed)
        return cls(*(rng.permutation(np.flatnonzero(mask)) for mask in (members, validation, others, copied)))


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


def exchanged(guesses: Guesses, members: Places, others: Places, seed: int) -> float:
    """How often guesses gain as much where members and others are exchanged at random (a permutation test).

    Intervals take guesses to be independent, and those made of one condensed record, or about one outlying person, are
    not. Without a leak, any exchange of people is as likely as any other.
    """

    def gain(tally: Tally) -> float:
        rival = tally.chance if tally.chance is not None else tally.others_right / max(1, tally.others_made)
        return tally.right / max(1, tally.made) - rival

    found, everyone = gain(guesses.tally(members, others)), np.concatenate([members, others])
    rng, as_much = np.random.default_rng(seed), 1
    for _ in range(SWAPS):
        mixed = rng.permutation(everyone)
        as_much += gain(guesses.tally(mixed[: len(members)], mixed[len(members) :])) >= found - 1e-12
    return as_much / (SWAPS + 1)


def beats(guesses: Guesses, about: Places, others: Places, rivals: list[float], confidence: float, seed: int) -> bool:
    """Whether guesses about ``about`` are right beyond those about ``others`` and beyond the rates of ``rivals``, with
    the whole interval, and not by an exchange of people."""
    tally = guesses.tally(about, others)
    centre, error = wilson(tally.right, tally.made, confidence)
    if risk(tally, confidence).low <= 0 or centre - error <= max(rivals, default=0.0):
        return False
    return exchanged(guesses, about, others, seed) <= 1 - confidence


def disclosed(
    attack: Variants, baseline: Variants, positive: Variants, people: People, params: Params
) -> dict[str, Any]:
    """Figures of each variant of an attack, the verdict on all, and the reason for it, as JSON.

    ``attack``, ``baseline`` and ``positive``: guesses from the condensed set, from validation records, from train
    records. Intervals are wider as there are more variants (Bonferroni), so that all hold together at the confidence
    asked for. An attack has succeeded if one variant has. It was resisted if all were of those that decide and find
    the real records.
    """
    confidence = params.of_each(len(attack)).confidence
    found = {
        name: variant(guesses, baseline[name], positive[name], people, params, confidence)
        for name, guesses in attack.items()
    }
    working = [
        name for name, guesses in attack.items() if guesses.decides and found[name]["positive_control"]["detected"]
    ]
    succeeded = [name for name in found if found[name]["verdict"] == "succeeded"]
    undecided = [name for name in working if found[name]["verdict"] == "inconclusive"]
    shown = next(iter([*succeeded, *undecided, *working, *found]))
    keys = ("risk", "low", "high", "detectable_risk", "rates", "verdict")
    reason = f"{shown.replace('_', ' ')}: {found[shown]['reason']}"
    return {"variant": shown, **{key: found[shown][key] for key in keys}, "reason": reason, "variants": found}


def variant(
    guesses: Guesses, baseline: Guesses, positive: Guesses, people: People, params: Params, confidence: float
) -> dict[str, Any]:
    """Figures, verdict and reason of one variant."""
    members, others = people.members, people.others
    tally, base = guesses.tally(members, others), baseline.tally(members, others)
    naive = guesses.naive.tally(members, others) if guesses.naive else None
    shift = risk(guesses.tally(people.validation, others), confidence)
    rivals = [rival.right / max(1, rival.made) for rival in (base, naive) if rival and rival.chance is None]
    found = risk(tally, confidence)
    copied = people.copied if guesses.decides else members  # of few people handed over, fewer still are surest
    won = found.low > shift.value and beats(guesses, members, others, rivals, confidence, params.seed)
    detected = beats(positive, copied, others, rivals, confidence, params.seed)
    smallest = detectable_risk(tally, confidence)
    verdict, reason = judged(won, detected, guesses.decides, found, tally, smallest, 2 * params.margin)
    control = Tally(tally.others_right, tally.others_made, 0, 0)
    rates = {"members": tally, "control": control, "baseline": base, **({"naive": naive} if naive else {})}
    return {
        **_bounded("risk", found),
        "detectable_risk": round(smallest, 4),
        "confidence": round(confidence, 4),
        "rates": {name: _rate(counted, confidence) for name, counted in rates.items()},
        **({"chance": round(tally.chance, 4)} if tally.chance is not None else {}),
        "shift": {"is": "the risk of validation records", **_bounded("risk", shift)},
        "positive_control": {
            "is": "the attack with random train records for the condensed set, about those",
            "detected": detected,
            **_bounded("risk", risk(positive.tally(copied, others), confidence)),
        },
        "verdict": verdict,
        "reason": reason,
    }


def judged(
    won: bool, detected: bool, decides: bool, found: Estimate, tally: Tally, smallest: float, margin: float
) -> tuple[Verdict, str]:
    """The verdict on one variant, and the reason for it in words. ``margin``: of the risk, 0 of a guesser and 1 of one
    who knows, as 2 x AUC - 1 is."""
    if won:
        return "succeeded", "guesses are right of members beyond held-out people, the baseline and a naive guess"
    if not detected and decides:
        return "inconclusive", "the attack misses even real records handed over as they are, so it proves nothing"
    if -margin <= found.low and found.high <= margin and decides:
        return "resisted", f"the risk lies within {margin:g} of none, and the attack does find real records"
    if found.low > 0 or found.high < 0:
        return "inconclusive", (
            "guesses differ between train and held-out people in ways that do not come from the condensed set, or by "
            "coincidence of a few people"
        )
    if not decides:
        return "inconclusive", "about so few people it can succeed, but its failure decides nothing"
    return "inconclusive", (
        f"too few guesses: with {tally.made} about members and {tally.others_made} about others, a risk below "
        f"{smallest:.3f} would be missed more often than one time in five"
    )


def _bounded(name: str, estimate: Estimate) -> dict[str, float]:
    ends = {name: estimate.value, "low": estimate.low, "high": estimate.high}
    return {key: round(min(1.0, max(0.0, end)), 4) for key, end in ends.items()}


def _rate(tally: Tally, confidence: float) -> dict[str, float]:
    centre, error = wilson(tally.right, tally.made, confidence)
    value = tally.right / tally.made if tally.made else None
    return {
        **({"rate": round(value, 4)} if value is not None else {}),
        "low": round(centre - error, 4),
        "high": round(centre + error, 4),
        "guesses": tally.made,
    }
