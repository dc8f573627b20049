"""All shadows of a cohort as one, those that are not there yet computed first."""

from typing import Any

import numpy as np

from recondense.errors import InputError
from recondense.privacy.shadows.sets import ShadowSets
from recondense.privacy.shadows.work import Work, source
from recondense.progress import track
from recondense.records.cohort import SPLITS, Normalised
from recondense.records.labels import n_classes, per_class
from recondense.stages.layout import Layout


def gather(layout: Layout) -> tuple[ShadowSets, dict[str, Any]]:
    """The shadows, and the stage's metrics: of how many subjects how many shadows are, and their steps beside the
    release's. Raises `InputError` where a method cannot condense a subset, and where inputs changed meanwhile."""
    work = Work.now(layout)
    cohort = Normalised.load(source(layout)).labelled()
    found = computed(work, cohort) if work.params.count else []
    if Work.now(layout).key != work.key:
        raise InputError("records, condensation params or code changed while shadows were condensed: run it again")
    sizes = per_class(cohort.labels[cohort.split == SPLITS.index("train")])
    return stacked(found, cohort, work.condensation.records_per_class), {
        "method": work.condensation.method,
        "count": work.params.count,
        "subjects": len(cohort.labels),
        "members": sum(sizes),
        "steps": int(found[0]["steps"][0]) if found else 0,
        "release_steps": work.release_steps,
        "canaries": work.params.canaries,
        "seed": work.params.seed,
        "seconds_condensing": round(float(sum(shadow["seconds"][0] for shadow in found)), 3),
    }


def computed(work: Work, cohort: Normalised) -> list[dict[str, Any]]:
    """Every shadow, of which those that wait are taken as they are."""
    from recondense.privacy.shadows.unit import condensed  # torch takes seconds, and there may be nothing to do

    for index in track(work.missing(), "shadows"):
        work.keep(index, condensed(work, cohort, index))
    found = [shadow for shadow in map(work.kept, range(work.params.count)) if shadow is not None]
    if len(found) != work.params.count:
        raise InputError("shadows were removed while they were gathered: run it again")
    return found


def stacked(found: list[dict[str, Any]], cohort: Normalised, records_per_class: int) -> ShadowSets:
    """The shadows as one; of none, arrays of length 0 that have the shape of some."""
    if found:
        return ShadowSets(*(np.stack([shadow[name] for shadow in found]) for name in ("values", "labels", "members")))
    records = records_per_class * n_classes(cohort.labels)
    return ShadowSets(
        np.empty((0, records, *cohort.values.shape[1:]), np.float32),
        np.empty((0, records, *cohort.labels.shape[1:]), np.float32),
        np.empty((0, len(cohort.labels)), np.bool_),
    )
