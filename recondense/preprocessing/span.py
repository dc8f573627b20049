"""Whether a cohort's steps span the time that its records are measured for."""

from pathlib import Path

from recondense.cohorts.params import Params as IngestionParams
from recondense.errors import InputError
from recondense.preprocessing.params import Params
from recondense.stages.params import section

TOLERANCE = 0.005  # less than half of one step in 96: none is shifted by a rounded step_hours


def check_span(root: Path, cohort: str) -> None:
    """Raise `InputError` where the steps of ``cohort`` do not span what its data set's options say is measured."""
    hours = section(root, cohort, "ingestion", IngestionParams).span_hours()
    if hours is None:
        return
    params = section(root, cohort, "normalisation", Params)
    span = params.step_hours * params.n_steps
    if abs(span / hours - 1) > TOLERANCE:
        raise InputError(
            f"params.yaml: cohorts.{cohort}.normalisation: {params.n_steps} steps of {params.step_hours:g} hours are "
            f"{span:g} hours, but subjects are measured for {hours:g} hours: set normalisation.step_hours to "
            f"{hours / params.n_steps:.7e}, or mend the option of ingestion that says for how long"
        )
