"""Every condensation method on one cohort's tensor: test AUC, calibration and time, beside all real records.

    python -m benchmarks.condensation                        # PhysioNet-2012, 20 records, every row; an hour or more
    python -m benchmarks.condensation --rows unrolled kmeans # only these; other rows keep their earlier figures
    python -m benchmarks.condensation --cohort pbcseq
    python -m benchmarks.condensation --rows unrolled --time # condense once more for the seconds; scores stay

Methods see the train split; recipes are chosen on the validation split; the test split is looked at once, at the end.
Writes ``docs/results/condensation_COHORT.{json,md,png}``.
"""

import argparse
import time
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

from matplotlib.figure import Figure

from benchmarks.harness import OUT, counts, digest, fixed, header, headers, parts_of, read, scored, tensor
from recondense.charts import DARK, GREEN
from recondense.charts.picture import paper, save
from recondense.condensation.methods import Request
from recondense.condensation.params import METHODS
from recondense.files.strict_json import write_json
from recondense.models.choose import choose
from recondense.models.fit import choose_device
from recondense.models.part import Part
from recondense.models.recipe import PAPER_NETWORKS, Recipe, RecipeSearch
from recondense.models.reference_params import Params as ReferenceParams
from recondense.models.teacher import soft_labels
from recondense.models.trial import TrainingSet
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.stages import plugins

PUBLISHED_STEPS = 24_000
TIMED_STEPS = 4  # of each network
PUBLISHED: dict[str, Any] = {
    "representation": "output",
    "initialisation": "noise",
    "real_batch": 256,
    "learning_rate": 0.001,
    "networks": ["tcn_alpha", "tcn_beta", "tcn_gamma", "lstm_alpha", "lstm_beta", "vit_alpha", "vit_beta"],
}
ALL_REAL = "all real records"
REFERENCE_STEPS = ReferenceParams().steps
BASELINES = ("random_records", "kmeans", "group_means")


@dataclass(frozen=True)
class Row:
    """One line of the table: a method, its options, and whether a teacher labels its records anew."""

    method: str
    options: dict[str, Any] = field(default_factory=dict)
    soft: bool = False


ROWS = {
    "random records": Row("random_records"),
    "random records, soft labels": Row("random_records", soft=True),
    "k-means": Row("kmeans"),
    "k-means, soft labels": Row("kmeans", soft=True),
    "group means": Row("group_means"),
    "group means, soft labels": Row("group_means", soft=True),
    "microaggregation": Row("microaggregation"),
    "microaggregation, no noise": Row("microaggregation", {"noise": 0.0}),
    "distribution matching, output": Row("distribution_matching", {"representation": "output"}),
    "distribution matching, features": Row("distribution_matching"),
    "gradient matching": Row("gradient_matching"),
    "trajectory matching": Row("trajectory_matching"),
    "unrolled, from k-means": Row("unrolled", {"initialisation": "kmeans"}),
    "unrolled": Row("unrolled"),
}


def main() -> None:
    """Measure the rows asked for, then write the table and the figure of these and of those measured earlier."""
    arguments = parse()
    cohort = tensor(arguments.cohort)
    parts = parts_of(cohort)
    about = header(
        tensor=f"{arguments.cohort} {digest(cohort)}, {' x '.join(map(str, cohort.values.shape[1:]))}",
        patients=counts(parts),
        condensed=f"{2 * arguments.per_class} records, {arguments.seeds} networks of each architecture, "
        f"{arguments.condensations} condensations of a learned set, recipes by {arguments.recipe_seeds} networks each",
    )
    path = OUT / f"condensation_{arguments.cohort}.json"
    results = read(path) or {"rows": {}}
    if "unrolled" in arguments.rows or "loop" not in results:  # whose seconds are compared with it: of one run
        results["loop"] = {**published_loop(cohort.part("train").labelled(), arguments), "measured": about}
    for name in arguments.rows:
        if arguments.time:
            results["rows"][name] |= {**timed(name, cohort, parts, arguments), "timed": about["started"]}
            write_json(path, results)
            print(line(name, results["rows"][name]), flush=True)
            continue
        measure = all_real if name == ALL_REAL else condensed
        results["rows"][name] = {**measure(name, cohort, parts, arguments), "measured": about}
        write_json(path, results)
        print(line(name, results["rows"][name]), flush=True)
    path.with_suffix(".md").write_text(page(arguments.cohort, results), encoding="utf-8")
    save(figure(results["rows"]), path.with_suffix(".png"))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", default="physionet2012")
    parser.add_argument("--rows", nargs="+", choices=[*ROWS, ALL_REAL], default=[*ROWS, ALL_REAL], metavar="ROW")
    parser.add_argument("--per-class", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=5, help="networks of each architecture, and draws of a baseline")
    parser.add_argument("--condensations", type=int, default=3, help="seeds of condensation, of methods that learn")
    parser.add_argument("--recipe-seeds", type=int, default=RecipeSearch().seeds, help="networks behind each recipe")
    parser.add_argument(
        "--time", action="store_true", help="measure seconds alone, on a machine that does nothing else"
    )
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    return parser.parse_args()


