"""A bundle's ``metrics.json``: every figure that strangers get."""

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from recondense.private.guarantee import Guarantee
from recondense.records.target import Target
from recondense.results.audit import Audit
from recondense.results.base import Interval, Result, Share
from recondense.results.evidence import Evidence, Ratios
from recondense.results.renamed import in_words_of_now
from recondense.results.scores import Score, Training

SCHEMA = 2  # of bundles of format 3; raised with each condition, limit or field that is added or renamed later
Number = int | float
Limit = bool | Number | tuple[str, ...] | None


class Outcome(Result):
    """What one condition of the gate came to. ``value``: a number or names, null where nothing could be measured;
    ``limit``: what was asked, null where nothing was."""

    id: str
    value: Number | tuple[str, ...] | None
    limit: Number | tuple[str, ...] | None
    holds: bool


class Override(Result):
    """Who answers for a release, why, and ``against`` which conditions of the gate, by id."""

    by: str
    reason: str
    against: tuple[str, ...] = Field(min_length=1)


class Source(Result):
    """The records that a set was learned from."""

    title: str
    licence: str
    url: str
    citation: str


class Counts(Result):
    """How many came in, were kept, and were set aside, by reason."""

    in_: int = Field(alias="in")
    kept: int
    set_aside: dict[str, int]


class Subjects(Result):
    """Patients by split; null what a guarantee covers."""

    train: int | None
    validation: int | None
    test: int


class Cohort(Result):
    """The patients. ``classes``: names of the outcome's, where these are more than two. ``target``: what is predicted,
    null where a bundle is older than that is stated. With a guarantee
    ``train_patients_per_class`` are noisy counts, and what is null is kept back."""

    classes: tuple[str, ...]
    train_patients_per_class: tuple[int, ...] = Field(min_length=2)
    source: Source
    target: Target | None = None
    subjects: Subjects
    counts: dict[str, Counts] | None
    prevalence: dict[str, float | dict[str, float]] | None


class Steps(Result):
    """How many steps condensation was to take, and how many its method takes by default."""

    asked: int = Field(ge=1)
    usual: int = Field(ge=1)


class Condensed(Result):
    """The records. ``copied_records``: how many are a train record. ``averaged``: patients in the smallest mean that a
    record is or was before it was learned, null where none is a mean of patients. ``steps``: null where the method has
    none, or a bundle of before does not tell."""

    method: str
    records_per_class: tuple[int, ...] = Field(min_length=2)
    copied_records: int = Field(ge=0)
    averaged: int | None
    seconds: float | None
    steps: Steps | None = None


class Curve(Result):
    """AUC after so many training steps."""

    steps: tuple[int, ...]
    auc: tuple[float, ...]


class Bin(Result):
    """Test patients of like risk, and the share of them who had the outcome, with its 95 % interval."""

    patients: int
    risk: Share
    observed: Share
    low: Share
    high: Share


class Calibration(Result):
    """Bins by training set, of the ensemble of ``network``."""

    network: str
    of: dict[str, tuple[Bin, ...]]


class Group(Result):
    """Test patients of one sex or age; ``auc`` and mean ``risk`` by training set."""

    variable: str
    group: str
    patients: int
    with_outcome: int | tuple[int, ...]
    auc: dict[str, Interval]
    risk: dict[str, float | tuple[float, ...]]


class Subgroups(Result):
    """Groups that are told of, and by variable the names of those that are not."""

    groups: tuple[Group, ...]
    withheld: dict[str, tuple[str, ...]]


class Privacy(Audit):
    """The audit, and what differential privacy the records have."""

    guarantee: Guarantee | None


class Public(Training):
    """A bundle's ``metrics.json``. ``resemblance``: how near records lie to patients, by kind of distance; under a
    guarantee only whether they keep away. ``limits``: what the gate was asked, defaults included. No figure but
    ``cohort``'s counts and those of the train split is of a group of fewer than ``fewest_patients``. What is null is
    not told."""

    schema_: Literal[1, 2] = Field(alias="schema")
    tier: Literal["public"]
    cohort: Cohort
    condensed: Condensed
    privacy: Privacy
    resemblance: dict[str, Ratios | bool] = Field(default_factory=dict)
    evidence: Evidence | None = None
    fewest_patients: int = Field(ge=1)
    convergence: dict[str, Curve] | None = None
    calibration: Calibration | None = None
    subgroups: Subgroups | None = None
    coverage: dict[str, Share] | None = None
    limits: dict[str, Limit] = Field(default_factory=dict)
    gate: tuple[Outcome, ...] = ()
    override: Override | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_words_of_now(cls, found: Any) -> Any:
        """Of schema 1 too."""
        return in_words_of_now(found, "release") if isinstance(found, dict) and found.get("schema") == 1 else found


class Made(Result):
    """`Condensed`, as bundles of every format state it."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    method: str
    records_per_class: tuple[int, ...]


class Stated(Result):
    """What the ``metrics.json`` of a bundle of any format says, for whoever evaluates or lists it."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    condensed: Made
    test_auc: dict[str, Score]
    mean_over: tuple[str, ...]
    coverage: dict[str, Share] | None = None
