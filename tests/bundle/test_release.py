"""The gate refuses with reasons; a bundle is what it claims or `verify` says what is not."""

import contextlib
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from recondense.bundle.contents import Contents
from recondense.bundle.covered import covered
from recondense.bundle.croissant import KINDS, croissant
from recondense.bundle.documents import DOCUMENTS, datasheet, write_documents
from recondense.bundle.gate import count_copied
from recondense.bundle.make import write_bundle
from recondense.bundle.params import Params
from recondense.bundle.phrases import RESEMBLANCE
from recondense.bundle.readme import readme
from recondense.bundle.report import report
from recondense.bundle.sentences import WORDS
from recondense.bundle.verify import verify
from recondense.errors import InputError
from recondense.files.hashes import sha256
from recondense.models.recipe import Calibration, Recipe, Recipes
from recondense.preprocessing.preprocessing import Feature, Preprocessing
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.results.public import Outcome, Override, Public, Stated
from recondense.stages.layout import Layout
from tests.support.paths import BUNDLE_OF_FORMAT_2
from tests.support.project import QUICK
from tests.support.results import GUARANTEE, SCORE, judged, public, scoring

RECIPES = Recipes(families={"lstm": Recipe(steps=40, calibration=Calibration(slope=0.9, intercept=-1.8))})
ASKED: dict[str, Any] = {"allow_inconclusive": ["rmia"]}  # of the gate of every bundle here


