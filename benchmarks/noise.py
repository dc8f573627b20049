"""What noise in training does for models trained on a condensed set: validation AUC, alone and together.

    python -m benchmarks.noise                   # PhysioNet-2012, unrolled: half an hour on 2 cores
    python -m benchmarks.noise --method kmeans   # minutes less

One model of each family is trained with each amount of noise, by 3 seeds, at the rate and over the numbers of steps
that recipes are chosen among; of these the number with the best mean over seeds counts. "Together" is the AUC of the
seeds' mean logit. The test split is not read. Writes ``docs/results/noise_COHORT_METHOD.{json,md}``.
"""

import argparse
from typing import Any

import numpy as np

from benchmarks.harness import OUT, counts, digest, header, tensor
from recondense.condensation.methods import Request
from recondense.condensation.params import METHODS
from recondense.files.strict_json import write_json
from recondense.models.choose import Run, alone_and_together
from recondense.models.fit import choose_device, models_on_summaries
from recondense.models.part import VALIDATION_PER_CLASS, Part
from recondense.models.pool import spread
from recondense.models.recipe import RecipeSearch
from recondense.progress import track
from recondense.records.condensed import CondensedSet
from recondense.stages import plugins

MODELS = (*RecipeSearch().networks, *models_on_summaries())
NOISES = (0.0, 0.2, 0.5, 0.8, 1.2)


def main() -> None:
    """Condense, train with every noise, print and write the table."""
    arguments = parse()
    cohort, device = tensor(arguments.cohort), choose_device("auto")
    watched = Part.of(cohort, "validation").few(VALIDATION_PER_CLASS)
    search = RecipeSearch()
    about = header(
        tensor=f"{arguments.cohort} {digest(cohort)}",
        patients=counts({"validation": watched}),
        trained=f"rate {search.learning_rates[0]:g}, {arguments.condensations} condensations, {arguments.seeds} seeds",
    )
    method, train = plugins.load(METHODS, arguments.method), cohort.part("train").labelled()
    sets = [
        method.condense(train, Request(10, None, seed, device), method.Options()).condensed
        for seed in range(arguments.condensations)
    ]
    rows = {}
    for noise in NOISES:
        rows[str(noise)] = {
            model: measure(model, noise, sets, watched, search, arguments.seeds)
            for model in track(MODELS, f"noise {noise:g}")
        }
        print(line(noise, rows[str(noise)]), flush=True)
    path = OUT / f"noise_{arguments.cohort}_{arguments.method}.json"
    write_json(path, {"measured": about, "rows": rows})
    path.with_suffix(".md").write_text(page(arguments, rows, about), encoding="utf-8")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", default="physionet2012")
    parser.add_argument("--method", default="unrolled")
    parser.add_argument("--condensations", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=3, help="networks of each architecture")
    return parser.parse_args()


def measure(
    model: str, noise: float, sets: list[CondensedSet], watched: Part, search: RecipeSearch, seeds: int
) -> dict[str, float]:
    """AUC alone and together, mean over ``sets``, after the number of steps that is best for the models alone."""
    device = choose_device("auto")
    runs = [
        Run(model, search.learning_rates[0], noise, search.steps, seed, records, watched, device.type)
        for records in sets
        for seed in range(seeds)
    ]
    logits = list(spread(Run.logits, runs, device))
    of_sets = [alone_and_together(logits[start : start + seeds], watched) for start in range(0, len(logits), seeds)]
    alone, together = np.mean(of_sets, axis=0)
    best = int(alone.argmax())
    return {
        "alone": round(float(alone[best]), 4),
        "together": round(float(together[best]), 4),
        "steps": search.steps[best],
    }


def line(noise: float, row: dict[str, dict[str, float]]) -> str:
    """One row of the table, in Markdown."""
    cells = [f"{found['alone']:.3f}, {found['together']:.3f} ({found['steps']})" for found in row.values()]
    return f"| {noise:g} | {' | '.join(cells)} |"


def page(arguments: argparse.Namespace, rows: dict[str, Any], about: dict[str, str]) -> str:
    """The table with its header."""
    lines = "\n".join(line(float(noise), row) for noise, row in rows.items())
    return f"""# Noise in training on condensed records of {arguments.cohort}

`python -m benchmarks.noise --cohort {arguments.cohort} --method {arguments.method}`. Validation AUC of models alone, of
their mean logits, and (in brackets) after how many steps; models on summaries take none. Noise is in standard
deviations of each variable.

| noise | {" | ".join(MODELS)} |
|---|{"---|" * len(MODELS)}
{lines}

Measured: {"; ".join(about.values())}
"""


if __name__ == "__main__":
    main()
