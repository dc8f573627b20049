"""Outcomes of more than two classes: the histologic stage of real patients, from raw records to a bundle."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file, save_file
from scipy.special import softmax
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from recondense.bundle.verify import verify
from recondense.condensation.methods import Request
from recondense.condensation.params import METHODS
from recondense.files.hashes import sha256
from recondense.files.strict_json import read_json
from recondense.inspection.cohort import Cohort
from recondense.inspection.inspection import inspect
from recondense.inspection.page import page
from recondense.models.choose import scaled
from recondense.models.fit import build
from recondense.models.loss import cross_entropy
from recondense.models.part import Part
from recondense.models.predictions import Results, ensemble
from recondense.models.recipe import MODELS
from recondense.models.scores import auc, auprc, brier, calibration_error, resample
from recondense.models.teacher import out_of_fold, soft_labels
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.private.askings import unrecorded
from recondense.recipient.transform import transform
from recondense.records.cohort import Ingested, Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import hard, likeliest
from recondense.stages import plugins
from recondense.stages.layout import Layout
from tasks.condensation import condensation
from tasks.ingestion import ingestion
from tasks.normalisation import normalisation
from tasks.privacy import privacy
from tasks.reference import reference
from tasks.release import release
from tasks.shadows import shadows
from tasks.training import training
from tests.support.paths import REPO
from tests.support.stranger import alone

CLASSES = {"periportal": [2], "septal": [3], "cirrhosis": [4]}  # stage 1 is too rare to be predicted
SEARCH = {
    "networks": ["rnn_beta"], "learning_rates": [2e-3], "noises": [0.5], "steps": [10, 40], "seeds": 1, "ensemble": 2,
}  # fmt: skip
MODELS_TRIED = ["logistic_regression", "rnn_beta"]
LABORATORY = {
    "bili": {"label": "serum bilirubin", "unit": "mg/dl", "role": "series", "low": 0.05, "high": 80, "skewed": True},
    "albumin": {"label": "serum albumin", "unit": "g/dl", "role": "series", "low": 0.5, "high": 10},
    "protime": {"label": "prothrombin time", "unit": "s", "role": "series", "low": 5, "high": 200},
    "platelet": {"label": "platelet count", "unit": "1000/mm3", "role": "series", "low": 1, "high": 3000},
    "hepato": {"label": "hepatomegaly", "role": "series", "kind": "binary"},
    "age": {"label": "age at enrolment", "unit": "years", "role": "static", "low": 0, "high": 120},
}
STAGING: dict[str, Any] = {
    "ingestion": {
        "dataset": "table",
        "raw": "data/1_raw/staging",
        "split": {"kind": "random", "seed": 0, "validation": 0.2, "test": 0.3},
        "options": {
            "source": {"title": "a liver trial", "licence": "LGPL (>= 2)"},
            "measurements": {"file": "visits.csv", "subject": "id", "time": "day"},
            "subjects": {"file": "patients.csv", "subject": "id"},
            "time": {"unit": "days", "until": 365},
            "outcome": {"column": "stage", "classes": CLASSES},
            "variables": LABORATORY,
        },
    },
    "normalisation": {"step_hours": 4380, "n_steps": 2},
    "reference": {"networks": MODELS_TRIED, "steps": 40},
    "condensation": {
        "method": "unrolled",
        "records_per_class": 5,
        "steps": 3,
        "options": {"unrolled": {"initialisation": "group_means", "families_per_step": 1, "inner_steps": [4, 6]}},
        "recipe_search": SEARCH,
    },
    "shadows": {"count": 4, "steps": 1},
    "training": {"networks": MODELS_TRIED, "seeds": 2, "bootstrap": 100, "baseline_search": SEARCH},
    "privacy": {
        "options": {"loss_membership": {"networks": ["rnn_beta"]}},
        "signals": {"networks": ["rnn_beta"], "repeats": 1, "recipe": {"steps": 20}},
    },
    "release": {"allow_inconclusive": True, "allow_above_guessing": True},
}


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Every stage run once on all 312 patients, whose stage at entry is the outcome."""
    layout = Layout(tmp_path_factory.mktemp("project"), "staging")
    raw = layout.root / STAGING["ingestion"]["raw"]
    raw.mkdir(parents=True)
    visits = pd.read_csv(REPO / "data/1_raw/pbcseq/pbcseq.csv")
    visits.drop(columns=["age", "stage"]).to_csv(raw / "visits.csv", index=False)
    visits.loc[visits["day"] == 0, ["id", "age", "stage"]].to_csv(raw / "patients.csv", index=False)
    (layout.root / "dvc.yaml").touch()
    (layout.root / "params.yaml").write_text(json.dumps({"cohorts": {"staging": STAGING}}))
    for stage in (ingestion, normalisation, reference, condensation, shadows, training, privacy, release):
        stage(layout)
    return layout


