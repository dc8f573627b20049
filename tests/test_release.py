"""The gate refuses with reasons; a bundle is what it claims or `verify` says what is not."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tasks.common.guarantee import Guarantee, Query, epsilon
from tasks.common.hashes import sha256
from tasks.common.layout import Layout
from tasks.common.preprocessing import Feature, Preprocessing
from tasks.common.records import CondensedSet, Normalised
from tasks.networks.recipe import Calibration, Recipe, Recipes
from tasks.release.bundle import write_bundle
from tasks.release.contents import Contents
from tasks.release.documents import DOCUMENTS, write_documents
from tasks.release.gate import conditions, copied_records
from tasks.release.params import Params
from tasks.release.private import bounded, covered
from tasks.release.verify import verify
from tests.project import QUICK

RECIPES = Recipes(families={"lstm": Recipe(steps=40, calibration=Calibration(slope=0.9, intercept=-1.8))})
INTERVAL = {"mean": 0.8, "low": 0.7, "high": 0.9}
METRICS: dict[str, Any] = {
    "cohort": {
        "train_patients_per_class": [90, 30],
        "subjects": {"test": 40},
        "counts": {},
        "source": {"title": "PBC", "licence": "LGPL", "citation": "Murtaugh 1994", "url": "https://example.org"},
        "prevalence": {},
    },
    "condensed": {"method": "kmeans", "records_per_class": [2, 2], "copied_records": 0, "averaged": 12, "seconds": 1.0},
    "test_auc": {name: INTERVAL for name in ("condensed", "all_real", "random_records", "kmeans")},
    **{
        f"test_{score}": {name: INTERVAL for name in ("condensed", "all_real", "random_records", "kmeans")}
        for score in ("brier", "calibration_error")
    },
    "ensembles": {"condensed": {"size": 5, "test_auc": INTERVAL}},
    "mean_over": ["tcn_beta"],
    "privacy": {
        "attacks": {
            "nearest_record": {"auc": 0.5, "low": 0.45, "high": 0.55, "verdict": "resisted"},
            "linkability": {"risk": 0.01, "low": 0.0, "high": 0.04, "verdict": "resisted"},
        }
    },
}

QUERY = Query(name="sums", what="of patients", values=4, sensitivity=1, sigma=5)
GUARANTEE = Guarantee(
    mechanism="a Gaussian", delta=1e-5, epsilon=epsilon([QUERY], 1e-5), groups={2: epsilon([QUERY], 1e-5, 2)},
    queries=(QUERY,), statistics="0" * 64, counts=(88.7, 31.2), outside=("scores on test patients",),
)  # fmt: skip


STATED = {"verdict": "resisted", "auc": 0.51, "low": 0.49, "high": 0.53}


def changed(path: str, value: Any) -> dict[str, Any]:
    metrics = copy.deepcopy(METRICS)
    target = metrics
    *keys, last = path.split(".")
    for key in keys:
        target = target[key]
    target[last] = value
    return metrics


def test_the_gate_passes_what_satisfies_every_condition() -> None:
    assert all(condition.holds for condition in conditions(METRICS, Params()))


@pytest.mark.parametrize(
    ("path", "value", "params", "reason"),
    [
        ("cohort.train_patients_per_class", [90, 19], Params(), "patients in the rarer class"),
        (
            "condensed.records_per_class",
            [2, 11],
            Params(),
            "train patients per condensed record of their class: 2.7",
        ),
        (
            "condensed.averaged",
            2,
            Params(),
            "train patients per condensed record of their class: 15.0, 2 in the smallest mean",
        ),
        ("condensed.copied_records", 1, Params(), "a real patient's record"),
        ("test_auc.condensed", {"mean": 0.6, "low": 0.49, "high": 0.7}, Params(), "test AUC"),
        ("privacy.attacks", {}, Params(), "attacks that were run"),
        (
            "privacy.attacks.nearest_record.verdict",
            "succeeded",
            Params(),
            "attacks that succeeded: nearest_record",
        ),
        (
            "privacy.attacks.nearest_record.verdict",
            "inconclusive",
            Params(allow_inconclusive=False),
            "could not decide",
        ),
    ],
)
def test_the_gate_refuses_with_one_reason_for_each_condition_that_fails(
    path: str, value: Any, params: Params, reason: str
) -> None:
    reasons = [c.reason() for c in conditions(changed(path, value), params) if not c.holds]
    assert len(reasons) == 1
    assert reason in reasons[0]


def test_a_bundle_of_before_means_were_counted_states_what_it_stated() -> None:
    """`verify` compares the stated outcome letter by letter, of bundles released long ago, too."""
    metrics = copy.deepcopy(METRICS)
    del metrics["condensed"]["averaged"]
    (found,) = (each for each in conditions(metrics, Params()) if each.name.startswith("train patients per condensed"))
    assert (found.name, found.found) == ("train patients per condensed record of their class", "15.0")


def attack(over: float | None, own: float | None = None) -> dict[str, Any]:
    """An attack's figures: the upper bound of its rate at one false alarm in a thousand, over shadows and without."""
    rates = [{"tpr_at_fpr": {"0.001": {"tpr": None} if high is None else {"high": high}}} for high in (own, over)]
    return {**rates[0], "over_shadows": rates[1], "verdict": "resisted"}


