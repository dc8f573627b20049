"""Results travel as models, files have one list, joins by place are checked, and templates are strict."""

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from jinja2 import UndefinedError
from ruamel.yaml import YAML

from recondense.bundle.templates import render
from recondense.errors import InputError
from recondense.inspection import page as inspection_page
from recondense.inspection.inspection import inspect
from recondense.records.cohort import Normalised
from recondense.stages.catalogue import MADE
from recondense.stages.layout import STAGE_FOLDERS
from tests.support.inspection_fixtures import made
from tests.support.paths import REPO

UNTYPED = "dict[str, Any]"
# Where a dictionary may stand for what is read or written as such, and what that is
SERIALISED = {
    "params.yaml, whose sections are checked by models of their own": (
        "cohorts/params", "condensation/params", "privacy/params", "probes/finding", "stages/params", "sweeps/cells",
    ),
    "a block of params.yaml that is being written": (
        "recipient/propose", "wizard/block", "wizard/meds", "wizard/outcome", "wizard/over_time", "wizard/proposal",
        "wizard/reading", "wizard/table", "wizard/variables",
    ),
    "lines of a ledger, whose details are signed as they stand, and statements made from them": (
        "engines/recorder", "ledger/artifacts", "ledger/entry", "ledger/ledger", "ledger/provenance",
        "ledger/spending", "publishing/published", "publishing/ready", "publishing/release", "stages/history",
    ),
    "manifest.json, and metrics.json of formats of before": (
        "bundle/legacy", "bundle/make", "bundle/verify_documents", "bundle/verify",
    ),
    "JSON for other programs": (
        "bundle/croissant", "files/strict_json", "project/inspect", "publishing/compare/__init__", "recipient/found",
        "results/base", "stages/stage", "sweeps/outcomes",
    ),
    "scripts of a bundle, which read its JSON without this package": (
        "bundle/scripts/apply", "bundle/scripts/quickstart",
    ),
    "software.yaml and dvc.lock": ("engines/dvc", "project/upgrade", "stages/software"),
    "what DVC, MLflow, Prefect, pandas, pyarrow, rich or torch take by name": (
        "cli/runs", "cohorts/read", "cohorts/readers/_meds/files", "cohorts/readers/_mimic3/tables",
        "cohorts/readers/_table/delimited", "cohorts/readers/_table/typed", "cohorts/readers/pbcseq",
        "condensation/methods/trajectory_matching", "progress", "publishing/compare/candidates",
    ),
}  # fmt: skip
FLOWS = {"flows/recondense.py", "flows/shadows.py", "flows/sweep.py"}  # their results, which Prefect keeps as JSON


def test_only_what_is_read_or_written_as_a_dictionary_is_typed_as_one() -> None:
    allowed = {f"recondense/{name}.py" for names in SERIALISED.values() for name in names} | FLOWS
    found = {
        path.relative_to(REPO).as_posix()
        for folder in ("recondense", "tasks", "flows")
        for path in (REPO / folder).rglob("*.py")
        if UNTYPED in path.read_text(encoding="utf-8")
    }
    assert found == allowed


def test_the_catalogue_names_what_dvc_yaml_does() -> None:
    stages = YAML(typ="safe").load(REPO / "dvc.yaml")["stages"]
    named = {
        (stage, next(iter(out)).rstrip("/"), kind == "outs")
        for stage, found in stages.items()
        for kind in ("outs", "metrics")
        for out in found["do"].get(kind, [])
    }
    folder = {stage: f"data/{name}/${{key}}" for stage, name in STAGE_FOLDERS.items()}
    folder["release"] += "/candidate"
    assert named == {(one.stage, f"{folder[one.stage]}/{one.file}".rstrip("/"), one.cached) for one in MADE}
    read = {dep for found in stages.values() for dep in found["do"].get("deps", []) if dep.startswith("data/")}
    assert read <= {f"{folder[one.stage]}/{one.file}" for one in MADE}


@pytest.mark.parametrize("stage", STAGE_FOLDERS)
def test_the_catalogue_gives_every_file_the_tier_of_the_stage_that_writes_it(stage: str) -> None:
    tier = getattr(import_module(f"tasks.{stage}"), stage).tier
    assert {one.tier for one in MADE if one.stage == stage} == {tier}


@pytest.mark.parametrize("name", ["page.html.jinja", "sheet.md.jinja"])
def test_a_misspelt_name_in_a_template_is_an_error_and_no_gap(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("{{ found.title }} {{ found.titel }}")
    with pytest.raises(UndefinedError, match="titel"):
        render(name, tmp_path, found=inspect(made()))


def test_a_misspelt_name_in_the_page_of_an_inspection_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "page.html.jinja"
    text = (inspection_page.HERE / name).read_text(encoding="utf-8")
    (tmp_path / name).write_text(re.sub(r"found\.predicted", "found.predictd", text), encoding="utf-8")
    monkeypatch.setattr(inspection_page, "HERE", tmp_path)
    with pytest.raises(UndefinedError, match="predictd"):
        inspection_page.page("trial", inspect(made()))


@pytest.mark.parametrize("change", ["another order", "one fewer", "another outcome"])
def test_what_is_said_by_place_is_refused_for_subjects_in_another_order(change: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((6, 2, 3)).astype(np.float32)
    labels = np.array([0, 1, 0, 1, 0, 1], np.float32)
    cohort = Normalised(values, np.ones(values.shape, bool), labels, np.zeros(6, np.uint8))
    cohort.check_order(cohort.order(), "shadows.safetensors")
    other = {
        "another order": cohort.only(np.array([2, 1, 0, 3, 4, 5])),
        "one fewer": cohort.only(np.arange(5)),
        "another outcome": replace(cohort, labels=1 - labels),
    }[change]
    with pytest.raises(InputError, match=r"shadows\.safetensors was made of other subjects.*recondense run"):
        other.check_order(cohort.order(), "shadows.safetensors")
