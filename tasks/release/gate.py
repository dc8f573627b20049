"""The gate: every condition is evaluated, every failure is a reason. Who overrides it is named in the bundle."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.common.labels import likeliest, n_classes
from tasks.common.records import CondensedSet, Normalised
from tasks.release.params import Params


@dataclass(frozen=True)
class Condition:
    """One thing a release must satisfy, what was found, and whether it holds."""

    name: str
    holds: bool
    found: str
    required: str

    def reason(self) -> str:
        """The sentence a steward reads when the condition fails."""
        return f"{self.name}: {self.found}, required {self.required}"


def copied_records(condensed: CondensedSet, train: Normalised) -> int:
    """How many condensed records are a real train record, up to 1e-3 of a standard deviation in every entry."""
    real = train.values.reshape(len(train.values), -1)
    copies = 0
    for record in condensed.values.reshape(len(condensed.values), -1):
        copies += bool((np.abs(real - record).max(axis=1) < 1e-3).any())
    return copies


def records_per_class(condensed: CondensedSet) -> list[int]:
    """How many condensed records there are of each class, by what their labels make most of."""
    found: list[int] = np.bincount(likeliest(condensed.labels), minlength=n_classes(condensed.labels)).tolist()
    return found


def conditions(metrics: dict[str, Any], params: Params) -> list[Condition]:
    """Every condition of a release, from the bundle's own ``metrics.json``; so anyone who holds a bundle can check."""
    cohort, condensed = metrics["cohort"], metrics["condensed"]
    patients_per_class = cohort["train_patients_per_class"]
    rarest = min(patients_per_class)
    per_record = min(
        patients / records
        for patients, records in zip(patients_per_class, condensed["records_per_class"], strict=True)
        if records
    )
    averaged = condensed.get("averaged")
    auc_low = metrics["test_auc"]["condensed"]["low"]
    verdicts = {name: attack["verdict"] for name, attack in metrics["privacy"]["attacks"].items()}
    succeeded = sorted(name for name, verdict in verdicts.items() if verdict == "succeeded")
    undecided = sorted(name for name, verdict in verdicts.items() if verdict == "inconclusive")
    return [
        Condition(
            f"patients in the {'rarer' if len(patients_per_class) == 2 else 'rarest'} class of the train split",
            rarest >= params.min_patients_per_class,
            str(rarest),
            f"at least {params.min_patients_per_class}",
        ),
        Condition(
            "train patients per condensed record of their class",
            min(per_record, averaged or per_record) >= params.min_patients_per_record,
            f"{per_record:.1f}" + (f", {averaged} in the smallest mean" if averaged else ""),
            f"at least {params.min_patients_per_record:g}",
        ),
        Condition(
            "condensed records that are a real patient's record",
            condensed["copied_records"] == 0,
            str(condensed["copied_records"]),
            "0",
        ),
        Condition(
            "test AUC of models trained on the condensed set, lower bound",
            auc_low > params.min_test_auc,
            f"{auc_low:.3f}",
            f"above {params.min_test_auc:g}",
        ),
        Condition(
            "privacy attacks that were run",
            bool(verdicts),
            ", ".join(sorted(verdicts)) or "none",
            "at least one",
        ),
        Condition("privacy attacks that succeeded", not succeeded, ", ".join(succeeded) or "none", "none"),
        Condition(
            "privacy attacks that could not decide",
            params.allow_inconclusive or not undecided,
            ", ".join(undecided) or "none",
            "any" if params.allow_inconclusive else "none",
        ),
        *([] if params.max_tpr is None else [exposure(metrics["privacy"]["attacks"], params.max_tpr)]),
        *_guarantee(metrics["privacy"].get("guarantee"), params),
    ]


def _guarantee(guarantee: dict[str, Any] | None, params: Params) -> list[Condition]:
    if params.max_epsilon is None:
        return []
    found = f"epsilon {guarantee['epsilon']:g} at delta {guarantee['delta']:g}" if guarantee else "none"
    holds = guarantee is not None and guarantee["epsilon"] <= params.max_epsilon
    return [Condition("guarantee of differential privacy", holds, found, f"epsilon at most {params.max_epsilon:g}")]


def exposure(attacks: dict[str, Any], most: float) -> Condition:
    """Whether every attack finds at most a share ``most`` of members at a false positive rate of 0.1 %, for certain."""
    bounds = upper_bounds(attacks)
    unknown = sorted(name for name, bound in bounds.items() if bound is None)
    known = {name: bound for name, bound in bounds.items() if bound is not None}
    worst = max(known, key=lambda name: known[name], default=None)
    found = [f"{known[worst]:.4f} by {worst}"] if worst else []
    missing = [f"not measurable for {', '.join(unknown)}"] if unknown else [] if known else ["not measurable"]
    return Condition(
        "upper bound of the true positive rate of privacy attacks at a false positive rate of 0.1 %",
        bool(known) and not unknown and max(known.values()) <= most,
        "; ".join([*found, *missing]),
        f"at most {most:g}",
    )


def upper_bounds(attacks: dict[str, Any]) -> dict[str, float | None]:
    """What share of members each attack may find at a false positive rate of 0.1 %, None where there is no telling.

    Of an attack with shadows the figures over these count. Of others those on the condensed set do, where its
    non-members are enough to show any. A bundle with a guarantee states no such figures, but ``tpr_at_most``.
    """
    bounds: dict[str, float | None] = {}
    for name, attack in attacks.items():
        if "over_shadows" in attack:
            bounds[name] = _upper_tpr(attack["over_shadows"] or {})
        elif (own := _upper_tpr(attack)) is not None:
            bounds[name] = own
        elif "tpr_at_most" in attack:
            bounds[name] = attack["tpr_at_most"]
    return bounds


def _upper_tpr(figures: dict[str, Any]) -> float | None:
    """The upper bound at 0.1 %, None where ``figures`` have none."""
    high: float | None = figures.get("tpr_at_fpr", {}).get("0.001", {}).get("high")
    return high