def condensed(name: str, cohort: Normalised, parts: dict[str, Part], arguments: argparse.Namespace) -> dict[str, Any]:
    """Condense with every seed, choose recipes on the validation split, train, score on the test split."""
    row, train = ROWS[name], cohort.part("train").labelled()
    method, device = plugins.load(METHODS, row.method), choose_device(arguments.device)
    options = method.Options(**row.options)

    def draw(seed: int) -> CondensedSet:
        made = method.condense(train, Request(arguments.per_class, None, seed, device), options).condensed
        return soft_labels(made, train, seed) if row.soft else made

    condensing, choosing, sets, chosen = [], [], {}, []
    # A baseline costs nothing and varies by draw: one set a network. A learned set is what would be released.
    baseline = row.method in BASELINES
    for seed in range(1 if baseline else arguments.condensations):
        started = time.perf_counter()
        made = draw(seed)
        condensing.append(round(time.perf_counter() - started, 1))
        chosen.append(choose(made, parts["validation"], RecipeSearch(seeds=arguments.recipe_seeds), device))
        choosing.append(round(time.perf_counter() - started - condensing[-1], 1))
        sets[f"seed {seed}"] = TrainingSet(draw if baseline else fixed(made), chosen[-1].of, arguments.seeds)
    found = scored(sets, parts)
    return {
        "seconds": condensing,
        "seconds_recipes": choosing,
        **kept(found, list(sets)),
        "recipes": [recipes.model_dump() for recipes in chosen],
    }


def timed(name: str, cohort: Normalised, parts: dict[str, Part], arguments: argparse.Namespace) -> dict[str, Any]:
    """Seconds of condensing once, with the first seed, and of choosing recipes."""
    row, device = ROWS[name], choose_device(arguments.device)
    method, train = plugins.load(METHODS, row.method), cohort.part("train").labelled()
    request, started = Request(arguments.per_class, None, 0, device), time.perf_counter()
    made = method.condense(train, request, method.Options(**row.options)).condensed
    condensed_at = time.perf_counter()
    choose(made, parts["validation"], RecipeSearch(), device)
    ended = time.perf_counter()
    return {"seconds": [round(condensed_at - started, 1)], "seconds_recipes": [round(ended - condensed_at, 1)]}


def all_real(name: str, cohort: Normalised, parts: dict[str, Part], arguments: argparse.Namespace) -> dict[str, Any]:
    """The same networks on every train record, with the reference stage's recipe and one seed: each takes a minute."""
    recipe = Recipe(steps=REFERENCE_STEPS)
    found = scored({name: TrainingSet(lambda seed: parts["train"], lambda network: recipe, 1)}, parts)
    return {"seconds": [], "seconds_recipes": [], **kept(found, [name])}


def kept(found: dict[str, Any], sets: list[str]) -> dict[str, Any]:
    """The figures of one row: of each score, bounds included, the mean over ``sets``, which differ by seed."""
    scores = ("auc", "brier", "calibration_error")
    together = [found["ensembles"][name] for name in sets if name in found["ensembles"]]
    return {
        **{score: average([found[f"test_{score}"][name] for name in sets]) for score in scores},
        "auc_by_seed": [found["test_auc"][name]["mean"] for name in sets],
        "ensemble": {score: average([one[f"test_{score}"] for one in together]) for score in scores}
        if together
        else None,
    }


def average(found: list[Any]) -> Any:
    """The mean of numbers, or of the numbers at the same place in nested dictionaries."""
    if isinstance(found[0], dict):
        return {key: average([one[key] for one in found]) for key in found[0]}
    return round(sum(found) / len(found), 5)