@pytest.mark.parametrize(
    ("attacks", "most", "found"),
    [
        ({"rmia": attack(0.004), "lira": attack(0.006)}, 0.005, "0.0060 by lira"),
        ({"rmia": attack(0.004, own=0.02)}, 0.003, "0.0040 by rmia"),  # the condensed set's own says less
        ({"rmia": attack(0.004), "lira": attack(None)}, 0.01, "0.0040 by rmia; not measurable for lira"),
        ({"rmia": {"over_shadows": None, "verdict": "inconclusive"}}, 0.01, "not measurable for rmia"),
        ({"nearest": {"tpr_at_fpr": {"0.001": {"high": 0.02}}, "verdict": "resisted"}}, 0.01, "0.0200 by nearest"),
        ({"nearest": {"tpr_at_fpr": {"0.001": {"tpr": None}}, "verdict": "resisted"}}, 0.01, "not measurable"),
    ],
)
def test_a_true_positive_rate_that_is_bounded_must_be_measured_and_low(
    attacks: dict[str, Any], most: float, found: str
) -> None:
    metrics = changed("privacy.attacks", attacks)
    assert all(condition.holds for condition in conditions(metrics, Params())), "nothing is asked by default"
    (refused,) = [each for each in conditions(metrics, Params(max_tpr=most)) if not each.holds]
    assert refused.found == found and "true positive rate" in refused.reason()
    low = changed("privacy.attacks", {"rmia": attack(0.004), "nearest": {"verdict": "resisted"}})
    assert all(condition.holds for condition in conditions(low, Params(max_tpr=0.005)))


@pytest.mark.parametrize(("high", "passes"), [(0.004, True), (0.006, False), (None, False)])
def test_a_bundle_with_a_guarantee_passes_the_bound_on_a_rate_that_it_does_not_state(
    high: float | None, passes: bool
) -> None:
    metrics = {"tier": "public", **changed("privacy.attacks", {"rmia": attack(high), "nearest": attack(None)})}
    metrics["privacy"]["attacks"]["nearest"].pop("over_shadows")
    metrics["privacy"]["guarantee"] = GUARANTEE.model_dump(mode="json")
    stated = covered(bounded(metrics, 0.005))
    assert covered(stated) == stated, "nothing but what a guarantee covers"
    assert stated["privacy"]["attacks"]["rmia"] == {"verdict": "resisted", "tpr_at_most": 0.005 if passes else None}
    assert stated["privacy"]["attacks"]["nearest"] == {"verdict": "resisted"}
    assert all(condition.holds for condition in conditions(stated, Params(max_tpr=0.005))) == passes


def test_a_record_that_is_a_patients_is_counted_as_a_copy_and_a_mean_of_two_is_not() -> None:
    values = np.random.default_rng(0).normal(size=(6, 3, 2)).astype(np.float32)
    train = Normalised(values, np.ones_like(values, bool), np.zeros(6, np.float32), np.zeros(6, np.uint8))
    records = np.stack([values[4], values[:2].mean(axis=0), values[1] + 1e-4])
    assert copied_records(CondensedSet(records, np.zeros(3, np.float32)), train) == 2


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A small bundle, written as the release stage writes it."""
    root = tmp_path / "project"
    root.mkdir()
    raw = {**QUICK, "ingestion": {**QUICK["ingestion"], "raw": "/srv/secret-share/pbc"}}
    (root / "params.yaml").write_text(json.dumps({"cohorts": {"pbc": raw}}))
    (root / "dvc.yaml").touch()
    folder = tmp_path / "bundle"
    folder.mkdir()
    values = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)
    preprocessing = Preprocessing(
        step_hours=1, n_steps=3, carry_forward=True, variables=(),
        features=(Feature(name="pulse", source="series", unit="1/min", mean=80, std=9),
                  Feature(name="bili", source="series", unit="mg/dl", log=True, mean=1, std=0.5)),
    )  # fmt: skip
    figures = changed("privacy.attacks.rmia", {"over_shadows": None, "verdict": "inconclusive"})  # an audit without any
    metrics = {**figures, "gate": [vars(condition) for condition in conditions(figures, Params())]}
    labels = np.array([0, 0, 1, 0.9], np.float32)
    write_bundle(folder, Layout(root, "pbc"), CondensedSet(values, labels), RECIPES, preprocessing, metrics)
    return folder


def failed(bundle: Path) -> str:
    return "; ".join(f"{check.claim} {check.detail}" for check in verify(bundle) if check.holds is False)


def relist(bundle: Path, name: str) -> None:
    """Make the manifest agree with a changed file, as a forger would."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"][name] = sha256(bundle / name)
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def test_a_bundle_as_written_verifies_and_names_no_place_outside_the_project(bundle: Path) -> None:
    assert failed(bundle) == ""
    assert not [path.name for path in bundle.iterdir() if b"secret-share" in path.read_bytes()]


