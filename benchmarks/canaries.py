"""Canaries, outlying patients planted among the train records: how surely do attacks find them in a condensed set?

    python -m benchmarks.canaries                                      # pbcseq
    python -m benchmarks.canaries --cohort physionet2012

Each row condenses the train split with the canaries in it, several times with other canaries. An attack scores the
planted ones and their twins, made alike and left out; AUC 1 finds all, 0.5 none. The first row hands the canaries over
as they are, and has to be found. Rows measured earlier stay. Writes ``docs/results/canaries_COHORT.{json,md}``.
"""

import argparse
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import OUT, digest, header, headers, read, tensor
from recondense.condensation.baselines import random_records
from recondense.condensation.methods import Request
from recondense.condensation.params import METHODS
from recondense.files.strict_json import write_json
from recondense.models.fit import choose_device
from recondense.privacy.attacks import Target
from recondense.privacy.canaries import told_apart
from recondense.privacy.params import ATTACKS
from recondense.privacy.shadows.canaries import DISTANCE, TWINS, among, planted
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.stages import plugins

AS_THEY_ARE = "the canaries as they are"
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    AS_THEY_ARE: ("random_records", {}),
    "k-means": ("kmeans", {}),
    "microaggregation": ("microaggregation", {}),
    "unrolled": ("unrolled", {}),
    "unrolled, from k-means": ("unrolled", {"initialisation": "kmeans"}),
    "unrolled, from microaggregates": ("unrolled", {"initialisation": "microaggregation"}),
}
SCORES = ("nearest_record", "loss_membership")
CONFIDENCE = 0.95


def main() -> None:
    """Measure each row and write the table."""
    arguments = parse()
    train = tensor(arguments.cohort).labelled().part("train")
    about = header(
        tensor=f"{arguments.cohort} {digest(train)}, {len(train.labels)} train patients",
        planted=f"{arguments.canaries} canaries at {arguments.distance:g} standard deviations, {arguments.twins} "
        f"twins, {arguments.repeats} repeats",
        condensed=f"{arguments.per_class} records a class, steps {arguments.steps or 'by default'}",
    )
    path = OUT / f"canaries_{arguments.cohort}.json"
    rows = read(path).get("rows", {})
    for name in dict.fromkeys([AS_THEY_ARE, *arguments.rows]):  # others are compared with it
        rows[name] = {**row(name, train, arguments), "measured": about}
        print(line(name, rows), flush=True)
    rows = {name: rows[name] for name in ROWS if name in rows}
    write_json(path, {"rows": rows})
    path.with_suffix(".md").write_text(page(arguments, rows), encoding="utf-8")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", default="pbcseq")
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS), metavar="ROW")
    parser.add_argument("--canaries", "--outliers", type=int, default=10)
    parser.add_argument("--twins", type=int, default=TWINS)
    parser.add_argument("--distance", type=float, default=DISTANCE)
    parser.add_argument("--per-class", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, help="of methods that learn; their own default if left out")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    return parser.parse_args()


def row(name: str, train: Normalised, arguments: argparse.Namespace) -> dict[str, Any]:
    """Figures of both attacks, over all repeats together."""
    scores: dict[str, list[NDArray[np.float64]]] = {name: [] for name in SCORES}
    started, condensing = time.perf_counter(), 0.0
    for seed in range(arguments.repeats):
        inside, twins = planted(train, arguments.canaries, seed, arguments.twins, arguments.distance)
        begun = time.perf_counter()
        made = released(name, train, inside, seed, arguments)
        condensing += time.perf_counter() - begun
        judged = among(inside, twins)
        target = Target(made, judged.values, judged.labels, seed, choose_device(arguments.device))
        for attack in SCORES:
            module = plugins.load(ATTACKS, attack)
            scores[attack].append(module.scores(target, module.Options()))
    figures = {}
    for attack, found in scores.items():
        result = told_apart(found, arguments.canaries, CONFIDENCE)
        rate = result.tpr[0.01]
        figures[attack] = {
            **{key: round(getattr(result.auc, key), 4) for key in ("value", "low", "high")},
            "tpr_at_1_percent_fpr": round(rate.value, 4) if rate else None,
        }
    return {
        "attacks": figures,
        "seconds_condensing": round(condensing, 1),
        "seconds": round(time.perf_counter() - started, 1),
    }


def released(
    name: str, train: Normalised, inside: Normalised, seed: int, arguments: argparse.Namespace
) -> CondensedSet:
    """The condensed set; of `AS_THEY_ARE` the canaries themselves, and random records up to the size of the others."""
    method, options = ROWS[name]
    if name == AS_THEY_ARE:
        others = random_records(train, arguments.per_class, seed)
        size = max(arguments.canaries, 2 * arguments.per_class)
        values, labels = np.concatenate([inside.values, others.values]), np.concatenate([inside.labels, others.labels])
        return CondensedSet(values[:size], labels[:size])
    module = plugins.load(METHODS, method)
    request = Request(arguments.per_class, arguments.steps, seed, choose_device(arguments.device))
    made: CondensedSet = module.condense(among(train, inside), request, module.Options(**options)).condensed
    return made


def line(name: str, rows: dict[str, Any]) -> str:
    """One row of the table, in Markdown; the last cells say what is left of the first row's distance from guessing."""
    cells, left = [name], []
    for attack in SCORES:
        found, most = rows[name]["attacks"][attack], rows[AS_THEY_ARE]["attacks"][attack]
        tpr = found["tpr_at_1_percent_fpr"]
        cells += [
            f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})",
            "" if tpr is None else f"{tpr:.2f}",
        ]
        left.append(f"{(found['value'] - 0.5) / (most['value'] - 0.5):.0%}" if most["low"] > 0.5 else "")
    return "| " + " | ".join([*cells, *left, f"{rows[name]['seconds_condensing']:.0f}"]) + " |"


def page(arguments: argparse.Namespace, rows: dict[str, Any]) -> str:
    """The table with its headers."""
    table = "\n".join(line(name, rows) for name in rows)
    steps = f" --steps {arguments.steps}" if arguments.steps else ""
    return f"""# Outlying patients planted in {arguments.cohort}

`python -m benchmarks.canaries --cohort {arguments.cohort}{steps}`.
AUC with its {CONFIDENCE:.0%} interval: how well an attack tells planted canaries from twins that were left out. TPR: at
a false positive rate of 1 %. "Left": the AUC's distance from 0.5, as a share of the same for canaries handed over as
they are.

| condensed by | nearest record, AUC | TPR | loss, AUC | TPR | left, nearest | left, loss | s |
|---|---|---|---|---|---|---|---|
{table}

Measured:
{headers(rows.values())}
"""


if __name__ == "__main__":
    main()
