"""A recipient's machine: the programs of a bundle are run where this project cannot be imported."""

import subprocess
import sys
from pathlib import Path

from tests.project import REPO

# -I keeps the script's folder, the working directory and PYTHONPATH out; an editable install is taken out here
START = """
import importlib.util, runpy, sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in f"{finder!r}{type(finder)!r}"]
sys.path = [place for place in sys.path if place != sys.argv[1] and "editable" not in place]
for name in ("recondense", "tasks", "flows"):
    assert importlib.util.find_spec(name) is None, name
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
left = [name for name in sys.modules if name.split(".")[0] in ("tasks", "flows", "recondense")]
assert not left, left
"""


def alone(script: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run ``script`` in ``folder`` with the packages that are installed here, but without this project."""
    return subprocess.run(
        [sys.executable, "-I", "-c", START, str(REPO), str(script), *arguments],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
