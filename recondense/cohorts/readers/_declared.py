"""What data sets that are declared in params.yaml share."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from recondense.cohorts.readers import Source
from recondense.records.cohort import Variable
from recondense.records.target import Target
from recondense.stages.params import StageParams


def _text(value: Any) -> Any:
    """A number or a truth value of YAML as the text that stands for it in a file."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _inside(name: str) -> str:
    if not name or "\0" in name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise ValueError(
            "name a file or folder in the raw folder, without '..' or a leading '/'; ingestion.raw is the folder"
        )
    return name


FEWEST = 5  # rows or subjects that have a word; what fewer say may tell who they are
# Columns of their own, here or in what a recipient writes
RESERVED = {"subject", "subject_id", "outcome", "split", "hours", "patient", "patient_id", "sites"}
Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Mark = Annotated[str, BeforeValidator(_text)]  # of a missing value; "" is one, too
InRaw = Annotated[str, AfterValidator(_inside)]  # relative to the raw folder, and inside it


class Origin(StageParams):
    """What the recipient of a bundle is told about the records. The licence has to be stated."""

    title: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    citation: str = ""
    url: str = ""

    def source(self) -> Source:
        """With words in place of what was not stated."""
        return Source(self.title, self.licence, self.url or "not published", self.citation or self.title)


class Described(StageParams):
    """What is predicted, in words, for whoever is given a risk: see `recondense.records.target.Target`."""

    label: str = ""
    horizon: str = ""
    prediction_time: str = ""
    population: str = ""

    def target(self, label: str, *, prediction_time: str = "") -> Target:
        """With words in place of what was not stated."""
        return Target(
            label=self.label or label,
            horizon=self.horizon,
            prediction_time=self.prediction_time or prediction_time,
            population=self.population,
        )


class Measurable(StageParams):
    """A variable as params.yaml declares it, see `recondense.records.cohort.Variable`; ``usual`` is from the
    literature, never from the records themselves."""

    label: str = Field(min_length=1)
    role: Literal["series", "static"]
    unit: str = ""
    kind: Literal["numeric", "binary", "categorical"] = "numeric"
    low: float | None = None
    high: float | None = None
    skewed: bool = False
    usual: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _range_suits_the_kind(self) -> Self:
        if self.kind != "numeric" and (self.low is not None or self.high is not None or self.skewed):
            raise ValueError("'low', 'high' and 'skewed' are for 'kind: numeric'")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("'low' must be less than 'high'")
        if self.usual is not None and (self.kind != "numeric" or not self.usual[0] < self.usual[1]):
            raise ValueError("'usual' is for 'kind: numeric', two numbers, the smaller first")
        if self.skewed and not (self.low is not None and self.low >= 0):
            raise ValueError("a skewed variable is put on a logarithmic scale: declare a 'low' of 0 or more")
        return self


def series_first(variables: Mapping[str, Measurable], exclude: set[str]) -> tuple[Variable, ...]:
    """The declared variables; ``exclude``: what a declaration says of the files alone."""
    found = [Variable(name=name, **declared.model_dump(exclude=exclude)) for name, declared in variables.items()]
    return tuple(sorted(found, key=lambda variable: variable.role != "series"))


def did_you_mean(words: Sequence[str]) -> str:
    """The question for what is not found, "" where no word is near.

    >>> did_you_mean(["ID", "Id"])
    "did you mean 'ID' or 'Id'?"
    """
    return f"did you mean {' or '.join(map(repr, words))}?" if words else ""


def check_free(names: Iterable[str]) -> None:
    """Raise `ValueError` where a variable has one of the `RESERVED` names."""
    if taken := RESERVED & set(names):
        raise ValueError(
            f"variables: '{min(taken)}' has a meaning of its own: name the variable otherwise and say where it is found"
        )


def listed(names: Iterable[str]) -> str:
    """Each of the names in quotation marks."""
    return ", ".join(f"'{name}'" for name in names)
