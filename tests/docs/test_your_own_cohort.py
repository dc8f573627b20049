"""docs/steward/your-own-cohort.md, done as it says, in a copy of this project."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from recondense.cohorts.readers import pbcseq
from recondense.records.attrition import Attrition
from tests.support.paths import REPO
from tests.support.project import Project, make_project

PAGE = REPO / "docs/steward/your-own-cohort.md"
BLOCKS = re.findall(r"^```(sh|yaml)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def follow(root: Path, blocks: list[tuple[str, str]]) -> Project:
    """Run the page's shell blocks; its YAML block takes the place of the guessed one, as a person would have it."""
    project = make_project(root)
    environment = {**project.env, "PYTHONPATH": str(root)}
    for language, text in blocks:
        if language == "yaml":
            params = (root / "params.yaml").read_text()
            (root / "params.yaml").write_text(params[: params.index("  # Guessed from the files")] + text)
            continue
        done = subprocess.run(["bash", "-euc", text], cwd=root, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return project


def test_the_page_leads_from_tables_to_a_tensor(tmp_path: Path) -> None:
    steps = [block for block in BLOCKS if not block[1].startswith("recondense run")]
    assert len(BLOCKS) - len(steps) == 1 and len(steps) >= 5
    project = follow(tmp_path, steps)
    tensor = load_file(tmp_path / "data/3_normalised/liver/normalised.safetensors")
    subjects = pd.read_parquet(tmp_path / "data/2_ingested/liver/subjects.parquet")
    assert tensor["values"].shape == (262, 4, 7) and np.isfinite(tensor["values"]).all()
    assert int(subjects["outcome"].sum()) == 96  # as the trial's own reader has it
    events = pd.read_parquet(tmp_path / "data/2_ingested/liver/events.parquet")
    own = pbcseq.read(REPO / "data/1_raw/pbcseq", pbcseq.Options(), Attrition())[0]
    assert len(events) == own["variable"].isin(["bili", "albumin", "protime", "ascites"]).sum()
    # DVC, too, can read the block
    project.call("dvc", "status", "--json", "normalisation@liver")


@pytest.mark.slow
def test_the_page_leads_to_a_bundle(tmp_path: Path) -> None:
    follow(tmp_path, BLOCKS)
    assert (tmp_path / "data/7_released/liver/candidate/condensed.safetensors").is_file()
