"""From a bundle to the risks of one's own patients, without this project: quickstart.py and apply.py."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file

from recondense.bundle.scripts import quickstart
from recondense.bundle.verify import verify
from recondense.models.fit import fit
from recondense.models.predictions import ensemble
from recondense.models.recipe import Recipes
from recondense.models.scores import single_auc
from recondense.preprocessing.preprocessing import Feature, Preprocessing
from recondense.recipient.transform import transform
from recondense.records.cohort import Ingested, Variable
from recondense.records.condensed import CondensedSet
from recondense.stages.layout import Layout
from tests.support.stranger import alone, program

apply = program("apply")
RAW = "data/1_raw/pbcseq"


@pytest.fixture(scope="module")
def raw(small: Layout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cohort in clinical units, as a stranger would have such records: long, wide, and by subject."""
    folder = tmp_path_factory.mktemp("raw")
    ingested = Ingested.load(small.folder("ingestion"))
    subjects = ingested.subjects.drop(columns="split").rename(columns={"subject_id": "subject"})
    events = ingested.events.rename(columns={"subject_id": "subject"})
    subjects.to_csv(folder / "subjects.csv", index=False)
    events.to_csv(folder / "events.csv", index=False)
    wide = events.pivot_table(index=["subject", "hours"], columns="variable", values="value").reset_index()
    wide.merge(subjects, on="subject", how="outer").fillna({"hours": 0}).to_csv(folder / "wide.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def transformed(small: Layout, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The same cohort as `recondense transform` puts it on the scale, which does not need outcomes to be known."""
    out = tmp_path_factory.mktemp("transformed") / "mine.safetensors"
    transform(small.folder("release"), "small", small.root / RAW, out)
    return load_file(out)


@pytest.fixture(scope="module")
def model(small: Layout, raw: Path) -> Path:
    """A model that a stranger trained, in the folder of the raw records."""
    done = alone(small.folder("release") / "quickstart.py", folder=raw)
    assert done.returncode == 0, done.stderr
    assert "AUC" not in done.stdout, "there was nothing to score"
    return raw / "model.safetensors"


def test_a_bundle_is_used_without_the_project_and_stays_as_it_was(small: Layout, raw: Path, model: Path) -> None:
    bundle = small.folder("release")
    done = alone(bundle / "apply.py", "--events", "events.csv", "--subjects", "subjects.csv", "--tensors", "mine.st",
                 folder=raw)  # fmt: skip
    assert done.returncode == 0 and done.stderr == "", done.stderr
    risks = pd.read_csv(raw / "risks.csv", dtype={"subject": str})
    subjects = pd.read_csv(raw / "subjects.csv", dtype={"subject": str})
    assert list(risks["subject"]) == list(subjects["subject"])
    assert risks["risk"].between(0, 1).all()
    scored = alone(bundle / "quickstart.py", "--records", "mine.st", "--out", "again.safetensors", folder=raw)
    reached = single_auc(subjects["outcome"].to_numpy(np.float32), risks["risk"].to_numpy())
    assert f"AUC {reached:.3f} on {len(subjects)} labelled records" in scored.stdout
    assert (raw / "again.safetensors").read_bytes() == model.read_bytes(), "equal bundles train equal models"
    assert [check.claim for check in verify(bundle) if not check.holds] == []


def test_new_records_come_onto_the_scale_as_recondense_transform_puts_them(
    small: Layout, raw: Path, transformed: dict[str, np.ndarray]
) -> None:
    how = small.folder("release") / "apply.py"
    for form in (["--events", "events.csv", "--subjects", "subjects.csv"], ["--wide", "wide.csv"]):
        done = alone(how, *form, "--tensors", "mine.st", "--model", "none", folder=raw)
        assert done.returncode == 0, done.stderr
        mine = load_file(raw / "mine.st")
        ids = (
            pd.read_csv(raw / "wide.csv").drop_duplicates("subject")
            if "--wide" in form
            else pd.read_csv(raw / "subjects.csv")
        )["subject"]
        order = [transformed["subject_ids"].tolist().index(one) for one in ids]
        np.testing.assert_array_equal(mine["observed"], transformed["observed"][order])
        np.testing.assert_allclose(mine["values"], transformed["values"][order], atol=1e-6)
        np.testing.assert_array_equal(mine["labels"], transformed["labels"][order])


def test_the_saved_model_is_the_pipelines_own_trained_by_the_recipe(
    small: Layout, model: Path, transformed: dict[str, np.ndarray]
) -> None:
    bundle = small.folder("release")
    condensed, recipes = CondensedSet.load(bundle / "condensed.safetensors"), Recipes.load(bundle / "recipe.json")
    runs = [
        fit("lstm_beta", condensed.values, condensed.labels, recipes.of("lstm_beta"), seed)(transformed["values"])
        for seed in range(recipes.ensemble)
    ]
    np.testing.assert_allclose(apply.risks(transformed["values"], model), ensemble(np.array(runs)), atol=1e-5)


def test_what_cannot_be_used_is_counted_and_filled_in_and_no_value_is_said(
    small: Layout, raw: Path, tmp_path: Path
) -> None:
    shutil.copytree(raw, tmp_path / "raw")
    events = pd.read_csv(raw / "events.csv", dtype={"subject": str}).query("variable != 'chol'").copy()
    events["value"] = events["value"].astype(object)
    events.loc[events.index[0], "value"] = "4711.5 mg"
    events.loc[events.index[1], "variable"] = "shoe size"
    events.loc[events.index[2], "subject"] = "nobody"
    events.loc[events.index[events["variable"] == "bili"][5], "value"] = 81
    events.to_csv(tmp_path / "raw/events.csv", index=False)
    subjects = pd.read_csv(raw / "subjects.csv", dtype={"subject": str}).drop(columns=["age", "outcome"])
    subjects.to_csv(tmp_path / "raw/subjects.csv", index=False)
    arguments = ["--events", "events.csv", "--subjects", "subjects.csv", "--tensors", "mine.st"]
    done = alone(small.folder("release") / "apply.py", *arguments, folder=tmp_path / "raw")
    assert done.returncode == 0, done.stderr
    assert "'shoe size': 1 measurements not used, no series of the model" in done.stdout
    assert "ascites (no unit): 1 of 585 cells do not count: none of its levels" in done.stdout
    assert "bili (mg/dl): 1 of 585 cells do not count: beyond" in done.stdout
    assert "1 of 6424 measurements are of subjects without a row" in done.stdout
    assert "missing: chol (mg/dl)" in done.stdout and "missing: age (years)" in done.stdout
    assert "4711" not in done.stdout + done.stderr
    mine = load_file(tmp_path / "raw/mine.st")
    assert "labels" not in mine and np.isfinite(mine["values"]).all()
    names = [
        feature["name"]
        for feature in apply.json.loads((small.folder("release") / "preprocessing.json").read_text())["features"]
    ]
    assert not mine["observed"][:, :, [names.index("chol"), names.index("age")]].any()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--subjects", "events.csv"], "several rows"),
        (["--subjects", "subjects.csv", "--events", "subjects.csv"], "has no column hours, variable, value"),
        (["--subjects", "subjects.csv", "--events", "events.csv", "--model", "none"], "run quickstart.py first"),
        ([], "give --subjects and --events, or --wide"),
    ],
)
def test_a_mistake_is_said_in_one_line(small: Layout, raw: Path, arguments: list[str], said: str) -> None:
    done = alone(small.folder("release") / "apply.py", *arguments, folder=raw)
    assert done.returncode != 0 and said in done.stderr and "Traceback" not in done.stderr


