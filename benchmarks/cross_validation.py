"""Condensed against all real records in an outer cross-validation, for a cohort too small to trust one test split.

    python -m benchmarks.cross_validation                    # pbcseq, 5 folds, 20 records; a quarter of an hour

Each fold is the test split once; of the rest a fifth validates (recipes are chosen there) and the others are condensed;
preprocessing is fitted on these alone. Writes ``docs/results/cross_validation_COHORT.{json,md}``.
"""

import argparse
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from benchmarks.harness import OUT, fixed, header, ingested, parts_of, scored
from recondense.condensation.methods import Request
from recondense.condensation.params import METHODS
from recondense.files.strict_json import write_json
from recondense.models.choose import choose
from recondense.models.fit import choose_device
from recondense.models.recipe import Recipe, RecipeSearch
from recondense.models.trial import TrainingSet
from recondense.preprocessing.fit import fit
from recondense.preprocessing.params import Params as Normalisation
from recondense.records.cohort import SPLITS, Ingested, Normalised
from recondense.stages import plugins
from recondense.stages.params import block

FOLDS = 5
REAL = "all real records"


def main() -> None:
    """Measure every fold, then write the differences."""
    arguments = parse()
    params = block(OUT.parents[1], arguments.cohort)
    cohort, about, folds = ingested(arguments.cohort), header(), []
    for split in outer(cohort.subjects["outcome"].to_numpy()):
        cohort.subjects["split"] = split
        folds.append(measure(normalised(cohort, params), params, arguments))
        print(folds[-1], flush=True)
    path = OUT / f"cross_validation_{arguments.cohort}.json"
    results = {"measured": about, "folds": folds, "differences": differences(folds, arguments.methods)}
    write_json(path, results)
    path.with_suffix(".md").write_text(page(arguments, results), encoding="utf-8")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", default="pbcseq")
    parser.add_argument("--methods", nargs="+", default=["unrolled", "kmeans", "random_records"])
    parser.add_argument("--seeds", type=int, default=5, help="networks of each architecture")
    return parser.parse_args()


def outer(outcome: np.ndarray) -> list[np.ndarray]:
    """The split of every subject, ``(n,)``, once for each fold."""
    splits = []
    for rest, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(outcome, outcome):
        inner = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(rest, outcome[rest])
        split = np.full(len(outcome), "train", dtype=object)
        split[rest[next(inner)[1]]], split[test] = "validation", "test"
        splits.append(split)
    return splits


def normalised(cohort: Ingested, params: dict[str, Any]) -> Normalised:
    """The tensors of one fold, scaled by its own train split."""
    preprocessing = fit(cohort, Normalisation(**params["normalisation"]))
    values, observed = preprocessing.apply(cohort.events, cohort.subjects)
    split = cohort.subjects["split"].map(SPLITS.index).to_numpy(dtype=np.uint8)
    return Normalised(values, observed, cohort.subjects["outcome"].to_numpy(dtype=np.float32), split)


def measure(cohort: Normalised, params: dict[str, Any], arguments: argparse.Namespace) -> dict[str, float]:
    """Test AUC of one fold by what was trained on, mean over the paper's networks."""
    parts, device = parts_of(cohort), choose_device("auto")
    train, own = cohort.part("train").labelled(), params["condensation"]
    reference = Recipe(steps=params["reference"]["steps"])
    sets = {REAL: TrainingSet(lambda seed: parts["train"], lambda network: reference, arguments.seeds)}
    for name in arguments.methods:
        method = plugins.load(METHODS, name)
        steps = own.get("steps") if name == own["method"] else None
        request = Request(own["records_per_class"], steps, own["seed"], device)
        options = method.Options(**own.get("options", {}).get(name, {}))
        made = method.condense(train, request, options).condensed
        recipes = choose(made, parts["validation"], RecipeSearch(), device)
        sets[name] = TrainingSet(fixed(made), recipes.of, arguments.seeds)
    return {name: found["mean"] for name, found in scored(sets, parts, bootstrap=100)["test_auc"].items()}


def differences(folds: list[dict[str, float]], methods: list[str]) -> dict[str, dict[str, float]]:
    """Of each method to all real records: mean over folds and its standard error."""
    gaps = {name: np.array([fold[name] - fold[REAL] for fold in folds]) for name in methods}
    return {
        name: {"mean": round(float(gap.mean()), 4), "error": round(float(gap.std(ddof=1) / np.sqrt(len(gap))), 4)}
        for name, gap in gaps.items()
    }


def page(arguments: argparse.Namespace, results: dict[str, Any]) -> str:
    """The table."""
    folds = results["folds"]
    lines = []
    for name in folds[0]:
        aucs, gap = [fold[name] for fold in folds], results["differences"].get(name)
        words = f"{gap['mean']:+.3f} ± {gap['error']:.3f}" if gap else ""
        lines.append(f"| {name} | {' | '.join(f'{auc:.3f}' for auc in aucs)} | {np.mean(aucs):.3f} | {words} |")
    heads = " | ".join(f"fold {number}" for number in range(1, len(folds) + 1))
    return f"""# Cross-validation of {arguments.cohort}

`python -m benchmarks.cross_validation --cohort {arguments.cohort} --seeds {arguments.seeds}`. Test AUC, mean over the
paper's 11 networks; the last column is the difference to all real records, mean over folds ± its standard error.

| trained on | {heads} | mean | difference |
|---|{"---|" * len(folds)}---|---|
{chr(10).join(lines)}

Measured: {"; ".join(results["measured"].values())}
"""


if __name__ == "__main__":
    main()
