"""Test AUC against the number of condensed records: how much can 2, 4, 10, 20, 80 and 200 of them carry?

    python -m benchmarks.sizes                               # PhysioNet-2012, half an hour on 2 cores
    python -m benchmarks.sizes --sizes 10 --rows unrolled    # only these; others keep their earlier figures

Unrolled condensation and k-means, with hard and with soft labels, one condensation each, recipes chosen on the
validation split by one network seed; four networks of four families are trained with two seeds. Fewer steps than by
default, for time. `recondense sweep COHORT --target 0.99` chooses a size by such a curve on the validation split.
Writes ``docs/results/sizes_COHORT.*``.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.condensation import ROWS, Row
from benchmarks.harness import OUT, counts, digest, fixed, header, parts_of, read, scored, tensor
from recondense.charts import DARK, GREEN
from recondense.charts.picture import paper, save
from recondense.condensation.methods import Request
from recondense.condensation.params import METHODS
from recondense.files.strict_json import write_json
from recondense.models.choose import choose
from recondense.models.fit import choose_device
from recondense.models.part import Part
from recondense.models.recipe import Recipe, RecipeSearch
from recondense.models.reference_params import Params as ReferenceParams
from recondense.models.teacher import soft_labels
from recondense.models.trial import TrainingSet
from recondense.records.cohort import Normalised
from recondense.stages import plugins

SHOWN = {"unrolled": GREEN, "k-means, soft labels": "#7b4fa3", "k-means": "#b3541e"}
ALL_REAL = "all real records"
NETWORKS = ("rnn_beta", "lstm_beta", "tcn_beta", "transformer_beta")


def main() -> None:
    """Measure each size with each method, then draw these and what was measured earlier."""
    arguments = parse()
    cohort = tensor(arguments.cohort)
    parts = parts_of(cohort)
    about = header(
        tensor=f"{arguments.cohort} {digest(cohort)}",
        patients=counts(parts),
        trained=f"{len(NETWORKS)} networks, {arguments.seeds} seeds; unrolled takes {arguments.steps} steps",
    )
    path = OUT / f"sizes_{arguments.cohort}.json"
    results = read(path) or {"rows": {}, "measured": about}
    if ALL_REAL not in results:
        recipe = Recipe(steps=ReferenceParams().steps)
        found = scored({ALL_REAL: TrainingSet(lambda seed: parts["train"], lambda network: recipe, 1)}, parts, NETWORKS)
        results[ALL_REAL] = found["test_auc"][ALL_REAL]["mean"]
    for size in arguments.sizes:
        for name in arguments.rows:
            row = measure(ROWS[name], size, cohort, parts, arguments)
            results["rows"].setdefault(name, {})[str(size)] = row
            results["measured"] = about
            write_json(path, results)
            print(f"{name}, {2 * size} records: {row}", flush=True)
    write(path, arguments.cohort, results)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", default="physionet2012")
    parser.add_argument("--sizes", nargs="+", type=int, default=[1, 2, 5, 10, 40, 100], help="records a class")
    parser.add_argument("--rows", nargs="+", choices=list(SHOWN), default=list(SHOWN), metavar="ROW")
    parser.add_argument("--steps", type=int, default=240, help="of unrolled condensation")
    parser.add_argument("--seeds", type=int, default=2, help="networks of each architecture")
    return parser.parse_args()


def measure(
    row: Row, size: int, cohort: Normalised, parts: dict[str, Part], arguments: argparse.Namespace
) -> dict[str, float]:
    """Test AUC, its interval, and the seconds that condensing took."""
    module, device, started = plugins.load(METHODS, row.method), choose_device("auto"), time.perf_counter()
    request, train = Request(size, arguments.steps, 0, device), cohort.part("train").labelled()
    made = module.condense(train, request, module.Options(**row.options)).condensed
    if row.soft:
        made = soft_labels(made, train, 0)
    seconds = time.perf_counter() - started
    recipes = choose(made, parts["validation"], RecipeSearch(networks=NETWORKS, seeds=1), device)
    found = scored({row.method: TrainingSet(fixed(made), recipes.of, arguments.seeds)}, parts, NETWORKS)
    auc = found["test_auc"][row.method]
    return {**{name: auc[name] for name in ("mean", "low", "high")}, "seconds": round(seconds, 1)}


def write(path: Path, cohort: str, results: dict[str, Any]) -> None:
    """The table and the figure."""
    rows, full = results["rows"], results[ALL_REAL]
    sizes = sorted({int(size) for of_size in rows.values() for size in of_size})
    lines = []
    for size in sizes:
        cells = [str(2 * size)]
        for name in SHOWN:
            row = rows[name][str(size)]
            cells += [f"{row['mean']:.3f} ({row['low']:.3f} to {row['high']:.3f})", f"{row['mean'] / full:.1%}"]
        lines.append(f"| {' | '.join(cells)} | {rows['unrolled'][str(size)]['seconds']:.0f} |")
    path.with_suffix(".md").write_text(
        f"""# How many records, for {cohort}

`python -m benchmarks.sizes --cohort {cohort}`. Test AUC, mean over four networks of four families
({", ".join(NETWORKS)}), with its 95 % interval over test patients, and as a share of
what all real records give ({full:.3f}). One condensation a
row, with fewer steps than by default: see below. Seconds are of unrolled condensation.

| records | {" | share | ".join(SHOWN)} | share | s |
|---|{"---|" * (2 * len(SHOWN) + 1)}
{chr(10).join(lines)}

![Test AUC against the number of records](sizes_{cohort}.png)

Measured: {"; ".join(results["measured"].values())}
""",
        encoding="utf-8",
    )
    save(figure(results, sizes), path.with_suffix(".png"))


def figure(results: dict[str, Any], sizes: list[int]) -> Figure:
    """A line a method, its interval shaded, and a level for all real records."""
    drawn, (axes,) = paper(7, 4.2)
    records = [2 * size for size in sizes]
    for name, colour in SHOWN.items():
        of_size = [results["rows"][name][str(size)] for size in sizes]
        axes.plot(records, [row["mean"] for row in of_size], "o-", color=colour, label=name)
        axes.fill_between(
            records, [row["low"] for row in of_size], [row["high"] for row in of_size], color=colour, alpha=0.1
        )
    axes.axhline(results[ALL_REAL], color=DARK, linewidth=1, label=ALL_REAL)
    axes.set_xscale("log")
    axes.set_xticks(records, [str(count) for count in records])
    axes.minorticks_off()
    axes.set_xlabel("condensed records")
    axes.set_ylabel("test AUC, mean over four networks")
    axes.grid(color="#dddddd")
    axes.legend(frameon=False)
    return drawn


if __name__ == "__main__":
    main()
