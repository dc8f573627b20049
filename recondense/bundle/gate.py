"""The gate: every condition is evaluated, every failure is a reason. What is missing or was not measured refuses.

A condition is a function; its name is the id under which a bundle states what it came to, and
`recondense.bundle.sentences` has its words. One that is added later goes under the next schema, so that bundles of
before are judged as they were.
"""

from collections.abc import Callable, Sequence

import numpy as np

from recondense.bundle.params import Params
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import likeliest, n_classes
from recondense.results.attacks import ATTACKS, tells_members, upper_tpr
from recondense.results.evidence import Ratios
from recondense.results.public import Limit, Number, Outcome, Public
from recondense.results.verdicts import Verdict

# What an audit has to be at least: its own params cannot weaken the gate
MARGIN, TPR_MARGIN, CONFIDENCE, RESAMPLES = 0.05, 0.01, 0.95, 500
AS_IT_IS = "as_it_is"  # the kind of distance that no other stands in for
ONE_SIDED = 1.645  # standard deviations below a normal value that its mean exceeds with 95 %

Names = tuple[str, ...]
Measured = tuple[Number | Names | None, Number | Names | None, bool]  # value, limit, and whether it holds
Condition = Callable[[Public, Params], Measured | None]  # None: it is not asked for


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


def weaker(limits: dict[str, Limit]) -> dict[str, tuple[Limit, Limit]]:
    """By name, what a cohort's gate was asked and what it is asked usually, where it was asked for less."""
    usual = asked(Params())
    return {name: (limit, usual[name]) for name, limit in limits.items() if _less(name, limit, usual.get(name, limit))}


def _less(name: str, limit: Limit, usual: Limit) -> bool:
    """By the beginning of a param's ``name`` one knows in which direction it is strict."""
    if usual is None or usual == limit:
        return False
    if limit is None or name.startswith("allow_"):
        return bool(limit) or limit is None
    if isinstance(limit, tuple) or isinstance(usual, tuple):
        return True
    return limit < usual if name.startswith("min_") else limit > usual


def asked(params: Params) -> dict[str, Limit]:
    """The limits among ``params``, defaults included."""
    return params.model_dump(exclude={"override"})


def at_least(value: Number | None, limit: Number) -> Measured:
    """A finding that holds from ``limit`` upwards."""
    return value, limit, value is not None and value >= limit


def at_most(value: Number | None, limit: Number) -> Measured:
    """A finding that holds up to ``limit``."""
    return value, limit, value is not None and value <= limit


def none_of(names: Sequence[str]) -> Measured:
    """A finding that holds where there are no ``names``."""
    return tuple(sorted(names)), (), not names


def train_patients(metrics: Public) -> tuple[Number, ...]:
    """Of each class; with a guarantee as many as there are for certain, since its counts have noise that is known.

    That the smallest class has so many is then a test of size 5 %: each class has to pass it.
    """
    guarantee, stated = metrics.privacy.guarantee, metrics.cohort.train_patients_per_class
    if guarantee is None:
        return stated
    noise = guarantee.noise_of_counts()
    if noise is None or len(guarantee.counts) != len(stated):
        return ()
    certain = (max(0.0, round(count - ONE_SIDED * noise, 1)) for count in guarantee.counts)
    return tuple(min(pair) for pair in zip(stated, certain, strict=True))


def none_but(names: Sequence[str], accepted: bool | Names) -> Measured:
    """A finding that holds where there are no ``names`` but those ``accepted``; True accepts all."""
    if accepted is True:
        return tuple(sorted(names)), None, True
    limit = accepted or ()
    return tuple(sorted(names)), limit, set(names) <= set(limit)


def _with_verdict(metrics: Public, verdict: Verdict) -> list[str]:
    return [name for name, attack in metrics.privacy.attacks.items() if attack.verdict == verdict]


