"""The training and reference stages on a small planted cohort, and the baselines they compare with."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from recondense.condensation.baselines import group_means, kmeans, random_records
from recondense.errors import InputError
from recondense.models.pool import spread
from recondense.models.predictions import SIMPLE
from recondense.models.recipe import Recipe, Recipes
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.stages.layout import Layout
from tasks.reference import reference
from tasks.training import training
from tests.support.project import QUICK_SEARCH

SECTION: dict[str, Any] = {
    "networks": ["tcn_beta", "rnn_beta", "logistic_regression"],
    "steps": 40,
    "learning_rate": 0.002,
}
TRAINING = {**SECTION, "seeds": 2, "baseline_search": QUICK_SEARCH}
SETS = {*SIMPLE, "condensed", "all_real", "random_records", "random_records_soft", "kmeans", "kmeans_soft"}
RECIPES = Recipes(families={"tcn": Recipe(steps=40, learning_rate=0.002), "rnn": Recipe(steps=30, learning_rate=0.002)})


def cohort(n: int = 240, seed: int = 0) -> Normalised:
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.4).astype(np.float32)
    values = rng.standard_normal((n, 4, 3)).astype(np.float32)
    values[:, :, 0] += 1.5 * labels[:, None]
    split = (np.arange(n) % 3).astype(np.uint8)
    return Normalised(values, np.ones_like(values, bool), labels, split)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A project that has been normalised, and condensed to class means."""
    (tmp_path / "params.yaml").write_text(
        json.dumps({"cohorts": {"planted": {"reference": SECTION, "training": TRAINING}}})
    )
    (tmp_path / "dvc.yaml").touch()
    found = Layout(tmp_path, "planted")
    for stage in ("normalisation", "condensation"):
        found.folder(stage).mkdir(parents=True)
    cohort().save(found.folder("normalisation") / "normalised.safetensors")
    group_means(cohort().part("train"), 3, seed=0).save(found.folder("condensation") / "condensed.safetensors")
    RECIPES.save(found.folder("condensation") / "recipe.json")
    return found


def set_params(layout: Layout, **changes: object) -> None:
    block = {"reference": {**SECTION, **changes}, "training": {**TRAINING, **changes}}
    (layout.root / "params.yaml").write_text(json.dumps({"cohorts": {"planted": block}}))


def test_training_reports_every_training_set_in_the_fixed_shape_and_learns_from_each(layout: Layout) -> None:
    reference(layout)
    metrics = training(layout)
    assert json.loads((layout.folder("training") / "metrics.json").read_text()) == metrics
    for name in ("test_auc", "test_auprc", "test_brier", "test_calibration_error"):
        assert set(metrics[name]) == SETS
        for training_set, found in metrics[name].items():
            assert found["low"] <= found["mean"] <= found["high"]
            assert set(found["by_network"]) == ({training_set} if training_set in SIMPLE else set(SECTION["networks"]))
    assert metrics["test_auc"]["all_real"]["mean"] > 0.8
    assert metrics["test_auc"]["condensed"]["mean"] > 0.8
    assert metrics["mean_over"] == ["rnn_beta", "tcn_beta"], "the paper's networks only"
    by_network = metrics["test_auc"]["condensed"]["by_network"]
    paper = [by_network[name]["mean"] for name in metrics["mean_over"]]
    assert metrics["test_auc"]["condensed"]["mean"] == pytest.approx(np.mean(paper), abs=1e-4)
    assert set(metrics["steps_to_plateau"]["condensed"]) == {"rnn_beta", "tcn_beta"}


def test_equal_inputs_give_equal_predictions_whatever_the_number_of_cores(layout: Layout) -> None:
    files, threads = [], torch.get_num_threads()
    try:
        for cores in (1, 2):
            torch.set_num_threads(cores)
            reference(layout)
            training(layout)
            files.append((layout.folder("training") / "predictions.parquet").read_bytes())
    finally:
        torch.set_num_threads(threads)
    assert files[0] == files[1]


@pytest.mark.parametrize("jobs", [1, 3])
def test_however_few_jobs_there_are_each_has_one_thread(jobs: int) -> None:
    """Sums over two threads round otherwise: what was trained alone could not be reproduced on another machine."""
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert list(spread(threads_of, range(jobs), torch.device("cpu"))) == [1] * jobs
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def threads_of(job: int) -> int:
    return torch.get_num_threads()


