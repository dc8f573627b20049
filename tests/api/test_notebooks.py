"""The pages that show the library in a notebook run as they stand, where none of the engines can be imported."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from recondense.stages.layout import Layout
from tests.support.paths import REPO

ENGINES = ("prefect", "dvc", "mlflow", "dask", "distributed")
RAW = REPO / "data/1_raw/pbcseq/pbcseq.csv"
START = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {engines!r}:
            raise ModuleNotFoundError(f"{{name}} is not installed here", name=name)

sys.meta_path.insert(0, Blocker())
"""


def run(code: str, folder: Path) -> str:
    """What ``code`` prints, run in ``folder`` by a Python in which the engines cannot be imported."""
    command = [sys.executable, "-c", START.format(engines=ENGINES) + code]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def blocks(page: str) -> str:
    """The code of ``page``, in order."""
    found = re.findall(r"^```python\n(.*?)^```", (REPO / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
    assert len(found) > 2
    return "\n".join(found)


def test_importing_the_library_loads_neither_an_engine_nor_torch_nor_pandas(tmp_path: Path) -> None:
    heavy = run("import recondense; print([n for n in ('torch', 'pandas', 'numpy', 'pydantic') if n in sys.modules])",
                tmp_path)  # fmt: skip
    assert heavy == "[]\n"


def test_every_name_of_the_library_is_there_without_the_engines(tmp_path: Path) -> None:
    said = run("import recondense as rc; print([n for n in rc.__all__ if getattr(rc, n)] == rc.__all__)", tmp_path)
    assert said == "True\n"


def test_a_cohort_is_condensed_evaluated_and_audited_as_its_page_shows(tmp_path: Path) -> None:
    (tmp_path / "extracts").mkdir()
    shutil.copy(RAW, tmp_path / "extracts")
    said = run(blocks("researcher/condense-in-a-notebook.md"), tmp_path)
    assert "Cohort of 262 subjects" in said and "(20, 4, 5)" in said and "singling out" in said


def test_any_data_frame_is_audited_as_its_page_shows(tmp_path: Path) -> None:
    first = pd.read_csv(RAW).groupby("id", as_index=False).first()
    first["event"] = (first["status"] > 0).astype(int)
    first[["id", "event", "age", "sex", "bili", "chol", "albumin", "protime", "stage"]].to_csv(
        tmp_path / "people.csv", index=False
    )
    said = run(blocks("researcher/audit-any-synthetic-set.md"), tmp_path)
    assert "gaps were filled" in said and "lira_online" in said


@pytest.mark.filterwarnings("ignore")
def test_a_bundle_is_verified_and_gives_risks_as_its_page_shows(small: Layout, tmp_path: Path) -> None:
    shutil.copytree(small.folder("release"), tmp_path / "pbcseq-2026.12.1")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    said = run(blocks("recipient/use-a-bundle-in-python.md"), tmp_path)
    assert "nobody's signature was checked" in said and "risk" in said
    assert sorted(path.name for path in tmp_path.rglob("*")) == before, "nothing is written, into the bundle or beside"
