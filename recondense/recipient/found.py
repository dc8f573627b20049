"""What an evaluation found: models of the terminal and of JSON."""

from typing import Any

from pydantic import Field, JsonValue

from recondense.results.base import Interval, Result
from recondense.results.scores import Bin, Score
from recondense.results.stages import Counts


class SetAside(Result):
    """What was set aside when records were ``read``, and when they were ``converted`` to the bundle's variables."""

    read_: dict[str, Counts] = Field(alias="read")
    converted: dict[str, Counts]


class Variables(Result):
    """Which variables were ``matched``, and how some were ``converted``; by the cohort's name the ``levels`` that the
    bundle does not know. ``few``: what it means that few are matched, or ""."""

    matched: tuple[str, ...]
    converted: dict[str, dict[str, JsonValue]]
    levels: dict[str, tuple[str, ...]]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    few: str


class Told(Result):
    """What matching came to."""

    counts: SetAside
    variables: Variables


class Drift(Result):
    """How one feature differs from the bundle's cohort: see `recondense.recipient.drift.drift`."""

    feature: str
    unit: str
    state: str
    coverage: float | None
    coverage_there: float | None
    steps: float | None
    shift: float | None
    spread: float | None
    clipped: float | None
    large: bool


class Reliability(Result):
    """Bins of risk of the ensemble of ``network``."""

    network: str
    bins: tuple[Bin, ...]


class Scores(Result):
    """By score: of ``single`` networks, and of each network's seeds together."""

    single: dict[str, Score]
    ensembles: dict[str, Score]
    calibration: Reliability


class Recalibrated(Result):
    """`Scores` of ``scored_on`` subjects ``before`` and ``after`` networks were recalibrated on so many others."""

    records: int
    scored_on: int
    before: Scores
    after: Scores


class Of(Result):
    """Which bundle."""

    cohort: str
    records: int


class Subjects(Result):
    """How many subjects, how many of these with a known outcome, and of each class."""

    all: int
    labelled: int
    per_class: tuple[int, ...]


class Evaluation(Told):
    """Of ``bundle`` on ``cohort``. ``stated``: the bundle's own test AUC. Null is what takes known outcomes where there
    are none, or was not asked for."""

    bundle: Of
    cohort: str
    subjects: Subjects
    drift: tuple[Drift, ...]
    ensemble: int | None = None
    scores: Scores | None = None
    stated: Interval | None = None
    recalibrated: Recalibrated | None = None

    def as_json(self) -> dict[str, Any]:
        """Without what is null."""
        return {name: value for name, value in super().as_json().items() if value is not None}
