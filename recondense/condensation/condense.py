"""Condense the train split of a cohort, once nothing is left that a method could only fail on later."""

import numpy as np

from recondense.condensation.methods import Condensation, Request
from recondense.condensation.params import METHODS, Params
from recondense.errors import InputError
from recondense.files.hashes import sha256
from recondense.models.choose import choose
from recondense.models.fit import choose_device
from recondense.models.part import Part
from recondense.models.recipe import Recipes
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.private.askings import Answers, recorded
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import per_class
from recondense.results.stages import Steps
from recondense.stages import plugins
from recondense.stages.layout import Layout
from recondense.stages.params import StageParams, block, validate


def condense(cohort: Normalised, params: Params, answers: Answers | None = None, source: str = "") -> Condensation:
    """The condensed set of ``cohort``'s train subjects of known outcome, by the method of ``params``.

    ``answers``: through which a method with a guarantee asks patients, see `asked_through`. ``source``: what messages
    call the cohort. Raises `InputError` where values are not finite, a class is too small, or the validation split
    lacks one.
    """
    method = plugins.load(METHODS, params.method)
    request = Request(params.records_per_class, params.steps, params.seed, choose_device(params.device), answers)
    train = cohort.part("train").labelled()
    check_finite(train, source)
    if not is_private(params):  # whether classes are large enough is asked through the noise, by the gate
        check_classes(train, request.records_per_class, source)
        Part.of(cohort, "validation")  # which has to have each class, whatever the method
    found: Condensation = method.condense(train, request, options(params))
    return found


def recipes(found: Condensation, cohort: Normalised, params: Params) -> Recipes:
    """How networks are to be trained on what was ``found``, chosen on the validation split or on the records that the
    method gave in its place."""
    held_out = Part.of(cohort if found.held_out is None else found.held_out, "validation")
    return choose(found.condensed, held_out, params.recipe_search, choose_device(params.device))


def options(params: Params, where: str = "condensation") -> StageParams:
    """The options of the chosen method. Raises `InputError` that begins with ``where`` for those it does not know."""
    model: type[StageParams] = plugins.load(METHODS, params.method).Options
    return validate(model, params.options.get(params.method, {}), f"{where}.options.{params.method}")


def is_private(params: Params) -> bool:
    """Whether the chosen method gives a guarantee of differential privacy."""
    return bool(getattr(plugins.load(METHODS, params.method), "PRIVATE", False))


def asked_through(layout: Layout, params: Params) -> tuple[Answers, str]:
    """Through what a method with a guarantee asks a project's patients, and the SHA-256 of the noise's key.

    Raises `InputError` where the scale was fitted to patients, which no noise would hide, or where one patient more or
    less moves others into or out of the train split, which would move the sums by more than the sensitivity.
    """
    split = block(layout.root, layout.cohort).get("ingestion", {}).get("split", {}).get("kind")
    if split != "hashed":
        raise InputError(
            f"condensation.method is {params.method}, whose guarantee holds only where a patient more or less moves "
            f"nobody else to another split, and ingestion.split is {split}: write ingestion.split={{kind: hashed, "
            "validation: 0.2, test: 0.2}"
        )
    normalised = layout.folder("normalisation")
    if Preprocessing.load(normalised / "preprocessing.json").scale != "public":
        raise InputError(
            f"condensation.method is {params.method}, whose guarantee covers no scale that was fitted to patients: "
            "set normalisation.scale to public"
        )
    records = bytes.fromhex(sha256(normalised / "normalised.safetensors"))
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


def asked_steps(params: Params) -> Steps | None:
    """How many steps were ``asked`` for, and how many are ``usual`` for the method; None where it has none."""
    usual: int = getattr(plugins.load(METHODS, params.method), "DEFAULT_STEPS", 0)
    return Steps(asked=params.steps or usual, usual=usual) if usual else None


def label_mean(condensed: CondensedSet) -> float | dict[str, float]:
    """The mean label; of more than two classes, that of each."""
    if condensed.labels.ndim == 1:
        return round(float(condensed.labels.mean()), 6)
    return {f"class_{place}": round(float(mean), 6) for place, mean in enumerate(condensed.labels.mean(axis=0))}
