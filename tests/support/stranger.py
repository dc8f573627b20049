"""A recipient's machine: the programs of a bundle are run where this project cannot be imported."""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

from recondense.bundle.scripts import SCRIPTS
from tests.support.paths import REPO

# -I keeps the script's folder, the working directory and PYTHONPATH out; an editable install is taken out here
START = """
import importlib.util, runpy, sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in f"{finder!r}{type(finder)!r}"]
sys.path = [place for place in sys.path if place != sys.argv[1] and "editable" not in place]
for name in ("recondense", "tasks", "flows"):
    found = importlib.util.find_spec(name)
    assert found is None or found.loader is None, name  # a folder without code, of an editable install's template
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


@cache
def program(name: str) -> ModuleType:
    """A bundle's program, imported as from a bundle: out of a folder that holds all of them."""
    with tempfile.TemporaryDirectory() as folder:
        for script in SCRIPTS:
            shutil.copy(script, folder)
        spec = importlib.util.spec_from_file_location(name, Path(folder) / f"{name}.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module