def test_the_papers_protocol_chooses_the_epoch_on_validation_records(layout: Layout) -> None:
    set_params(layout, protocol="paper", networks=["tcn_beta"])
    metrics = reference(layout)
    assert metrics["recipe"] == {
        "steps": 30, "learning_rate": 5e-4, "batch_size": 64, "optimiser": "adam", "weight_decay": 0.0, "noise": 0.0,
        "calibration": {"slope": 1.0, "intercept": 0.0},
    }  # fmt: skip
    assert metrics["protocol"] == "paper"


def test_validation_labels_have_no_part_in_the_default_protocol(layout: Layout) -> None:
    predictions = []
    for flip in (False, True):
        changed = cohort()
        if flip:
            changed.labels[changed.split == 1] = 1 - changed.labels[changed.split == 1]
        changed.save(layout.folder("normalisation") / "normalised.safetensors")
        reference(layout)
        found = pd.read_parquet(layout.folder("reference") / "predictions.parquet")
        # Which validation subjects are predicted depends on their labels; what is said of test subjects must not
        predictions.append(found[changed.split[found["row"]] == 2].reset_index(drop=True))
    first, second = predictions
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_simple_models_of_all_real_records_are_there_whichever_networks_were_chosen(layout: Layout) -> None:
    set_params(layout, networks=["tcn_beta"])
    reference(layout)
    metrics = training(layout)
    assert set(SIMPLE) < set(metrics["test_auc"])
    assert metrics["test_auc"]["logistic_regression"]["mean"] > 0.8
    assert metrics["mean_over"] == ["tcn_beta"]
    assert set(metrics["test_auc"]["all_real"]["by_network"]) == {"tcn_beta"}


def test_a_network_that_the_reference_did_not_train_is_named(layout: Layout) -> None:
    reference(layout)
    (layout.root / "params.yaml").write_text(
        json.dumps({"cohorts": {"planted": {"reference": SECTION, "training": {"networks": ["vit_beta"], "steps": 2}}}})
    )
    with pytest.raises(InputError, match="vit_beta"):
        training(layout)


def test_a_test_part_of_one_class_is_an_error_and_not_a_figure(layout: Layout) -> None:
    changed = cohort()
    changed.labels[changed.split == 2] = 0
    changed.save(layout.folder("normalisation") / "normalised.safetensors")
    with pytest.raises(InputError, match="test part"):
        reference(layout)


@pytest.mark.parametrize("baseline", [random_records, kmeans, group_means])
def test_a_baseline_is_balanced_reproducible_and_needs_enough_subjects(baseline: Any) -> None:
    train = cohort().part("train")
    found = baseline(train, 4, 0)
    assert found.labels.tolist() == [0] * 4 + [1] * 4
    np.testing.assert_array_equal(found.values, baseline(train, 4, 0).values)
    cases = int(train.labels.sum())
    with pytest.raises(InputError, match=f"only {cases} train subjects have outcome 1"):
        baseline(train, cases + 1, 0)


def test_random_records_are_train_records_of_their_class_each_once() -> None:
    train = cohort().part("train")
    found: CondensedSet = random_records(train, 8, 3)
    rows = [np.flatnonzero((train.values == record).all(axis=(1, 2))) for record in found.values]
    assert all(len(row) == 1 for row in rows)
    assert len({int(row[0]) for row in rows}) == 16
    assert [float(train.labels[row[0]]) for row in rows] == found.labels.tolist()


def test_kmeans_finds_the_centres_of_separate_groups() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([-20.0, 0.0, 20.0])
    labels = np.repeat([0, 1], 90).astype(np.float32)
    values = (np.tile(np.repeat(centres, 30), 2) + 0.1 * rng.standard_normal(180)).reshape(-1, 1, 1).astype(np.float32)
    train = Normalised(values, np.ones_like(values, bool), labels, np.zeros(180, np.uint8))
    found = kmeans(train, 3, 0)
    np.testing.assert_allclose(np.sort(found.values[:3, 0, 0]), centres, atol=0.1)


def test_one_group_mean_a_class_is_the_class_mean() -> None:
    train = cohort().part("train")
    found = group_means(train, 1, 0)
    np.testing.assert_allclose(found.values[1], train.values[train.labels == 1].mean(axis=0), rtol=1e-5)
