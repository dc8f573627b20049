"""What params.yaml declares about a MEDS data set."""

from typing import Literal, Self

from pydantic import Field, model_validator

from recondense.cohorts.readers._declared import Described, InRaw, Measurable, Origin, Text, check_free
from recondense.records.cells import word
from recondense.stages.params import StageParams


class Code(StageParams):
    """A code whose numeric value becomes the variable's unit by ``value * factor + offset``."""

    code: Text
    factor: float = 1.0
    offset: float = 0.0


class Declared(Measurable):
    """A variable and the codes it is made of.

    A numeric series is the numeric value of its ``codes``. A binary variable is 1 by its ``positive`` codes and 0 by
    its ``negative`` ones: at each of them as a series, by any of them up to the prediction as a static. A numeric
    static is the years from the first event of the code ``years_since`` to the prediction, as age since ``MEDS_BIRTH``.
    """

    kind: Literal["numeric", "binary"] = "numeric"
    codes: tuple[Code | Text, ...] = ()
    years_since: Text | None = None
    positive: tuple[Text, ...] = ()
    negative: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _has_its_codes(self) -> Self:
        wanted = "positive" if self.kind == "binary" else "codes" if self.role == "series" else "years_since"
        given = {"codes": self.codes, "years_since": self.years_since, "positive": self.positive or self.negative}
        if not getattr(self, wanted) or sum(bool(one) for one in given.values()) > 1:
            raise ValueError(f"a {self.kind} {self.role} variable is made of '{wanted}', and of nothing else")
        return self

    def scales(self) -> list[Code]:
        """Every code of the variable, with the factor and offset that make its value: 0 and 1 for binary ones."""
        if self.kind == "binary":
            found = [Code(code=code, factor=0, offset=1) for code in self.positive]
            return found + [Code(code=code, factor=0, offset=0) for code in self.negative]
        codes = [self.years_since] if self.years_since else self.codes
        return [code if isinstance(code, Code) else Code(code=code) for code in codes]


class Outcome(Described):
    """What the labels say: ``positive`` and ``negative`` levels of ``boolean_value``; ``missing``: what stands for one
    that is not known. A label of any other level is an error. What is predicted, in words: `Described`."""

    positive: tuple[Text, ...] = Field(default=("true", "1"), min_length=1)
    negative: tuple[Text, ...] = Field(default=("false", "0"), min_length=1)
    missing: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _a_level_says_one_thing(self) -> Self:
        levels = [word(level) for level in (*self.positive, *self.negative, *self.missing)]
        if twice := [level for level in levels if levels.count(level) > 1]:
            raise ValueError(f"the level '{twice[0]}' is named twice")
        return self


class Options(StageParams):
    """``labels``: a Parquet file of labels, or a folder of them, in the raw folder. ``window_hours``: how far before
    the prediction time zero lies. ``use``: which of a subject's labels, by prediction time. ``splits``: only subjects
    of these, of the data set's own ``metadata/subject_splits.parquet``."""

    source: Origin
    labels: InRaw
    outcome: Outcome = Field(default_factory=Outcome)
    window_hours: float = Field(gt=0)
    use: Literal["first", "last"] = "first"
    splits: tuple[Text, ...] = ()
    variables: dict[Text, Declared] = Field(min_length=1)

    @model_validator(mode="after")
    def _a_code_says_one_thing(self) -> Self:
        check_free(self.variables)
        for name, variable in self.variables.items():
            codes = [scale.code for scale in variable.scales()]
            if twice := [code for code in codes if codes.count(code) > 1]:
                raise ValueError(f"variables.{name}: the code '{twice[0]}' is named twice")
        if not any(variable.role == "series" for variable in self.variables.values()):
            raise ValueError("declare at least one variable with 'role: series'")
        return self
