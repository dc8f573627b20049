"""What the documents of a bundle say in the same words."""

from collections.abc import Iterator, Mapping
from math import exp

from recondense.bundle.contents import Contents
from recondense.bundle.gate import weaker
from recondense.bundle.sentences import less, sentence
from recondense.models.predictions import SIMPLE_MODELS, SINGLE_VARIABLE, TRAINING_SETS
from recondense.models.recipe import PAPER_NETWORKS
from recondense.private.guarantee import Asked
from recondense.results.attacks import Attack, NotRun, OfGuesses, OnMembers, Withheld
from recondense.results.base import Interval
from recondense.results.evidence import Evidence
from recondense.results.public import Condensed, Public
from recondense.results.releases import Strongest
from recondense.results.verdicts import Verdict

MAY = (
    "Train and compare models of the outcome, teach, and develop software, without access to real records.",
    "Use a trained model on records of your own, for research, after it has been scored on records of your own.",
)
MAY_NOT = (
    "Decide about a patient. No model trained on these records is a medical device, and none has been tested in care.",
    "Look for real patients in the records, or link them with other data to find out who took part.",
    "Estimate how frequent a finding is, or whether one thing causes another: the records were learned to predict one "
    "outcome, and nothing else that they seem to say of the patients can be relied on.",
)
RESEMBLANCE = "resemblance"  # the gate's condition that no record resembles one patient
NO_GUARANTEE = (
    "An attack that did not succeed is evidence, not a proof: this set carries no differential-privacy guarantee."
)


def guarantee(contents: Contents) -> str:
    """The sentence about differential privacy."""
    given = contents.guarantee
    if given is None:
        return NO_GUARANTEE
    return (
        f"Differential privacy with epsilon {given.epsilon:g} and delta {given.delta:g}: whatever anyone knows "
        "and does, the odds she gives to “this patient was among them” are at most "
        f"{exp(given.epsilon):.3g} times what they were before she saw this set, but for a chance of delta."
        f"{_asked(given.asked)}"
    )


def _asked(asked: Asked | None) -> str:
    """How many sets of answers this one is from."""
    if asked is None:
        return ""
    if asked.reused:
        return f" Its noisy statistics are those of asking {asked.number}, given again: no record was looked at anew."
    times = "once" if asked.draws == 1 else f"{asked.draws} times"
    used = "" if asked.draws == 1 else "; one set of answers is used here"
    return f" Noisy statistics of the patients were asked {times} since the release before this one{used}."


def notices(metrics: Public) -> list[str]:
    """What has to stand on the first page of each document: who answers for a release against the gate, and where the
    gate or the audit was not the usual one."""
    said = []
    if given := metrics.override:
        against = "; ".join(str(sentence(outcome)) for outcome in metrics.gate if outcome.id in given.against)
        said.append(f"Released against the gate by {given.by}: {given.reason} The gate's reasons: {against}.")
    if found := weaker(metrics.limits):
        asked = "; ".join(less(name, *limits) for name, limits in found.items())
        said.append(f"This cohort's gate asks for less than usual: {asked}.")
    said += _few_steps(metrics.condensed)
    if set(metrics.mean_over) != set(PAPER_NETWORKS):
        networks = ", ".join(name.replace("_", " ") for name in metrics.mean_over)
        said.append(f"Scores are means over {networks} alone; usually they are over {len(PAPER_NETWORKS)} networks.")
    said += beyond_resisted(metrics)
    said += _tried(metrics.evidence) if metrics.evidence else ()
    if own := metrics.privacy.settings.own:
        said.append(f"The attacks ran with settings of their own: {', '.join(own)}.")
    return said


def _few_steps(condensed: Condensed) -> Iterator[str]:
    if (steps := condensed.steps) and steps.asked < steps.usual:
        yield (
            f"Condensation took {steps.asked} steps; by default {condensed.method.replace('_', ' ')} takes "
            f"{steps.usual}. With fewer steps the records may be worth less than they could be."
        )


def _tried(found: Evidence) -> Iterator[str]:
    if found.refused_before:
        yield (
            f"Candidates of the cohort that the gate refused before, since the last release: {found.refused_before}. "
            f"An interval of the test AUC that holds for all these tries together is {interval(found.test_auc)}."
        )
    gain, name = found.over_single_variable, found.single_variable
    if gain is False or (isinstance(gain, Interval) and gain.mean <= 0):
        yield (
            f"A single variable{f' ({name})' if name else ''} ranks test patients at least as well as models trained "
            "on these records do."
        )


