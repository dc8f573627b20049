"""The gate refuses records too near to a patient and scores that chance or anything simpler explains."""

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recondense.bundle import templates
from recondense.bundle.contents import Contents
from recondense.bundle.covered import covered
from recondense.bundle.documents import datasheet
from recondense.bundle.gate import check, failed
from recondense.bundle.params import Params
from recondense.bundle.phrases import nobody
from recondense.bundle.readme import readme
from recondense.bundle.report import report
from recondense.errors import Refusal
from recondense.files.strict_json import read_json
from recondense.models.recipe import Recipes
from recondense.preprocessing.preprocessing import Feature, Preprocessing
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.results.public import Public
from recondense.stages.layout import Layout
from tasks.release import release
from tests.support.results import GUARANTEE, SCORE, judged, public

NEAR = {"lowest": 0.002, "highest": 1.1, "chance": 0.29}
FAR = {"lowest": 0.9, "highest": 1.1, "chance": 0.29}
ABOVE = {"mean": 0.2, "low": 0.05, "high": 0.35}
NO_GAIN = {"mean": 0.0, "low": -0.03, "high": 0.03}


def refused(metrics: Public, params: Params | None = None) -> list[str]:
    return [outcome.id for outcome in failed(check(metrics, params or Params()))]


@pytest.mark.parametrize(
    ("path", "value", "condition", "accepted"),
    [
        ("resemblance.as_it_is", NEAR, "resemblance", {"min_distance_ratio": 0}),
        ("resemblance.as_it_is", {**NEAR, "lowest": 1.0, "highest": 500}, "resemblance", {"min_distance_ratio": 0}),
        ("evidence.test_events", 19, "test_events", {"min_test_events": 5}),
        ("evidence.over_validation", ABOVE, "test_auc_over_validation", {"allow_test_beyond_validation": True}),
        ("evidence.share", 0.67, "share_of_simple_model", {"min_share_of_simple_model": 0.6}),
        ("evidence.share", None, "share_of_simple_model", {"min_share_of_simple_model": 0}),
        ("evidence.over_single_variable", NO_GAIN, "gain_over_one_variable", {"allow_no_gain_over_one_variable": True}),
        ("evidence.over_single_variable", None, "gain_over_one_variable", {"allow_no_gain_over_one_variable": True}),
    ],
)
@pytest.mark.parametrize("private", [False, True])
def test_each_is_refused_by_its_own_condition_unless_the_cohort_accepts_it_by_name(
    path: str, value: Any, condition: str, accepted: dict[str, Any], private: bool
) -> None:
    def stated(params: Params) -> Public:
        metrics = judged(public((path, value), ("privacy.guarantee", GUARANTEE.model_dump(mode="json"))), params)
        return covered(metrics) if private else metrics

    assert refused(stated(Params())) == [condition]
    lenient = Params(**accepted)
    assert refused(stated(lenient), lenient) == []


def test_what_was_not_measured_refuses() -> None:
    nothing = public(("evidence", None), ("resemblance", {}))
    assert refused(nothing) == [
        "resemblance", "test_auc_low_of_tries", "test_events", "test_auc_over_validation", "share_of_simple_model",
        "gain_over_one_variable",
    ]  # fmt: skip


def test_other_kinds_of_distance_do_not_stand_in_for_records_as_they_are() -> None:
    assert refused(public(("resemblance", {"steps_in_another_order": FAR}))) == ["resemblance"]


def test_a_copy_is_refused_however_near_chance_may_bring_two_people() -> None:
    assert refused(public(("resemblance.as_it_is", {**NEAR, "chance": 1e-7}))) == ["resemblance"]


def test_how_many_resamples_stand_behind_the_bound_on_test_auc_is_the_gates_to_say() -> None:
    """Of a hundred resamples, a hundred and one, and so on, some number has the lower bound that one wants."""
    wide = ("evidence.test_auc", {"mean": 0.8, "low": 0.498, "high": 0.95})
    assert refused(public(("test_auc.condensed.low", 0.501), wide)) == ["test_auc_low_of_tries"]
    assert refused(public(wide, ("evidence.refused_before", 3))) == ["test_auc_low_of_tries"]


def test_that_no_record_is_a_patients_is_not_said_where_the_gate_was_asked_for_less() -> None:
    near = ("resemblance.as_it_is", NEAR)
    assert nobody(judged(public(near), Params(min_distance_ratio=0))) == ""
    assert nobody(judged(public())) and not nobody(judged(public(("condensed.copied_records", 1))))
    more = ("resemblance.steps_in_another_order", FAR)
    assert nobody(judged(public(more))).startswith("No record is a real patient's by any of 2 kinds of distance (")


def test_a_ratio_that_chance_gives_in_a_cohort_of_few_numbers_does_not_refuse() -> None:
    assert refused(public(("resemblance.as_it_is", {"lowest": 0.1, "highest": 8, "chance": 0.08}))) == []


def test_a_guarantee_keeps_back_all_that_train_patients_have_a_part_in() -> None:
    known = covered(public(("privacy.guarantee", GUARANTEE.model_dump(mode="json"))))
    assert covered(known) == known
    assert known.resemblance == {"as_it_is": True}
    found = known.evidence
    assert found and (found.share, found.over_single_variable) == (True, True)
    assert found.best_simple is None and found.single_variable is None
    assert found.over_validation.low == -0.1, "validation patients are not asked, and their scores are declared"


