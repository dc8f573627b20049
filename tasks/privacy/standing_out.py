"""Whether condensing hides patients who stand out: made-up outliers were planted in every shadow; are they found?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.common.labels import n_classes
from tasks.common.outliers import among, of_shadow
from tasks.common.records import CondensedSet, Normalised
from tasks.common.shadow_sets import ShadowSets
from tasks.networks.fit import choose_device
from tasks.privacy.attacks import Target, nearest_record
from tasks.privacy.audit import stand_in, summary
from tasks.privacy.evaluate import measured
from tasks.privacy.params import Params


def standing_out(cohort: Normalised, sets: ShadowSets, made: dict[str, Any], params: Params) -> dict[str, Any] | None:
    """How well the nearest record tells planted outliers from twins that were left out: ``condensed``, in the shadows,
    and ``as_they_are``, among random records of as many. Figures are those of all shadows together, each score being
    its rank in its own shadow. ``cohort``: its labelled subjects; ``made``: the metrics of the shadows. None where
    nobody was planted.
    """
    if not len(sets) or not made.get("outliers"):
        return None
    count, size = made["outliers"], sets.values.shape[1] // n_classes(cohort.labels)
    found: dict[str, list[NDArray[np.float64]]] = {"condensed": [], "as_they_are": []}
    for index, shadow in enumerate(sets.sets()):
        inside, twins = of_shadow(cohort, count, index, made["seed"])
        judged, instead = among(inside, twins), stand_in(cohort.only(sets.members[index]), size, params.seed)
        real = CondensedSet(
            np.concatenate([inside.values, instead.values]), np.concatenate([inside.labels, instead.labels])
        )
        for name, held in (("condensed", shadow), ("as_they_are", real)):
            target = Target(held, judged.values, judged.labels, params.seed, choose_device(params.device))
            scores = nearest_record.scores(target, nearest_record.Options())
            found[name].append(scores.argsort().argsort() / len(scores))
    figures = {
        name: measured(
            np.concatenate([ranks[:count] for ranks in each]),
            np.concatenate([ranks[count:] for ranks in each]),
            params.confidence,
        )
        for name, each in found.items()
    }
    return {"planted": count, "shadows": len(sets), **{name: summary(each) for name, each in figures.items()}}
