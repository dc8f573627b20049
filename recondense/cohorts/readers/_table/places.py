"""Where the tables are, and which of their columns say whose and when."""

import re
from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from recondense.cohorts.readers._declared import InRaw, Mark, Text
from recondense.errors import needing_extras
from recondense.stages.params import StageParams, from_a_stranger

BEGINNING = re.compile(r"(?:\s|--[^\n]*\n)*(?:SELECT|WITH)\b", re.IGNORECASE)


def check_statement(query: str) -> None:
    """Raise `ValueError` unless ``query`` is a single statement that begins with SELECT or WITH.

    No dialect is parsed: a semicolon anywhere but at the end is refused, in a text too, where databases differ in what
    ends a text.

    >>> check_statement("-- visits\\nselect id from visits;")
    >>> check_statement("select 1; drop table visits")
    Traceback (most recent call last):
    ...
    ValueError: a query is one statement: take out the semicolon, of a text too (char(59) or chr(59) stands for it)
    """
    if ";" in query.strip().removesuffix(";"):
        raise ValueError(
            "a query is one statement: take out the semicolon, of a text too (char(59) or chr(59) stands for it)"
        )
    if not BEGINNING.match(query):
        raise ValueError("a query only reads: begin it with SELECT, or with WITH for a SELECT")


class Tabular(StageParams):
    """Where a table is: ``file`` (delimited text, packed or not, Parquet or Excel) in the raw folder, or an SQL
    ``query`` sent to ``url``.

    ``url`` is ``env:NAME``, which names an environment variable that holds an SQLAlchemy URL, or ``sqlite:///FILE``
    with a file in the raw folder. A bundle's manifest cannot name a query: it would run its author's SQL at whoever
    reads records by it. ``subject``: the column of the subject's id. ``quotes``: false where quotation marks are text
    like any other. ``sheet``: of a workbook, by default its only one. ``missing``: what stands for no value, beside
    `recondense.records.cells.MISSING`.
    """

    file: InRaw | None = None
    query: str | None = None
    url: str | None = None
    encoding: str = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    quotes: bool = True
    sheet: Text | None = None
    missing: tuple[Mark, ...] = ()
    subject: Text

    @field_validator("query")
    @classmethod
    def _only_reads(cls, query: str | None, info: ValidationInfo) -> str | None:
        if query is None:
            return None
        if from_a_stranger(info):
            raise ValueError("a bundle names files, never a query: declare the cohort in a params.yaml of your own")
        check_statement(query)
        return query

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError as error:
            raise ValueError("no such encoding; common ones are utf-8, latin-1, cp1252 and utf-16") from error
        return encoding

    @field_validator("url")
    @classmethod
    def _fit_to_be_published(cls, url: str | None) -> str | None:
        """params.yaml is in git and, by the manifest, in the bundle: neither password nor machine belongs there."""
        if url is None or (url.startswith("env:") and len(url) > 4):
            return url
        with needing_extras():
            from sqlalchemy import make_url
            from sqlalchemy.exc import ArgumentError
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise ValueError("write env:NAME, the environment variable with the SQLAlchemy URL") from error
        if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database.startswith(("/", "file:")):
            raise ValueError("params.yaml is published: put this URL into an environment variable and write env:NAME")
        return url

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.file is None) == (self.query is None) or (self.query is None) != (self.url is None):
            raise ValueError("name either a 'file' in the raw folder, or a 'query' and the 'url' to send it to")
        return self


class Measurements(Tabular):
    """What was measured over time. Long, one row a measurement: the columns ``variable`` and ``value`` are named.
    Wide, one row a visit: they are not, and every series variable is a column. ``name``: what a variable's ``table``
    calls it where there are several, by default its file's name."""

    name: Text | None = None
    time: Text
    variable: Text | None = None
    value: Text | None = None

    @model_validator(mode="after")
    def _long_or_wide(self) -> Self:
        if (self.variable is None) != (self.value is None):
            raise ValueError("name both 'variable' and 'value' (one row a measurement), or neither (one row a visit)")
        return self

    @property
    def called(self) -> str:
        """What a variable's ``table`` calls it."""
        return self.name or self.file or "query"


class Subjects(Tabular):
    """One row a subject; rows of one subject must agree. ``patient``: the column that tells whose stay or visit a
    subject is, so that nobody is in two splits. ``use``: all of a patient's subjects, which share a split, or the first
    or last by time zero and then by row."""

    patient: Text | None = None
    use: Literal["all", "first", "last"] = "all"