@pytest.mark.parametrize(
    "name",
    ["condensed.safetensors", "condensed.parquet", "recipe.json", "preprocessing.json", "metrics.json", *DOCUMENTS],
)
def test_a_changed_missing_or_added_file_is_found(bundle: Path, name: str) -> None:
    original = (bundle / name).read_bytes()
    (bundle / name).write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    assert f"{name} has the listed SHA-256" in failed(bundle)
    (bundle / name).unlink()
    assert f"{name} is there" in failed(bundle)
    (bundle / name).write_bytes(original)
    (bundle / "extra.bin").touch()
    assert "no file is unlisted extra.bin" in failed(bundle)


def test_records_that_differ_between_the_two_files_are_found_though_the_manifest_agrees(bundle: Path) -> None:
    tensors = load_file(bundle / "condensed.safetensors")
    tensors["values"][0, 0, 0] += 1
    save_file(tensors, bundle / "condensed.safetensors")
    relist(bundle, "condensed.safetensors")
    assert "column value differs" in failed(bundle)


def test_a_prettier_verdict_is_found_though_the_manifest_agrees(bundle: Path) -> None:
    metrics = json.loads((bundle / "metrics.json").read_text())
    metrics["privacy"]["attacks"]["nearest_record"]["verdict"] = "succeeded"
    (bundle / "metrics.json").write_text(json.dumps(metrics))
    relist(bundle, "metrics.json")
    assert "the gate's conditions hold" in failed(bundle)


def test_a_bundle_of_the_first_format_needs_no_document_but_its_readme(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    for name in set(DOCUMENTS) - {"README.md"}:
        (bundle / name).unlink()
        del manifest["files"][name]
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    assert "the manifest lists every part of a bundle" in failed(bundle)
    (bundle / "manifest.json").write_text(json.dumps({**manifest, "format": 1}))
    assert failed(bundle) == ""


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\xff\xfe", b'{"format": 1, "files": {"../../etc/passwd": "00"}}']
)
def test_a_manifest_that_is_none_fails_without_a_traceback(bundle: Path, content: bytes) -> None:
    (bundle / "manifest.json").write_bytes(content)
    assert failed(bundle)


def test_a_file_that_cannot_be_opened_as_what_it_claims_fails_without_a_traceback(bundle: Path) -> None:
    for name in ("condensed.safetensors", "condensed.parquet", "preprocessing.json", "metrics.json"):
        forged = bundle.parent / f"forged-{name}"
        shutil.copytree(bundle, forged)
        (forged / name).write_bytes(b"not at all")
        relist(forged, name)
        assert failed(forged), name


def private_bundle(bundle: Path) -> dict[str, Any]:
    """Make ``bundle`` one with a guarantee, and return its metrics."""
    figures = changed("privacy.guarantee", GUARANTEE.model_dump(mode="json"))
    stated = covered({"tier": "public", **figures})
    scaled = json.loads((bundle / "preprocessing.json").read_text()) | {"scale": "public"}
    (bundle / "preprocessing.json").write_text(json.dumps(scaled))
    relist(bundle, "preprocessing.json")
    metrics = {**stated, "gate": [vars(condition) for condition in conditions(stated, Params())]}
    rewrite(bundle, metrics)
    return metrics


def rewrite(bundle: Path, metrics: dict[str, Any]) -> None:
    """Put other ``metrics`` into the bundle, and make all else agree with them, as a forger would."""
    (bundle / "metrics.json").write_text(json.dumps(metrics))
    write_documents(bundle, Contents.load(bundle, "pbc", "candidate", ()))
    for name in ("metrics.json", *DOCUMENTS):
        relist(bundle, name)


def test_a_bundle_with_a_guarantee_states_noisy_counts_and_nothing_of_who_was_learned_from(bundle: Path) -> None:
    metrics = private_bundle(bundle)
    assert failed(bundle) == ""
    assert metrics["cohort"]["train_patients_per_class"] == [89, 31]
    assert list(metrics["test_auc"]) == ["condensed"]
    assert all(list(attack) == ["verdict"] for attack in metrics["privacy"]["attacks"].values())
    assert not {"counts", "prevalence"} & set(metrics["cohort"])


@pytest.mark.parametrize(
    ("path", "value", "wrong"),
    [
        ("privacy.guarantee.epsilon", 0.5, "epsilon 0.5 is what the queries to the patients cost"),
        ("cohort.prevalence", {"train": 0.25}, "nothing that it does not cover is stated beside it"),
        ("privacy.attacks.nearest_record", STATED, "nothing that it does not cover is stated beside it"),
        ("test_auc.all_real", INTERVAL, "nothing that it does not cover is stated beside it"),
    ],
)
def test_a_guarantee_that_is_more_or_covers_less_than_it_says_is_found_out(
    bundle: Path, path: str, value: Any, wrong: str
) -> None:
    metrics = private_bundle(bundle)
    target, (*keys, last) = metrics, path.split(".")
    for key in keys:
        target = target[key]
    target[last] = value
    rewrite(bundle, metrics)
    assert wrong in failed(bundle)
