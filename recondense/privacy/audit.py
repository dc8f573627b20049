"""One attack beside its baseline, its negative control and its positive control."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recondense.condensation.baselines import random_records
from recondense.models.fit import choose_device
from recondense.privacy.attacks import Target
from recondense.privacy.disclosure import People, disclosed
from recondense.privacy.estimates import Estimate, Figures, Scores
from recondense.privacy.gains import AUC, Comparison, Groups, compared, detectable_auc
from recondense.privacy.judge import judged
from recondense.privacy.params import ATTACKS, Params
from recondense.records.cohort import SPLITS, Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import by_class, n_classes, per_class
from recondense.stages import plugins
from recondense.stages.params import StageParams


def audited(
    name: str, options: StageParams, cohort: Normalised, condensed: CondensedSet, params: Params
) -> dict[str, Any]:
    """Figures of attack ``name``, its verdict and the reason for it, as JSON. Train records are the members."""
    attack = plugins.load(ATTACKS, name)
    train, validation, test = (cohort.split == index for index in range(len(SPLITS)))
    size = len(condensed.labels) // n_classes(condensed.labels)
    real = stand_in(cohort.part("train"), size, params.seed)
    population = half(validation, cohort.labels, params.seed) & getattr(attack, "POPULATION", False)
    validation = validation & ~population
    held_out = stand_in(cohort.only(validation), size, params.seed)
    target = Target(
        condensed, cohort.values, cohort.labels, params.seed, choose_device(params.device), cohort.values[population]
    )

    if hasattr(attack, "guesses"):
        found, baseline, positive = (
            attack.guesses(replace(target, condensed=held), options) for held in (condensed, held_out, real)
        )
        copied = train & contained(cohort.values, real)
        people = People.of(train, validation, test, copied, params.seed)
        return disclosed(found, baseline, positive, people, params)

    def scores(held: CondensedSet) -> Scores:
        found: Scores = attack.scores(replace(target, condensed=held), options)
        return found

    groups, instead = Groups(train, validation, test), scores(held_out)
    found = compared(scores(condensed), instead, groups, params.confidence)
    copied = replace(groups, members=train & contained(cohort.values, real))
    positive = compared(scores(real), instead, copied, params.confidence)
    return reported(found, positive, params)


def reported(found: Comparison, positive: Comparison, params: Params) -> dict[str, Any]:
    """The verdict on one attack, and the figures that it comes from, as JSON."""
    detected, smallest = positive.succeeds(), detectable_auc(found, params.confidence)
    verdict, reason = judged(found, detected, params.margin, params.tpr_margin, smallest)
    return {
        "kind": "membership",
        **summary(found.attack),
        "detectable_auc": round(smallest, 4),
        "baseline": {
            "is": "the attack with validation records for the condensed set",
            **summary(found.baseline),
            "gain": _rounded("value", found.over_baseline()[AUC]),
        },
        "negative_control": {
            "is": "the attack with validation records for the members",
            **summary(found.negative_control),
            "gain": _rounded("value", found.over_negative_control()[AUC]),
        },
        "positive_control": {
            "is": "the attack with random train records for the condensed set, finding those",
            "detected": detected,
            **summary(positive.attack),
        },
        "verdict": verdict,
        "reason": reason,
    }


def stand_in(records: Normalised, size: int, seed: int) -> CondensedSet:
    """Random ``records``, ``size`` of each class or as many as the smallest class has."""
    return random_records(records, min(size, *per_class(records.labels)), seed)


def half(chosen: NDArray[np.bool_], labels: NDArray[np.float32], seed: int) -> NDArray[np.bool_]:
    """Half of the ``chosen``, of each class, at random; of an odd number the smaller half."""
    rng, result = np.random.default_rng(seed), np.zeros(len(chosen), dtype=bool)
    for places in by_class(labels):
        inside = rng.permutation(places[chosen[places]])
        result[inside[: len(inside) // 2]] = True
    return result


def contained(values: NDArray[np.float32], real: CondensedSet) -> NDArray[np.bool_]:
    """Which of ``values`` ``(n, n_steps, n_features)`` are in ``real``, bit by bit."""
    held = {record.tobytes() for record in real.values}
    return np.array([record.tobytes() in held for record in values])


def summary(figures: Figures) -> dict[str, Any]:
    """``figures`` as JSON; a true positive rate that could not be had is null, with the reason."""
    missing = "there are too few non-members"  # how many is a count of patients, which texts do not tell
    return {
        **_rounded("auc", figures.auc),
        "tpr_at_fpr": {
            f"{rate:g}": _rounded("tpr", found) if found else {"tpr": None, "reason": missing}
            for rate, found in figures.tpr.items()
        },
        "n_members": figures.n_members,
        "n_non_members": figures.n_others,
    }


def _rounded(name: str, estimate: Estimate) -> dict[str, float]:
    return {name: round(estimate.value, 4), "low": round(estimate.low, 4), "high": round(estimate.high, 4)}
