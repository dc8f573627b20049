"""What params.yaml declares about one's own tables."""

from collections import defaultdict
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from recondense.cohorts.ids import Ids
from recondense.cohorts.readers._declared import Described, Measurable, Origin, Text, check_free, listed
from recondense.cohorts.readers._table.places import Measurements, Subjects, Tabular
from recondense.records.cells import text
from recondense.records.cohort import Below
from recondense.records.target import Target
from recondense.stages.params import LONG, SHORT, StageParams

HOURS = {"minutes": 1 / 60, "hours": 1.0, "days": 24.0}
Levels = tuple[Text, ...]
Tables = tuple[Measurements, ...]
Classes = dict[Text, Annotated[Levels, Field(min_length=1)]]
NO_EVENT = "no event"


class First(StageParams):
    """Time zero is each subject's first measurement of a declared variable whose time and value can be read, and whose
    value lies within the variable's ``low`` and ``high``."""

    first: Literal["measurement"]


class Time(StageParams):
    """``unit`` of every time that is a number, here and in the files. ``timestamps``: the files' times are dates, in
    ISO 8601 or by strptime's ``format``. ``zone``: where clocks without an offset from UTC hang, by its name in the
    time zone database. ``zero``: the subjects' column with each one's time zero, or `First`.
    ``until``: the landmark after which measurements do not count, in ``unit`` since time zero, or the subjects' column
    that holds it. ``window``: only measurements of so long before the landmark count, whether before or after time
    zero, and hours count from where it begins; both of its ends belong to it.
    """

    unit: Literal["minutes", "hours", "days"]
    timestamps: bool = False
    format: str | None = None
    zone: str | None = None
    zero: (
        Annotated[
            Annotated[Text, Tag(SHORT)] | Annotated[First, Tag(LONG)],
            Discriminator(lambda zero: LONG if isinstance(zero, dict | First) else SHORT),
        ]
        | None
    ) = None
    until: float | str | None = None
    window: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @property
    def column_of_zero(self) -> str | None:
        """The subjects' column with time zero, where there is one."""
        return self.zero if isinstance(self.zero, str) else None

    @property
    def column_of_until(self) -> str | None:
        """The subjects' column with the landmark, where there is one."""
        return self.until if isinstance(self.until, str) else None

    @model_validator(mode="after")
    def _timestamps_have_a_zero(self) -> Self:
        if self.timestamps and self.zero is None:
            raise ValueError(
                "timestamps need 'zero': the subjects' column with the moment that hours count from, or "
                "'zero: {first: measurement}'"
            )
        if not self.timestamps and (self.format is not None or self.zone is not None):
            given = "zone" if self.format is None else "format"
            raise ValueError(f"'{given}' is for timestamps: add 'timestamps: true'")
        return self

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        try:
            return ZoneInfo(zone).key if zone is not None else None
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("no such time zone; write it as in Europe/Berlin, America/New_York or UTC") from error


class Outcome(Described):
    """A column of the subjects, its ``positive`` levels and its ``negative`` ones; or its ``classes``, three or more
    without an order: the levels of each by its name. Others are set aside. What is predicted, in words: `Described`."""

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


