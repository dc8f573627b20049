"""The gate by the ids of its conditions: what is missing, misspelt or not measured never passes."""

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jinja2 import UndefinedError
from pydantic import ValidationError

from recondense.bundle import gate
from recondense.bundle.covered import covered
from recondense.bundle.gate import CONDITIONS, check, failed, weaker
from recondense.bundle.params import Params
from recondense.bundle.phrases import beyond_resisted, notices
from recondense.bundle.sentences import WORDS, sentence
from recondense.bundle.templates import render
from recondense.errors import InputError
from recondense.models.recipe import PAPER_NETWORKS
from recondense.privacy.params import ATTACKS as ROOM
from recondense.privacy.params import Params as PrivacyParams
from recondense.results.attacks import ATTACKS
from recondense.results.audit import Settings, overall
from recondense.results.public import SCHEMA, Public
from recondense.stages import plugins
from tests.support.results import GUARANTEE, METRICS, changed, guessing, public, scoring, shadowed

STRICT = Params(max_tpr=0.005, max_epsilon=1)
MEASURED = tuple(
    (f"privacy.attacks.{name}", shadowed(0.004)) for name in ATTACKS if METRICS["privacy"]["attacks"][name].get("auc")
)


def refused(metrics: Public, params: Params) -> list[str]:
    return [outcome.id for outcome in failed(check(metrics, params))]


def test_the_gate_passes_what_satisfies_every_condition_and_says_what_each_came_to() -> None:
    outcomes = {outcome.id: outcome for outcome in check(public(), Params())}
    assert all(outcome.holds for outcome in outcomes.values())
    assert (outcomes["test_auc_low"].value, outcomes["test_auc_low"].limit) == (0.7, 0.5)
    assert (outcomes["patients_per_record"].value, outcomes["attacks_missing"].value) == (15.0, ())


@pytest.mark.parametrize(
    ("path", "value", "params", "ids"),
    [
        ("cohort.train_patients_per_class", [90, 19], Params(), ["patients_in_smallest_class"]),
        ("condensed.records_per_class", [2, 11], Params(), ["patients_per_record"]),
        ("condensed.records_per_class", [2, 2, 2], Params(), ["patients_per_record"]),
        ("condensed.records_per_class", [0, 0], Params(), ["patients_per_record"]),
        ("condensed.averaged", 2, Params(), ["patients_in_smallest_mean"]),
        ("condensed.copied_records", 1, Params(), ["copied_records"]),
        ("test_auc.condensed.low", 0.5, Params(), ["test_auc_low"]),
        ("test_auc", {}, Params(), ["test_auc_low"]),
        ("privacy.attacks.rmia.verdict", "succeeded", Params(), ["attacks_succeeded"]),
        ("privacy.attacks.rmia.verdict", "inconclusive", Params(), ["attacks_undecided"]),
        ("privacy.attacks.rmia.verdict", "above guessing", Params(), ["attacks_above_guessing"]),
        ("privacy.attacks.rmia.verdict", "above guessing", Params(allow_inconclusive=True), ["attacks_above_guessing"]),
        ("privacy.attacks.rmia.verdict", "inconclusive", Params(allow_above_guessing=True), ["attacks_undecided"]),
        ("privacy.settings.margin", 0.49, Params(), ["audit_margin"]),
        ("privacy.settings.tpr_margin", 0.02, Params(), ["audit_tpr_margin"]),
        ("privacy.settings.confidence", 0.51, Params(), ["audit_confidence"]),
        ("privacy.settings.confidence", 0.999999, Params(), ["audit_confidence"]),  # so certain of nothing succeeds
        ("privacy.settings.resamples", 100, Params(), ["audit_resamples"]),
    ],
)
def test_the_gate_refuses_by_the_id_of_each_condition_that_fails(
    path: str, value: Any, params: Params, ids: list[str]
) -> None:
    beside = () if params is not STRICT else (*MEASURED, ("privacy.guarantee", GUARANTEE.model_dump(mode="json")))
    assert refused(public(*beside, (path, value)), params) == ids


def test_attacks_that_could_not_decide_are_accepted_by_name_and_no_other() -> None:
    accepted = Params(allow_inconclusive=("reconstruction",))
    one = ("privacy.attacks.reconstruction.verdict", "inconclusive")
    assert refused(public(one), Params()) == ["attacks_undecided"]
    assert refused(public(one), accepted) == []
    assert refused(public(one, ("privacy.attacks.rmia.verdict", "inconclusive")), accepted) == ["attacks_undecided"]
    assert weaker(gate.asked(accepted)) == {"allow_inconclusive": (("reconstruction",), False)}


