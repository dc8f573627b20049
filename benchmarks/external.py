"""A bundle made from PhysioNet-2012's set a, evaluated on the 4,000 patients of set b, whom no step has seen.

    python -m benchmarks.external                # twenty minutes on 2 cores; --quick: minutes, k-means, three networks

A scratch copy of this tree takes set a from raw files to a bundle by `recondense run`; `recondense evaluate` scores it
on set b, which comes from other hospital stays of the same years. The bundle's own AUC is to hold there within .02.
Writes ``docs/results/external.json``, with --quick nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.harness import DATA, OUT, ROOT, header
from recondense.files.strict_json import write_json
from recondense.stages.renamed import VERSION

WITHIN = 0.02
BY = "benchmarks external"  # who overrides the gate, and so has to sign the ledger
RECALIBRATED_ON = 200
QUICK_NETWORKS = ["lstm_beta", "tcn_beta", "transformer_beta"]
NORMALISATION = {"step_hours": 1, "n_steps": 48, "clip_quantiles": [0.005, 0.995]}


def cohort(name: str, quick: bool) -> dict[str, Any]:
    """The block of one set; of set b only the reading is used. All real records, baselines and attacks, whose figures
    are of no use here, are given little time or left out."""
    few = {"networks": QUICK_NETWORKS} if quick else {}
    search = {"recipe_search": {**few, "seeds": 1}} if quick else {}
    return {
        "ingestion": {
            "dataset": "physionet2012",
            "raw": str(DATA / "physionet2012"),
            "split": {"kind": "random", "seed": 0, "validation": 0.16, "test": 0.2},
            "options": {"sets": [name]},
        },
        "normalisation": NORMALISATION,
        "reference": {**few, "steps": 60},
        "condensation": {"method": "kmeans" if quick else "unrolled", "records_per_class": 10, **search},
        "shadows": {"count": 0},
        "training": {**few, "baselines": []},
        "privacy": {"attacks": ["nearest_record"]},
        "release": {"override": {"by": BY, "reason": "Nobody gets this bundle: its attacks are left out."}},
    }


def main() -> None:
    """Make the bundle, evaluate it, say how far the two AUCs lie apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="k-means and three networks, to see that it works")
    quick = parser.parse_args().quick
    about = header()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "project"
        copy_tree(root)
        YAML().dump(
            {"version": VERSION, "cohorts": {"set_a": cohort("a", quick), "set_b": cohort("b", quick)}},
            root / "params.yaml",
        )
        recondense(root, "run", "set_a", "--json")
        bundle, raw = "data/7_released/set_a/candidate", str(DATA / "physionet2012")
        found = json.loads(
            recondense(root, "evaluate", bundle, "--cohort", "set_b", "--raw", raw, "--recalibrate",
                       str(RECALIBRATED_ON), "--json")
        )  # fmt: skip
    stated, reached = found["stated"]["mean"], found["scores"]["single"]["auc"]["mean"]
    verdict = "within" if abs(stated - reached) <= WITHIN else "NOT within"
    print(f"set a's test patients: {stated:.3f}; set b: {reached:.3f}; {verdict} {WITHIN:g} of each other")
    for name in ("auc", "auprc", "brier", "calibration_error"):
        before, after = (found["recalibrated"][when]["single"][name]["mean"] for when in ("before", "after"))
        print(f"{name}: {before:.3f}, recalibrated on {RECALIBRATED_ON} patients {after:.3f}")
    if not quick:
        write_json(OUT / "external.json", {**found, "measured": about})


def copy_tree(root: Path) -> None:
    """What git tracks of this tree, as a project of its own."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes((ROOT / name).read_bytes())
    for command in (
        ["init", "-q"],
        ["config", "user.name", BY],
        ["config", "user.email", "none"],
        ["add", "-A"],
        ["commit", "-qm", "start"],
    ):
        subprocess.run(["git", *command], cwd=root, check=True, capture_output=True)


def recondense(root: Path, *arguments: str) -> str:
    """What `recondense` writes to standard output."""
    keys = str(root.parent / "keys")
    done = subprocess.run(
        [sys.executable, "-m", "recondense.cli", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "RECONDENSE_KEYS": keys},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"recondense {arguments[0]} ended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
