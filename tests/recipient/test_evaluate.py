"""A bundle on another hospital's cohort: variables matched by name, unit and mapping; what differs; its worth."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML
from safetensors.numpy import load_file

from recondense.errors import InputError
from recondense.models.logits import risks_of
from recondense.preprocessing.preprocessing import Feature, Preprocessing, Scale
from recondense.recipient.drift import drift
from recondense.recipient.evaluate import evaluate, show
from recondense.recipient.found import Evaluation
from recondense.recipient.mapping import Conversion, match, outcomes, read_mapping
from recondense.recipient.matched import propose_mapping
from recondense.recipient.scoring import recalibrated
from recondense.recipient.transform import transform
from recondense.records.cohort import Ingested, Normalised, Variable
from recondense.stages.layout import Layout
from tests.support.paths import REPO

LABORATORY = {
    "bilirubin": {"label": "bilirubin", "unit": "umol/l", "role": "series", "low": 1, "high": 1500, "skewed": True},
    "albumin": {"label": "albumin", "unit": "G/dL", "role": "series"},
    "protime": {"label": "prothrombin time", "unit": "s", "role": "series"},
    "platelet": {"label": "platelets", "unit": "1000/mm3", "role": "series"},
    "hepato": {"label": "enlarged liver", "role": "series", "kind": "binary"},
    "age": {"label": "age", "unit": "years", "role": "static"},
    "weight": {"label": "weight", "unit": "kg", "role": "static"},
}
OWN: dict[str, Any] = {
    "dataset": "table",
    "raw": "raw",
    "split": {"kind": "random", "seed": 0, "validation": 0.2, "test": 0.2},
    "options": {
        "source": {"title": "another hospital", "licence": "not to be shared"},
        "measurements": {"file": "visits.csv", "subject": "patient", "time": "day"},
        "subjects": {"file": "patients.csv", "subject": "patient"},
        "time": {"unit": "days", "until": 365},
        "outcome": {"column": "died", "positive": [1], "negative": [0]},
        "variables": LABORATORY,
    },
}
MAPPING = "bilirubin: {to: bili, factor: 0.05848}\n"
SECTIONS = ("normalisation", "reference", "condensation", "training", "privacy", "release")


@pytest.fixture(scope="module")
def hospital(small: Layout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose cohort `own` has the patients of pbcseq with half of its variables, some named or measured
    otherwise: so it is known what should come out."""
    root = tmp_path_factory.mktemp("hospital")
    (root / "raw").mkdir()
    (root / "dvc.yaml").touch()
    sections: dict[str, Any] = {name: {} for name in SECTIONS}
    YAML().dump({"cohorts": {"own": {"ingestion": json.loads(json.dumps(OWN)), **sections}}}, root / "params.yaml")
    ingested = Ingested.load(small.folder("ingestion"))
    wide = ingested.events.pivot_table(index=["subject_id", "hours"], columns="variable", values="value").reset_index()
    wide["bilirubin"] = wide["bili"] / 0.05848
    wide["day"] = wide["hours"] / 24
    visits = wide.rename(columns={"subject_id": "patient"})
    visits[["patient", "day", "bilirubin", "albumin", "protime", "platelet", "hepato"]].to_csv(
        root / "raw/visits.csv", index=False
    )
    subjects = ingested.subjects.rename(columns={"subject_id": "patient", "outcome": "died"}).assign(weight=70)
    subjects["died"] = subjects["died"].astype(int)
    subjects[["patient", "died", "age", "weight"]].to_csv(root / "raw/patients.csv", index=False)
    (root / "mapping.yaml").write_text(MAPPING)
    return root


