"""The stage: train every chosen model on the condensed set and on its controls, and compare with all real records."""

from pathlib import Path
from typing import Any

import numpy as np

from tasks.common.controls import kmeans, random_records
from tasks.common.errors import InputError
from tasks.common.records import CondensedSet, Normalised
from tasks.common.stage import Context, stage
from tasks.common.tiers import Tier
from tasks.networks import trial
from tasks.networks.part import Part
from tasks.networks.results import Results
from tasks.training.params import Params


@stage(Params, Tier.RESTRICTED)
def training(context: Context[Params]) -> dict[str, Any]:
    """Write ``predictions.parquet`` and ``curves.parquet``; metrics as `Results.summary` gives them.

    Each seed draws its own random records and k-means start. Intervals are over test subjects, not over such draws.
    Raises `InputError` where the reference room's predictions do not fit the cohort or the chosen networks.
    """
    params = context.params
    cohort = Normalised.load(context.read("normalisation") / "normalised.safetensors")
    condensed = CondensedSet.load(context.read("condensation") / "condensed.safetensors")
    validation, test = Part.of(cohort, "validation"), Part.of(cohort, "test")
    real = read_reference(context.read("reference"), params.chosen(), test)
    train, per_class = cohort.part("train"), max(1, len(condensed.labels) // 2)

    results = trial.run(
        {
            "condensed": lambda seed: condensed,
            "random_records": lambda seed: random_records(train, per_class, seed),
            "kmeans": lambda seed: kmeans(train, per_class, seed),
        },
        params,
        validation,
        test,
    )

    results.save(context.out)
    return {
        **results.joined(real).summary(test, params.bootstrap),
        "protocol": params.protocol,
        "recipe": params.recipe(len(condensed.labels)).model_dump(),
        "n": {
            "condensed": len(condensed.labels),
            "controls": 2 * per_class,
            "test": len(test.labels),
            "test_cases": test.cases,
        },
    }


def read_reference(folder: Path, networks: list[str], test: Part) -> Results:
    """The reference room's results of ``networks``. Raises `InputError` where they do not fit."""
    results = Results.load(folder)
    missing = sorted(set(networks) - set(results.networks()))
    if missing:
        raise InputError(
            f"{folder} has no {', '.join(missing)}: add to reference.networks in params.yaml, or take from "
            "training.networks"
        )
    if not np.array_equal(np.unique(results.predictions["row"]), test.rows):
        raise InputError(f"{folder} was made for other test subjects than normalisation has now: run reference again")
    return results.only(networks)