def test_levels_masks_and_counts_are_those_of_the_pipeline() -> None:
    rhythm = Variable(
        name="rhythm", label="rhythm", role="series", kind="categorical", levels=("sinus", "flutter", "other")
    )
    pulse = Variable(name="pulse", label="pulse", role="series", low=0, high=300, skewed=True)
    ward = Variable(name="ward", label="ward", role="static", kind="categorical", levels=("A", "B"))
    features = (
        *(Feature(name=f"rhythm={i}", source="series_level", variable="rhythm", level=i) for i in range(3)),
        Feature(name="pulse", source="series", variable="pulse", log=True, clip=(40, 200), fill=4.3, mean=4.4, std=0.2),
        Feature(name="n", source="count", mean=2, std=1.5),
        Feature(name="pulse_observed", source="observed", variable="pulse", mean=0.3, std=0.4),
        *(Feature(name=f"ward={i}", source="level", variable="ward", level=i) for i in range(2)),
    )
    generator, n = np.random.default_rng(0), 400
    for carry_forward in (True, False):
        preprocessing = Preprocessing(
            step_hours=2, n_steps=3, carry_forward=carry_forward, variables=(rhythm, pulse, ward), features=features
        )
        kind = generator.random(n) < 0.5
        level, rate = generator.integers(0, 3, n), generator.uniform(20, 250, n)
        events = pd.DataFrame(
            {"subject": generator.integers(0, 30, n).astype(str), "hours": generator.uniform(-0.5, 6.5, n).round(1),
             "variable": np.where(kind, "rhythm", "pulse"), "value": np.where(kind, level, rate)}
        )  # fmt: skip
        subjects = pd.DataFrame({"subject": np.arange(30).astype(str), "ward": generator.choice([0, 1, np.nan], 30)})
        events = events.sort_values("hours", kind="stable")
        renamed = [table.rename(columns={"subject": "subject_id"}) for table in (events, subjects)]
        expected, seen = preprocessing.apply(*renamed)
        events["value"] = [
            rhythm.levels[int(v)] if v_ else v
            for v, v_ in zip(events["value"], events["variable"] == "rhythm", strict=True)
        ]
        events["value"] = events["value"].astype(object)
        subjects["ward"] = subjects["ward"].map({0: "A", 1: "B"}).fillna("")
        events = events.astype(str)
        how = preprocessing.model_dump(mode="json")
        values, observed = apply.tensors(how, *apply.cleaned(events, subjects, how["variables"]))
        np.testing.assert_array_equal(values, expected)
        np.testing.assert_array_equal(observed, seen)


def test_the_quickstarts_auc_is_the_pipelines_with_ties_and_with_classes() -> None:
    generator = np.random.default_rng(0)
    labels, risk = (generator.random(200) < 0.3).astype(np.float32), generator.random(200).round(1)
    assert quickstart.auc(torch.tensor(labels), torch.tensor(risk)) == pytest.approx(single_auc(labels, risk))
    of_classes = np.eye(3, dtype=np.float32)[generator.integers(0, 3, 200)]
    risks = generator.dirichlet([1, 1, 1], 200)
    assert quickstart.auc(torch.tensor(of_classes), torch.tensor(risks)) == pytest.approx(single_auc(of_classes, risks))
