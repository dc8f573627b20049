"""Condense a cohort."""

from collections.abc import Mapping
from typing import Any

from recondense.api.cohort import Cohort
from recondense.condensation import condense as library
from recondense.condensation.params import Params
from recondense.errors import InputError
from recondense.records.condensed import CondensedSet
from recondense.stages.params import validate


def condense(
    cohort: Cohort,
    method: str = "unrolled",
    records_per_class: int = 10,
    steps: int | None = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
) -> CondensedSet:
    """A few synthetic records, on the cohort's scale, that stand in for its train split.

    ``method``: a file in ``recondense/condensation/methods``, or an installed plug-in. ``steps``: None is the method's
    own number. ``options``: of the method. Equal arguments give equal records on one kind of machine. Raises
    `InputError` for what the method cannot use, and for methods whose guarantee of differential privacy spends a
    budget: only a project keeps account of that.
    """
    asked = {"method": method, "records_per_class": records_per_class, "steps": steps, "seed": seed, "device": device}
    params = validate(Params, {**asked, "options": {method: dict(options)} if options else {}}, "condense")
    library.options(params, "condense")
    if library.is_private(params):
        raise InputError(
            f"{method} spends a privacy budget of the patients, and a notebook keeps no account of it: make a project "
            "with `recondense init`, and set condensation.method there"
        )
    return library.condense(cohort.normalised, params, source="the cohort").condensed
