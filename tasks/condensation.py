"""The stage: condense the train split with the chosen method, then choose how networks are trained on the result."""

import time
from typing import Any

import numpy as np
import pandas as pd

from recondense.condensation.methods import Request
from recondense.condensation.params import METHODS, Params
from recondense.errors import InputError
from recondense.files.hashes import sha256
from recondense.models.choose import choose
from recondense.models.fit import choose_device
from recondense.models.part import Part
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.private.askings import Answers, recorded
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import per_class
from recondense.stages import plugins
from recondense.stages.params import block, validate
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier


@stage(Params, Tier.RESTRICTED)
def condensation(context: Context[Params]) -> dict[str, Any]:
    """Write ``condensed.safetensors``, ``recipe.json`` and ``history.parquet``; metrics say what was asked for, the
    final loss, and how long condensing and choosing recipes took.

    Raises `InputError` for whatever the method could only fail on later: options it does not know, a class too small,
    a scale that is not public, or a split that moves, where the method is to give a guarantee.
    """
    params = context.params
    where = f"params.yaml: cohorts.{context.layout.cohort}.condensation"
    method = plugins.load(METHODS, params.method)
    options = validate(method.Options, params.options.get(params.method, {}), f"{where}.options.{params.method}")
    private = getattr(method, "PRIVATE", False)
    answers, noise_key = _answers(context) if private else (None, None)
    request = Request(params.records_per_class, params.steps, params.seed, choose_device(params.device), answers)
    source = context.read("normalisation") / "normalised.safetensors"
    cohort = Normalised.load(source)
    train = cohort.part("train").labelled()
    check_finite(train, str(source))
    if not private:  # whether classes are large enough is asked through the noise, by the gate
        check_classes(train, request.records_per_class, str(source))
        Part.of(cohort, "validation")  # which has to have each class, whatever the method

    started = time.perf_counter()
    result = method.condense(train, request, options)
    condensed = time.perf_counter()
    held_out = Part.of(cohort if result.held_out is None else result.held_out, "validation")
    recipes = choose(result.condensed, held_out, params.recipe_search, request.device)

    recipes.save(context.out / "recipe.json")
    result.condensed.save(context.out / "condensed.safetensors")
    steps = np.arange(1, len(result.losses) + 1)
    pd.DataFrame({"step": steps, "loss": result.losses}).to_parquet(context.out / "history.parquet", index=False)
    return {
        "method": params.method,
        "records": len(result.condensed.labels),
        "records_per_class": params.records_per_class,
        "train_records": len(train.labels),
        "steps": len(result.losses),
        "asked_steps": asked_steps(params),
        "seed": params.seed,
        "device": request.device.type,
        "label_mean": label_mean(result.condensed),
        "averaged": result.averaged,
        "seconds_condensing": round(condensed - started, 3),
        "seconds_choosing_recipes": round(time.perf_counter() - condensed, 3),
        "final_loss": float(result.losses[-1]) if len(result.losses) else None,
        "guarantee": result.guarantee.model_dump(mode="json") if result.guarantee else None,
        "noise_key": noise_key,
    }


def _answers(context: Context[Params]) -> tuple[Answers, str]:
    """Through what the method asks, and the SHA-256 of the noise's key.

    Raises `InputError` where the scale was fitted to patients, which no noise would hide, or where one patient more or
    less moves others into or out of the train split, which would move the sums by more than the sensitivity.
    """
    layout, params = context.layout, context.params
    split = block(layout.root, layout.cohort).get("ingestion", {}).get("split", {}).get("kind")
    if split != "hashed":
        raise InputError(
            f"condensation.method is {params.method}, whose guarantee holds only where a patient more or less moves "
            f"nobody else to another split, and ingestion.split is {split}: write ingestion.split={{kind: hashed, "
            "validation: 0.2, test: 0.2}"
        )
    scale = Preprocessing.load(context.read("normalisation") / "preprocessing.json").scale
    if scale != "public":
        raise InputError(
            f"condensation.method is {context.params.method}, whose guarantee covers no scale that was fitted to "
            f"patients: set normalisation.scale to public"
        )
    records = bytes.fromhex(sha256(context.read("normalisation") / "normalised.safetensors"))
    return recorded(layout, records, params.noise_key, params.reuse)


def check_finite(train: Normalised, source: str) -> None:
    """Raise `InputError` unless ``train`` is finite."""
    gaps = ~np.isfinite(train.values).all(axis=(0, 1))
    if gaps.any():
        raise InputError(
            f"{source}: {int(gaps.sum())} features hold values that are not finite (the first is column "
            f"{int(gaps.argmax())}): run normalisation again"
        )


def check_classes(train: Normalised, records_per_class: int, source: str) -> None:
    """Raise `InputError` unless ``train`` has each class, and each class has the records asked for."""
    sizes = per_class(train.labels)
    if min(sizes) == 0 or sum(sizes) < len(train.labels):
        others = "".join(f" and {size} with outcome {outcome}" for outcome, size in enumerate(sizes[1:], start=1))
        raise InputError(
            f"{source}: the train split has {sizes[0]} records with outcome 0{others} of {len(train.labels)}; "
            "condensing needs each outcome and no others"
        )
    smallest = int(np.argmin(sizes))
    if records_per_class > sizes[smallest]:
        raise InputError(
            f"condensation.records_per_class is {records_per_class}, but the train split has only {sizes[smallest]} "
            f"records with outcome {smallest}: ask for at most {sizes[smallest]}"
        )


def asked_steps(params: Params) -> dict[str, int] | None:
    """How many steps were ``asked`` for, and how many are ``usual`` for the method; None where it has none."""
    usual: int = getattr(plugins.load(METHODS, params.method), "DEFAULT_STEPS", 0)
    return {"asked": params.steps or usual, "usual": usual} if usual else None


def label_mean(condensed: CondensedSet) -> float | dict[str, float]:
    """The mean label; of more than two classes, that of each."""
    if condensed.labels.ndim == 1:
        return round(float(condensed.labels.mean()), 6)
    return {f"class_{place}": round(float(mean), 6) for place, mean in enumerate(condensed.labels.mean(axis=0))}