def test_the_first_page_says_how_many_attacks_decided_nothing_and_what_may_have_passed_unseen() -> None:
    assert beyond_resisted(public()) == []
    told = beyond_resisted(
        public(
            ("privacy.attacks.domias", scoring(verdict="inconclusive") | {"detectable_auc": 0.68}),
            ("privacy.attacks.rmia", shadowed(0.1) | {"verdict": "inconclusive", "detectable_auc": 0.9}),
            ("privacy.attacks.linkability.verdict", "inconclusive"),
            ("privacy.attacks.tracing.verdict", "above guessing"),
        )
    )
    assert told == [
        "1 of 11 attacks did better than guessing (tracing), and whether that is owed to this set could not be told. "
        "It may tell who was among the patients.",
        "3 of 11 attacks could not decide (domias, linkability, rmia). One with an AUC below 0.680 or a risk below "
        "0.060 may well have passed unseen.",
    ]


def test_the_first_page_says_which_attacks_would_have_found_nothing_whatever_there_is() -> None:
    not_run = ("privacy.attacks.rmia", {"kind": "not_run", "verdict": "inconclusive", "reason": "no shadows"})
    blind = ("privacy.attacks.reconstruction", guessing() | {"verdict": "inconclusive", "detectable_risk": 1.0})
    seeing = ("privacy.attacks.domias", scoring(verdict="inconclusive") | {"detectable_auc": 0.68})
    assert beyond_resisted(public(not_run, blind, seeing)) == [
        "3 of 11 attacks could not decide (domias, reconstruction, rmia). One with an AUC below 0.680 may well have "
        "passed unseen. Whatever reconstruction, rmia could find may have passed unseen."
    ]
    assert beyond_resisted(public(not_run)) == [
        "1 of 11 attacks could not decide (rmia). Whatever rmia could find may have passed unseen."
    ]
    weak = shadowed(0.1) | {"verdict": "inconclusive", "detectable_auc": 0.7}
    weak["shadows"] = {"count": 16, "steps": 1, "release_steps": 100}
    (said,) = beyond_resisted(public(("privacy.attacks.rmia", weak)))
    assert "an AUC below 0.700" in said, "shadows of fewer steps show nothing of what the release gives away"


@pytest.mark.parametrize("networks", [["tcn_beta"], ["boosted_trees"]])
def test_scores_of_chosen_networks_are_said_to_be_so_on_the_first_page(networks: list[str]) -> None:
    """Who has seen every network's test score could name the best one alone."""
    assert any(networks[0].replace("_", " ") in notice for notice in notices(public(("mean_over", networks))))
    assert notices(public(("mean_over", list(PAPER_NETWORKS)))) == []


def test_another_seed_of_the_audit_is_told_as_another_setting() -> None:
    assert PrivacyParams(seed=7).settings()["own"] == ["seed"]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_audit_that_left_out_an_attack_is_refused(name: str) -> None:
    metrics = changed()
    del metrics["privacy"]["attacks"][name]
    (outcome,) = failed(check(Public.model_validate(metrics), Params()))
    assert (outcome.id, outcome.value) == ("attacks_missing", (name,))


def test_every_attack_of_the_package_has_to_run_and_one_of_ones_own_may() -> None:
    assert list(ATTACKS) == plugins.names(ROOM)
    assert refused(public(("privacy.attacks.mine", scoring())), Params()) == []


def test_the_packages_own_audit_is_as_strict_as_the_gate_asks() -> None:
    usual = Settings.model_validate(PrivacyParams().settings())
    assert (usual.margin, usual.tpr_margin) == (gate.MARGIN, gate.TPR_MARGIN)
    assert (usual.confidence, usual.resamples, usual.own) == (gate.CONFIDENCE, gate.RESAMPLES, ())


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        (MEASURED, []),
        ((*MEASURED, ("privacy.attacks.rmia", shadowed(0.006))), ["tpr_at_0_1_percent"]),
        ((*MEASURED, ("privacy.attacks.rmia", shadowed(0.004, own=0.02))), []),  # the set's own figure says less
        ((*MEASURED, ("privacy.attacks.rmia", shadowed(None, own=0.001))), ["tpr_unmeasured"]),
        ((*MEASURED, ("privacy.attacks.domias", scoring(None))), ["tpr_unmeasured"]),
        ((*MEASURED, ("privacy.attacks.domias", scoring(0.006))), ["tpr_at_0_1_percent"]),
        ((*MEASURED, ("privacy.attacks.rmia.over_shadows.tpr_at_fpr", {})), ["tpr_unmeasured"]),
        ((*MEASURED, ("privacy.attacks.rmia", {"kind": "not_run", "verdict": "inconclusive", "reason": "no shadows"})),
         ["tpr_unmeasured"]),
        ((), ["tpr_unmeasured", "tpr_at_0_1_percent"]),
    ],
)  # fmt: skip
def test_a_true_positive_rate_that_is_bounded_must_be_measured_and_low(
    changes: tuple[tuple[str, Any], ...], ids: list[str]
) -> None:
    assert refused(public(*changes), Params(allow_inconclusive=True, max_tpr=0.005)) == ids
    assert refused(public(*changes), Params(allow_inconclusive=True)) == [], "nothing is asked by default"


