"""Whether a cohort's steps span the time that its records are measured for."""

from pathlib import Path

from recondense.cohorts.params import Params as IngestionParams
from recondense.errors import InputError
from recondense.preprocessing.params import Params
from recondense.stages.params import section


def check_span(root: Path, cohort: str) -> None:
    """Raise `InputError` where the steps of ``cohort`` do not span what its data set's options say is measured."""
    hours = section(root, cohort, "ingestion", IngestionParams).span_hours()
    if hours is not None:
        try:
            section(root, cohort, "normalisation", Params).check_span(hours)
        except InputError as error:
            raise InputError(f"params.yaml: cohorts.{cohort}.normalisation: {error}") from error
