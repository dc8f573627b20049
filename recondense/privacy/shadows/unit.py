"""One shadow: condensed, and kept until the stage gathers it."""

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recondense.condensation.methods import Request
from recondense.condensation.params import METHODS
from recondense.errors import InputError
from recondense.files.secret import derived, noise_key
from recondense.files.store import Arrays
from recondense.models.fit import choose_device
from recondense.privacy.shadows.canaries import among, of_shadow
from recondense.privacy.shadows.draw import condensing_seed, members
from recondense.privacy.shadows.work import Work, source
from recondense.private.askings import unrecorded
from recondense.records.cohort import SPLITS, Normalised
from recondense.records.labels import per_class
from recondense.stages import plugins
from recondense.stages.layout import Layout
from recondense.stages.params import validate


def unit(layout: Layout, index: int) -> None:
    """Compute shadow ``index`` where it is not there. Raises `InputError` where the method does, or inputs changed."""
    work = Work.now(layout)
    if not 0 <= index < work.params.count:
        raise InputError(f"there is no shadow {index}: shadows.count of {layout.cohort} is {work.params.count}")
    if index not in work.missing():
        return
    shadow = condensed(work, Normalised.load(source(layout)).labelled(), index)
    if Work.now(layout).key != work.key:
        raise InputError("records, params or code changed while a shadow was condensed: run it again")
    work.keep(index, shadow)


def condensed(work: Work, cohort: Normalised, index: int) -> Arrays:
    """Shadow ``index`` of the labelled ``cohort``: ``values``, ``labels``, ``members``, ``steps`` and ``seconds``.

    Canaries are beside its members, and stand in no array.
    """
    asked = work.condensation
    method = plugins.load(METHODS, asked.method)
    where = f"params.yaml: cohorts.{work.layout.cohort}.condensation.options.{asked.method}"
    options = validate(method.Options, asked.options.get(asked.method, {}), where)
    private = getattr(method, "PRIVATE", False)
    sizes = per_class(cohort.labels[cohort.split == SPLITS.index("train")])
    chosen = members(cohort.labels, sizes, index, work.params.seed)
    request = Request(
        asked.records_per_class,
        work.steps,
        condensing_seed(index, work.params.seed),
        choose_device(work.params.device),
        unrecorded(derived(noise_key(), b"shadow", work.key.encode(), str(index).encode())) if private else None,
    )
    started = time.perf_counter()
    inside, _ = of_shadow(cohort.part("train"), work.params.canaries, index, work.params.seed)
    result = method.condense(among(subset(cohort, chosen), inside), request, options)
    return {
        "values": result.condensed.values,
        "labels": result.condensed.labels,
        "members": chosen,
        "steps": np.array([len(result.losses)]),
        "seconds": np.array([time.perf_counter() - started]),
    }


def subset(cohort: Normalised, chosen: NDArray[np.bool_]) -> Normalised:
    """The ``chosen`` subjects as a train split."""
    return replace(cohort.only(chosen), split=np.full(int(chosen.sum()), SPLITS.index("train"), np.uint8))
