"""From a cohort as it was recorded to tensors, and back to what became of its measurements."""

import numpy as np
import pandas as pd

from recondense.preprocessing.fit import fit
from recondense.preprocessing.params import Params
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.cohort import SPLITS, Ingested, Normalised


def normalise(ingested: Ingested, params: Params) -> tuple[Normalised, Preprocessing]:
    """The cohort as tensors, and what made them: fitted on the train split, applied to all. Raises `InputError`."""
    preprocessing = fit(ingested, params)
    values, observed = preprocessing.apply(ingested.events, ingested.subjects)
    split = ingested.subjects["split"].map(SPLITS.index).to_numpy(dtype=np.uint8)
    patients = ingested.subjects.get("patient")
    patient = None if patients is None else pd.factorize(patients)[0].astype(np.uint32)
    return Normalised(values, observed, ingested.labels, split, patient), preprocessing