class Landmark(StageParams):
    """The outcome is an event within ``horizon`` after ``at``, both in time's unit, among those still at risk then.

    ``time``, ``status``: the subjects' columns with the end of follow-up and its code. ``events``: the codes of the
    event, or of several kinds of event by their names, each then a class of its own beside `NO_EVENT`; ``censored``:
    the codes of follow-up that ended without. Censored before the horizon: set aside. ``label``, ``prediction_time``
    and ``population``: see `Described`; the rule itself says when and by when.
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
    label: str = ""
    prediction_time: str = ""
    population: str = ""

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


class Declared(Measurable):
    """``column``: where a variable is found, by default under its own name: a column, or what stands in the column
    ``variable`` of long measurements. ``table``: which of several tables of measurements it is read from, by default
    the only one that has it. ``positive`` and ``negative``: the levels of a binary variable, by default 1 and 0; with
    ``positive`` alone every other level is negative. ``below``: what a cell such as "<0.5" counts as: the limit, half
    of it, or none ("aside"); ">200" counts as the limit."""

    column: Text | None = None
    table: Text | None = None
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
        _different((*self.levels, *self.positive, *self.negative))
        return self


class Options(StageParams):
    """``measurements``: one table or a list of them, left out where all is static. ``subjects``: left out where the
    rows of one table of measurements say it all. ``outcomes``: a table of its own for the columns of the outcome or of
    the landmark rule, which else are the subjects'. The outcome is either an ``outcome`` column or a ``landmark`` rule.
    ``ids``: what makes no difference between two ids.
    """

    source: Origin
    measurements: (
        Annotated[
            Annotated[Measurements, Tag(SHORT)] | Annotated[Annotated[Tables, Field(min_length=1)], Tag(LONG)],
            Discriminator(lambda tables: LONG if isinstance(tables, list | tuple) else SHORT),
        ]
        | None
    ) = None
    subjects: Subjects | None = None
    outcomes: Tabular | None = None
    ids: Ids = Ids()
    time: Time | None = None
    outcome: Outcome | None = None
    landmark: Landmark | None = None
    variables: dict[Text, Declared] = Field(min_length=1)

    @property
    def tables(self) -> Tables:
        """The tables of measurements."""
        found = self.measurements or ()
        return (found,) if isinstance(found, Measurements) else found

    @property
    def series(self) -> dict[str, Declared]:
        """The variables that are measured over time."""
        return {name: variable for name, variable in self.variables.items() if variable.role == "series"}

    @property
    def statics(self) -> dict[str, Declared]:
        """The variables that are measured once a subject."""
        return {name: variable for name, variable in self.variables.items() if variable.role == "static"}

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the outcome's classes where there are more than two, else none."""
        if self.landmark:
            return (NO_EVENT, *self.landmark.events) if isinstance(self.landmark.events, dict) else ()
        return tuple(self.outcome.classes) if self.outcome else ()

    def words(self) -> dict[str, list[str]]:
        """The levels and codes that are declared for each column: none of them is a mark of a missing value."""
        words: dict[str, list[str]] = defaultdict(list)
        long = [table for table in self.tables if table.variable]
        for name, variable in self.variables.items():
            column = variable.column or name
            levels = [*variable.levels, *variable.positive, *variable.negative]
            words[column] += levels
            for table in long if variable.role == "series" else ():
                words[str(table.variable)].append(column)
                words[str(table.value)] += levels
        if self.outcome:
            words[self.outcome.column] += [level for levels in self.outcome.levels for level in levels]
        if self.landmark:
            words[self.landmark.status] += [code for codes in self.landmark.levels for code in codes]
        return words

    def target(self) -> Target:
        """What is predicted, with words in place of what was not stated."""
        time, unit = self.time, self.time.unit if self.time else ""
        if rule := self.landmark:
            codes = " or ".join(rule.events if isinstance(rule.events, dict) else rule.levels[1])
            return Target(
                label=rule.label or f"{rule.status}: {codes}",
                horizon=f"within {rule.horizon:g} {unit}",
                prediction_time=rule.prediction_time or f"{rule.at:g} {unit} after time zero",
                population=rule.population,
            )
        assert self.outcome is not None, "Options has either"
        when = ""
        if time and time.until is not None:
            column = time.column_of_until
            when = f"at the time in the column {column}" if column else f"{time.until:g} {unit} after time zero"
        return self.outcome.target(self.outcome.column, prediction_time=when)

    @model_validator(mode="after")
    def _tables_and_variables_suit_each_other(self) -> Self:
        check_free(self.variables)
        series, names = list(self.series), [table.called for table in self.tables]
        if not names and series:
            raise ValueError(
                f"'{series[0]}' is a series, but no 'measurements' are declared: add them, or make it static"
            )
        if names and not series:
            raise ValueError("'measurements' are declared, but no variable with 'role: series'")
        if not names and self.subjects is None:
            raise ValueError("declare 'subjects' (a row a subject), 'measurements' (over time), or both")
        if len(names) > 1 and self.subjects is None:
            raise ValueError("of several tables of measurements none says who is in the cohort: declare 'subjects'")
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two tables of measurements are called '{twice[0]}': give each a 'name' of its own")
        for name, variable in self.variables.items():
            if variable.table and variable.role == "static":
                raise ValueError(f"'{name}' is static, so it is the subjects': leave its 'table' out")
            if variable.table and variable.table not in names:
                raise ValueError(f"'{name}' names the table '{variable.table}'; those of measurements: {listed(names)}")
        return self

    @model_validator(mode="after")
    def _time_and_outcome_suit_each_other(self) -> Self:
        if (self.outcome is None) == (self.landmark is None):
            raise ValueError("declare either 'outcome' (a column) or 'landmark' (a rule)")
        time = self.time
        if time is None:
            if self.tables or self.landmark is not None:
                raise ValueError("measurements and a landmark need 'time', as in 'time: {unit: days}'")
            return self
        if self.landmark is not None and time.until is not None:
            raise ValueError("with a landmark, measurements count up to it: leave 'time.until' out")
        if time.window is not None and time.until is None and self.landmark is None:
            raise ValueError("'time.window' ends at the landmark: add 'time.until', or a 'landmark'")
        if isinstance(time.zero, First) and not self.tables:
            raise ValueError("'zero: {first: measurement}' needs 'measurements'")
        return self


def _different(levels: Levels) -> None:
    seen = [text(level) for level in levels]
    if twice := [level for level, one in zip(levels, seen, strict=True) if seen.count(one) > 1]:
        raise ValueError(f"'{twice[0]}' is named twice ('1' and '1.0' are the same)")
