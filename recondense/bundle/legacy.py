"""The gate of bundles of formats 1 and 2, as it was when they were released, so that they verify as they did.

These stated the gate's outcome in sentences, which are compared letter by letter. Nothing here is ever changed.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pydantic import Field

from recondense.bundle.sentences import Sentence
from recondense.private.guarantee import Guarantee
from recondense.stages.params import StageParams, validate

FEWEST = 10
CONDENSED = "condensed"


class Params(StageParams):
    """The gate's params and their defaults of then."""

    min_patients_per_class: int = Field(20, ge=1)
    min_patients_per_record: float = Field(3, ge=1)
    min_test_auc: float = Field(0.5, ge=0, le=1)
    allow_inconclusive: bool = True
    max_tpr: float | None = Field(None, ge=0, le=1)
    max_epsilon: float | None = Field(None, gt=0)
    override: dict[str, str] | None = None


def gate(metrics: dict[str, Any], manifest: dict[str, Any]) -> str | None:
    """What is wrong with the stated outcome of the gate, or None."""
    found = list(_conditions(metrics, _params(manifest)))
    if [asdict(one) for one in found] != metrics["gate"]:
        return "the stated outcome is another"
    failed = [str(one) for one in found if not one.holds]
    if failed and metrics.get("override", {}).get("against") == failed:
        return None  # who answers for it stands on the first page
    return "; ".join(failed) or None


def few(metrics: dict[str, Any], manifest: dict[str, Any]) -> list[int]:
    """Sizes of groups of patients in the figures that are too small to be told of."""
    groups = [
        *metrics.get("subgroups", {}).get("groups", []),
        *(each for bins in metrics.get("calibration", {}).get("of", {}).values() for each in bins),
    ]
    fewest = max(FEWEST, _params(manifest).min_patients_per_class)
    return [group["patients"] for group in groups if group["patients"] < fewest]


def covered(metrics: dict[str, Any]) -> bool:
    """Whether ``metrics`` state nothing but what their guarantee covers or declares to be outside."""
    stated = {name: metrics[name] for name in set(metrics) - {"gate", "override"}}
    return _covered(stated) == stated


def _params(manifest: dict[str, Any]) -> Params:
    return validate(Params, manifest["params"]["release"], "manifest.json: params.release")


def _conditions(metrics: dict[str, Any], params: Params) -> Iterator[Sentence]:
    def condition(name: str, holds: bool, found: str, required: str) -> Sentence:
        return Sentence(name, found, required, holds)

    patients, condensed, attacks = (
        metrics["cohort"]["train_patients_per_class"], metrics["condensed"], metrics["privacy"]["attacks"]
    )  # fmt: skip
    rarest = min(patients)
    yield condition(
        f"patients in the {'rarer' if len(patients) == 2 else 'rarest'} class of the train split",
        rarest >= params.min_patients_per_class, str(rarest), f"at least {params.min_patients_per_class}",
    )  # fmt: skip
    of_each = zip(patients, condensed["records_per_class"], strict=True)
    ratio, averaged = min(n / records for n, records in of_each if records), condensed.get("averaged")
    yield condition(
        "train patients per condensed record of their class",
        min(ratio, averaged or ratio) >= params.min_patients_per_record,
        f"{ratio:.1f}" + (f", {averaged} in the smallest mean" if averaged else ""),
        f"at least {params.min_patients_per_record:g}",
    )
    copied, low = condensed["copied_records"], metrics["test_auc"][CONDENSED]["low"]
    yield condition("condensed records that are a real patient's record", copied == 0, str(copied), "0")
    yield condition(
        "test AUC of models trained on the condensed set, lower bound",
        low > params.min_test_auc, f"{low:.3f}", f"above {params.min_test_auc:g}",
    )  # fmt: skip
    succeeded, undecided = (
        sorted(name for name, attack in attacks.items() if attack["verdict"] == verdict)
        for verdict in ("succeeded", "inconclusive")
    )
    run = ", ".join(sorted(attacks)) or "none"
    yield condition("privacy attacks that were run", bool(attacks), run, "at least one")
    yield condition("privacy attacks that succeeded", not succeeded, ", ".join(succeeded) or "none", "none")
    yield condition(
        "privacy attacks that could not decide",
        params.allow_inconclusive or not undecided,
        ", ".join(undecided) or "none",
        "any" if params.allow_inconclusive else "none",
    )
    if params.max_tpr is not None:
        yield condition(*_exposure(attacks, params.max_tpr))
    if params.max_epsilon is not None:
        given = metrics["privacy"].get("guarantee")
        yield condition(
            "guarantee of differential privacy",
            given is not None and given["epsilon"] <= params.max_epsilon,
            f"epsilon {given['epsilon']:g} at delta {given['delta']:g}" if given else "none",
            f"epsilon at most {params.max_epsilon:g}",
        )


