"""Which model checks which section of params.yaml."""

import importlib
from pathlib import Path
from typing import Any

from recondense.preprocessing.span import check_span
from recondense.stages.params import section

MODELS = {
    "ingestion": "recondense.cohorts.params",
    "normalisation": "recondense.preprocessing.params",
    "reference": "recondense.models.reference_params",
    "condensation": "recondense.condensation.params",
    "shadows": "recondense.privacy.shadows.params",
    "training": "recondense.models.training_params",
    "privacy": "recondense.privacy.params",
    "release": "recondense.bundle.params",
    "schedule": "recondense.unattended.params",
}


def check_cohort(root: Path, cohort: str) -> None:
    """Check every section of one cohort before any work is done. Raises `InputError`."""
    for name in MODELS:
        of_stage(root, cohort, name)
    check_span(root, cohort)


def of_stage(root: Path, cohort: str, name: str) -> Any:
    """The section ``name`` of ``cohort``, by its own model. Raises `InputError`."""
    return section(root, cohort, name, importlib.import_module(MODELS[name]).Params)