def beside_real(metrics: Public) -> str:
    """What the best model of all real records reaches, simple ones included, and the best single variable: nothing
    where a guarantee keeps both back."""
    scores, found = metrics.test_auc, metrics.evidence
    real = {name: scores[name] for name in ("all_real", *SIMPLE_MODELS) if name in scores}
    if not real:
        return ""
    best = max(real, key=lambda name: real[name].mean)
    said = f"The best that all real records give, by test AUC: {interval(real[best])} ({TRAINING_SETS[best]})."
    if SINGLE_VARIABLE in scores and found and isinstance(found.over_single_variable, Interval):
        said += (
            f" The best single variable ({found.single_variable}) alone has {interval(scores[SINGLE_VARIABLE])}; "
            f"the AUC of models trained on these records, less that one, is {interval(found.over_single_variable)}."
        )
    return said


def beyond_resisted(metrics: Public) -> list[str]:
    """How many attacks stand above guessing or could not decide, which, and what that means for whoever took part."""
    attacks, said = metrics.privacy.attacks, []
    if found := _with_verdict(attacks, "above guessing"):
        said.append(
            f"{len(found)} of {len(attacks)} attacks did better than guessing ({_names(found)}), and whether that is "
            "owed to this set could not be told. It may tell who was among the patients."
        )
    if found := _with_verdict(attacks, "inconclusive"):
        said.append(f"{len(found)} of {len(attacks)} attacks could not decide ({_names(found)}). {_unseen(found)}")
    return said


def _unseen(undecided: Mapping[str, Attack]) -> str:
    """What these attacks may have missed."""
    aucs = {name: attack.unseen_below() for name, attack in undecided.items() if isinstance(attack, OnMembers)}
    risks = {name: attack.detectable_risk for name, attack in undecided.items() if isinstance(attack, OfGuesses)}
    seen = [
        f"{figure} below {max(below):.3f}"
        for figure, of in (("an AUC", aucs), ("a risk", risks))
        if (below := [least for least in of.values() if least < 1])
    ]
    blind = {
        name: attack
        for name, attack in undecided.items()
        if isinstance(attack, NotRun) or (aucs | risks).get(name, 0) >= 1
    }
    said = [f"One with {' or '.join(seen)} may well have passed unseen."] if seen else []
    said += [f"Whatever {_names(blind)} could find may have passed unseen."] if blind else []
    return " ".join(said) or "That proves nothing."


def _with_verdict(attacks: Mapping[str, Attack], verdict: Verdict) -> dict[str, Attack]:
    return {name: attack for name, attack in attacks.items() if attack.verdict == verdict}


def _names(attacks: Mapping[str, Attack]) -> str:
    return ", ".join(name.replace("_", " ") for name in sorted(attacks))


def nobody(metrics: Public) -> str:
    """That no record is a patient's, as far as was looked: said only where the condition on it was asked as usual, and
    holds."""
    usual = "min_distance_ratio" not in weaker(metrics.limits) and not metrics.condensed.copied_records
    holds = any(outcome.id == RESEMBLANCE and outcome.holds for outcome in metrics.gate)
    if not usual or not holds:
        return ""
    kinds = f"any of {len(metrics.resemblance)} kinds" if len(metrics.resemblance) > 1 else "the one kind"
    return f"No record is a real patient's by {kinds} of distance (resemblance in metrics.json)."


def together(confidence: float) -> str:
    """With which confidence the intervals of all attacks hold, of the one figure of each that stands beside its name.

    >>> together(0.95)
    'the intervals of all AUCs and risks hold together with 95 %'
    """
    return f"the intervals of all AUCs and risks hold together with {100 * confidence:g} %"


def interval(score: Interval | Mapping[str, float]) -> str:
    """A mean with its interval; of numbers by name, as MLflow has them, the interval may be missing.

    >>> interval({"mean": 0.8, "low": 0.7, "high": 0.9}), interval({"mean": 0.8})
    ('0.800 (0.700 to 0.900)', '0.800')
    """
    found = score if isinstance(score, Mapping) else {"mean": score.mean, "low": score.low, "high": score.high}
    if "low" not in found or "high" not in found:
        return f"{found['mean']:.3f}"
    return f"{found['mean']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def reason(attack: Attack) -> str:
    """Why its verdict is what it is; nothing where a guarantee keeps that back."""
    return "" if isinstance(attack, Withheld) else attack.reason


def in_words(attack: Attack | Strongest) -> str:
    """An attack's figure: the AUC of one that tells members from others, the risk of one that guesses.

    Where a guarantee covers the people that the attack was on, figures of them are not stated.

    >>> in_words(Strongest(name="rmia", auc=0.512, low=0.48, high=0.544))
    'AUC 0.512 (0.480 to 0.544)'
    """
    if isinstance(attack, NotRun):
        return "not measured"
    if isinstance(attack, Withheld):
        return "not stated"
    name, value = ("risk", attack.risk) if isinstance(attack, OfGuesses) else ("AUC", attack.auc)
    return f"{name} {value:.3f} ({attack.low:.3f} to {attack.high:.3f})"