def patients_in_smallest_class(metrics: Public, params: Params) -> Measured:
    """Of the train split."""
    return at_least(min(train_patients(metrics), default=None), params.min_patients_per_class)


def patients_per_record(metrics: Public, params: Params) -> Measured:
    """Train patients for each condensed record of their class."""
    patients, records = train_patients(metrics), metrics.condensed.records_per_class
    each = [n / made for n, made in zip(patients, records, strict=False) if made]
    return at_least(min(each) if each and len(patients) == len(records) else None, params.min_patients_per_record)


def patients_in_smallest_mean(metrics: Public, params: Params) -> Measured | None:
    """Where records are, or were before they were learned, means of patients."""
    averaged = metrics.condensed.averaged
    return None if averaged is None else at_least(averaged, params.min_patients_per_record)


def copied_records(metrics: Public, params: Params) -> Measured:
    """Condensed records that are a train record."""
    return at_most(metrics.condensed.copied_records, 0)


def resemblance(metrics: Public, params: Params) -> Measured:
    """Kinds of distance by which a record lies too near to one patient."""
    near = [name for name, ratios in metrics.resemblance.items() if not keeps_away(ratios, params.min_distance_ratio)]
    return none_of(near) if AS_IT_IS in metrics.resemblance else (None, (), False)


def keeps_away(ratios: Ratios | bool, least: float) -> bool:
    """Whether no record lies too near to a patient by one kind of distance."""
    return ratios if isinstance(ratios, bool) else ratios.keeps(least)


def test_auc_low(metrics: Public, params: Params) -> Measured:
    """The lower bound of the mean test AUC of models trained on the condensed set."""
    score = metrics.test_auc.get("condensed")
    low = score.low if score else None
    return low, params.min_test_auc, low is not None and low > params.min_test_auc


def test_auc_low_of_tries(metrics: Public, params: Params) -> Measured:
    """The same so that it holds for the sets that were refused before, too; by resamples whose number nobody chose."""
    low = metrics.evidence.test_auc.low if metrics.evidence else None
    return low, params.min_test_auc, low is not None and low > params.min_test_auc


def test_events(metrics: Public, params: Params) -> Measured:
    """Test patients of the rarest class."""
    return at_least(metrics.evidence.test_events if metrics.evidence else None, params.min_test_events)


def test_auc_over_validation(metrics: Public, params: Params) -> Measured:
    """By how much test AUC exceeds validation AUC for certain. Validation chose the recipes, so it may be better."""
    low = metrics.evidence.over_validation.low if metrics.evidence else None
    if params.allow_test_beyond_validation:
        return low, None, True
    return at_most(low, 0)


def share_of_simple_model(metrics: Public, params: Params) -> Measured | None:
    """How much of what the best simple model of all real records gains over guessing is gained."""
    limit = params.min_share_of_simple_model
    if not limit:
        return None
    share = metrics.evidence.share if metrics.evidence else None
    return at_least((limit if share else None) if isinstance(share, bool) else share, limit)


def gain_over_one_variable(metrics: Public, params: Params) -> Measured:
    """By how much test AUC exceeds that of the best single variable."""
    limit = None if params.allow_no_gain_over_one_variable else 0
    gain = metrics.evidence.over_single_variable if metrics.evidence else None
    if isinstance(gain, bool):
        return 0 if gain else None, limit, gain or limit is None
    value = gain.mean if gain else None
    return value, limit, limit is None or (value is not None and value > limit)


def attacks_missing(metrics: Public, params: Params) -> Measured:
    """Attacks of the package that the audit left out."""
    return none_of(list(set(ATTACKS) - set(metrics.privacy.attacks)))


def attacks_succeeded(metrics: Public, params: Params) -> Measured:
    """Attacks whose verdict says so."""
    return none_of(_with_verdict(metrics, "succeeded"))


