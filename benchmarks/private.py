"""What a guarantee of differential privacy costs: test AUC over epsilon, everything counted.

    python -m benchmarks.private                             # PhysioNet-2012, 20 records; an hour on two cores
    python -m benchmarks.private --epsilons 1 --draws 3      # of which draws 0 and 1 may be there already
    python -m benchmarks.private --at-most 1                 # one more draw of the noise, wherever one is missing

The cohort is on a public scale, statistics are asked once with noise, and all else, the choice of recipes too, looks at
a cohort drawn from the answers. So no split but train is looked at before the test split is, and that only through the
mechanism. Writes ``docs/results/private_COHORT.{json,md,png}`` after each draw: a killed run goes on with those that
are missing, for the same tensor and numbers. Figures of other epsilons stay.
"""

import argparse
import hashlib
import time
from typing import Any

from matplotlib.figure import Figure

from benchmarks.condensation import average
from benchmarks.harness import (
    OUT,
    counts,
    digest,
    fixed,
    header,
    headers,
    parts_of,
    read,
    scored,
    tensor,
)
from recondense.charts import DARK, GREEN
from recondense.charts.picture import paper, rule, save
from recondense.condensation.methods import Request, private_statistics
from recondense.files.strict_json import write_json
from recondense.models.choose import choose
from recondense.models.fit import choose_device
from recondense.models.part import Part
from recondense.models.recipe import PAPER_NETWORKS, RecipeSearch
from recondense.models.trial import TrainingSet
from recondense.private.askings import unrecorded
from recondense.records.cohort import Normalised

PUBLISHED = 0.803  # of the paper, without a guarantee, from 20 records
SEARCH = RecipeSearch(seeds=1)


def main() -> None:
    """Measure each epsilon, then write the curve."""
    arguments = parse()
    cohort = tensor(arguments.cohort, {"normalisation": {"scale": "public"}})
    parts = parts_of(cohort)
    about = header(
        tensor=f"{arguments.cohort} {digest(cohort)}, public scale",
        patients=counts(parts),
        condensed=f"{2 * arguments.per_class} records, steps {arguments.steps or 'by default'}, "
        f"{arguments.seeds} networks of each architecture",
    )
    path = OUT / f"private_{arguments.cohort}.json"
    results = read(path) or {"epsilons": {}}
    missing = [
        (epsilon, draw)
        for draw in range(arguments.draws)
        for epsilon in arguments.epsilons
        if not same(results["epsilons"].get(f"{epsilon:g}", {}).get("draws", {}).get(str(draw)), about)
    ]
    for epsilon, draw in missing[: arguments.at_most]:
        before = results["epsilons"].get(f"{epsilon:g}", {})
        draws = {name: found for name, found in before.get("draws", {}).items() if same(found, about)}
        draws[str(draw)] = {**measure(epsilon, draw, cohort, parts, arguments), "measured": about}
        fewer = len(draws) < len(before.get("auc_by_draw", []))  # than earlier figures rest on: those stay until then
        results["epsilons"][f"{epsilon:g}"] = {**before, "draws": draws} if fewer else together(draws)
        write_json(path, results)
        path.with_suffix(".md").write_text(page(arguments.cohort, results), encoding="utf-8")
        save(figure(results["epsilons"]), path.with_suffix(".png"))
        print(line(f"{epsilon:g}", results["epsilons"][f"{epsilon:g}"]), flush=True)


def same(found: dict[str, Any] | None, about: dict[str, str]) -> bool:
    """Whether a draw that was measured earlier was of the same tensor, and of as many records and networks."""
    return found is not None and all(found["measured"][key] == about[key] for key in ("tensor", "condensed"))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", default="physionet2012")
    parser.add_argument("--epsilons", nargs="+", type=float, default=[0.2, 0.5, 1, 3, 8])
    parser.add_argument("--draws", type=int, default=2, help="of the noise, each from a key of its own")
    parser.add_argument("--at-most", type=int, help="draws to measure in this call")
    parser.add_argument("--seeds", type=int, default=2, help="networks of each architecture")
    parser.add_argument("--per-class", type=int, default=10)
    parser.add_argument("--steps", type=int, default=None)
    return parser.parse_args()