@pytest.fixture
def told(tmp_path: Path) -> Any:
    """The three documents, by changes to the figures."""
    preprocessing = Preprocessing(
        step_hours=1, n_steps=3, carry_forward=True, variables=(),
        features=(Feature(name="pulse", source="series", unit="1/min", mean=80, std=9),),
    )  # fmt: skip
    records = CondensedSet(np.zeros((4, 3, 1), np.float32), np.array([0, 0, 1, 1], np.float32))

    def documents(*changes: tuple[str, Any], params: Params | None = None) -> list[str]:
        contents = Contents("pbc", records, Recipes(), preprocessing, judged(public(*changes), params))
        return [report(contents), readme(contents), datasheet(contents)]

    return documents


def test_pages_compare_with_the_best_that_all_real_records_give_however_long_networks_learned(told: Any) -> None:
    better = {**SCORE, "mean": 0.882, "low": 0.8, "high": 0.95}
    for document in told(("test_auc.all_real", {**SCORE, "mean": 0.596}), ("test_auc.boosted_trees", better)):
        assert "The best that all real records give, by test AUC: 0.882" in document
    for document in told(("test_auc.single_variable", SCORE)):
        assert "The best single variable (last bili) alone has 0.800 (0.700 to 0.900)" in document


def test_first_pages_say_what_was_tried_before_and_that_one_variable_does_as_well(told: Any) -> None:
    accepted = Params(allow_no_gain_over_one_variable=True)
    changes = (("evidence.refused_before", 3), ("evidence.over_single_variable", NO_GAIN))
    for document in told(*changes, params=accepted):
        assert "Candidates of the cohort that the gate refused before, since the last release: 3." in document
        assert "A single variable (last bili) ranks test patients at least as well" in document
        assert "no gain over one variable: allowed, usually not" in document
    assert not any(
        "gate refused before" in document or "ranks test patients at least as well" in document for document in told()
    )


@pytest.fixture
def project(small: Layout, tmp_path: Path) -> Layout:
    """The small cohort, to be changed."""
    shutil.copytree(small.root, tmp_path / "project")
    return Layout(tmp_path / "project", small.cohort)


def test_the_stage_refuses_a_set_that_holds_two_patients_each_entry_moved_a_little(project: Layout) -> None:
    path = project.folder("condensation") / "condensed.safetensors"
    honest = CondensedSet.load(path)
    train = Normalised.load(project.folder("normalisation") / "normalised.safetensors").part("train")
    values = honest.values.copy()
    signs = np.random.default_rng(0).choice([-1, 1], size=values[:2].shape)
    values[:2] = train.values[:2] + 2e-3 * signs
    CondensedSet(values, honest.labels).save(path)
    with pytest.raises(Refusal) as refusal:
        release(project)
    assert any("too near to one patient: as it is" in reason for reason in refusal.value.reasons)


def test_every_figure_that_a_bundle_states_lies_in_its_own_interval(project: Layout) -> None:
    release(project)
    seen = 0

    def walk(found: Any, where: str) -> None:
        nonlocal seen
        for key, value in found.items() if isinstance(found, dict) else enumerate(found):
            if isinstance(value, dict | list):
                walk(value, f"{where}.{key}")
        if isinstance(found, dict) and found.get("low") is not None:
            figure = next(
                found[key] for key in ("mean", "auc", "risk", "rate", "tpr", "value", "observed") if key in found
            )
            figure = found.get("observed", figure)  # of a bin of calibration, whose risk is another figure
            assert found["low"] <= figure <= found["high"], where
            seen += 1

    walk(read_json(project.folder("release") / "metrics.json"), "metrics")
    assert seen > 150


def test_sets_that_the_ledger_says_were_refused_before_are_stated_and_a_release_made_again_states_the_same(
    project: Layout,
) -> None:
    path = project.folder("condensation") / "condensed.safetensors"
    scores = project.folder("training") / "predictions.parquet"
    own = {each.relative_to(project.root).as_posix(): hashlib.md5(each.read_bytes()).hexdigest()
           for each in (path, scores)}  # fmt: skip
    others = [dict.fromkeys(own, digest * 32) for digest in "ab"]
    ledger = project.root / f"data/ledger/{project.cohort}.jsonl"
    ledger.parent.mkdir(parents=True)
    before = [("gate refused", other) for other in others]
    for lines in (before, [*before, ("gate passed", own), ("released", own)]):
        entries = [
            json.dumps({"n": n, "event": event, "details": {"inputs": inputs}})
            for n, (event, inputs) in enumerate(lines)
        ]
        ledger.write_text("\n".join(entries) + "\n")
        release(project)
        stated = read_json(project.folder("release") / "metrics.json")
        assert stated["evidence"]["refused_before"] == 2
        assert stated["evidence"]["test_auc"]["low"] < stated["test_auc"]["condensed"]["low"]


def test_what_the_first_page_has_to_say_it_says_in_red() -> None:
    page = (Path(templates.__file__).parent / "report.css.jinja").read_text()
    (name,) = re.findall(r"^\.override {[^}]*?color: var\((--\w+)\)", page, re.MULTILINE)
    shades = re.findall(rf"{name}: #(\w\w)(\w\w)(\w\w);", page)
    assert len(shades) == 2, "by day and by night"
    for shade in shades:
        red, green, blue = (int(part, 16) for part in shade)
        assert red > 1.5 * max(green, blue)
