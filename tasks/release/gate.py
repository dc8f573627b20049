"""The gate: every condition is evaluated, every failure is a reason. What is missing or was not measured refuses.

A condition is a function; its name is the id under which a bundle states what it came to, and `tasks.release.sentences`
has its words. One that is added later goes under the next schema, so that bundles of before are judged as they were.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tasks.common.labels import likeliest, n_classes
from tasks.common.records import CondensedSet, Normalised
from tasks.release.params import Params
from tasks.results.attacks import ATTACKS, tells_members, upper_tpr
from tasks.results.public import Number, Outcome, Public

# What an audit has to be at least: its own params cannot weaken the gate
MARGIN, TPR_MARGIN, CONFIDENCE, RESAMPLES = 0.05, 0.01, 0.95, 500

Names = tuple[str, ...]
Finding = tuple[Number | Names | None, Number | Names | None, bool]  # value, limit, and whether it holds
Condition = Callable[[Public, Params], Finding | None]  # None: it is not asked for


def check(metrics: Public, params: Params) -> list[Outcome]:
    """What every condition of a release comes to, from a bundle's own figures; so anyone who holds it can check."""
    found = []
    for condition in (one for schema, some in CONDITIONS.items() if schema <= metrics.schema_ for one in some):
        finding = condition(metrics, params)
        if finding is not None:
            value, limit, holds = finding
            found.append(Outcome(id=condition.__name__, value=value, limit=limit, holds=holds))
    return found


def failed(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those that do not hold."""
    return [outcome for outcome in outcomes if not outcome.holds]


def weaker(limits: dict[str, bool | Number | None]) -> dict[str, tuple[bool | Number | None, bool | Number | None]]:
    """By name, what a cohort's gate was asked and what it is asked usually, where it was asked for less."""
    usual = asked(Params())
    return {name: (limit, usual[name]) for name, limit in limits.items() if _less(name, limit, usual.get(name, limit))}


def _less(name: str, limit: bool | Number | None, usual: bool | Number | None) -> bool:
    """By the beginning of a param's ``name`` one knows in which direction it is strict."""
    if usual is None or usual == limit:
        return False
    if limit is None or name.startswith("allow_"):
        return bool(limit) or limit is None
    return limit < usual if name.startswith("min_") else limit > usual


def asked(params: Params) -> dict[str, bool | Number | None]:
    """The limits among ``params``, defaults included."""
    return params.model_dump(exclude={"override"})


def at_least(value: Number | None, limit: Number) -> Finding:
    """A finding that holds from ``limit`` upwards."""
    return value, limit, value is not None and value >= limit


def at_most(value: Number | None, limit: Number) -> Finding:
    """A finding that holds up to ``limit``."""
    return value, limit, value is not None and value <= limit


def none_of(names: Sequence[str]) -> Finding:
    """A finding that holds where there are no ``names``."""
    return tuple(sorted(names)), (), not names


def patients_in_smallest_class(metrics: Public, params: Params) -> Finding:
    """Of the train split."""
    return at_least(min(metrics.cohort.train_patients_per_class), params.min_patients_per_class)


def patients_per_record(metrics: Public, params: Params) -> Finding:
    """Train patients for each condensed record of their class."""
    patients, records = metrics.cohort.train_patients_per_class, metrics.condensed.records_per_class
    each = [n / made for n, made in zip(patients, records, strict=False) if made]
    return at_least(min(each) if each and len(patients) == len(records) else None, params.min_patients_per_record)


def patients_in_smallest_mean(metrics: Public, params: Params) -> Finding | None:
    """Where records are, or were before they were learned, means of patients."""
    averaged = metrics.condensed.averaged
    return None if averaged is None else at_least(averaged, params.min_patients_per_record)


def copied_records(metrics: Public, params: Params) -> Finding:
    """Condensed records that are a train record."""
    return at_most(metrics.condensed.copied_records, 0)


def test_auc_low(metrics: Public, params: Params) -> Finding:
    """The lower bound of the mean test AUC of models trained on the condensed set."""
    score = metrics.test_auc.get("condensed")
    low = score.low if score else None
    return low, params.min_test_auc, low is not None and low > params.min_test_auc


def attacks_missing(metrics: Public, params: Params) -> Finding:
    """Attacks of the package that the audit left out."""
    return none_of(list(set(ATTACKS) - set(metrics.privacy.attacks)))


def attacks_succeeded(metrics: Public, params: Params) -> Finding:
    """Attacks whose verdict says so."""
    return none_of([name for name, attack in metrics.privacy.attacks.items() if attack.verdict == "succeeded"])


def attacks_undecided(metrics: Public, params: Params) -> Finding:
    """Attacks that could not decide."""
    names, limit, holds = none_of(
        [name for name, attack in metrics.privacy.attacks.items() if attack.verdict == "inconclusive"]
    )
    return names, None if params.allow_inconclusive else limit, holds or params.allow_inconclusive


def audit_margin(metrics: Public, params: Params) -> Finding:
    """How far from guessing an AUC may be for certain, where an attack counts as resisted."""
    return at_most(metrics.privacy.settings.margin, MARGIN)


def audit_tpr_margin(metrics: Public, params: Params) -> Finding:
    """The same of a true positive rate."""
    return at_most(metrics.privacy.settings.tpr_margin, TPR_MARGIN)


def audit_confidence(metrics: Public, params: Params) -> Finding:
    """With which all intervals of the audit hold together."""
    return at_least(metrics.privacy.settings.confidence, CONFIDENCE)


def audit_resamples(metrics: Public, params: Params) -> Finding:
    """Of the bootstrap behind figures over shadows."""
    return at_least(metrics.privacy.settings.resamples, RESAMPLES)


def tpr_unmeasured(metrics: Public, params: Params) -> Finding | None:
    """Attacks on membership whose true positive rate at a false positive rate of 0.1 % has no upper bound."""
    if params.max_tpr is None:
        return None
    attacks = metrics.privacy.attacks.items()
    return none_of([name for name, attack in attacks if tells_members(attack) and upper_tpr(attack) is None])


def tpr_at_0_1_percent(metrics: Public, params: Params) -> Finding | None:
    """The greatest of these upper bounds."""
    if params.max_tpr is None:
        return None
    bounds = [bound for attack in metrics.privacy.attacks.values() if (bound := upper_tpr(attack)) is not None]
    return at_most(max(bounds, default=None), params.max_tpr)


def epsilon(metrics: Public, params: Params) -> Finding | None:
    """Of the guarantee of differential privacy."""
    if params.max_epsilon is None:
        return None
    guarantee = metrics.privacy.guarantee
    return at_most(guarantee.epsilon if guarantee else None, params.max_epsilon)


# By the schema that asks for them first, in the order in which they are stated
CONDITIONS: dict[int, tuple[Condition, ...]] = {
    1: (
        patients_in_smallest_class,
        patients_per_record,
        patients_in_smallest_mean,
        copied_records,
        test_auc_low,
        attacks_missing,
        attacks_succeeded,
        attacks_undecided,
        audit_margin,
        audit_tpr_margin,
        audit_confidence,
        audit_resamples,
        tpr_unmeasured,
        tpr_at_0_1_percent,
        epsilon,
    )
}


def count_copied(condensed: CondensedSet, train: Normalised) -> int:
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