@pytest.mark.parametrize(
    ("figures", "key", "misspelt"),
    [
        ("privacy.attacks.rmia", "over_shadows", "over_shadow"),
        ("privacy.attacks.rmia.over_shadows", "tpr_at_fpr", "tpr_at_fprs"),
        ("privacy.attacks.rmia.over_shadows.tpr_at_fpr", "0.001", "0.0010"),
        ("privacy.attacks.rmia.over_shadows.tpr_at_fpr.0.001", "high", "hihg"),
    ],
)
def test_a_misspelt_key_of_a_rate_is_an_error_or_refuses(figures: str, key: str, misspelt: str) -> None:
    metrics = changed(*MEASURED)
    target = metrics
    for step in figures.replace("0.001", "0_001").split("."):
        target = target[step.replace("0_001", "0.001")]
    target[misspelt] = target.pop(key)
    try:
        found = refused(Public.model_validate(metrics), Params(max_tpr=0.005))
    except ValidationError:
        return
    assert found == ["tpr_unmeasured"]


# A value of each figure that a condition reads for which it refuses
READ: dict[str, Any] = {
    "cohort.train_patients_per_class": [3, 2],
    "condensed.records_per_class": [80, 80],
    "condensed.averaged": 1,
    "condensed.copied_records": 4,
    "test_auc.condensed.low": 0.1,
    "privacy.attacks.domias.verdict": "inconclusive",
    "privacy.attacks.rmia.verdict": "succeeded",
    "privacy.attacks.rmia.over_shadows.tpr_at_fpr.0_001.high": 0.5,
    "privacy.attacks.nearest_record.tpr_at_fpr.0_001.high": 0.5,
    "privacy.settings.margin": 0.4,
    "privacy.settings.tpr_margin": 0.4,
    "privacy.settings.confidence": 0.6,
    "privacy.settings.resamples": 1,
    "privacy.guarantee.epsilon": 9.0,
    "privacy.guarantee.delta": 0.009,
    "privacy.guarantee.counts": [300.0, 18.0],
    "privacy.guarantee.asked": None,
}


@pytest.mark.parametrize("path", READ)
def test_what_is_refused_for_a_figure_is_refused_without_it_or_cannot_be_read(path: str) -> None:
    keys = [key.replace("0_001", "0.001") for key in path.split(".")]
    for length in range(1, len(keys) + 1):
        metrics = changed(*MEASURED, ("privacy.guarantee", GUARANTEE.model_dump(mode="json")))
        metrics["privacy"]["attacks"]["nearest_record"] = scoring(0.004)
        assert refused(Public.model_validate(metrics), STRICT) == []
        target = metrics
        for key in keys[:-1]:
            target = target[key]
        target[keys[-1]] = READ[path]
        verdicts = [attack["verdict"] for attack in metrics["privacy"]["attacks"].values()]
        metrics["privacy"]["verdict"] = overall(verdicts)
        assert refused(Public.model_validate(metrics), STRICT), "the value is one that refuses"
        target = metrics
        for key in keys[: length - 1]:
            target = target[key]
        del target[keys[length - 1]]
        with contextlib.suppress(ValidationError):
            assert refused(Public.model_validate(metrics), STRICT), keys[:length]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "high"])
def test_a_figure_that_is_no_number_is_an_error(value: Any) -> None:
    with pytest.raises(ValidationError):
        public(("test_auc.condensed.low", value))


@pytest.mark.parametrize(("high", "passes"), [(0.004, True), (0.006, False), (None, False)])
def test_a_bundle_with_a_guarantee_passes_the_bound_on_a_rate_that_it_does_not_state(
    high: float | None, passes: bool
) -> None:
    asked = Params(max_tpr=0.005)
    metrics = public(*MEASURED, ("privacy.attacks.rmia", shadowed(high)), ("limits", gate.asked(asked)),
                     ("privacy.guarantee", GUARANTEE.model_dump(mode="json")))  # fmt: skip
    stated = covered(metrics)
    assert covered(stated) == stated, "nothing but what a guarantee covers"
    assert stated.privacy.attacks["rmia"].model_dump() == {
        "kind": "withheld", "verdict": "resisted", "tells_members": True, "tpr_at_most": 0.005 if passes else None,
    }  # fmt: skip
    assert refused(stated, asked) == ([] if passes else ["tpr_unmeasured"])


