"""The privacy stage: planted leaks are found, and what is not a leak is not called one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recondense.condensation.baselines import random_records
from recondense.errors import InputError
from recondense.files.strict_json import write_json
from recondense.privacy.attacks import Shadows, Target
from recondense.privacy.audit import audited
from recondense.privacy.params import ATTACKS, Params
from recondense.privacy.shadows.sets import ShadowSets
from recondense.privacy.with_shadows import needs_shadows
from recondense.records.cohort import SPLITS, Normalised
from recondense.records.condensed import CondensedSet
from recondense.stages import plugins
from recondense.stages.layout import Layout
from recondense.stages.params import section
from tasks.privacy import privacy
from tests.support.auditing import cohort, independent, labels_of, shadows_made
from tests.support.condensing import state_of_numpy
from tests.support.paths import REPO

QUICK: dict[str, dict[str, Any]] = {
    "loss_membership": {"networks": ["tcn_beta"], "repeats": 1, "recipe": {"steps": 100}},
    "reconstruction": {"networks": 1, "steps": 40},
    "singling_out": {"predicates": 300},
}
EVERY = plugins.names(ATTACKS)
WITHOUT_SHADOWS = [name for name in EVERY if not needs_shadows(name)]  # others: test_shadow_attacks
SCORING = [name for name in EVERY if hasattr(plugins.load(ATTACKS, name), "scores")]
GUESSING = [name for name in EVERY if name not in SCORING]


def audit(name: str, records: Normalised, condensed: CondensedSet, **params: Any) -> dict[str, Any]:
    module = plugins.load(ATTACKS, name)
    return audited(name, module.Options(**QUICK.get(name, {})), records, condensed, Params(**params)).as_json()


def project(root: Path, records: Normalised, condensed: CondensedSet, shadows: int = 0, **params: Any) -> Layout:
    (root / "dvc.yaml").touch()
    (root / "params.yaml").write_text(f"cohorts: {{tiny: {{privacy: {params!r}}}}}")
    layout = Layout(root, "tiny")
    layout.folder("normalisation").mkdir(parents=True)
    layout.folder("condensation").mkdir(parents=True)
    records.save(layout.folder("normalisation") / "normalised.safetensors")
    condensed.save(layout.folder("condensation") / "condensed.safetensors")
    layout.folder("shadows").mkdir(parents=True)
    known = np.random.default_rng(0).random((shadows, int((~np.isnan(records.labels)).sum()))) < 0.5
    values, labels = (
        np.stack([array] * shadows) if shadows else array[None][:0] for array in (condensed.values, condensed.labels)
    )
    ShadowSets(values, labels, known).save(layout.folder("shadows") / "shadows.safetensors")
    made = shadows_made(steps=1, release_steps=1).model_copy(update={"order": records.labelled().order()})
    write_json(layout.folder("shadows") / "metrics.json", made.as_json())
    return layout


@pytest.mark.parametrize("name", SCORING)
def test_every_attack_gives_one_finite_score_a_candidate_and_the_same_again(name: str) -> None:
    module, records = plugins.load(ATTACKS, name), cohort(20, 10, 10)
    before = torch.random.get_rng_state()
    people = cohort(60, 0, 0, seed=5).values
    rng = np.random.default_rng(0)
    shadows = Shadows(rng.standard_normal(40), rng.standard_normal((6, 40)), rng.random((6, 40)) < 0.5)
    target = Target(independent(3), records.values, records.labels, 0, torch.device("cpu"), people, shadows)
    scores = [module.scores(target, module.Options(**QUICK.get(name, {}))) for _ in range(2)]
    assert scores[0].shape == (40,) and scores[0].dtype == np.float64
    assert np.isfinite(scores[0]).all() and scores[0].tolist() == scores[1].tolist()
    assert torch.equal(before, torch.random.get_rng_state()), "torch's global generator was moved"


@pytest.mark.parametrize("name", WITHOUT_SHADOWS)
def test_a_condensed_set_of_train_records_is_found_out(name: str) -> None:
    records = cohort(60, 60, 120)
    train = records.part("train")
    result = audit(name, records, CondensedSet(train.values, train.labels))
    assert result["verdict"] == "succeeded", result["reason"]
    if name in SCORING:
        assert result["low"] > 0.5 and (result["n_members"], result["n_non_members"]) == (60, 120)
    else:
        assert result["low"] > 0.5, "of a risk, half of what there is to know"


@pytest.mark.parametrize("name", [name for name in WITHOUT_SHADOWS if name in SCORING])
@pytest.mark.parametrize("seed", [0, 1])
def test_records_of_nobody_in_the_cohort_tell_nothing(name: str, seed: int) -> None:
    size = 3000 if name == "domias" else 900  # of 900 an AUC is by luck beyond .52 or .48 in one of seven draws
    result = audit(name, cohort(size, 300, size, seed=seed), independent())
    assert result["verdict"] != "succeeded"
    assert abs(result["auc"] - 0.5) < 0.05
    if result["positive_control"]["detected"]:
        assert result["verdict"] == "resisted", result["reason"]


@pytest.mark.parametrize("name", GUESSING)
def test_guesses_from_records_of_nobody_in_the_cohort_are_no_disclosure(name: str) -> None:
    records = cohort(900, 300, 900)
    result = audit(name, records, independent())
    assert result["verdict"] != "succeeded" and result["low"] == 0
    assert any(found["positive_control"]["detected"] for found in result["variants"].values())
    if name != "reconstruction":  # whose guesses are as few as there are condensed records
        assert "resisted" in [found["verdict"] for found in result["variants"].values()]
    assert result == audit(name, records, independent()), "equal arguments, equal figures"


@pytest.mark.parametrize("name", GUESSING)
def test_guesses_are_the_same_again_and_leave_global_generators_alone(name: str) -> None:
    module, records = plugins.load(ATTACKS, name), cohort(40, 20, 30)
    target = Target(independent(3), records.values, records.labels, 0, torch.device("cpu"))
    before, numpy_before = torch.random.get_rng_state(), state_of_numpy()
    first, again = (module.guesses(target, module.Options(**QUICK.get(name, {}))) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert numpy_before == state_of_numpy()
    assert first and list(first) == list(again)
    members, others = np.arange(40), np.arange(60, 90)
    assert [g.tally(members, others) for g in first.values()] == [g.tally(members, others) for g in again.values()]


@pytest.mark.parametrize("name", ["linkability", "attribute_inference", "singling_out", "reconstruction"])
def test_a_few_patients_handed_over_as_they_are_are_found_by_guesses_too(name: str) -> None:
    records = cohort(300, 100, 200)
    result = audit(name, records, random_records(records.part("train"), 10, seed=3))
    assert result["verdict"] == "succeeded", result["reason"]
    assert result["rates"]["members"]["low"] > result["rates"]["baseline"]["rate"]


@pytest.mark.parametrize("name", GUESSING)
def test_guesses_are_told_from_luck_among_as_many_attacks_as_there_are(name: str) -> None:
    """The more attacks share the confidence, the rarer a coincidence must be, and the more exchanges show that. Of the
    few people of whom an attacker is surest so few are validation records that a shift may explain the gain."""
    records, module = cohort(300, 100, 200), plugins.load(ATTACKS, name)
    released = random_records(records.part("train"), 10, seed=3)
    result = audited(
        name, module.Options(**QUICK.get(name, {})), records, released, Params().of_each(len(EVERY))
    ).as_json()
    assert result["verdict"] in ("succeeded", "above guessing"), result["reason"]


def test_the_population_that_an_attack_is_given_is_half_of_the_validation_part_and_judged_on_the_other() -> None:
    result = audit("domias", cohort(60, 61, 60), independent())
    assert result["negative_control"]["n_members"] == 31
    assert audit("nearest_record", cohort(60, 61, 60), independent())["negative_control"]["n_members"] == 61


def test_a_shifted_test_split_is_no_disclosure() -> None:
    records = cohort(400, 200, 400)
    records.values[records.split == SPLITS.index("test")] *= 1.5
    for name in GUESSING:
        assert audit(name, records, independent())["verdict"] != "succeeded", name


def test_real_records_handed_over_whole_are_always_detected_by_the_nearest_record() -> None:
    positive = audit("nearest_record", cohort(900, 300, 900), independent())["positive_control"]
    assert positive["detected"] and positive["n_members"] == 20
    assert positive["tpr_at_fpr"]["0.01"]["tpr"] == 1.0


def test_a_few_patients_in_the_set_as_they_are_are_found_though_hardly_anyone_is_a_member_of_it() -> None:
    records = cohort(131, 50, 79)
    result = audit("nearest_record", records, random_records(records.part("train"), 10, seed=3))
    assert result["low"] < 0.5, "the AUC does not show them"
    assert result["tpr_at_fpr"]["0.01"]["tpr"] is None, "nor is there a false positive rate of 1 % in 79 others"
    assert result["verdict"] == "succeeded" and result["tpr_at_fpr"]["0"]["tpr"] >= 20 / 131


def test_few_records_are_inconclusive_with_the_auc_that_could_have_been_seen() -> None:
    result = audit("nearest_record", cohort(30, 15, 30), independent())
    assert result["verdict"] == "inconclusive" and result["reason"].startswith("too few records")
    assert 0.6 < result["detectable_auc"] < 0.8
    assert result["tpr_at_fpr"]["0.01"]["tpr"] is None


def test_a_shifted_test_split_is_caught_by_the_control() -> None:
    records = cohort(400, 200, 400)
    records.values[records.split == SPLITS.index("test")] *= 1.5
    result = audit("nearest_record", records, independent())
    assert result["low"] > 0.6, "the attack alone would look like a success"
    assert result["negative_control"]["low"] > 0.6
    assert result["verdict"] == "above guessing" and "train and held-out records differ" in result["reason"]


def test_the_stage_writes_figures_and_nothing_about_any_one_record(tmp_path: Path) -> None:
    quick = {"signals": {"networks": ["logistic_regression"]}, "resamples": 100}
    layout = project(tmp_path, cohort(30, 15, 30), independent(), shadows=4, options=QUICK, **quick)
    metrics = privacy(layout)
    assert [path.name for path in layout.folder("privacy").iterdir()] == ["metrics.json"]
    assert metrics["tier"] == "aggregate" and set(metrics["attacks"]) == set(EVERY)

    def leaves(item: Any) -> list[Any]:
        return [leaf for value in item.values() for leaf in leaves(value)] if isinstance(item, dict) else [item]

    settings = metrics.pop("settings")
    assert all(isinstance(leaf, int | float | str | None) for leaf in leaves(metrics)), "no lists"
    assert settings["own"] == sorted(
        ["signals.networks", *(f"options.{name}.{key}" for name, options in QUICK.items() for key in options)]
    )
    again = privacy(layout)
    assert metrics["attacks"] == again["attacks"]


def test_records_without_an_outcome_take_no_part(tmp_path: Path) -> None:
    records = cohort(30, 15, 30)
    records.labels[:4] = np.nan
    metrics = privacy(project(tmp_path, records, independent(), attacks=["nearest_record"]))
    assert list(metrics["attacks"]) == ["nearest_record"]
    assert metrics["attacks"]["nearest_record"]["n_members"] == 26


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"attacks": ["nonesuch"]},
            "no 'nonesuch' in recondense/privacy/attacks; choose from: .*loss_membership.*nearest_record",
        ),
        ({"attacks": []}, "name at least one attack"),
        ({"options": {"nonesuch": {}}}, "no 'nonesuch'"),
        ({"options": {"nearest_record": {"k": 2}}}, "options.nearest_record.k is not a known parameter"),
        ({"options": {"loss_membership": {"networks": ["resnet"]}}}, "no 'resnet' in recondense/models/networks"),
        ({"margin": 0.7}, "margin: .*less than 0.5"),
    ],
)
def test_what_cannot_work_is_said_before_any_work(params: dict[str, Any], message: str, tmp_path: Path) -> None:
    layout = project(tmp_path, cohort(30, 15, 30), independent(), **params)
    with pytest.raises(InputError, match=message):
        privacy(layout)
    assert not layout.folder("privacy").exists()


def test_a_condensed_set_of_another_cohort_is_refused(tmp_path: Path) -> None:
    other = CondensedSet(np.zeros((4, 4, 6), np.float32), labels_of(0, 1, 0, 1))
    with pytest.raises(InputError, match=r"\(4, 6\) \(steps, features\), the cohort's \(4, 5\): condense again"):
        privacy(project(tmp_path, cohort(30, 15, 30), other))


def test_a_split_with_one_outcome_is_refused(tmp_path: Path) -> None:
    records = cohort(30, 15, 30)
    one_sided = replace(records, labels=np.where(records.split == 1, 0, records.labels).astype(np.float32))
    with pytest.raises(InputError, match="the validation split lacks an outcome"):
        privacy(project(tmp_path, one_sided, independent()))


def test_the_repository_s_own_params_are_valid() -> None:
    for name in ("pbcseq", "physionet2012"):
        assert section(REPO, name, "privacy", Params).chosen() == plugins.names(ATTACKS)
