"""From an attack's guesses about people to its figures and a verdict.

Beside the risk (`recondense.privacy.risk`) stand a baseline, the attack with validation records for the condensed set,
and where there is one a naive guess; a shift, the same risk of validation records; and a positive control, the attack
on random train records, about those. What is gained over each has to be certain, not more than its most likely value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recondense.privacy.estimates import Estimate
from recondense.privacy.guesses import Guesses, Places, Tally, together
from recondense.privacy.params import Params
from recondense.privacy.risk import Baseline, Tallies, detectable_risk, rare, risk, share
from recondense.results.verdicts import Verdict

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
    asked for. An attack has succeeded, or stands above guessing, if one variant does. It was resisted if all were of
    those that decide and find the real records.
    """
    confidence = params.of_each(len(attack)).confidence
    found = {
        name: variant(guesses, baseline[name], positive[name], people, params, confidence)
        for name, guesses in attack.items()
    }
    working = [
        name for name, guesses in attack.items() if guesses.decides and found[name]["positive_control"]["detected"]
    ]
    gained = [name for told in ("succeeded", "above guessing") for name in found if found[name]["verdict"] == told]
    undecided = [name for name in working if found[name]["verdict"] == "inconclusive"]
    shown = next(iter([*gained, *undecided, *working, *found]))
    keys = ("risk", "low", "high", "detectable_risk", "rates", "verdict")
    reason = f"{shown.replace('_', ' ')}: {found[shown]['reason']}"
    figures = {key: found[shown][key] for key in keys}
    return {"kind": "guesses", "variant": shown, **figures, "reason": reason, "variants": found}


def variant(
    guesses: Guesses, baseline: Guesses, positive: Guesses, people: People, params: Params, confidence: float
) -> dict[str, Any]:
    """Figures, verdict and reason of one variant."""
    members, others = people.members, people.others
    copied = people.copied if guesses.decides else members  # of few people handed over, fewer still are surest
    evidence, with_real = (
        beside(attack, baseline, guesses.naive, about, people)
        for attack, about in ((guesses, members), (positive, copied))
    )
    tally, found = evidence.found, risk(evidence.found, confidence)
    by_luck = found.low > 0 and not rare(guesses, members, others, confidence, params.seed)
    won = evidence.beats(confidence) and not by_luck
    detected = with_real.beats(confidence) and rare(positive, copied, others, confidence, params.seed)
    smallest = detectable_risk(evidence, confidence)
    verdict, reason = judged(won, by_luck, detected, guesses.decides, found, tally, smallest, 2 * params.margin)
    base = baseline.tally(members, others)
    naive = guesses.naive.tally(members, others) if guesses.naive else None
    negative = Tally(tally.others_right, tally.others_made, 0, 0)
    rates = {"members": tally, "negative_control": negative, "baseline": base, **({"naive": naive} if naive else {})}
    return {
        **_bounded("risk", found),
        "detectable_risk": round(smallest, 4),
        "confidence": round(confidence, 4),
        "rates": {name: _rate(counted, confidence) for name, counted in rates.items()},
        **({"chance": round(tally.chance, 4)} if tally.chance is not None else {}),
        "shift": {"is": "the risk of validation records", **_bounded("risk", risk(evidence.shift, confidence))},
        "positive_control": {
            "is": "the attack with random train records for the condensed set, about those",
            "detected": detected,
            **_bounded("risk", risk(with_real.found, confidence)),
        },
        "verdict": verdict,
        "reason": reason,
    }


def beside(attack: Guesses, baseline: Guesses, naive: Guesses | None, about: Places, people: People) -> Tallies:
    """What ``attack`` gets right ``about`` some people, beside held-out people and what needs no condensed set."""
    baselines = []
    for other in (baseline, *([naive] if naive else [])):
        tally = other.tally(about, people.others)
        if tally.chance is None:
            baselines.append(Baseline(tally.right, tally.made, together(attack, other, about)))
    return Tallies(attack.tally(about, people.others), attack.tally(people.validation, people.others), baselines)


def judged(
    won: bool,
    by_luck: bool,
    detected: bool,
    decides: bool,
    found: Estimate,
    tally: Tally,
    smallest: float,
    margin: float,
) -> tuple[Verdict, str]:
    """The verdict on one variant, and the reason for it in words. ``by_luck``: whether exchanged people often gain as
    much. ``margin``: of the risk, 0 of a guesser and 1 of one who knows, as 2 x AUC - 1 is."""
    if won:
        return "succeeded", "guesses are right of members beyond held-out people, the baseline and a naive guess"
    if found.low > 0 and found.high > margin and not by_luck:
        return "above guessing", (
            "guesses are right of members beyond test records, but not for certain beyond validation records, the "
            "baseline and a naive guess: either the condensed set tells, or train and held-out people differ"
        )
    if not detected and decides:
        return "inconclusive", "the attack misses even real records handed over as they are, so it proves nothing"
    if -margin <= found.low and found.high <= margin and decides:
        return "resisted", f"the risk lies within {margin:g} of none, and the attack does find real records"
    if found.low > 0:
        return "inconclusive", "guesses are right of members more often, but by coincidence of a few people"
    if found.high < 0:
        return "inconclusive", "guesses are right of held-out people more often, which no condensed set explains"
    if not decides:
        return "inconclusive", "about so few people it can succeed, but its failure decides nothing"
    return "inconclusive", (
        f"too few guesses: a risk below {smallest:.3f} would be missed more often than one time in five"
    )


def _bounded(name: str, estimate: Estimate) -> dict[str, float]:
    ends = {name: estimate.value, "low": estimate.low, "high": estimate.high}
    return {key: round(min(1.0, max(0.0, end)), 4) for key, end in ends.items()}


def _rate(tally: Tally, confidence: float) -> dict[str, float]:
    found = share(tally.right, tally.made, confidence)
    return {
        **({"rate": round(found.value, 4)} if tally.made else {}),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
        "guesses": tally.made,
    }
