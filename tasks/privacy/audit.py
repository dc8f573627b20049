"""One attack beside its baseline, its control and its positive control."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.common import plugins
from tasks.common.controls import random_records
from tasks.common.labels import n_classes, per_class
from tasks.common.params import RoomParams
from tasks.common.records import SPLITS, CondensedSet, Normalised
from tasks.networks.fit import choose_device
from tasks.privacy.attacks import FEWEST_SHADOWS, Shadows, Target
from tasks.privacy.evaluate import Estimate, Figures, Scores, Verdict, beats, detectable_auc, judged, measured
from tasks.privacy.params import ATTACKS, Params
from tasks.privacy.shadowed import Evidence, judged_with_shadows, over_shadows, top_ranked


def needs_shadows(attack: ModuleType) -> bool:
    """Whether an attack is one with shadows."""
    return bool(getattr(attack, "NEEDS_SHADOWS", False))


def audited(
    name: str,
    options: RoomParams,
    cohort: Normalised,
    condensed: CondensedSet,
    params: Params,
    evidence: Evidence | None = None,
) -> dict[str, Any]:
    """Figures of attack ``name``, its verdict and the reason for it, as JSON. Train records are the members.

    ``evidence``: for attacks with shadows, whose verdict is inconclusive without it.
    """
    attack = plugins.load(ATTACKS, name)
    if needs_shadows(attack):
        if evidence is None:
            few = f"no shadows: at least {FEWEST_SHADOWS} are needed; see shadows.count"
            return {"verdict": "inconclusive", "reason": few}
        return with_shadows(attack, options, cohort, condensed, params, evidence)

    def scores(held: CondensedSet) -> Scores:
        return asked(attack, options, held, cohort, params)

    size = len(condensed.labels) // n_classes(condensed.labels)
    real = stand_in(cohort.part("train"), size, params.seed)
    test = cohort.split == SPLITS.index("test")
    found = scores(real)
    positive = measured(found[contained(cohort.values, real) & train(cohort)], found[test], params.confidence)
    instead = scores(stand_in(cohort.part("validation"), size, params.seed))
    return Audit.of(scores(condensed), instead, positive, cohort, params).result()


def with_shadows(
    attack: ModuleType,
    options: RoomParams,
    cohort: Normalised,
    condensed: CondensedSet,
    params: Params,
    evidence: Evidence,
) -> dict[str, Any]:
    """The same of an attack with shadows, and how it does on every shadow."""

    def scores(shadows: Shadows) -> Scores:
        return asked(attack, options, condensed, cohort, params, shadows)

    known = evidence.positive
    again = asked(attack, options, known.condensed, cohort.only(known.rows), params, known.shadows)
    positive = measured(again[known.members], again[len(known.pool) :], params.confidence)
    attacked = scores(evidence.released)
    audit = Audit.of(attacked, scores(evidence.baseline), positive, cohort, params)
    over, each = over_shadows(scores, evidence.released, params)
    verdict, reason = judged_with_shadows(*audit.judged(), audit.found, audit.detected, over, evidence, params)
    return {
        **audit.result(),
        "shadows": {"count": over.n_shadows, "steps": evidence.steps, "release_steps": evidence.release_steps},
        "over_shadows": {
            "is": "the attack on every shadow with the others for its shadows; bootstrap over patients and shadows",
            **summary(over.figures),
            "detectable_auc": round(over.detectable_auc, 4),
            "top_ranked": top_ranked(each, evidence.released.members),
        },
        "top_ranked": top_ranked(attacked[None], train(cohort)[None]),
        "verdict": verdict,
        "reason": reason,
    }


def asked(
    attack: ModuleType,
    options: RoomParams,
    held: CondensedSet,
    candidates: Normalised,
    params: Params,
    shadows: Shadows | None = None,
) -> Scores:
    """The scores of ``attack`` by one who holds ``held``."""
    device = choose_device(params.device)
    target = Target(held, candidates.values, candidates.labels, params.seed, device, shadows)
    found: Scores = attack.scores(target, options)
    return found


def train(cohort: Normalised) -> NDArray[np.bool_]:
    """Who is a member of the condensed set, ``(n_subjects,)``."""
    members: NDArray[np.bool_] = cohort.split == SPLITS.index("train")
    return members


@dataclass(frozen=True)
class Audit:
    """The figures of one attack on the condensed set, and of its baseline, control and positive control."""

    found: Figures
    baseline: Figures
    control: Figures
    positive: Figures
    params: Params

    @classmethod
    def of(cls, attacked: Scores, instead: Scores, positive: Figures, cohort: Normalised, params: Params) -> "Audit":
        """From the scores of all subjects by the condensed set, and by validation records ``instead``."""
        members, validation, test = (cohort.split == index for index in range(len(SPLITS)))

        def figures(scores: Scores, members: NDArray[np.bool_]) -> Figures:
            return measured(scores[members], scores[test], params.confidence)

        return cls(
            figures(attacked, members), figures(instead, members), figures(attacked, validation), positive, params
        )

    @property
    def detected(self) -> bool:
        """Whether the attack finds real records."""
        return beats(self.positive, self.baseline, self.control)

    def judged(self) -> tuple[Verdict, str]:
        """The verdict, and the reason for it."""
        params = self.params
        return judged(self.found, self.baseline, self.control, self.positive, params.margin, params.confidence)

    def result(self) -> dict[str, Any]:
        """All of it as JSON."""
        found, (verdict, reason) = self.found, self.judged()
        return {
            **summary(found),
            "detectable_auc": round(detectable_auc(found.n_members, found.n_others, self.params.confidence), 4),
            "baseline": {"is": "the attack with validation records for the condensed set", **summary(self.baseline)},
            "control": {"is": "the attack with validation records for the members", **summary(self.control)},
            "positive_control": {
                "is": "the attack with random train records for the condensed set, finding those",
                "detected": self.detected,
                **summary(self.positive),
            },
            "verdict": verdict,
            "reason": reason,
        }


def stand_in(records: Normalised, size: int, seed: int) -> CondensedSet:
    """Random ``records``, ``size`` of each class or as many as the smallest class has."""
    return random_records(records, min(size, *per_class(records.labels)), seed)


def contained(values: NDArray[np.float32], real: CondensedSet) -> NDArray[np.bool_]:
    """Which of ``values`` ``(n, n_steps, n_features)`` are in ``real``, bit by bit."""
    held = {record.tobytes() for record in real.values}
    return np.array([record.tobytes() in held for record in values])


def summary(figures: Figures) -> dict[str, Any]:
    """``figures`` as JSON; a true positive rate that could not be had is null, with the reason."""
    missing = f"needs more than {figures.n_others} non-members"
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
