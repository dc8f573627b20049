"""The wheel, built and installed as anybody would: an environment that has never seen this repository."""

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tests.support.paths import REPO


def build_wheel(folder: Path) -> Path:
    """The wheel of this tree, in ``folder``."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPO, check=True, capture_output=True)
    [wheel] = folder.glob("recondense-*.whl")
    return wheel


@dataclass(frozen=True)
class Machine:
    """A folder to type in, with an environment of the wheel and of the packages that run this test, and no other
    setting of this user's."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.pathsep.join([str(self.folder / "venv/bin"), "/usr/bin", "/bin"]),
            "HOME": str(self.folder / "home"),
            "OMP_NUM_THREADS": "1",
        }

    def type(self, line: str, folder: str = ".", **environment: str) -> subprocess.CompletedProcess[str]:
        """What the shell says to ``line`` in ``folder``."""
        return subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder / folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )


def machine(folder: Path, wheel: Path) -> Machine:
    """A machine with ``wheel``, in the new folder ``folder``."""
    (folder / "home").mkdir(parents=True)
    venv.create(folder / "venv", symlinks=True)
    [packages] = (folder / "venv/lib").glob("python*/site-packages")
    others = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "others.pth").write_text("\n".join(others) + "\n")  # whose own .pth files have no say there
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "venv/bin/python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    for name in ("dvc", "prefect", "mlflow"):  # as they come with recondense[pipeline]
        script = folder / "venv/bin" / name
        script.write_text(f'#!/bin/sh\nexec "{folder}/venv/bin/python" -m {name} "$@"\n')
        script.chmod(0o755)
    return Machine(folder)


def extracts(folder: Path) -> None:
    """Two tables of a ward: who there was and what became of them, and what was measured at visits (pbcseq)."""
    folder.mkdir()
    visits = pd.read_csv(REPO / "data/1_raw/pbcseq/pbcseq.csv")
    people = visits.groupby("id")[["age", "sex", "trt", "status"]].first().reset_index()
    people.assign(died=people["status"] == 2).drop(columns="status").to_csv(folder / "people.csv", index=False)
    visits.drop(columns=["age", "sex", "trt", "futime", "status"]).to_csv(folder / "visits.csv", index=False)