def test_the_outcome_is_the_place_of_its_class_and_what_is_in_none_is_set_aside(staging: Layout) -> None:
    stage = pd.read_csv(staging.root / "data/1_raw/staging/patients.csv").set_index("id")["stage"]
    found = Ingested.load(staging.folder("ingestion"))
    subjects, metrics = found.subjects, read_json(staging.folder("ingestion") / "metrics.json")
    assert subjects["outcome"].tolist() == [stage[int(one)] - 2 for one in subjects["subject_id"]]
    assert metrics["counts"]["subjects"] == {
        "in": 312, "kept": 296, "set_aside": {"outcome in none of the classes": int((stage == 1).sum())}
    }  # fmt: skip
    shares = subjects[subjects["split"] == "train"]["outcome"].value_counts(normalize=True)
    assert metrics["prevalence"]["train"] == {name: round(shares[k], 6) for k, name in enumerate(CLASSES)}
    assert metrics["variables"] == len(LABORATORY), "the outcome is no variable"
    assert Preprocessing.load(staging.folder("normalisation") / "preprocessing.json").classes == tuple(CLASSES)


def test_scores_on_test_patients_are_those_of_scikit_learn_on_the_predictions(staging: Layout) -> None:
    cohort = Normalised.load(staging.folder("normalisation") / "normalised.safetensors")
    test, metrics = Part.of(cohort, "test"), read_json(staging.folder("training") / "metrics.json")
    predictions = Results.load(staging.folder("training")).predictions
    macro = []
    for _, rows in predictions.query("training_set == 'condensed' and network == 'rnn_beta'").groupby("seed"):
        risks = rows.set_index("row").loc[test.rows.tolist(), ["risk_0", "risk_1", "risk_2"]].to_numpy()
        macro.append(roc_auc_score(likeliest(test.labels), risks, multi_class="ovr", average="macro"))
    stated = metrics["test_auc"]["condensed"]["by_network"]["rnn_beta"]
    assert stated["mean"] == pytest.approx(np.mean(macro), abs=1e-5)
    assert stated["low"] < stated["mean"] < stated["high"]
    assert metrics["n"]["test_cases"] == {f"class_{k}": int(n) for k, n in enumerate(test.labels.sum(axis=0))}


def test_the_bundle_verifies_and_says_what_each_class_is(staging: Layout) -> None:
    bundle = staging.folder("release")
    assert [check.claim for check in verify(bundle) if not check.holds] == []
    condensed, metrics = CondensedSet.load(bundle / "condensed.safetensors"), read_json(bundle / "metrics.json")
    assert condensed.labels.shape == (15, 3)
    np.testing.assert_allclose(condensed.labels.sum(axis=1), 1, atol=1e-6)
    assert metrics["cohort"]["classes"] == list(CLASSES)
    assert len(metrics["cohort"]["train_patients_per_class"]) == len(metrics["condensed"]["records_per_class"]) == 3
    long = pd.read_parquet(bundle / "condensed.parquet").drop_duplicates("record")
    np.testing.assert_array_equal(long[[f"label_{name}" for name in CLASSES]], condensed.labels)


