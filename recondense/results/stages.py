"""The ``metrics.json`` of the stages that make records, as they write it and others read it.

Those of the others are in `recondense.results.scores`, `audit` and `public`. ``tier`` and ``seconds``, which every
stage's file has, stand in none of them.
"""

from pydantic import Field

from recondense.private.guarantee import Guarantee
from recondense.records.attrition import Attrition
from recondense.results.base import Result


class Counts(Result):
    """How many came in, were kept, and were set aside, by reason."""

    in_: int = Field(alias="in")
    kept: int
    set_aside: dict[str, int]


def counted(attrition: Attrition) -> dict[str, Counts]:
    """What came in and what became of it, by unit."""
    return {unit: Counts.model_validate(counts) for unit, counts in attrition.summary().items()}


class Notices(Result):
    """How many notices tell of what was declared and is ``lost``, and how many of anything else."""

    lost: int
    other: int


class BySplit(Result):
    """How many subjects each split has."""

    train: int
    validation: int
    test: int


class Ingestion(Result):
    """``counts`` by unit. ``prevalence``: the share with the outcome by split; of more than two classes, by split and
    class."""

    counts: dict[str, Counts]
    notices: Notices
    subjects: BySplit
    prevalence: dict[str, float | dict[str, float]]
    events: int
    variables: int


class Normalisation(Result):
    """``shape``: (n_subjects, n_steps, n_features). ``share_observed`` of subjects and steps, by variable."""

    shape: tuple[int, int, int]
    measurements: Counts
    share_observed: dict[str, float]


class Steps(Result):
    """How many steps condensation was to take, and how many its method takes by default."""

    asked: int = Field(ge=1)
    usual: int = Field(ge=1)


class Condensation(Result):
    """``steps`` that were taken; ``asked_steps``: null where the method has none. ``label_mean``: of more than two
    classes, each one's. ``averaged``: patients in the smallest mean that a record is or was before it was learned, null
    where none is a mean of patients. ``noise_key``: SHA-256 of the key that the noise of a guarantee comes from."""

    method: str
    records: int
    records_per_class: int
    train_records: int
    steps: int
    asked_steps: Steps | None
    seed: int
    device: str
    label_mean: float | dict[str, float]
    averaged: int | None
    seconds_condensing: float
    seconds_choosing_recipes: float
    final_loss: float | None
    guarantee: Guarantee | None
    noise_key: str | None


class Shadows(Result):
    """Of how many ``subjects`` and ``members`` of each shadow how many shadows are, and with how many planted
    ``canaries``; ``steps`` of a shadow, and of the release. ``order``: of the cohort that members are places in."""

    method: str
    count: int
    subjects: int
    members: int
    steps: int
    release_steps: int
    canaries: int
    seed: int
    seconds_condensing: float
    order: str
