"""The stage: condense the train split with the chosen method, then choose how networks are trained on the result."""

import time

import numpy as np
import pandas as pd

from recondense.condensation.condense import (
    asked_steps,
    asked_through,
    condense,
    is_private,
    label_mean,
    options,
    recipes,
)
from recondense.condensation.params import Params
from recondense.models.fit import choose_device
from recondense.records.cohort import SPLITS, Normalised
from recondense.records.labels import known
from recondense.results.stages import Condensation
from recondense.stages.catalogue import NORMALISED
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier


@stage(Params, Tier.RESTRICTED)
def condensation(context: Context[Params]) -> Condensation:
    """Write ``condensed.safetensors``, ``recipe.json`` and ``history.parquet``; metrics say what was asked for, the
    final loss, and how long condensing and choosing recipes took.

    Raises `InputError` for whatever the method could only fail on later: options it does not know, a class too small,
    a scale that is not public, or a split that moves, where the method is to give a guarantee.
    """
    params, layout = context.params, context.layout
    options(params, f"params.yaml: cohorts.{layout.cohort}.condensation")
    answers, noise_key = asked_through(layout, params) if is_private(params) else (None, None)
    source = NORMALISED.path(context.layout)
    cohort = Normalised.load(source)
    train_records = int(known(cohort.labels)[cohort.split == SPLITS.index("train")].sum())

    started = time.perf_counter()
    result = condense(cohort, params, answers, str(source))
    condensed = time.perf_counter()
    recipes(result, cohort, params).save(context.out / "recipe.json")
    chosen = time.perf_counter()

    result.condensed.save(context.out / "condensed.safetensors")
    steps = np.arange(1, len(result.losses) + 1)
    pd.DataFrame({"step": steps, "loss": result.losses}).to_parquet(context.out / "history.parquet", index=False)
    return Condensation(
        method=params.method,
        records=len(result.condensed.labels),
        records_per_class=params.records_per_class,
        train_records=train_records,
        steps=len(result.losses),
        asked_steps=asked_steps(params),
        seed=params.seed,
        device=choose_device(params.device).type,
        label_mean=label_mean(result.condensed),
        averaged=result.averaged,
        seconds_condensing=round(condensed - started, 3),
        seconds_choosing_recipes=round(chosen - condensed, 3),
        final_loss=float(result.losses[-1]) if len(result.losses) else None,
        guarantee=result.guarantee,
        noise_key=noise_key,
    )
