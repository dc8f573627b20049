"""What params.yaml declares about one's own tables."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from tasks.common.cells import word
from tasks.common.params import RoomParams
from tasks.common.records import Below
from tasks.ingestion.datasets._declared import Origin, Text, check_usual
from tasks.ingestion.datasets._table.places import Measurements, Subjects

HOURS = {"minutes": 1 / 60, "hours": 1.0, "days": 24.0}
Levels = tuple[Text, ...]
Classes = dict[Text, Annotated[Levels, Field(min_length=1)]]
NO_EVENT = "no event"
RESERVED = {"subject", "subject_id", "patient", "patient_id", "outcome", "split", "hours"}


class Time(RoomParams):
    """``unit`` of every time that is a number, here and in the files. ``timestamps``: the files' times are dates, in
    ISO 8601 or by strptime's ``format``. ``zero``: the subjects' column with each one's time zero. ``until``: the
    landmark after which measurements do not count, in ``unit`` since time zero, or the subjects' column that holds it.
    """

    unit: Literal["minutes", "hours", "days"]
    timestamps: bool = False
    format: str | None = None
    zero: Text | None = None
    until: float | str | None = None

    @model_validator(mode="after")
    def _timestamps_have_a_zero(self) -> Self:
        if self.timestamps and self.zero is None:
            raise ValueError("timestamps need 'zero', the subjects' column with the moment that hours count from")
        if self.format is not None and not self.timestamps:
            raise ValueError("'format' is for timestamps: add 'timestamps: true'")
        return self


class Outcome(RoomParams):
    """A column of the subjects, its ``positive`` levels and its ``negative`` ones; or its ``classes``, three or more
    without an order: the levels of each by its name. Others are set aside."""

    column: Text
    positive: Levels = ()
    negative: Levels = ()
    classes: Classes = Field(default_factory=dict)

    @model_validator(mode="after")
    def _all_levels_once(self) -> Self:
        if self.classes and (self.positive or self.negative):
            raise ValueError("declare either 'classes', or 'positive' and 'negative' levels")
        if not self.classes and not (self.positive and self.negative):
            raise ValueError("declare the 'positive' and the 'negative' levels, or three 'classes' or more")
        if 0 < len(self.classes) < 3:
            raise ValueError("'classes' are three or more: of two declare the levels as 'positive' and 'negative'")
        _different(tuple(level for levels in self.levels for level in levels))
        return self

    @property
    def levels(self) -> tuple[Levels, ...]:
        """The levels of each class, in the order of the classes."""
        return tuple(self.classes.values()) or (self.negative, self.positive)


class Landmark(RoomParams):
    """The outcome is an event within ``horizon`` after ``at``, both in time's unit, among those still at risk then.

    ``time``, ``status``: the subjects' columns with the end of follow-up and its code. ``events``: the codes of the
    event, or of several kinds of event by their names, each then a class of its own beside `NO_EVENT`; ``censored``:
    the codes of follow-up that ended without. Censored before the horizon: set aside.
    """

    at: float = Field(ge=0)
    horizon: float = Field(gt=0)
    time: Text
    status: Text
    events: Annotated[
        Annotated[Levels, Field(min_length=1), Tag("codes")] | Annotated[Classes, Tag("kinds")],
        Discriminator(lambda events: "kinds" if isinstance(events, dict) else "codes"),
    ]
    censored: Levels = Field(min_length=1)

    @model_validator(mode="after")
    def _all_codes_once(self) -> Self:
        if isinstance(self.events, dict) and (len(self.events) < 2 or NO_EVENT in self.events):
            raise ValueError(f"name two kinds of 'events' or more, none of them '{NO_EVENT}', or list the codes of one")
        _different(tuple(code for codes in self.levels for code in codes))
        return self

    @property
    def levels(self) -> tuple[Levels, ...]:
        """The codes that follow-up ends with: censored, then of each kind of event."""
        return (self.censored, *(self.events.values() if isinstance(self.events, dict) else (self.events,)))


class Declared(RoomParams):
    """A variable (see `tasks.common.records.Variable`). ``column``: where it is found, by default under its own name:
    a column, or what stands in the column ``variable`` of long measurements. ``positive`` and ``negative``: the levels
    of a binary variable, by default 1 and 0; with ``positive`` alone every other level is negative. ``usual``: from the
    literature, never from the table itself. ``below``: what a cell such as "<0.5" counts as: the limit, half of it, or
    none ("aside"); ">200" counts as the limit."""

    label: str = Field(min_length=1)
    role: Literal["series", "static"]
    unit: str = ""
    kind: Literal["numeric", "binary", "categorical"] = "numeric"
    low: float | None = None
    high: float | None = None
    skewed: bool = False
    usual: tuple[float, float] | None = None
    column: Text | None = None
    levels: Levels = ()
    positive: Levels = ()
    negative: Levels = ()
    below: Below = "limit"

    @model_validator(mode="after")
    def _levels_suit_the_kind(self) -> Self:
        if self.kind == "categorical" and len(self.levels) < 2:
            raise ValueError("a categorical variable needs its 'levels', two or more")
        if self.kind != "categorical" and self.levels:
            raise ValueError("'levels' are for 'kind: categorical'; a binary variable has 'positive' and 'negative'")
        if self.kind != "binary" and (self.positive or self.negative):
            raise ValueError("'positive' and 'negative' are for 'kind: binary'")
        if self.negative and not self.positive:
            raise ValueError("'negative' needs 'positive' beside it")
        if self.kind != "numeric" and (self.low is not None or self.high is not None or self.skewed):
            raise ValueError("'low', 'high' and 'skewed' are for 'kind: numeric'")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("'low' must be less than 'high'")
        check_usual(self.kind, self.usual)
        if self.skewed and not (self.low is not None and self.low >= 0):
            raise ValueError("a skewed variable is put on a logarithmic scale: declare a 'low' of 0 or more")
        _different((*self.levels, *self.positive, *self.negative))
        return self


class Options(RoomParams):
    """``measurements``: left out where all is static. ``subjects``: left out where the measurements' rows say it all.
    The outcome is either an ``outcome`` column or a ``landmark`` rule."""

    source: Origin
    measurements: Measurements | None = None
    subjects: Subjects | None = None
    time: Time | None = None
    outcome: Outcome | None = None
    landmark: Landmark | None = None
    variables: dict[Text, Declared] = Field(min_length=1)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the outcome's classes where there are more than two, else none."""
        if self.landmark:
            return (NO_EVENT, *self.landmark.events) if isinstance(self.landmark.events, dict) else ()
        return tuple(self.outcome.classes) if self.outcome else ()

    @field_validator("variables")
    @classmethod
    def _names_are_free(cls, variables: dict[str, Declared]) -> dict[str, Declared]:
        if taken := RESERVED & set(variables):
            raise ValueError(
                f"'{min(taken)}' has a meaning of its own: name the variable otherwise and give its 'column'"
            )
        return variables

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        series = [name for name, variable in self.variables.items() if variable.role == "series"]
        if self.measurements is None and series:
            raise ValueError(
                f"'{series[0]}' is a series, but no 'measurements' are declared: add them, or make it static"
            )
        if self.measurements is not None and not series:
            raise ValueError("'measurements' are declared, but no variable with 'role: series'")
        if self.measurements is None and self.subjects is None:
            raise ValueError("declare 'subjects' (a row a subject), 'measurements' (over time), or both")
        if (self.outcome is None) == (self.landmark is None):
            raise ValueError("declare either 'outcome' (a column) or 'landmark' (a rule)")
        if self.time is None and (self.measurements is not None or self.landmark is not None):
            raise ValueError("measurements and a landmark need 'time', as in 'time: {unit: days}'")
        if self.landmark is not None and self.time is not None and self.time.until is not None:
            raise ValueError("with a landmark, measurements count up to it: leave 'time.until' out")
        return self


def _different(levels: Levels) -> None:
    seen = [word(level) for level in levels]
    if twice := [level for level, one in zip(levels, seen, strict=True) if seen.count(one) > 1]:
        raise ValueError(f"'{twice[0]}' is named twice (capitals and '1' or '1.0' make no difference)")
