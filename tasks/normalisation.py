"""The stage: fit on train, apply to all."""

from typing import Any

import numpy as np
import pandas as pd

from recondense.preprocessing.fit import fit, outside_steps
from recondense.preprocessing.params import Params
from recondense.preprocessing.span import check_span
from recondense.records.cohort import SPLITS, Ingested, Normalised
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier


@stage(Params, Tier.RESTRICTED)
def normalisation(context: Context[Params]) -> dict[str, Any]:
    """Write ``normalised.safetensors`` and ``preprocessing.json``; metrics say how much was measured and left out."""
    check_span(context.layout.root, context.layout.cohort)
    ingested = Ingested.load(context.read("ingestion"))
    preprocessing = fit(ingested, context.params)
    values, observed = preprocessing.apply(ingested.events, ingested.subjects)
    split = ingested.subjects["split"].map(SPLITS.index).to_numpy(dtype=np.uint8)
    patients = ingested.subjects.get("patient")
    patient = None if patients is None else pd.factorize(patients)[0].astype(np.uint32)
    Normalised(values, observed, ingested.labels, split, patient).save(context.out / "normalised.safetensors")
    preprocessing.save(context.out / "preprocessing.json")

    outside = outside_steps(preprocessing, ingested.events)
    # All levels of a variable are observed at the same steps
    series = {f.variable: index for index, f in enumerate(preprocessing.features) if f.source.startswith("series")}
    return {
        "shape": list(values.shape),
        "measurements": {
            "in": len(ingested.events),
            "kept": len(ingested.events) - outside,
            "set_aside": {"outside the steps": outside} if outside else {},
        },
        "share_observed": {name: round(float(observed[:, :, index].mean()), 4) for name, index in series.items()},
    }