def attacks_above_guessing(metrics: Public, params: Params) -> Measured:
    """Attacks that do better than guessing, though not for certain better than what needs no condensed set."""
    return none_but(_with_verdict(metrics, "above guessing"), params.allow_above_guessing)


def attacks_undecided(metrics: Public, params: Params) -> Measured:
    """Attacks that could not decide."""
    return none_but(_with_verdict(metrics, "inconclusive"), params.allow_inconclusive)


def audit_margin(metrics: Public, params: Params) -> Measured:
    """How far from guessing an AUC may be for certain, where an attack counts as resisted."""
    return at_most(metrics.privacy.settings.margin, MARGIN)


def audit_tpr_margin(metrics: Public, params: Params) -> Measured:
    """The same of a true positive rate."""
    return at_most(metrics.privacy.settings.tpr_margin, TPR_MARGIN)


def audit_confidence(metrics: Public, params: Params) -> Measured:
    """With which all intervals of the audit hold together. With less an attack is resisted too soon; with more none
    succeeds, and what would have is undecided, which a cohort may accept."""
    confidence = metrics.privacy.settings.confidence
    return confidence, CONFIDENCE, confidence == CONFIDENCE


def audit_resamples(metrics: Public, params: Params) -> Measured:
    """Of the bootstrap behind figures over shadows."""
    return at_least(metrics.privacy.settings.resamples, RESAMPLES)


def tpr_unmeasured(metrics: Public, params: Params) -> Measured | None:
    """Attacks on membership whose true positive rate at a false positive rate of 0.1 % has no upper bound."""
    if params.max_tpr is None:
        return None
    attacks = metrics.privacy.attacks.items()
    return none_of([name for name, attack in attacks if tells_members(attack) and upper_tpr(attack) is None])


def tpr_at_0_1_percent(metrics: Public, params: Params) -> Measured | None:
    """The greatest of these upper bounds."""
    if params.max_tpr is None:
        return None
    bounds = [bound for attack in metrics.privacy.attacks.values() if (bound := upper_tpr(attack)) is not None]
    return at_most(max(bounds, default=None), params.max_tpr)


def epsilon(metrics: Public, params: Params) -> Measured | None:
    """Of the guarantee of differential privacy."""
    if params.max_epsilon is None:
        return None
    guarantee = metrics.privacy.guarantee
    return at_most(guarantee.epsilon if guarantee else None, params.max_epsilon)


def delta(metrics: Public, params: Params) -> Measured | None:
    """Of the same: far below one patient's share, or a release of one patient whole would satisfy it."""
    guarantee = metrics.privacy.guarantee
    if guarantee is None:
        return None if params.max_delta is None else at_most(None, params.max_delta)
    usual = float(f"{1 / (10 * max(1.0, sum(guarantee.counts))):.3g}")
    return at_most(guarantee.delta, usual if params.max_delta is None else min(usual, params.max_delta))


def answers_asked(metrics: Public, params: Params) -> Measured | None:
    """How many sets of answers were asked of the patients since the last release: any number, but it has to be said."""
    guarantee = metrics.privacy.guarantee
    if guarantee is None:
        return None
    return guarantee.asked.draws if guarantee.asked else None, None, guarantee.asked is not None


# By the schema that asks for them first, in the order in which they are stated
CONDITIONS: dict[int, tuple[Condition, ...]] = {
    1: (
        patients_in_smallest_class,
        patients_per_record,
        patients_in_smallest_mean,
        copied_records,
        resemblance,
        test_auc_low,
        test_auc_low_of_tries,
        test_events,
        test_auc_over_validation,
        share_of_simple_model,
        gain_over_one_variable,
        attacks_missing,
        attacks_succeeded,
        attacks_above_guessing,
        attacks_undecided,
        audit_margin,
        audit_tpr_margin,
        audit_confidence,
        audit_resamples,
        tpr_unmeasured,
        tpr_at_0_1_percent,
        epsilon,
        delta,
        answers_asked,
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
