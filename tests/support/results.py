"""A bundle's figures, made up and small: every condition of the gate holds."""

import copy
from typing import Any

from recondense.bundle.gate import asked, check
from recondense.bundle.params import Params
from recondense.models.predictions import SIMPLE
from recondense.private.guarantee import Asked, Guarantee, Query, epsilon
from recondense.results.attacks import ATTACKS
from recondense.results.audit import overall
from recondense.results.public import SCHEMA, Public

INTERVAL = {"mean": 0.8, "low": 0.7, "high": 0.9}
SCORE = {**INTERVAL, "by_network": {"tcn_beta": INTERVAL}}
SETS = ("condensed", "all_real", *SIMPLE, "random_records", "kmeans")
SCORES = ("test_auc", "test_auprc", "test_brier", "test_calibration_error")
UNMEASURED = {"tpr": None, "reason": "there are too few non-members"}

QUERY = Query(name="counts", what="of patients", values=4, sensitivity=1, sigma=5)
GUARANTEE = Guarantee(
    mechanism="a Gaussian", delta=1e-5, epsilon=epsilon([QUERY], 1e-5), groups={2: epsilon([QUERY], 1e-5, 2)},
    queries=(QUERY,), statistics="0" * 64, counts=(88.7, 31.2), outside=("scores on test patients",),
    asked=Asked(number=3, draws=2, reused=False),
)  # fmt: skip


def membership(tpr_high: float | None = None, **others: Any) -> dict[str, Any]:
    """The figures of an attack on membership; ``tpr_high``: the upper bound at one false alarm in a thousand."""
    measured = {"tpr": 0.0, "low": 0.0, "high": tpr_high}
    return {
        "auc": 0.5, "low": 0.47, "high": 0.53, "n_members": 120, "n_non_members": 40,
        "tpr_at_fpr": {"0.001": UNMEASURED if tpr_high is None else measured}, **others,
    }  # fmt: skip


def scoring(tpr_high: float | None = None, verdict: str = "resisted") -> dict[str, Any]:
    """An attack that scores membership."""
    made_up: dict[str, Any] = {"is": "made up"}
    beside = membership(**made_up)
    rival = {**beside, "gain": {"value": 0.0, "low": -0.02, "high": 0.02}}
    return {
        "kind": "membership", **membership(tpr_high), "detectable_auc": 0.55, "baseline": rival,
        "negative_control": rival, "positive_control": {**beside, "detected": True},
        "verdict": verdict, "reason": "made up",
    }  # fmt: skip


def shadowed(over: float | None, own: float | None = None) -> dict[str, Any]:
    """An attack with shadows; ``over`` and ``own``: the same bound over shadows and on the set itself."""
    return {
        **scoring(own), "kind": "shadows", "shadows": {"count": 16, "steps": 4, "release_steps": 4}, "top_ranked": {},
        "over_shadows": membership(over, **{"is": "made up", "detectable_auc": 0.52, "by_class": {}, "top_ranked": {}}),
    }  # fmt: skip


def guessing() -> dict[str, Any]:
    """An attack that guesses."""
    figures = {"risk": 0.01, "low": 0.0, "high": 0.04}
    rates = {"members": {"rate": 0.5, "low": 0.4, "high": 0.6, "guesses": 100}}
    beside = {**figures, "is": "made up"}
    common = {**figures, "detectable_risk": 0.06, "rates": rates, "verdict": "resisted", "reason": "made up"}
    variant = {**common, "confidence": 0.995, "shift": beside, "positive_control": {**beside, "detected": True}}
    return {"kind": "guesses", "variant": "all", **common, "variants": {"all": variant}}


GUESSING = ("attribute_inference", "linkability", "reconstruction", "singling_out")
METRICS: dict[str, Any] = {
    "schema": SCHEMA,
    "tier": "public",
    "cohort": {
        "classes": [],
        "train_patients_per_class": [90, 30],
        "source": {"title": "PBC", "licence": "LGPL", "citation": "Murtaugh 1994", "url": "https://example.org"},
        "target": {
            "label": "death or transplant", "horizon": "within 5 years", "prediction_time": "a year after enrolment",
            "population": "adults",
        },
        "subjects": {"train": 120, "validation": 20, "test": 40},
        "counts": {},
        "prevalence": {},
    },
    "condensed": {"method": "kmeans", "records_per_class": [2, 2], "copied_records": 0, "averaged": 12, "seconds": 1.0},
    **{name: {each: SCORE for each in SETS} for name in SCORES},
    "ensembles": {"condensed": {"size": 5, **dict.fromkeys(SCORES, SCORE)}},
    "mean_over": ["tcn_beta"],
    "privacy": {
        "settings": {"margin": 0.05, "tpr_margin": 0.01, "confidence": 0.95, "resamples": 500, "own": []},
        "attacks": {name: guessing() if name in GUESSING else scoring() for name in ATTACKS},
        "influence": None,
        "canaries": None,
        "verdict": "resisted",
        "guarantee": None,
    },
    "resemblance": {"as_it_is": {"lowest": 0.9, "highest": 1.1, "chance": 0.29}},
    "evidence": {
        "test_events": 40, "refused_before": 0, "test_auc": INTERVAL, "validation_auc": INTERVAL,
        "over_validation": {"mean": 0.0, "low": -0.1, "high": 0.1}, "best_simple": "boosted_trees", "share": 0.9,
        "single_variable": "last bili", "over_single_variable": {"mean": 0.02, "low": -0.03, "high": 0.07},
    },
    "fewest_patients": 20,
    "limits": asked(Params()),
}  # fmt: skip


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """`METRICS` with another value at each dotted path; the audit's verdict agrees with its attacks'."""
    metrics = copy.deepcopy(METRICS)
    for path, value in changes:
        *keys, last = path.split(".")
        target = metrics
        for key in keys:
            target = target[key]
        target[last] = copy.deepcopy(value)
    metrics["privacy"]["verdict"] = overall([attack["verdict"] for attack in metrics["privacy"]["attacks"].values()])
    return metrics


def public(*changes: tuple[str, Any]) -> Public:
    """The same as a model."""
    return Public.model_validate(changed(*changes))


def judged(metrics: Public, params: Params | None = None) -> Public:
    """``metrics`` with the outcome of the gate, as a bundle states them."""
    params = params or Params()
    metrics = metrics.model_copy(update={"limits": asked(params)})
    return metrics.model_copy(update={"gate": tuple(check(metrics, params))})
