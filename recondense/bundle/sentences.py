"""What the gate's outcomes read like, for a bundle's pages, the terminal and the ledger: made from ids, here alone."""

from dataclasses import dataclass

from recondense.results.public import Limit, Outcome

# By id: what was looked at, what is required of it, and how a number is written
WORDS: dict[str, tuple[str, str, str]] = {
    "patients_in_smallest_class": ("patients in the smallest class of the train split", "at least {}", "g"),
    "patients_per_record": ("train patients per condensed record of their class", "at least {}", ".1f"),
    "patients_in_smallest_mean": ("patients in the smallest mean that a record is or was", "at least {}", "g"),
    "copied_records": ("condensed records that are a real patient's record", "{}", "g"),
    "resemblance": ("kinds of distance by which a record is too near to one patient", "{}", ""),
    "test_auc_low": ("test AUC of models trained on the condensed set, lower bound", "above {}", ".3f"),
    "test_auc_low_of_tries": ("the same bound for all sets tried since the last release", "above {}", ".3f"),
    "test_events": ("test patients in the smallest class", "at least {}", "g"),
    "test_auc_over_validation": ("what test AUC exceeds validation AUC by, for certain", "at most {}", ".3f"),
    "share_of_simple_model": (
        "share of what the best simple model of all real records gains over guessing", "at least {}", ".2f",
    ),
    "gain_over_one_variable": ("what test AUC exceeds that of the best single variable by", "above {}", ".3f"),
    "attacks_missing": ("privacy attacks that were not run", "{}", ""),
    "attacks_succeeded": ("privacy attacks that succeeded", "{}", ""),
    "attacks_above_guessing": ("privacy attacks above guessing, not for certain by this set", "{}", ""),
    "attacks_undecided": ("privacy attacks that could not decide", "{}", ""),
    "audit_margin": ("margin within which an attack's AUC counts as resisted", "at most {}", "g"),
    "audit_tpr_margin": ("the same margin of its true positive rate", "at most {}", "g"),
    "audit_confidence": ("confidence of all intervals of the audit together", "{}", "g"),
    "audit_resamples": ("resamples behind intervals over shadows", "at least {}", "g"),
    "tpr_unmeasured": (
        "privacy attacks whose true positive rate at a false positive rate of 0.1 % could not be bounded", "{}", "",
    ),
    "tpr_at_0_1_percent": (
        "upper bound of the true positive rate of privacy attacks at a false positive rate of 0.1 %", "at most {}",
        ".4f",
    ),
    "epsilon": ("epsilon of the guarantee of differential privacy", "at most {}", "g"),
    "delta": ("delta of the guarantee, the chance with which it may fail", "at most {}", "g"),
    "answers_asked": ("sets of noisy answers asked of the patients since the last release", "{}", "g"),
}  # fmt: skip
_BETTER = "raise condensation.steps or records_per_class, choose another condensation.method, or look at the data"
_QUIETER = "lower condensation.records_per_class, choose another condensation.method, or get more train patients"
# By id: what a steward can change; the last resort, a weaker limit, is told on the bundle's first page
CHANGES: dict[str, str] = {
    "patients_in_smallest_class": "get more patients of that class, or lower release.min_patients_per_class",
    "patients_per_record": "lower condensation.records_per_class, or lower release.min_patients_per_record",
    "patients_in_smallest_mean": "lower condensation.records_per_class, or lower release.min_patients_per_record",
    "copied_records": "choose another condensation.method: no param allows this",
    "resemblance": f"{_QUIETER}; or lower release.min_distance_ratio",
    "test_auc_low": f"{_BETTER}; or lower release.min_test_auc",
    "test_auc_low_of_tries": f"{_BETTER}; each further try widens this interval; or lower release.min_test_auc",
    "test_events": "raise the test share in ingestion.split, get more patients, or lower release.min_test_events",
    "test_auc_over_validation": "raise the shares in ingestion.split, or set release.allow_test_beyond_validation",
    "share_of_simple_model": f"{_BETTER}; or lower release.min_share_of_simple_model",
    "gain_over_one_variable": f"{_BETTER}; or set release.allow_no_gain_over_one_variable",
    "attacks_missing": "let privacy.attacks name all attacks",
    "attacks_succeeded": f"{_QUIETER}: no param allows this",
    "attacks_above_guessing": f"{_QUIETER}; or name the attack in release.allow_above_guessing",
    "attacks_undecided": "raise shadows.count, get more patients, or name the attack in release.allow_inconclusive",
    "audit_margin": "take privacy.margin out of params.yaml",
    "audit_tpr_margin": "take privacy.tpr_margin out of params.yaml",
    "audit_confidence": "take privacy.confidence out of params.yaml",
    "audit_resamples": "take privacy.resamples out of params.yaml",
    "tpr_unmeasured": "raise shadows.count, or take release.max_tpr out of params.yaml",
    "tpr_at_0_1_percent": f"{_QUIETER}; or raise release.max_tpr",
    "epsilon": "lower epsilon in condensation.options, or raise release.max_epsilon",
    "delta": "lower delta in condensation.options, or raise release.max_delta",
    "answers_asked": "run condensation again, which records what it asks",
}
FORMS = {"min_": ("at least {}", "usually at least {}"), "max_": ("at most {}", "usually at most {}")}


@dataclass(frozen=True)
class Sentence:
    """An outcome in words."""

    name: str
    found: str
    required: str
    holds: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.found}, required {self.required}"


def sentence(outcome: Outcome) -> Sentence:
    """The words for ``outcome``.

    >>> str(sentence(Outcome(id="test_auc_low", value=0.4876, limit=0.5, holds=False)))
    'test AUC of models trained on the condensed set, lower bound: 0.488, required above 0.5'
    """
    name, required, form = WORDS[outcome.id]
    limit = "anything" if outcome.limit is None else required.format(_value(outcome.limit, "g"))
    return Sentence(
        name, "not measured" if outcome.value is None else _value(outcome.value, form), limit, outcome.holds
    )


def _value(value: int | float | tuple[str, ...], form: str) -> str:
    if isinstance(value, tuple):
        return ", ".join(name.replace("_", " ") for name in value) or "none"
    return format(value, form)


def less(name: str, limit: Limit, usual: Limit) -> str:
    """That a gate is asked for less than usual.

    >>> less("min_test_auc", 0, 0.5), less("allow_inconclusive", True, False)
    ('test auc: at least 0, usually at least 0.5', 'inconclusive: allowed, usually not')
    >>> less("allow_inconclusive", ("reconstruction",), False)
    'inconclusive: allowed for reconstruction, usually not'
    """
    kind, about = name[:4], name.split("_", 1)[1].replace("_", " ")
    if isinstance(limit, tuple):
        return f"{about}: allowed for {_value(limit, '')}, usually not"
    if kind not in FORMS:
        return f"{about}: allowed, usually not"
    here, usually = FORMS[kind]
    return f"{about}: {'not asked for' if limit is None else here.format(f'{limit:g}')}, {usually.format(f'{usual:g}')}"
