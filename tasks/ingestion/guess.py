"""What a table's columns seem to be. Guesses are for a person to check; nothing but `propose` acts on them."""

import csv
import gzip
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.common.cells import numbers, word
from tasks.common.errors import InputError
from tasks.ingestion.datasets._table.contents import LARGEST
from tasks.ingestion.datasets._table.files import cells_of, cleaned
from tasks.ingestion.datasets._table.moments import moments

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".parquet", ".pq")
# In the order of preference; a name matches as a whole, or as one of its words ("visit_day")
SUBJECT = ("subject_id", "patient_id", "subject", "patient", "id", "pid", "mrn", "stay_id", "record_id", "case")
TIME = ("hours", "hour", "days", "day", "minutes", "minute", "time", "charttime", "timestamp", "date", "datetime")
CODE = ("variable", "parameter", "test", "code", "item", "measurement", "analyte", "name")
VALUE = ("value", "result", "valuenum", "numeric_value", "reading")
OUTCOME = ("outcome", "label", "target", "died", "death", "dead", "mortality", "event", "status", "y")
FOLLOW_UP = ("futime", "followup", "follow_up", "survival", "time_to_event", "os_days", "os_months")
ZERO = ("admission", "admitted", "admittime", "start", "enrolment", "enrollment", "baseline", "zero", "intime")
POSITIVE = {"1", "true", "yes", "y", "died", "dead", "deceased", "death", "positive", "event", "case"}
FEWEST = 5  # a level that fewer rows have may tell who they are, so it is not written into params.yaml
MOST_LEVELS = 20


@dataclass(frozen=True)
class Table:
    """A file's cells (text, "" where blank), and how it has to be read."""

    file: str
    cells: pd.DataFrame
    reading: dict[str, str]
    decimal: str

    def numeric(self, column: str) -> bool:
        """Whether nearly all that a column says is a number."""
        said = self.said(column)
        return len(said) > 0 and float(np.mean(~np.isnan(numbers(said, self.decimal)))) >= 0.9

    def dated(self, column: str) -> bool:
        """Whether nearly all that a column says is a moment."""
        said = self.said(column)
        if said.empty or self.numeric(column):
            return False
        try:
            found = moments(said, None, column)
        except InputError:
            return False
        return float(np.mean(~np.isnan(found))) >= 0.9

    def said(self, column: str) -> "pd.Series[str]":
        """The cells of a column that are not blank."""
        return self.cells.loc[self.cells[column] != "", column]

    def levels(self, column: str) -> list[str]:
        """The different cells of a column, each of at least `FEWEST` rows; the most frequent first."""
        counts = self.said(column).map(word).value_counts()
        return [str(level) for level in counts.index[counts >= FEWEST]]


def read_table(path: Path) -> Table:
    """A file with the encoding, delimiter and decimal mark that it seems to have. Raises `InputError`."""
    reading = {} if path.suffix.lower() in (".parquet", ".pq") else {**_encoding(path), **_delimiter(path)}
    cells, _ = cells_of(path, reading.get("encoding", "utf-8"), reading.get("delimiter", ","))
    cells = cleaned(cells)
    if any(cells[column].str.fullmatch(r"-?\d+,\d+").any() for column in cells):
        reading["decimal"] = ","
    return Table(path.name, cells, reading, reading.get("decimal", "."))


def _bytes(path: Path) -> bytes:
    with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as stream:
        return bytes(stream.read(LARGEST))


def _encoding(path: Path) -> dict[str, str]:
    try:
        content = _bytes(path)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read, or is cut short: copy it again from where it comes") from error
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return {"encoding": "utf-16"}
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return {"encoding": "cp1252"}
    return {}


def _delimiter(path: Path) -> dict[str, str]:
    first = _bytes(path).decode(_encoding(path).get("encoding", "utf-8"), errors="replace").partition("\n")[0]
    widths = {mark: len(next(csv.reader([first.strip()], delimiter=mark), [])) for mark in (",", ";", "\t", "|")}
    best = max(widths, key=lambda mark: widths[mark])
    return {} if best == "," else {"delimiter": best}


def named(columns: Iterable[str], names: Sequence[str]) -> list[str]:
    """The columns whose name, or a word of it, is among ``names``, the likeliest first.

    >>> named(["visit_day", "Day", "birthday"], ["day"])
    ['Day', 'visit_day']
    """
    ranked = []
    for place, column in enumerate(columns):
        words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column).casefold())
        whole = "_".join(words)
        for rank, name in enumerate(names):
            if whole == name or name in words or (("_" in name) and name in whole):
                ranked.append((whole != name, rank, place, column))
                break
    return [column for *_, column in sorted(ranked)]


def positive_first(levels: Sequence[str]) -> list[str]:
    """Two levels, the one that seems to be the event first: by its name, else the rarer one."""
    known = [level for level in levels if level in POSITIVE]
    first = known[0] if len(known) == 1 else levels[-1]
    return [first, *(level for level in levels if level != first)]


def constant_within(table: Table, subject: str, column: str) -> bool:
    """Whether no subject has two different values."""
    said = table.cells[table.cells[column] != ""]
    return bool((said.groupby(subject)[column].nunique() <= 1).all())