def measure(
    epsilon: float, draw: int, cohort: Normalised, parts: dict[str, Part], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Condense with one draw of the noise, train, score on the test split."""
    device, started = choose_device("auto"), time.perf_counter()
    key = hashlib.sha256(f"benchmark {draw}".encode()).digest()  # a steward's would be secret
    request = Request(arguments.per_class, arguments.steps, draw, device, unrecorded(key))
    made = private_statistics.condense(
        cohort.part("train").labelled(), request, private_statistics.Options(epsilon=epsilon)
    )
    assert made.held_out is not None and made.guarantee is not None
    recipes = choose(made.condensed, Part.of(made.held_out, "validation"), SEARCH, device)
    seconds = round(time.perf_counter() - started, 1)
    found = scored({"it": TrainingSet(fixed(made.condensed), recipes.of, arguments.seeds)}, parts)
    return {
        "epsilon": made.guarantee.epsilon,
        "seconds": seconds,
        "auc": found["test_auc"]["it"],
        "ensemble": found["ensembles"].get("it", {"test_auc": found["test_auc"]["it"]})["test_auc"]["mean"],
        "calibration_error": found["test_calibration_error"]["it"]["mean"],
    }


def together(draws: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The figures of one epsilon over its ``draws``: their means, of bounds, too."""
    found = [draws[name] for name in sorted(draws, key=int)]
    figures = {key: average([one[key] for one in found]) for key in ("auc", "ensemble", "calibration_error")}
    return {
        "epsilon": max(one["epsilon"] for one in found),
        "seconds": [one["seconds"] for one in found],
        **figures,
        "auc_by_draw": [one["auc"]["mean"] for one in found],
        "draws": draws,
        "measured": found[-1]["measured"],
    }


def line(epsilon: str, row: dict[str, Any]) -> str:
    """One row of the table, in Markdown."""
    networks = [row["auc"]["by_network"][network]["mean"] for network in PAPER_NETWORKS]
    draws = f"{min(row['auc_by_draw']):.3f} to {max(row['auc_by_draw']):.3f} ({len(row['auc_by_draw'])})"
    auc = f"{row['auc']['mean']:.3f} ({row['auc']['low']:.3f} to {row['auc']['high']:.3f})"
    cells = [
        epsilon,
        auc,
        draws,
        f"{min(networks):.3f}",
        f"{row['ensemble']:.3f}",
        f"{row['calibration_error']:.3f}",
    ]
    return "| " + " | ".join(cells) + " |"


def page(cohort: str, results: dict[str, Any]) -> str:
    """The table with its headers."""
    rows = dict(sorted(results["epsilons"].items(), key=lambda item: float(item[0])))
    return f"""# Condensation of {cohort} with differential privacy

`python -m benchmarks.private --cohort {cohort}`. Epsilon at delta 1e-5 for one patient of the train split added or
removed, everything counted, with the train split taken as given: under the paper's split one patient more in the cohort
would redraw it, so a release needs a hashed split. Test AUC: mean over the paper's 11 networks, single networks, with
the 95 % bootstrap interval over test patients; then the range over draws of the noise (how many), the worst of the 11,
and ensembles of as many networks as were trained of each. The paper's figure without a guarantee is {PUBLISHED}.

| epsilon | test AUC | draws of the noise | worst | ensembles | calibration error |
|---|---|---|---|---|---|
{chr(10).join(line(epsilon, row) for epsilon, row in rows.items())}

The defaults (two windows, lengths, shares of the queries) were chosen on this cohort's validation split; for another
cohort they cost nothing.

![Test AUC over epsilon](private_{cohort}.png)

Measured:
{headers(rows.values())}
"""


def figure(rows: dict[str, Any]) -> Figure:
    """The curve, with a dot a draw, beside the paper's figure without a guarantee."""
    drawn, (axes,) = paper(6.5, 4)
    points = sorted((float(epsilon), row) for epsilon, row in rows.items())
    axes.plot([epsilon for epsilon, _ in points], [row["auc"]["mean"] for _, row in points], color=GREEN)
    for epsilon, row in points:
        axes.plot([epsilon] * len(row["auc_by_draw"]), row["auc_by_draw"], "o", markersize=4, color=DARK)
    rule(axes, PUBLISHED, line="--")
    axes.annotate("the paper, no guarantee", (points[-1][0], PUBLISHED), ha="right", va="bottom", color="#555555")
    axes.set_xscale("log")
    axes.set_xticks([epsilon for epsilon, _ in points], [f"{epsilon:g}" for epsilon, _ in points])
    axes.minorticks_off()
    axes.set_xlabel("epsilon, at delta 1e-5")
    axes.set_ylabel("test AUC, mean over 11 networks")
    axes.grid(color="#dddddd")
    return drawn


if __name__ == "__main__":
    main()
