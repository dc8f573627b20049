"""Data sets, one file each: its name is the data set's name in params.yaml. A file here is a plug-in if it has

``Options``: a `StageParams` model of what a user may decide about this data set.
``variables(options)``: what is measured, series first, then statics; public knowledge, nothing computed from records.
An outcome of more than two classes comes last, a categorical variable "outcome" of role "outcome" with their names.
``source(options)``: title, licence, where to get the files, and how to cite them.
``target(options)``: what is predicted, when and for whom (`recondense.records.target.Target`).
``read(raw, options, attrition, *, outcome_required=True) -> (events, subjects)``: the records in the folder
``raw``, as the frames of `recondense.records.cohort.Ingested`, but ``subjects`` without ``split``. Where one patient
may be several subjects (stays), a column ``patient_id`` says who is who: the split is drawn by patient.

`read` keeps the order of the subjects fixed, whatever order files come in, and uses only the files and options.
Without ``outcome_required`` (new records, to be mapped onto a released scale) a subject whose outcome is unknown
is kept with outcome NaN, and a missing file of outcomes is no error. A file otherwise missing, or one that cannot
be read as a whole, raises `InputError` naming the file, where to get it and where to put it.

A plug-in whose provider lets anyone download its files may also have
``downloads(options)``: which files (`Downloads`); `recondense fetch` gets them.
One whose options say how long a subject is measured may have
``span_hours(options)``, in hours: the steps of normalisation have to span just as much.
One that knows where a subject was treated may let `read` have a keyword ``site``, the name of a column: subjects then
have a column ``sites``, a frozenset of those of each, for a split by site.
One whose options have ``ids`` (`recondense.cohorts.ids.Ids`) gives ids in that form; the list of who withdrew is then
compared likewise. What options declare and the files lack, `read` tells by `Attrition.notice`; see
`recondense.cohorts.losses`, which tells of variables without a value.
One whose files take long to parse may let `read` have a keyword ``parsed``: what was parsed in an earlier run
(`recondense.cohorts.parsed.Parsed`). With and without it, `read` gives the same, bit for bit.

A single record, line or cell that cannot be used is set aside in ``attrition``, under units that fit the files.
Two units are common to all: `read` counts in all ``subjects`` and ``measurements`` that it meets, and sets aside
what it drops of them; `recondense.cohorts.read` checks ranges and counts what is kept, so that a loss is noticed.
Modules that begin with an underscore are no plug-ins, but parts of one.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import pandas as pd

from recondense.records.attrition import Attrition
from recondense.records.cohort import Variable
from recondense.records.target import Target
from recondense.stages import plugins
from recondense.stages.params import StageParams


@dataclass(frozen=True)
class Source:
    """Where a data set comes from, for its users and for the bundle that is released."""

    title: str
    licence: str
    url: str
    citation: str


@dataclass(frozen=True)
class Downloads:
    """Files that a provider publishes: each of ``names`` at ``base`` followed by it, its SHA-256 in ``checksums``, a
    file there in the form that `sha256sum` writes."""

    base: str
    names: tuple[str, ...]
    checksums: str = "SHA256SUMS.txt"


class Dataset(Protocol):
    """What the module of a plug-in looks like; see this package's docstring."""

    Options: type[StageParams]

    def variables(self, options: Any) -> tuple[Variable, ...]:
        """What is measured."""

    def source(self, options: Any) -> Source:
        """Where the records come from."""

    def target(self, options: Any) -> Target:
        """What is predicted."""

    def read(
        self, raw: Path, options: Any, attrition: Attrition, *, outcome_required: bool = True
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Events and subjects of the records in ``raw``."""


def find(name: str) -> Dataset:
    """The plug-in ``name``. Raises `InputError` with the known names where there is none such."""
    return cast(Dataset, plugins.load("recondense.cohorts.readers", name))
