"""What data sets that are declared in params.yaml share."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from tasks.common.params import RoomParams
from tasks.ingestion.datasets import Source


def _text(value: Any) -> Any:
    """A number or a truth value of YAML as the text that stands for it in a file."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]


class Origin(RoomParams):
    """What the recipient of a bundle is told about the records. The licence has to be stated."""

    title: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    citation: str = ""
    url: str = ""

    def source(self) -> Source:
        """With words in place of what was not stated."""
        return Source(
            title=self.title,
            licence=self.licence,
            url=self.url or "not published",
            citation=self.citation or self.title,
        )


def check_usual(kind: str, usual: tuple[float, float] | None) -> None:
    """Raise `ValueError` unless a declared ``usual`` range suits a variable of this ``kind``."""
    if usual is not None and (kind != "numeric" or not usual[0] < usual[1]):
        raise ValueError("'usual' is for 'kind: numeric', two numbers, the smaller first")