def _exposure(attacks: dict[str, Any], most: float) -> tuple[str, bool, str, str]:
    bounds: dict[str, float | None] = {}
    for name, attack in attacks.items():
        if "over_shadows" in attack:
            bounds[name] = _upper_tpr(attack["over_shadows"] or {})
        elif (own := _upper_tpr(attack)) is not None:
            bounds[name] = own
        elif "tpr_at_most" in attack:
            bounds[name] = attack["tpr_at_most"]
    unknown = sorted(name for name, bound in bounds.items() if bound is None)
    known = {name: bound for name, bound in bounds.items() if bound is not None}
    worst = max(known, key=lambda name: known[name], default=None)
    found = [f"{known[worst]:.4f} by {worst}"] if worst else []
    missing = [f"not measurable for {', '.join(unknown)}"] if unknown else [] if known else ["not measurable"]
    return (
        "upper bound of the true positive rate of privacy attacks at a false positive rate of 0.1 %",
        bool(known) and not unknown and max(known.values()) <= most,
        "; ".join([*found, *missing]),
        f"at most {most:g}",
    )


def _upper_tpr(figures: dict[str, Any]) -> float | None:
    high: float | None = figures.get("tpr_at_fpr", {}).get("0.001", {}).get("high")
    return high


def _covered(metrics: dict[str, Any]) -> dict[str, Any]:
    guarantee = Guarantee.model_validate(metrics["privacy"]["guarantee"])
    cohort = metrics["cohort"]
    scores = {
        name: {CONDENSED: of_sets[CONDENSED]}
        for name, of_sets in metrics.items()
        if (name.startswith("test_") or name == "ensembles") and CONDENSED in of_sets
    }
    held_out: dict[str, Any] = {}
    if "convergence" in metrics:
        held_out["convergence"] = _only(metrics["convergence"])
    if "calibration" in metrics:
        held_out["calibration"] = {**metrics["calibration"], "of": _only(metrics["calibration"]["of"])}
    if "subgroups" in metrics:
        groups = metrics["subgroups"]["groups"]
        told = [{**group, "auc": _only(group["auc"]), "risk": _only(group["risk"])} for group in groups]
        held_out["subgroups"] = {**metrics["subgroups"], "groups": told}
    return {
        "tier": metrics["tier"],
        "cohort": {
            **{name: cohort[name] for name in ("classes", "source") if name in cohort},
            "train_patients_per_class": [max(0, round(count)) for count in guarantee.counts],
            "subjects": {"test": cohort["subjects"]["test"]},
        },
        "condensed": {name: metrics["condensed"][name] for name in ("method", "records_per_class", "copied_records")},
        **scores,
        **{name: metrics[name] for name in ("mean_over", "fewest_patients") if name in metrics},
        **held_out,
        "privacy": {
            "guarantee": guarantee.model_dump(mode="json", exclude_unset=True),  # it says more by now
            "attacks": {
                name: {key: attack[key] for key in ("verdict", "tpr_at_most") if key in attack}
                for name, attack in metrics["privacy"]["attacks"].items()
            },
        },
    }


def _only(by_training_set: dict[str, Any]) -> dict[str, Any]:
    return {name: found for name, found in by_training_set.items() if name == CONDENSED}
