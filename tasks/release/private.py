"""What a bundle may state where its records have a guarantee of differential privacy.

Every figure that patients of the train split have a part in would tell of them beyond that guarantee: how many there
are, what models learn from all of them, how well attacks on them do. Such a bundle states the noisy counts instead, the
scores of models trained on the condensed set, and of attacks the verdict alone, with whether their true positive rate
keeps to the gate's bound.
"""

from typing import Any

from tasks.common.guarantee import Guarantee
from tasks.release.gate import upper_bounds

CONDENSED = "condensed"
COHORT = ("classes", "source")
OF_CONDENSED = ("method", "records_per_class", "copied_records")
OF_ATTACK = ("verdict", "tpr_at_most")


def bounded(metrics: dict[str, Any], most: float | None) -> dict[str, Any]:
    """``metrics`` where each attack whose true positive rate can be told has ``tpr_at_most``: the bound ``most`` where
    it keeps to that with certainty, else None. So the gate can ask, and the rate itself need not be stated."""
    if most is None:
        return metrics
    stated = metrics["privacy"]["attacks"]
    attacks = {
        name: stated[name] | {"tpr_at_most": most if bound is not None and bound <= most else None}
        for name, bound in upper_bounds(stated).items()
    }
    privacy = metrics["privacy"] | {"attacks": stated | attacks}
    return metrics | {"privacy": privacy}


def covered(metrics: dict[str, Any]) -> dict[str, Any]:
    """The part of a bundle's ``metrics`` that its guarantee covers, or that is outside of it by declaration."""
    guarantee = Guarantee.model_validate(metrics["privacy"]["guarantee"])
    cohort, attacks = metrics["cohort"], metrics["privacy"]["attacks"]
    scores = {
        name: {CONDENSED: of_sets[CONDENSED]}
        for name, of_sets in metrics.items()
        if (name.startswith("test_") or name == "ensembles") and CONDENSED in of_sets
    }
    return {
        "tier": metrics["tier"],
        "cohort": {
            **{name: cohort[name] for name in COHORT if name in cohort},
            "train_patients_per_class": [max(0, round(count)) for count in guarantee.counts],
            "subjects": {"test": cohort["subjects"]["test"]},
        },
        "condensed": {name: metrics["condensed"][name] for name in OF_CONDENSED},
        **scores,
        **{name: metrics[name] for name in ("mean_over", "fewest_patients") if name in metrics},
        **_of_held_out(metrics),
        "privacy": {
            "guarantee": guarantee.model_dump(mode="json"),
            "attacks": {
                name: {key: attack[key] for key in OF_ATTACK if key in attack} for name, attack in attacks.items()
            },
        },
    }


def _of_held_out(metrics: dict[str, Any]) -> dict[str, Any]:
    """What models trained on the condensed set do on groups of validation and test patients."""
    found: dict[str, Any] = {}
    if "convergence" in metrics:
        found["convergence"] = _only(metrics["convergence"])
    if "calibration" in metrics:
        found["calibration"] = {**metrics["calibration"], "of": _only(metrics["calibration"]["of"])}
    if "subgroups" in metrics:
        groups = [
            {**group, "auc": _only(group["auc"]), "risk": _only(group["risk"])}
            for group in metrics["subgroups"]["groups"]
        ]
        found["subgroups"] = {**metrics["subgroups"], "groups": groups}
    return found


def _only(by_training_set: dict[str, Any]) -> dict[str, Any]:
    return {name: found for name, found in by_training_set.items() if name == CONDENSED}
