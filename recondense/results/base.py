"""What all results have in common."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recondense.errors import InputError
from recondense.files.strict_json import read_json

Share = Annotated[float, Field(ge=0, le=1)]
BY_STAGE = ("tier", "seconds")  # what `recondense.stages.stage` adds to each stage's metrics.json


class Result(BaseModel):
    """A result: frozen, no key but its own, every number finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    def as_json(self) -> dict[str, Any]:
        """This as what JSON can hold."""
        return self.model_dump(mode="json", by_alias=True)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The result in a stage's ``metrics.json``. Raises `InputError` where it is none of this form."""
        found = read_json(path)
        if isinstance(found, dict):
            found = {key: found[key] for key in found if key not in BY_STAGE or key in cls.model_fields}
        try:
            return cls.read(found, path.name)
        except InputError as error:
            raise InputError(f"{path.parent}: {error}. Make it again with `recondense run`") from error

    @classmethod
    def read(cls, found: Any, where: str) -> Self:
        """``found``, parsed JSON, as this. Raises `InputError` that begins with ``where`` and names each wrong key."""
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False)]
            more = f", and {len(wrong) - 5} more" if len(wrong) > 5 else ""
            raise InputError(
                f"{where} does not hold the results that this version reads ({'; '.join(wrong[:5])}{more})"
            ) from error


def seconds(metrics: Path) -> float:
    """How long the stage took that wrote ``metrics``."""
    return float(read_json(metrics)["seconds"])


class Interval(Result):
    """A score's mean over networks and seeds with its 95 % interval over patients."""

    mean: float
    low: float
    high: float