def test_a_record_that_is_a_patients_is_counted_as_a_copy_and_a_mean_of_two_is_not() -> None:
    values = np.random.default_rng(0).normal(size=(6, 3, 2)).astype(np.float32)
    train = Normalised(values, np.ones_like(values, bool), np.zeros(6, np.float32), np.zeros(6, np.uint8))
    records = np.stack([values[4], values[:2].mean(axis=0), values[1] + 1e-4])
    assert count_copied(CondensedSet(records, np.zeros(3, np.float32)), train) == 2


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A small bundle, written as the release stage writes it."""
    root = tmp_path / "project"
    root.mkdir()
    raw = {**QUICK, "ingestion": {**QUICK["ingestion"], "raw": "/srv/secret-share/pbc"}, "release": ASKED}
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
    without = {"kind": "not_run", "verdict": "inconclusive", "reason": "no shadows"}
    metrics = judged(public(("privacy.attacks.rmia", without)), Params(**ASKED))
    labels = np.array([0, 0, 1, 0.9], np.float32)
    write_bundle(folder, Layout(root, "pbc"), CondensedSet(values, labels), RECIPES, preprocessing, metrics)
    return folder


def contents_of(bundle: Path, metrics: Public) -> Contents:
    """What ``bundle`` is about, with other figures."""
    condensed = CondensedSet.load(bundle / "condensed.safetensors")
    return Contents("pbc", condensed, RECIPES, Preprocessing.load(bundle / "preprocessing.json"), metrics)


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
    rewrite(bundle, metrics)
    assert "verdict is not what those of the attacks come to" in failed(bundle)
    metrics["privacy"]["verdict"] = "succeeded"
    rewrite(bundle, metrics)
    assert "the gate's conditions hold" in failed(bundle)


OLD = ("plain", "overridden", "private")


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundles of format 2, as the version before typed results made them of the embedded cohort."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(BUNDLE_OF_FORMAT_2) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize("name", OLD)
def test_a_bundle_of_the_second_format_verifies_as_it_did_and_lies_are_found(
    old: Path, name: str, tmp_path: Path
) -> None:
    bundle = tmp_path / name
    shutil.copytree(old / name, bundle)
    assert failed(bundle) == ""
    assert any("no bounds" in check.claim for check in verify(bundle)), "a bundle of now that passes for it is told so"
    assert Stated.load(bundle / "metrics.json").test_auc["condensed"].mean > 0.6, "it can still be listed and evaluated"
    metrics = json.loads((bundle / "metrics.json").read_text())
    metrics["privacy"]["attacks"]["nearest_record"]["verdict"] = "succeeded"
    rewrite(bundle, metrics)
    assert "the gate's conditions hold" in failed(bundle)


def test_a_bundle_of_the_second_format_with_a_guarantee_may_state_nothing_beside_it(old: Path, tmp_path: Path) -> None:
    shutil.copytree(old / "private", tmp_path / "private")
    metrics = json.loads((tmp_path / "private/metrics.json").read_text())
    metrics["cohort"]["prevalence"] = {"train": 0.25}
    rewrite(tmp_path / "private", metrics)
    assert "nothing that it does not cover is stated beside it" in failed(tmp_path / "private")


def test_a_bundle_of_the_first_format_needs_no_document_but_its_readme(old: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "first"
    shutil.copytree(old / "plain", bundle)
    manifest = json.loads((bundle / "manifest.json").read_text())
    for name in set(DOCUMENTS) & set(manifest["files"]) - {"README.md"}:
        (bundle / name).unlink()
        del manifest["files"][name]
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    assert "the manifest lists every part of a bundle" in failed(bundle)
    (bundle / "manifest.json").write_text(json.dumps({**manifest, "format": 1}))
    assert failed(bundle) == ""


def test_a_bundle_of_now_does_not_pass_for_one_of_an_earlier_format(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps({**manifest, "format": 2}))
    assert "metrics.json" in failed(bundle) or "the gate's conditions hold" in failed(bundle)


def test_limits_that_the_manifest_does_not_know_or_that_are_misspelt_are_found(bundle: Path) -> None:
    metrics = json.loads((bundle / "metrics.json").read_text())
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["params"]["release"] = {"min_test_auc": 0.6}
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    assert "says something else of min_test_auc" in failed(bundle)
    rewrite(bundle, {**metrics, "limits": {**metrics["limits"], "min_test_acu": 0.6}})
    assert "min_test_acu is not a known parameter" in failed(bundle)


def test_a_gate_that_asks_for_less_than_usual_says_so_on_every_first_page_and_to_verify(bundle: Path) -> None:
    lenient = judged(public(("test_auc.condensed.low", 0.3)), Params(min_test_auc=0, min_patients_per_class=5))
    told = contents_of(bundle, lenient)
    asks = "asks for less than usual: patients per class: at least 5, usually at least 20; test auc: at least 0"
    for document in (report(told), readme(told), datasheet(told)):
        assert asks in document
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["params"]["release"] = {"min_test_auc": 0, "min_patients_per_class": 5}
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    rewrite(bundle, lenient.as_json())
    (found,) = [check for check in verify(bundle) if "less than usual" in check.claim]
    assert "test auc: at least 0" in found.detail and failed(bundle) == ""


def test_an_audit_without_its_bounds_is_released_by_name_alone_and_its_pages_say_so(bundle: Path) -> None:
    weak = judged(
        public(("privacy.settings.confidence", 0.51), ("privacy.settings.own", ["options.rmia.offset"])),
        Params(**ASKED),
    )
    override = Override(by="Ada Steward", reason="The board agreed.", against=("audit_confidence",))
    told = contents_of(bundle, weak.model_copy(update={"override": override}))
    for document in (report(told), readme(told), datasheet(told)):
        start = document[: document.index("Ada Steward") + 600]
        assert "confidence of all intervals of the audit together: 0.51, required 0.95" in start
        assert "settings of their own: options.rmia.offset" in start
    assert "the intervals of all AUCs and risks hold together with 51 %" in report(
        told
    ) and "95 %</caption>" not in report(told)
    rewrite(bundle, weak.as_json())
    assert "confidence of all intervals of the audit together" in failed(bundle)
    rewrite(bundle, told.metrics.as_json())
    assert failed(bundle) == ""


def test_how_intervals_hold_together_is_said_only_where_a_figure_of_an_attack_stands(bundle: Path) -> None:
    private = covered(judged(public(("privacy.guarantee", GUARANTEE.model_dump(mode="json")))))
    assert "hold together" in report(contents_of(bundle, judged(public())))
    assert "hold together" not in report(contents_of(bundle, private))


@pytest.mark.parametrize("holds", [True, False, None])
def test_that_no_record_is_a_patients_is_said_only_where_its_condition_was_asked_and_holds(
    bundle: Path, holds: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WORDS, RESEMBLANCE, ("records that resemble one patient", "{}", "g"))
    asked = () if holds is None else (Outcome(id=RESEMBLANCE, value=int(not holds), limit=0, holds=holds),)
    told = contents_of(bundle, public().model_copy(update={"gate": asked}))
    for document in (report(told), readme(told), datasheet(told), croissant(told, dict.fromkeys(KINDS, "0"))):
        assert ("No record is a real patient" in document) == bool(holds)
        assert "No row is a patient" not in document


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
    stated = judged(covered(public(("privacy.guarantee", GUARANTEE.model_dump(mode="json")))), Params(**ASKED))
    scaled = json.loads((bundle / "preprocessing.json").read_text()) | {"scale": "public"}
    (bundle / "preprocessing.json").write_text(json.dumps(scaled))
    relist(bundle, "preprocessing.json")
    rewrite(bundle, stated.as_json())
    return stated.as_json()


def rewrite(bundle: Path, metrics: dict[str, Any]) -> None:
    """Put other ``metrics`` into the bundle and, where they can be written, into its documents, as a forger would."""
    (bundle / "metrics.json").write_text(json.dumps(metrics))
    with contextlib.suppress(InputError, KeyError):
        write_documents(bundle, Contents.load(bundle, "pbc", "candidate", ()))
    for name in ("metrics.json", *DOCUMENTS):
        if (bundle / name).exists():  # bundles of before have no cells.py
            relist(bundle, name)


def test_a_bundle_with_a_guarantee_states_noisy_counts_and_nothing_of_who_was_learned_from(bundle: Path) -> None:
    metrics = private_bundle(bundle)
    assert failed(bundle) == ""
    assert metrics["cohort"]["train_patients_per_class"] == [89, 31]
    assert list(metrics["test_auc"]) == ["condensed"]
    assert {attack["kind"] for attack in metrics["privacy"]["attacks"].values()} == {"withheld"}
    assert metrics["cohort"]["counts"] is None and metrics["cohort"]["prevalence"] is None


@pytest.mark.parametrize(
    ("path", "value", "wrong"),
    [
        ("privacy.guarantee.epsilon", 0.5, "epsilon 0.5 is what the queries to the patients cost"),
        ("cohort.prevalence", {"train": 0.25}, "nothing that it does not cover is stated beside it"),
        ("privacy.attacks.nearest_record", scoring(), "nothing that it does not cover is stated beside it"),
        ("privacy.attacks.nearest_record.auc", 0.51, "metrics.json holds the figures of a bundle"),
        ("test_auc.all_real", SCORE, "nothing that it does not cover is stated beside it"),
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