def published_loop(train: Normalised, arguments: argparse.Namespace) -> dict[str, float]:
    """What the published loop costs here: seconds a step, as often with each of its networks, and of all steps."""
    method, device = plugins.load(METHODS, "distribution_matching"), choose_device(arguments.device)
    started = time.perf_counter()
    for network in PUBLISHED["networks"]:
        options = method.Options(**{**PUBLISHED, "networks": [network]})
        method.condense(train, Request(arguments.per_class, TIMED_STEPS, 0, device), options)
    each = (time.perf_counter() - started) / (TIMED_STEPS * len(PUBLISHED["networks"]))
    return {"seconds_a_step": round(each, 3), "steps": PUBLISHED_STEPS, "seconds": round(each * PUBLISHED_STEPS)}


def line(name: str, row: dict[str, Any]) -> str:
    """One row of the table, in Markdown."""
    networks = [
        row["auc"]["by_network"][network]["mean"] for network in PAPER_NETWORKS if network in row["auc"]["by_network"]
    ]
    trees = row["auc"]["by_network"]["boosted_trees"]["mean"]
    together = f"{row['ensemble']['auc']['mean']:.3f}" if row["ensemble"] else ""
    seeds = row["auc_by_seed"]
    spread = f" [{min(seeds):.3f} to {max(seeds):.3f}]" if len(seeds) > 1 else ""
    auc = f"{row['auc']['mean']:.3f} ({row['auc']['low']:.3f} to {row['auc']['high']:.3f}){spread}"
    cells = [
        name, auc, f"{min(networks):.3f}", together, f"{trees:.3f}", f"{row['brier']['mean']:.3f}",
        f"{row['calibration_error']['mean']:.3f}", f"{mean(row['seconds']):.0f}" if row["seconds"] else "",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def page(cohort: str, results: dict[str, Any]) -> str:
    """The table with its headers."""
    rows = {name: results["rows"][name] for name in [ALL_REAL, *ROWS] if name in results["rows"]}
    loop = results["loop"]
    ratio = ""
    if (ours := rows.get("unrolled")) and ours.get("timed", ours["measured"]["started"]) == loop["measured"]["started"]:
        seconds = mean(ours["seconds"])
        ratio = (
            f" Unrolled condensation took {seconds:.0f} s in the same run, {loop['seconds'] / seconds:.0f} times less."
        )
    table = "\n".join(line(name, row) for name, row in rows.items())
    return f"""# Condensation of {cohort}

`python -m benchmarks.condensation --cohort {cohort}`; the figures behind this page are in the JSON beside it.

Test AUC is the mean over the paper's 11 networks, single networks, with the 95 % bootstrap interval over test patients;
"worst" is the worst of the 11, "ensembles" the mean over the 11 of ensembles of five, or of as many as were trained:
see below. Boosted trees on summaries stand apart. Brier and calibration error are of single networks, against the true
prevalence. Seconds are of condensing once. Figures of learned sets, bounds of the interval too, are means over the
seeds of condensation (range of their means in
brackets).

| trained on | test AUC | worst | ensembles | boosted trees | Brier | calibration error | s |
|---|---|---|---|---|---|---|---|
{table}

The published loop ({PUBLISHED_STEPS:,} steps of distribution matching on the output) costs
{loop["seconds_a_step"]:.2f} s a step here, {loop["seconds"] / 3600:.1f} h in all.{ratio}

![Test AUC of each of the 11 networks](condensation_{cohort}.png)

Measured:
{headers([*rows.values(), results["loop"]])}
"""


def figure(rows: dict[str, Any]) -> Figure:
    """A dot a network, a bar for the mean, a line for each row."""
    names = [name for name in [*ROWS, ALL_REAL] if name in rows]
    drawn, (axes,) = paper(8, 1 + 0.4 * len(names))
    for place, name in enumerate(names):
        auc = rows[name]["auc"]
        each = [auc["by_network"][network]["mean"] for network in PAPER_NETWORKS if network in auc["by_network"]]
        axes.plot(each, [place] * len(each), "o", markersize=4, alpha=0.6, color=DARK)
        axes.plot([auc["mean"]] * 2, [place - 0.3, place + 0.3], linewidth=2.5, color=GREEN)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("test AUC: each network (dots), their mean (bar)")
    axes.grid(axis="x", color="#dddddd")
    return drawn


if __name__ == "__main__":
    main()
