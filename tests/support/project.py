"""A project of its own for a test: this tree's files elsewhere, small cohorts, driven as a user drives it."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from recondense.stages.renamed import VERSION
from tests.support.paths import REPO

# A patient id and a cholesterol value that stand nowhere else
SENTINELS = ("913572468", "297.531864")
# What a hospital's project has not
SOURCES = (
    *("recondense/", "tests/", "docs/", "benchmarks/", ".ci/", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"),
    *("SECURITY.md", "mkdocs.yml", "Makefile", "requirements.lock", ".pre-commit-config.yaml"),
)
STAGES = ["ingestion", "normalisation", "reference", "condensation", "shadows", "training", "privacy", "release"]

QUICK_SEARCH = {"networks": ["tcn_beta"], "learning_rates": [0.001], "noises": [0.5], "steps": [20, 40], "seeds": 1}

# Small enough that a whole run is its start-up time
QUICK: dict[str, Any] = {
    "ingestion": {
        "dataset": "pbcseq",
        "raw": "data/1_raw/pbcseq",
        "split": {"kind": "random", "seed": 0, "validation": 0.2, "test": 0.3},
        "options": {"landmark_days": 365, "horizon_days": 1826},
    },
    "normalisation": {"step_hours": 2190, "n_steps": 4, "scale": "train"},
    "reference": {"networks": ["tcn_beta"], "steps": 5},
    "condensation": {"method": "group_means", "records_per_class": 5, "seed": 0, "recipe_search": QUICK_SEARCH},
    "shadows": {"count": 0},
    "training": {"networks": ["tcn_beta"], "seeds": 2, "bootstrap": 100, "baseline_search": QUICK_SEARCH},
    "privacy": {"options": {"loss_membership": {"networks": ["tcn_beta"], "repeats": 1}}},
    # Nothing is worth much that was learned so quickly
    "release": {
        "allow_inconclusive": True,
        "allow_above_guessing": True,
        "min_share_of_simple_model": 0,
        "allow_no_gain_over_one_variable": True,
        "allow_test_beyond_validation": True,
    },
}


@dataclass
class Project:
    """A clone with its own git history, DVC cache, Prefect home and MLflow store."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", *arguments]

    @property
    def env(self) -> dict[str, str]:
        kept = {"RECONDENSE_KEYS"}  # those of the tests: tests/conftest.py
        inherited = {
            k: v for k, v in os.environ.items() if k in kept or not k.startswith(("PREFECT_", "MLFLOW_", "RECONDENSE_"))
        }
        scripts = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", "")])
        return {**inherited, "PATH": scripts, "OMP_NUM_THREADS": "1", **self.environment}

    def call(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """``python -m ARGUMENTS`` in the project; with ``check``, a failure shows what the command said."""
        result = subprocess.run(
            self.command(*arguments), cwd=self.root, env=self.env, capture_output=True, text=True, timeout=600
        )
        assert not check or result.returncode == 0, (
            f"{arguments} ended with {result.returncode}:\n{result.stderr[-3000:]}"
        )
        return result

    def run(self, cohort: str, *options: str) -> dict[str, str]:
        """`recondense run`; returns the Prefect state of every stage."""
        outcome = json.loads(self.call("recondense.cli", "run", cohort, "--json", *options).stdout)
        states: dict[str, str] = outcome["states"]
        return states

    def status(self, *targets: str) -> dict[str, Any]:
        """`dvc status`: what has changed, by stage; empty when everything is current."""
        changed: dict[str, Any] = json.loads(self.call("dvc", "status", "--json", *targets).stdout)
        return changed

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text()
        assert old in text, f"{file} no longer holds {old!r}"
        path.write_text(text.replace(old, new, 1))


def make_project(
    root: Path, cohorts: dict[str, Any] | None = None, *, sources: bool = False, **environment: str
) -> Project:
    """Copy this tree (what git tracks or would track) to ``root``; ``cohorts`` replaces params.yaml's.

    Without ``sources`` only what a hospital's project has: the library is the one that is installed.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=REPO, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = REPO / name, root / name
        if not sources and name.startswith(SOURCES):
            continue
        if source.is_file() and target.name not in ("dvc.lock", "metrics.json") and target.suffix != ".jsonl":
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    if cohorts is not None:
        plain = json.loads(json.dumps({"version": VERSION, "cohorts": cohorts}))  # nothing shared between cohorts
        YAML().dump(plain, root / "params.yaml")
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qm", "start"],
    ):
        subprocess.run(["git", *command], cwd=root, check=True, capture_output=True)
    return Project(root, environment)


def copied(project: Project, root: Path, **environment: str) -> Project:
    """A copy of a project that has been run, with its MLflow store."""
    shutil.copytree(project.root, root, symlinks=True)
    with closing(sqlite3.connect(root / "mlflow.db")) as database, database:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            database.execute(f"update {table} set {column} = replace({column}, ?, ?)", (str(project.root), str(root)))
    return Project(root, environment)


def add_cohort(root: Path, name: str, block: dict[str, Any]) -> None:
    """Add a cohort to the params.yaml of the project at ``root``."""
    params = YAML(typ="safe").load(root / "params.yaml")
    params["cohorts"][name] = json.loads(json.dumps(block))
    YAML().dump(params, root / "params.yaml")


def with_remotes(root: Path) -> None:
    """Give the project at ``root`` the remotes ``vault`` and ``public``, folders beside it, and commit all it has."""
    for name in ("vault", "public"):
        (root.parent / name).mkdir()
    (root / ".dvc/config").write_text(
        "[core]\n    analytics = false\n    remote = vault\n"
        "['remote \"vault\"']\n    url = ../../vault\n['remote \"release\"']\n    url = ../../public\n"
    )
    commit_all(root)


def commit_all(root: Path) -> None:
    """Commit whatever the project at ``root`` has, as somebody."""
    for command in ("config user.name test", "config user.email test@localhost", "add -A", "commit -qm changes"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)


NETWORKS = ["lstm_beta", "tcn_beta"]
SMALL = {
    **QUICK,
    "ingestion": {**QUICK["ingestion"], "split": {"kind": "random", "seed": 0, "validation": 0.2, "test": 0.6}},
    "reference": {"networks": NETWORKS, "steps": 20},
    "condensation": {**QUICK["condensation"], "records_per_class": 2, "recipe_search": {**QUICK_SEARCH, "ensemble": 2}},
    "training": {**QUICK["training"], "networks": NETWORKS, "baselines": []},
    "release": {**QUICK["release"], "min_patients_per_class": 10, "min_patients_per_record": 1, "min_test_auc": 0},
}


def plant_sentinel(csv: Path) -> None:
    """Give patient 2 the id and the first cholesterol of `SENTINELS`."""
    lines = csv.read_text().splitlines()
    for number, line in enumerate(lines):
        cells = line.split(",")
        if cells[0] == "2":
            cells[0] = SENTINELS[0]
            if cells[6] == "0":
                cells[12] = SENTINELS[1]
            lines[number] = ",".join(cells)
    csv.write_text("\n".join(lines) + "\n")
