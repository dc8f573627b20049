"""What an inspection found: figures of groups of subjects, each of at least `recondense.inspection.FEWEST`."""

from pydantic import Field

from recondense.records.attrition import Notice
from recondense.results.base import Result


class Flow(Result):
    """How many of one unit came in, were set aside by reason (most first), and were kept."""

    unit: str
    in_: int = Field(alias="in")
    set_aside: dict[str, int]
    kept: int


class Prevalence(Result):
    """How many subjects of a split, or of all, have the outcome; of more than two classes, ``class`` names which."""

    split: str
    class_: str | None = Field(alias="class", default=None)
    subjects: int
    with_outcome: int
    prevalence: float | None

    @property
    def name(self) -> str:
        """The split, and the class where there are more than two."""
        return f"{self.split}, {self.class_}" if self.class_ else self.split


class Histogram(Result):
    """Counts in equal bins from ``low`` to ``high``; null for a bin of too few subjects."""

    low: float
    high: float
    counts: tuple[int | None, ...]


class Measured(Result):
    """How often a variable was measured, and how its values are spread; null what does not apply or is of too few."""

    variable: str
    label: str
    unit: str
    role: str
    kind: str
    subjects: int
    share_of_subjects: float
    share_of_steps: float | None = None
    measurements: int
    percentiles: dict[str, float | None]
    histogram: Histogram | None = None
    levels: dict[str, float | None] | None = None


class Alone(Result):
    """How well ``variable`` ranks train subjects ``by`` one of its numbers, or one level; ``least``: the lower bound of
    that ``auc``."""

    variable: str
    by: str
    auc: float
    least: float


class Alarm(Result):
    """What a check suspects, and what it saw."""

    what: str
    seen: str


class Look(Result):
    """What was looked for, and what was suspected."""

    check: str
    alarms: tuple[Alarm, ...]


class Grid(Result):
    """The steps that records will be put on."""

    hours: float
    number: int


class Inspection(Result):
    """Everything that the terminal and the page show; no id and no single patient's value."""

    title: str
    predicted: str
    notices: tuple[Notice, ...]
    subjects: int
    measurements: int
    steps: Grid
    over_time: bool
    flow: tuple[Flow, ...]
    alone: tuple[Alone, ...]
    prevalence: tuple[Prevalence, ...]
    variables: tuple[Measured, ...]
    checks: tuple[Look, ...]

    @property
    def aucs(self) -> dict[str, float]:
        """The AUC of each variable that was ever measured in train subjects, by itself."""
        return {row.variable: row.auc for row in self.alone}
