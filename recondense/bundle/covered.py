"""What a bundle may state where its records have a guarantee of differential privacy.

Every figure that patients of the train split have a part in would tell of them beyond that guarantee: how many there
are, what models learn from all of them, how well attacks on them do. Such a bundle states the noisy counts instead, the
scores of models trained on the condensed set, and of attacks the verdict alone, with whether their true positive rate
keeps to the gate's bound. How near records lie to patients, and whether simple models of all train patients are
better, it states as yes or no.
"""

from typing import Any, TypeVar

from recondense.bundle.gate import keeps_away
from recondense.results.attacks import Attack, Withheld, tells_members, upper_tpr
from recondense.results.evidence import Evidence
from recondense.results.public import Calibration, Cohort, Condensed, Group, Limit, Privacy, Public, Subgroups, Subjects

CONDENSED = "condensed"
T = TypeVar("T")


def covered(metrics: Public) -> Public:
    """The part of a bundle's ``metrics`` that its guarantee covers, or that is outside of it by declaration. A field
    that is not named here is left out. Raises `ValueError` where there is no guarantee."""
    cohort, condensed, privacy = metrics.cohort, metrics.condensed, metrics.privacy
    guarantee = privacy.guarantee
    if guarantee is None:
        raise ValueError("these metrics state no guarantee")
    most, least = _number(metrics.limits.get("max_tpr")), _number(metrics.limits.get("min_distance_ratio")) or 0
    share = _number(metrics.limits.get("min_share_of_simple_model")) or 0
    return Public(
        schema=metrics.schema_,
        tier=metrics.tier,
        cohort=Cohort(
            classes=cohort.classes,
            train_patients_per_class=tuple(max(0, round(count)) for count in guarantee.counts),
            source=cohort.source,
            target=cohort.target,
            subjects=Subjects(train=None, validation=None, test=cohort.subjects.test),
            counts=None,
            prevalence=None,
        ),
        condensed=Condensed(
            method=condensed.method,
            records_per_class=condensed.records_per_class,
            copied_records=condensed.copied_records,
            averaged=None,
            seconds=None,
            steps=condensed.steps,
        ),
        test_auc=_only(metrics.test_auc),
        test_auprc=_only(metrics.test_auprc),
        test_brier=_only(metrics.test_brier),
        test_calibration_error=_only(metrics.test_calibration_error),
        ensembles=_only(metrics.ensembles),
        mean_over=metrics.mean_over,
        fewest_patients=metrics.fewest_patients,
        limits=metrics.limits,
        privacy=Privacy(
            settings=privacy.settings,
            attacks={name: _withheld(attack, most) for name, attack in privacy.attacks.items()},
            influence=None,
            canaries=None,
            verdict=privacy.verdict,
            guarantee=guarantee,
        ),
        resemblance={name: keeps_away(ratios, least) for name, ratios in metrics.resemblance.items()},
        evidence=metrics.evidence and _of_test(metrics.evidence, share),
        **_of_held_out(metrics),
    )


def _withheld(attack: Attack, most: float | None) -> Withheld:
    """The verdict, and the bound ``most`` where the attack's true positive rate keeps to it for certain. So the gate
    can ask, and the rate itself need not be stated."""
    bound = upper_tpr(attack)
    kept = most if most is not None and bound is not None and bound <= most else None
    return Withheld(kind="withheld", verdict=attack.verdict, tells_members=tells_members(attack), tpr_at_most=kept)


def _of_test(found: Evidence, least: float) -> Evidence:
    """What models trained on the condensed set do, and whether that is enough beside what needs the patients."""
    share, gain = found.share, found.over_single_variable
    return found.model_copy(
        update={
            "best_simple": None,
            "share": share if isinstance(share, bool) or share is None else share >= least,
            "single_variable": None,
            "over_single_variable": gain if isinstance(gain, bool) or gain is None else gain.mean > 0,
        }
    )


def _of_held_out(metrics: Public) -> dict[str, Any]:
    """What models trained on the condensed set do on groups of validation and test patients."""
    curves, calibration, subgroups = metrics.convergence, metrics.calibration, metrics.subgroups
    return {
        "convergence": curves and _only(curves),
        "calibration": calibration and Calibration(network=calibration.network, of=_only(calibration.of)),
        "subgroups": subgroups
        and Subgroups(
            groups=tuple(
                Group(
                    variable=group.variable,
                    group=group.group,
                    patients=group.patients,
                    with_outcome=group.with_outcome,
                    auc=_only(group.auc),
                    risk=_only(group.risk),
                )
                for group in subgroups.groups
            ),
            withheld=subgroups.withheld,
        ),
    }


def _number(limit: Limit) -> float | None:
    return float(limit) if isinstance(limit, int | float) else None


def _only(by_training_set: dict[str, T]) -> dict[str, T]:
    return {name: found for name, found in by_training_set.items() if name == CONDENSED}