@pytest.fixture(scope="module")
def found(small: Layout, hospital: Path) -> dict[str, Any]:
    """What `recondense evaluate` says of that cohort."""
    done = subprocess.run(
        [sys.executable, "-m", "recondense.cli", "evaluate", str(small.folder("release")), "--cohort", "own",
         "--raw", "raw", "--mapping", "mapping.yaml", "--recalibrate", "120", "--json"],
        cwd=hospital, capture_output=True, text=True, timeout=300, env={**os.environ, "PYTHONPATH": str(REPO)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_half_of_the_variables_are_enough_and_the_others_are_listed(found: dict[str, Any]) -> None:
    assert found["subjects"] == {"all": 262, "labelled": 262, "per_class": [166, 96]}
    variables = found["variables"]
    assert sorted(variables["matched"]) == ["age", "albumin", "bili", "hepato", "platelet", "protime"]
    assert variables["converted"] == {"bilirubin": {"to": "bili", "factor": 0.05848}}
    assert {"chol", "ast", "female", "trt"} < set(variables["missing"]) and len(variables["missing"]) == 9
    assert variables["unused"] == ["weight"]
    assert found["scores"]["single"]["auc"]["mean"] > 0.75
    for scored in (found["scores"]["single"], found["scores"]["ensembles"]):
        assert set(scored) == {"auc", "auprc", "brier", "calibration_error"}
        assert scored["auc"]["low"] < scored["auc"]["mean"] < scored["auc"]["high"]
    assert sum(bin["patients"] for bin in found["scores"]["calibration"]["bins"]) == 262


def test_what_was_converted_shifts_as_the_original_and_what_is_missing_has_no_shift(
    found: dict[str, Any], small: Layout
) -> None:
    cohort = Normalised.load(small.folder("normalisation") / "normalised.safetensors")
    places = {row["feature"]: place for place, row in enumerate(found["drift"])}
    rows = {row["feature"]: row for row in found["drift"]}
    for name in ("bili", "albumin", "age"):
        original = cohort.values[:, :, places[name]]
        assert rows[name]["shift"] == pytest.approx(original.mean(), abs=2e-3)
        assert rows[name]["spread"] == pytest.approx(original.std(), abs=2e-3)
        assert not rows[name]["large"]
        assert rows[name]["coverage"] == pytest.approx(rows[name]["coverage_there"], abs=0.06)
    assert rows["chol"]["state"] == "missing" and rows["chol"]["shift"] is None and rows["chol"]["coverage"] == 0
    assert rows["chol"]["large"], "the bundle's patients had it measured"


def test_the_other_patients_judge_a_recalibration(found: dict[str, Any]) -> None:
    again = found["recalibrated"]
    assert again["records"] + again["scored_on"] == 262
    before, after = again["before"]["single"], again["after"]["single"]
    assert after["auc"]["mean"] == pytest.approx(before["auc"]["mean"], abs=1e-4), "a slope leaves the ranking alone"
    assert after["brier"]["mean"] != before["brier"]["mean"]


def test_nothing_said_is_about_one_patient(found: dict[str, Any], hospital: Path, small: Layout) -> None:
    ids = set(pd.read_csv(hospital / "raw/patients.csv", dtype=str)["patient"])
    assert not ids & set(json.dumps(found["variables"]).split('"'))
    assert not any(len(value) >= 262 for value in leaves(found) if isinstance(value, list))


def leaves(nested: Any) -> Any:
    yield nested
    for value in nested.values() if isinstance(nested, dict) else nested if isinstance(nested, list) else ():
        yield from leaves(value)


def test_the_terminal_says_what_is_missing_and_what_it_is_worth(
    found: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    show(Evaluation.model_validate(found))
    said = capsys.readouterr().out
    assert "variables matched: 6 of 15" in said and "chol" in said
    assert f"{found['scores']['single']['auc']['mean']:.3f}" in said and "recalibrated" in said


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("", "'albumin' is in"),
        ("bilirubin: {to: bilirubine}", "'bilirubine', which the bundle does not have"),
        ("glucose: bili", "'glucose', which the cohort does not have"),
        ("bilirubin: {too: bili}", "is not a known parameter"),
        ("bilirubin: [", "cannot be read as YAML"),
        ("bilirubin: bili\nplatelet: bili", "several variables serve as 'bili'"),
        ("bilirubin: {to: hepato}\nhepato: null\nage: bili", "'age' is static here and series in the bundle"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(
    small: Layout, hospital: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mapping: str, said: str
) -> None:
    monkeypatch.chdir(hospital)
    params = hospital / "params.yaml"
    text = params.read_text()
    if not mapping:
        params.write_text(text.replace("G/dL", "g/l"))
    try:
        (tmp_path / "mapping.yaml").write_text(mapping)
        with pytest.raises(InputError) as caught:
            evaluate(small.folder("release"), "own", hospital / "raw", tmp_path / "mapping.yaml")
    finally:
        params.write_text(text)
    assert said in str(caught.value)


def test_a_bundle_that_asks_for_more_steps_than_there_is_memory_for_is_refused_before_any_is_taken(
    small: Layout, tmp_path: Path
) -> None:
    raw = REPO / "data/1_raw/pbcseq"
    bundle = shutil.copytree(small.folder("release"), tmp_path / "bundle")
    asked = json.loads((bundle / "preprocessing.json").read_text())
    (bundle / "preprocessing.json").write_text(json.dumps({**asked, "n_steps": 10**10}))
    with pytest.raises(InputError, match="take more memory than is free"):
        evaluate(bundle, "small", raw)
    with pytest.raises(InputError, match="take more memory than is free"):
        transform(bundle, "small", raw, tmp_path / "mine.safetensors")


def test_levels_are_matched_by_name_and_classes_by_theirs() -> None:
    ours = Variable(
        name="ward", label="ward", role="static", kind="categorical", levels=("Medical", "Surgical", "Other")
    )
    theirs = Variable(
        name="unit", label="unit", role="static", kind="categorical", levels=("surgical", "burns", "medical")
    )
    (found,) = match([theirs], [ours], {"unit": Conversion(to="ward")}).matched
    np.testing.assert_array_equal(found.converted(np.array([0, 1, 2, np.nan])), [1, np.nan, 0, np.nan])
    np.testing.assert_array_equal(outcomes(np.array([0, 2, np.nan]), ["a", "b", "c"], ["c", "a", "b"]), [1, 0, np.nan])
    with pytest.raises(InputError, match="the classes a, b, the bundle's yes and no"):
        outcomes(np.array([0.0]), ["a", "b"], [])


def test_a_mapping_without_a_file_or_with_an_empty_one_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").touch()
    assert read_mapping(None) == read_mapping(tmp_path / "empty.yaml") == {}


def test_a_shift_is_in_the_bundles_standard_deviations() -> None:
    feature = Feature(name="hr", source="series", variable="hr", mean=80, std=10, clip=(50, 120))
    preprocessing = Preprocessing(step_hours=1, n_steps=2, carry_forward=True, variables=(), features=(feature,))
    values = np.full((100, 2, 1), 0.7, np.float32)
    values[:10] = 4  # at the upper bound of 120
    (row,) = drift(values, np.ones_like(values, bool), preprocessing, [], {"hr": 0.95})
    assert row.shift == pytest.approx(1.03) and row.clipped == pytest.approx(0.1) and row.large


@pytest.mark.parametrize(("scale", "drifts"), [("train", 0.6), ("rounded", 1.1), ("public", 2.6)])
def test_what_the_bundles_patients_may_lie_away_from_their_scale_is_no_drift(scale: Scale, drifts: float) -> None:
    feature = Feature(name="hr", source="series", variable="hr", mean=80, std=16)
    preprocessing = Preprocessing(
        step_hours=1, n_steps=2, carry_forward=True, variables=(), features=(feature,), scale=scale
    )
    for shift, large in ((drifts - 0.2, False), (drifts, True)):
        values = np.full((100, 2, 1), shift, np.float32)
        (row,) = drift(values, np.ones_like(values, bool), preprocessing, [], {"hr": 1.0})
        assert row.large is large


def test_recalibration_mends_risks_that_are_too_high() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(-2, 1.5, 2000)
    labels = (generator.random(2000) < risks_of(logits)).astype(np.float32)
    wrong = {"net": risks_of(0.5 * logits[None] + 2)}
    found = recalibrated(wrong, labels, 400)
    assert found.before.single["calibration_error"].mean > 0.15
    assert found.after.single["calibration_error"].mean < 0.05
    with pytest.raises(InputError, match="give 1 to 1999"):
        recalibrated(wrong, labels, 2000)
    with pytest.raises(InputError, match="an outcome is missing"):
        recalibrated(wrong, labels, 1)


def test_transform_matches_and_lists_as_evaluate_does(
    small: Layout, hospital: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hospital)
    bundle, out = small.folder("release"), tmp_path / "mine.safetensors"
    told = transform(bundle, "own", hospital / "raw", out, hospital / "mapping.yaml").variables
    assert "bili" in told.matched and "chol" in told.missing and told.unused == ("weight",)
    assert told.few.startswith("6 of 15 variables match")
    cohort = Normalised.load(small.folder("normalisation") / "normalised.safetensors")
    place = [f.name for f in Preprocessing.load(bundle / "preprocessing.json").features].index("bili")
    mine, theirs = (np.sort(values[:, 0, place]) for values in (load_file(out)["values"], cohort.values))
    np.testing.assert_allclose(mine, theirs, atol=1e-3)
    with pytest.raises(InputError, match="'glucose', which the cohort does not have"):
        (tmp_path / "names.yaml").write_text("glucose: bili")
        transform(bundle, "own", hospital / "raw", out, tmp_path / "names.yaml")


def test_measurements_outside_the_hours_that_the_bundle_looks_at_are_counted(
    small: Layout, hospital: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, bundle = shutil.copytree(hospital, tmp_path / "longer"), small.folder("release")
    raw, params = project / "raw", project / "params.yaml"
    params.write_text(params.read_text().replace("until: 365", "until: 5000"))
    monkeypatch.chdir(project)
    visits = pd.read_csv(raw / "visits.csv")
    pd.concat([visits, visits.iloc[:1].assign(day=4000)]).to_csv(raw / "visits.csv", index=False)
    said = transform(bundle, "own", raw, tmp_path / "mine.safetensors", hospital / "mapping.yaml")
    how = Preprocessing.load(bundle / "preprocessing.json")
    late = {f"outside hours 0 to {how.step_hours * how.n_steps:g}": int(visits.iloc[0, 2:].count())}
    assert said.counts.converted["measurements"].set_aside == late


def test_a_mapping_is_proposed_once_and_can_be_used(
    small: Layout, hospital: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hospital)
    path = tmp_path / "names.yaml"
    propose_mapping(small.folder("release"), "own", hospital / "raw", path)
    mapping = read_mapping(path)
    assert mapping["bilirubin"] == Conversion(to="bili", factor=0.058466) and mapping["weight"] is None
    with pytest.raises(InputError, match="is there already"):
        propose_mapping(small.folder("release"), "own", hospital / "raw", path)