def test_a_bundle_whose_labels_are_of_other_classes_is_found_out(staging: Layout, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(staging.folder("release"), bundle)
    manifest, path = read_json(bundle / "manifest.json"), bundle / "condensed.safetensors"
    tensors = load_file(path)

    def failed(labels: np.ndarray) -> list[str]:
        save_file({**tensors, "labels": np.ascontiguousarray(labels, dtype=np.float32)}, path)
        manifest["files"][path.name] = sha256(path)
        (bundle / "manifest.json").write_text(json.dumps(manifest))
        return [check.claim for check in verify(bundle) if not check.holds]

    labels = tensors["labels"]
    assert "condensed.safetensors fits preprocessing.json" in failed(np.pad(labels, ((0, 0), (0, 1))))
    assert "condensed.safetensors fits preprocessing.json" in failed(labels[:, 2])
    assert "condensed.safetensors fits preprocessing.json" in failed(labels * 0.9)
    assert failed(labels) == []


def test_the_bundle_s_own_programs_give_the_risk_of_each_class(staging: Layout, tmp_path: Path) -> None:
    bundle = staging.folder("release")
    assert "(15, 3), the risk of each class: periportal, septal, cirrhosis" in (bundle / "README.md").read_text()
    ingested = Ingested.load(staging.folder("ingestion"))
    for name, table in (("events", ingested.events), ("subjects", ingested.subjects)):
        table.rename(columns={"subject_id": "subject"}).to_csv(tmp_path / f"{name}.csv", index=False)
    assert alone(bundle / "quickstart.py", folder=tmp_path).returncode == 0
    done = alone(bundle / "apply.py", "--events", "events.csv", "--subjects", "subjects.csv", "--tensors", "mine.st",
                 folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    risks = pd.read_csv(tmp_path / "risks.csv")
    assert list(risks.columns) == ["subject", "risk_periportal", "risk_septal", "risk_cirrhosis"]
    np.testing.assert_allclose(risks.iloc[:, 1:].sum(axis=1), 1)
    found = load_file(tmp_path / "mine.st")
    cohort = Normalised.load(staging.folder("normalisation") / "normalised.safetensors")
    np.testing.assert_array_equal(found["labels"], cohort.labels)
    np.testing.assert_array_equal(found["values"], cohort.values)


def test_new_records_come_onto_the_scale_with_a_label_of_each_class(
    staging: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where no project is: the manifest says how to read them
    out = tmp_path / "mine.safetensors"
    transform(staging.folder("release"), "staging", staging.root / "data/1_raw/staging", out)
    found = load_file(out)
    stage = pd.read_csv(staging.root / "data/1_raw/staging/patients.csv").set_index("id")["stage"]
    expected = hard([stage[one] - 2 if stage[one] > 1 else np.nan for one in found["subject_ids"].tolist()], 3)
    np.testing.assert_array_equal(found["labels"], expected)


def test_an_inspection_counts_each_class(staging: Layout) -> None:
    found = inspect(Cohort.load(staging.folder("ingestion"), 4380, 2))
    rows = {(row["split"], row["class"]): row for row in found["prevalence"]}
    outcome = Ingested.load(staging.folder("ingestion")).subjects["outcome"]
    assert [rows["all", name]["with_outcome"] for name in CLASSES] == [int((outcome == k).sum()) for k in range(3)]
    assert {one["variable"] for one in found["variables"]} == set(LABORATORY)
    assert "all, cirrhosis" in page("staging", found)


# Parts by themselves


def three(n: int = 90, seed: int = 0) -> Normalised:
    """Three Gaussian classes, each with a feature of its own that is raised."""
    rng = np.random.default_rng(seed)
    classes = np.arange(n) % 3
    values = rng.standard_normal((n, 4, 3)) + 2 * (classes[:, None, None] == np.arange(3))
    return Normalised(
        values.astype(np.float32), np.ones(values.shape, bool), hard(classes, 3), np.zeros(n, dtype=np.uint8)
    )


@pytest.mark.parametrize("method", plugins.names(METHODS))
def test_every_method_condenses_three_classes_the_same_way_each_time(method: str) -> None:
    module, train = plugins.load(METHODS, method), three()
    request = Request(records_per_class=2, steps=2, seed=1, device=torch.device("cpu"), answers=unrecorded(bytes(32)))
    quick = {"networks": 1, "inner_steps": [2, 3], "window": 2} if method == "unrolled" else {}
    quick = (
        {"drawn": 300, "condensing": {"networks": 1, "inner_steps": [2, 3]}}
        if method == "private_statistics"
        else quick
    )
    quick |= {"expert_steps": 3, "curve_steps": 1, "soft_labels": True} if method == "trajectory_matching" else {}
    first, again = (module.condense(train, request, module.Options(**quick)).condensed for _ in range(2))
    assert first.values.shape == (6, 4, 3)
    assert likeliest(first.labels).tolist() == [0, 0, 1, 1, 2, 2]
    assert first.values.tobytes() == again.values.tobytes()
    assert first.labels.tobytes() == again.labels.tobytes()
    if not (getattr(module, "SOFT_LABELS", False) or quick):
        np.testing.assert_array_equal(first.labels, np.repeat(np.eye(3), 2, axis=0))


@pytest.mark.parametrize("name", ["boosted_trees", "logistic_regression"])
def test_a_model_on_summaries_learns_from_the_risks_of_soft_labels(name: str) -> None:
    records = three()
    predict = plugins.load(MODELS, name).fit(records.values, (records.labels * 0.7 + 0.1).astype(np.float32), 0.0, 0)
    risks = predict(records.values)
    np.testing.assert_allclose(risks.sum(axis=1), 1, atol=1e-6)
    assert (likeliest(risks) == likeliest(records.labels)).mean() > 0.9


@pytest.mark.parametrize("name", [name for name in plugins.names(MODELS) if name.endswith("_beta")])
def test_a_network_has_a_logit_for_each_class(name: str) -> None:
    logits = build(name, 4, 3, 5)(torch.zeros(2, 4, 3))
    assert logits.shape == (2, 5)
    labels = torch.softmax(torch.randn(2, 5), dim=1)
    torch.testing.assert_close(cross_entropy(logits, labels, 5), torch.nn.functional.cross_entropy(logits, labels))


def test_a_teacher_s_labels_sum_to_one_and_tell_the_classes_apart_on_the_balanced_scale() -> None:
    train = three()
    kept = np.flatnonzero((likeliest(train.labels) > 0) | (np.arange(90) < 30))  # class 0 is rare: 10 of 70
    rare = Normalised(train.values[kept], train.observed[kept], train.labels[kept], train.split[kept])
    asked = three(300, seed=1)
    taught = soft_labels(CondensedSet(asked.values, asked.labels), rare, 0)
    np.testing.assert_allclose(taught.labels.sum(axis=1), 1, atol=1e-6)
    right = likeliest(taught.labels) == likeliest(asked.labels)
    assert [right[k::3].mean() > 0.9 for k in range(3)] == [True] * 3, "the rare class is told as well as the others"
    assert out_of_fold(rare, 0).shape == rare.labels.shape


def sample(n: int = 80) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    classes = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    logits = rng.standard_normal((n, 3)) + 1.5 * np.eye(3)[classes]
    return hard(classes, 3), softmax(np.round(logits, 1), axis=1)


def test_scores_equal_scikit_learns_on_the_sample_and_on_resamples() -> None:
    labels, risks = sample()
    weights = resample(labels, 20, 0)
    assert (weights @ labels > 0).all(), "a resample that lacks a class ranks nothing"

    def expected(theirs: Any, **options: Any) -> list[float]:
        return [theirs(labels, risks, sample_weight=weight, average="macro", **options) for weight in weights]

    np.testing.assert_allclose(auc(labels, risks, weights), expected(roc_auc_score, multi_class="ovr"), atol=1e-12)
    np.testing.assert_allclose(auprc(labels, risks, weights), expected(average_precision_score), atol=1e-12)
    by_hand = np.average(((labels - risks) ** 2).sum(axis=1), weights=weights[3])
    assert brier(labels, risks, weights)[3] == pytest.approx(by_hand)
    top, right = risks.max(axis=1), labels[np.arange(80), risks.argmax(axis=1)]
    np.testing.assert_allclose(calibration_error(labels, risks, weights), calibration_error(right, top, weights))


def test_calibration_undoes_a_temperature_and_a_balanced_scale() -> None:
    rng = np.random.default_rng(0)
    true = 1.5 * rng.standard_normal((4000, 3)) + np.log([0.7, 0.2, 0.1])
    classes = np.array([rng.choice(3, p=risks) for risks in softmax(true, axis=1)])
    given = (true - np.log([0.7, 0.2, 0.1])) / 0.4 + rng.standard_normal((4000, 1))  # softmax sees no common shift
    found = scaled([given, given], hard(classes, 3), np.ones(4000))
    assert found.slope == pytest.approx(0.4, abs=0.04)
    assert isinstance(found.intercept, tuple)
    assert np.diff(found.intercept) == pytest.approx(np.diff(np.log([0.7, 0.2, 0.1])), abs=0.15)
    calibrated = softmax(found.slope * given + np.array(found.intercept), axis=1)
    assert log_loss(classes, calibrated) < log_loss(classes, softmax(true, axis=1)) + 0.01


def test_an_ensemble_is_the_softmax_of_the_mean_logits() -> None:
    logits = np.random.default_rng(0).standard_normal((4, 5, 3))
    np.testing.assert_allclose(ensemble(softmax(logits, axis=2)), softmax(logits.mean(axis=0), axis=1))


@pytest.mark.parametrize(
    ("labels", "message"),
    [(np.full((2, 3), 0.3), "do not sum to 1"), (np.array([[0.5, 0.5]] * 2), "do not fit"), (np.eye(3), "do not fit")],
)
def test_a_condensed_set_refuses_labels_that_are_none(labels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CondensedSet(np.zeros((2, 4, 1), np.float32), labels.astype(np.float32))
