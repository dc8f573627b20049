"""From an attack's guesses about people to its figures and a verdict.

Beside the risk (`tasks.privacy.risk`) stand a baseline, the attack with validation records for the condensed set, and
where there is one a naive guess; a shift, the same risk of validation records; and a positive control, the attack on
random train records, about those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.privacy.evaluate import Estimate
from tasks.privacy.guesses import Guesses, Places, Tally
from tasks.privacy.params import Params
from tasks.privacy.risk import beats, detectable_risk, risk, wilson
from tasks.results.verdicts import Verdict

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
    figures = {key: found[shown][key] for key in keys}
    return {"kind": "guesses", "variant": shown, **figures, "reason": reason, "variants": found}


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
