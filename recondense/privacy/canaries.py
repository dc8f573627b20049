"""Whether condensing hides patients unlike the others: canaries were planted in every shadow; are they found?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recondense.models.fit import choose_device
from recondense.privacy.attacks import Target, nearest_record
from recondense.privacy.audit import stand_in, summary
from recondense.privacy.estimates import Figures, Scores, measured
from recondense.privacy.params import Params
from recondense.privacy.shadows.canaries import among, of_shadow
from recondense.privacy.shadows.sets import ShadowSets
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import n_classes


def canaries(cohort: Normalised, sets: ShadowSets, made: dict[str, Any], params: Params) -> dict[str, Any] | None:
    """How well the nearest record tells canaries from twins that were left out: ``condensed``, in the shadows,
    and ``as_they_are``, among random records of as many. ``cohort``: its labelled subjects; ``made``: the metrics of
    the shadows. None where none was planted.
    """
    if not len(sets) or not made.get("canaries"):
        return None
    count, size = made["canaries"], sets.values.shape[1] // n_classes(cohort.labels)
    train, found = cohort.part("train"), {name: list[Scores]() for name in ("condensed", "as_they_are")}
    for index, shadow in enumerate(sets.sets()):
        inside, twins = of_shadow(train, count, index, made["seed"])
        judged, instead = among(inside, twins), stand_in(cohort.only(sets.members[index]), size, params.seed)
        real = CondensedSet(
            np.concatenate([inside.values, instead.values]), np.concatenate([inside.labels, instead.labels])
        )
        for name, held in (("condensed", shadow), ("as_they_are", real)):
            target = Target(held, judged.values, judged.labels, params.seed, choose_device(params.device))
            found[name].append(nearest_record.scores(target, nearest_record.Options()))
    figures = {name: told_apart(each, count, params.confidence) for name, each in found.items()}
    return {"planted": count, "shadows": len(sets), **{name: summary(each) for name, each in figures.items()}}


def told_apart(scores: Sequence[Scores], members: int, confidence: float) -> Figures:
    """The figures over several sets together. ``scores`` of each set begin with its ``members``; as sets differ in
    scale, each score counts as its rank in its own set."""
    ranks = [each.argsort().argsort() / len(each) for each in scores]
    inside, others = (np.concatenate([each[part] for each in ranks]) for part in (slice(members), slice(members, None)))
    return measured(inside, others, confidence)
