"""What a user decides about ingestion."""

import inspect
from typing import Any, Self

from pydantic import Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from recondense.cohorts.readers import Dataset, find
from recondense.cohorts.readers._declared import Text
from recondense.cohorts.split import SiteSplit, SplitRule
from recondense.errors import InputError
from recondense.stages.params import StageParams, from_a_stranger, validate


class Params(StageParams):
    """``dataset``: a plug-in of `recondense.cohorts.readers`. ``raw``: the folder with its files, absolute or relative
    to the project's root. ``split``: who is held out. ``options``: what the plug-in itself lets a user decide.

    ``most_lost``: the share of something declared that may be missing from the records. ``accept``: the names of what
    may be lost to a larger share; the error that asks for it says them.
    """

    dataset: str
    raw: str
    split: SplitRule
    options: dict[str, Any] = Field(default_factory=dict)
    # Of cohorts at hand, the most that is lost of a variable is a hundredth; a wrong unit or id loses most of it
    most_lost: float = Field(default=0.1, ge=0, lt=1)
    accept: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _suits_the_dataset(self, info: ValidationInfo) -> Self:
        try:
            validate(self.plugin().Options, self.options, "options", stranger=from_a_stranger(info))
            if isinstance(self.split, SiteSplit) and "site" not in inspect.signature(self.plugin().read).parameters:
                raise InputError(
                    f"split: the data set {self.dataset} tells no sites: choose another 'kind', or read its files as "
                    "'dataset: table'"
                )
        except InputError as error:
            # As pydantic's own kind of error it is reported with the section's place in params.yaml before it.
            raise PydanticCustomError("dataset", "{problem}", {"problem": str(error)}) from error
        return self

    def plugin(self) -> Dataset:
        """The data set's plug-in. Raises `InputError` where there is none of that name."""
        return find(self.dataset)

    def span_hours(self) -> float | None:
        """How long a subject is measured, in hours, where the data set's options say so."""
        span = getattr(self.plugin(), "span_hours", None)
        return None if span is None else float(span(self.plugin_options()))

    def plugin_options(self) -> StageParams:
        """``options`` as the plug-in's own model. Raises `InputError` naming the key and the mend."""
        return validate(self.plugin().Options, self.options, "options")