def test_no_guarantee_or_a_weak_one_is_refused_where_one_is_asked_for() -> None:
    (none,) = failed(check(public(), Params(max_epsilon=1)))
    assert (none.id, none.value) == ("epsilon", None) and "not measured" in str(sentence(none))
    weak = public(("privacy.guarantee", GUARANTEE.model_dump(mode="json")))
    assert refused(weak, Params(max_epsilon=0.5)) == ["epsilon"]


@pytest.mark.parametrize(
    ("delta", "most", "holds"),
    [(0.0099, None, False), (1e-4, None, True), (9e-4, None, False), (1e-4, 1e-5, False), (9e-4, 0.5, False)],
)
def test_delta_stays_below_a_tenth_of_one_patient_s_share_and_a_param_can_only_ask_for_less(
    delta: float, most: float | None, holds: bool
) -> None:
    given = GUARANTEE.model_copy(update={"delta": delta}).model_dump(mode="json")  # of 120 patients, give or take
    assert refused(public(("privacy.guarantee", given)), Params(max_epsilon=9, max_delta=most)) == (
        [] if holds else ["delta"]
    )


def test_no_delta_is_refused_where_one_is_asked_for() -> None:
    assert refused(public(), Params(max_delta=1e-5)) == ["delta"]


def test_a_noisy_count_is_enough_only_where_its_noise_cannot_be_why() -> None:
    """A class of 18 passes the limit of 20 in one set of answers in twenty at the most."""
    query = GUARANTEE.queries[0].model_copy(update={"sigma": 40.0})
    given = GUARANTEE.model_copy(update={"queries": (query,), "delta": 1e-9})
    rng, passes = np.random.default_rng(0), []
    for noise in rng.normal(0, 40, 2000):
        found = public(("privacy.guarantee", given.model_copy(update={"counts": (500.0, 18 + noise)}).model_dump()))
        passes.append("patients_in_smallest_class" not in refused(found, Params()))
    assert 0.03 < np.mean(passes) < 0.06
    assert refused(public(("privacy.guarantee", given.model_dump(mode="json"))), Params(min_patients_per_record=1)) == [
        "patients_in_smallest_class", "patients_per_record",
    ], "31 with noise of 40 may be anything"  # fmt: skip


def test_counts_whose_noise_is_not_known_are_not_enough() -> None:
    query = GUARANTEE.queries[0].model_copy(update={"name": "sums"})
    given = GUARANTEE.model_copy(update={"queries": (query,)}).model_dump(mode="json")
    assert refused(public(("privacy.guarantee", given)), Params()) == [
        "patients_in_smallest_class",
        "patients_per_record",
    ]


def test_every_condition_has_its_words_and_words_have_their_condition() -> None:
    assert {condition.__name__ for some in CONDITIONS.values() for condition in some} == set(WORDS)
    assert max(CONDITIONS) <= SCHEMA, "a schema may add no condition, and rename a figure"


def test_a_bundle_of_an_earlier_schema_is_not_asked_for_what_came_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def later(metrics: Public, params: Params) -> gate.Measured:
        return None, 1, False

    monkeypatch.setitem(CONDITIONS, SCHEMA + 1, (later,))
    assert refused(public(), Params()) == []
    assert refused(public().model_copy(update={"schema_": SCHEMA + 1}), Params()) == ["later"]


def test_a_gate_that_asks_for_less_than_usual_is_told_by_each_limit() -> None:
    asked = gate.asked(Params(min_test_auc=0, min_patients_per_class=30, max_tpr=0.5))
    assert weaker(asked) == {"min_test_auc": (0, 0.5)}
    assert all(name.split("_")[0] in ("min", "max", "allow") for name in asked), "the name says which way it is strict"


def test_a_verdict_over_all_attacks_that_is_not_theirs_is_an_error() -> None:
    metrics = changed(("privacy.attacks.rmia.verdict", "succeeded"))
    metrics["privacy"]["verdict"] = "resisted"
    with pytest.raises(ValidationError, match="verdict"):
        Public.model_validate(metrics)


@pytest.mark.parametrize(
    "text", ["{{ metrics.test_acu }}", "{{ metrics.test_auc.condnesed }}", "{% if nothing %}x{% endif %}"]
)
def test_a_name_that_a_template_does_not_know_is_an_error_and_leaves_no_hole(tmp_path: Path, text: str) -> None:
    (tmp_path / "page.html.jinja").write_text(text)
    with pytest.raises(UndefinedError):
        render("page.html.jinja", tmp_path, metrics=public())


def test_results_of_another_version_are_named_with_the_mend_and_without_a_value(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps({**changed(), "mean_over": [], "surname": "Miller"}))
    with pytest.raises(InputError) as wrong:
        Public.load(tmp_path / "metrics.json")
    assert "mean_over" in str(wrong.value) and "surname" in str(wrong.value) and "`recondense run`" in str(wrong.value)
    assert "Miller" not in str(wrong.value)
