"""What a bundle has to hold, by the version that made it."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from recondense.bundle.verify import verify
from recondense.checks import Check
from recondense.files.hashes import sha256
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.condensed import CondensedSet
from recondense.stages.layout import Layout
from tests.support.stranger import alone

PARQUET = "condensed.parquet is condensed.safetensors in clinical units"


@pytest.fixture
def bundle(small: Layout, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small.folder("release"), tmp_path / "bundle"))


def relist(bundle: Path) -> list[Check]:
    """Make the manifest agree with whatever the folder holds now, and verify it."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"] = {path.name: sha256(path) for path in bundle.iterdir() if path.name != "manifest.json"}
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    return verify(bundle)


def test_a_bundle_of_before_cells_py_is_whole_and_one_that_lost_it_is_not(bundle: Path) -> None:
    assert "cells.py" in json.loads((bundle / "manifest.json").read_text())["files"]
    (bundle / "cells.py").unlink()
    assert any(check.claim == "cells.py is there" and check.holds is False for check in verify(bundle))
    assert all(check.holds for check in relist(bundle))


def test_another_text_under_the_name_of_cells_py_is_code_of_somebody_else(bundle: Path) -> None:
    (bundle / "cells.py").write_text("print('hello')\n")
    found = {check.claim: check.holds for check in relist(bundle)}
    assert found["cells.py is a program of recondense"] is False


def test_records_in_clinical_units_are_checked_by_the_rule_that_the_bundle_states(bundle: Path) -> None:
    said = json.loads((bundle / "preprocessing.json").read_text())
    assert said.pop("bounded") is True
    (bundle / "preprocessing.json").write_text(json.dumps(said))
    condensed = CondensedSet.load(bundle / "condensed.safetensors")
    Preprocessing.load(bundle / "preprocessing.json").clinical(condensed).to_parquet(
        bundle / "condensed.parquet", index=False
    )
    assert {check.claim: check.holds for check in relist(bundle)}[PARQUET]


def test_the_dictionary_says_which_level_is_1(small: Layout) -> None:
    with (small.folder("release") / "dictionary.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["feature"]: row for row in csv.DictReader(file)}
    assert (rows["female"]["level_1"], rows["female"]["level_0"]) == ("f", "m")
    assert (rows["hepato"]["level_1"], rows["hepato"]["level_0"]) == ("1", "0")


def test_the_program_says_what_to_do_without_its_tables_and_leaves_the_bundle_alone(bundle: Path) -> None:
    done = alone(bundle / "apply.py", folder=bundle.parent)
    assert done.returncode != 0 and "give --subjects and --events, or --wide" in done.stderr
    assert not (bundle / "__pycache__").exists() and all(check.holds for check in verify(bundle))
