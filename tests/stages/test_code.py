"""What stales a stage is code that it runs: a docstring, a page or a progress bar is none, a constant is."""

import json
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.support.paths import REPO

# What is edited, the edit, and the digests of software.yaml that become others
EDITS: dict[str, tuple[str, str, str, set[str]]] = {
    "a docstring": ("recondense/condensation/methods/unrolled.py", '"""Unrolled', '"""Otherwise unrolled', set()),
    "a comment": ("recondense/models/fit.py", "\n\n\ndef ", "\n\n\n# why not\ndef ", set()),
    "a page": ("recondense/bundle/report.html.jinja", "</title>", ", edited</title>", set()),
    "a progress bar": ("recondense/progress.py", "\nimport ", "\nWIDTH = 3\nimport ", set()),
    "a wizard": ("recondense/wizard/words.py", "import re", "import re\n\nMORE = 3", set()),
    "a method": ("recondense/condensation/methods/kmeans.py", "averaged", "averaged ", {"methods kmeans"}),
    "a reader": ("recondense/cohorts/readers/pbcseq.py", "365", "366", {"readers pbcseq"}),
    "an attack": ("recondense/privacy/attacks/domias.py", "return ", "return +", {"stages privacy"}),
    "how recipes are chosen": (
        "recondense/models/choose.py",
        "from ",
        "SEED = 7\nfrom ",
        {"stages condensation", "stages training"},
    ),
    "a stage of the project": ("tasks/training.py", "from ", "SEED = 7\nfrom ", {"stages training"}),
}

SCRIPT = """
import json, sys
from pathlib import Path
from recondense.stages import software
root = Path(sys.argv[1])
flat = lambda: {f"{kind} {name}": digest for kind, found in software.installed(root).items() if kind != "version"
                for name, digest in found.items()}
before, found = flat(), {}
for what, (file, old, new) in json.loads(sys.argv[2]).items():
    path = root / file
    text = path.read_text()
    path.write_text(text.replace(old, new, 1))
    after = flat()
    found[what] = [text != path.read_text(), sorted(name for name in before if before[name] != after.get(name))]
    path.write_text(text)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def staled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By edit: whether it was made, and which digests became others."""
    root = tmp_path_factory.mktemp("sources")
    for package in ("recondense", "tasks"):
        shutil.copytree(REPO / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    edits = json.dumps({what: edit[:3] for what, edit in EDITS.items()})
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(root), edits], cwd=root, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_stales_exactly_the_stages_that_run_it(staled: dict[str, Any], what: str) -> None:
    made, others = staled[what]
    assert made, "the file no longer holds what this edits"
    assert set(others) == EDITS[what][3]
