"""What the mutations need to know of each reader: whom a line of its files is about, and what has come in."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest
from recondense.cohorts.readers import pbcseq
from recondense.records.attrition import Attrition
from recondense.records.cohort import Ingested
from tests.support.mutation_files import (
    admissions,
    archived_stays,
    labelled,
    long_tables,
    participants,
    stays,
    text,
    visits,
)
from tests.support.mutations import Files

LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Reader:
    """What the mutations need to know of a data set, and nothing of how its reader works.

    ``files``: a small part of its real files. ``owners(file, line)``: ids of the subjects that a line is about; None
    where it may be about all. ``came_in(files)``: how many items of a unit there are, counted by other means than the
    reader's. ``seeds``: of every mutation. ``sealed``: files with a checksum, which must be whole or be refused.
    ``places``: what a message may name in place of a file. ``a_quote_costs_lines``: whether a quotation mark without
    its partner may cost the lines below it, as long as each is counted.
    """

    dataset: str
    files: Callable[[], Files]
    owners: Callable[[str, bytes], set[str] | None]
    came_in: Callable[[dict[str, bytes | None]], dict[str, int]] = lambda files: {}
    options: dict[str, Any] = field(default_factory=dict)
    seeds: int = 4
    sealed: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    a_quote_costs_lines: bool = False

    def read(self, raw: Path) -> tuple[Ingested, Attrition]:
        split = {"kind": "random", "seed": 1, "validation": 0.25, "test": 0.25}
        params = {"dataset": self.dataset, "raw": str(raw), "split": split, "options": self.options}
        return ingest(raw, Params.model_validate(params))


def lines_of(content: bytes) -> list[bytes]:
    lines = LINE_END.split(content)
    return lines[:-1] if lines[-1] == b"" else lines


def first_cell(line: bytes) -> str:
    return line.split(b",")[0].strip(b" \t\"'").decode("latin-1")


def declared(**changes: Any) -> dict[str, Any]:
    landmark = {"at": 365, "horizon": 1826, "time": "futime", "status": "status", "events": [1, 2], "censored": [0]}
    names = ("bili", "chol", "albumin", "age", "female")
    variables = {name: pbcseq.DECLARED["variables"][name] for name in names}
    source = {"title": "a cohort", "licence": "none, not to be shared"}
    return {"source": source, "time": {"unit": "days"}, "landmark": landmark, "variables": variables, **changes}


def id_as_written(name: str, line: bytes) -> set[str]:
    """A table's ids are whatever its first column says, odd marks and all."""
    quoted = re.match(rb'"((?:[^"]|"")*)"?([^,]*)', line)
    cell = quoted[1].replace(b'""', b'"') + quoted[2] if quoted else line.split(b",")[0]
    return {cell.decode(errors="replace").strip()}


def rows_of(units: dict[str, str]) -> Callable[[dict[str, bytes | None]], dict[str, int]]:
    """How many lines below the first one of a table say anything; a cell of several lines could be in quotes."""

    def count(files: dict[str, bytes | None]) -> dict[str, int]:
        found = {unit: files.get(file) or b"" for file, unit in units.items()}
        return {
            unit: sum(line.strip(b", \t") != b"" for line in lines_of(content)[1:])
            for unit, content in found.items()
            if b'"' not in content
        }

    return count


def stay(name: str, line: bytes) -> set[str]:
    if "/" not in name:
        return {first_cell(line)}
    stem = Path(name).name.split(".")[0].split(" ")[0]
    return {str(int(stem)) if stem.isdecimal() else stem}


def records(files: dict[str, bytes | None]) -> dict[str, int]:
    names = [Path(name) for name, content in files.items() if content is not None and name.startswith("set-a/")]
    return {"records": sum(not name.name.startswith(".") for name in names)}


def any_cell(name: str, line: bytes) -> set[str]:
    """A row of a relational database has the ids of a stay in several columns."""
    return {cell.strip(b" \t\"'").decode("latin-1") for cell in line.split(b",")}


def participant(name: str, line: bytes) -> set[str]:
    if "/" not in name:
        return {first_cell(line)}
    return {part for part in Path(name).parts}


MEDS = {
    "source": {"title": "a cohort", "licence": "none, not to be shared"},
    "labels": "labels",
    "window_hours": 24 * 366,
    "variables": {
        name: {"label": name, "role": "series", "codes": [f"LAB//{name}"], "low": 0, "high": 3000}
        for name in ("bili", "chol")
    },
}

# Every reader has an entry: its real files, and whose a line is
READERS = {
    "pbcseq": Reader(
        "pbcseq", lambda: {"pbcseq.csv": text(visits())}, id_as_written, rows_of({"pbcseq.csv": "visits"})
    ),
    "table, wide": Reader(
        "table",
        lambda: {"visits.csv": text(visits()), "people.csv": long_tables()["people.csv"]},
        id_as_written,
        rows_of({"visits.csv": "visits", "people.csv": "subject rows"}),
        declared(
            measurements={"file": "visits.csv", "subject": "id", "time": "day"},
            subjects={"file": "people.csv", "subject": "id"},
        ),
        places=("options.",),
    ),
    "table, long": Reader(
        "table",
        long_tables,
        id_as_written,
        rows_of({"labs.csv": "measurements", "people.csv": "subject rows"}),
        declared(
            measurements={"file": "labs.csv", "subject": "id", "time": "day", "variable": "test", "value": "result"},
            subjects={"file": "people.csv", "subject": "id"},
        ),
        places=("options.",),
    ),
    "physionet2012 folder": Reader("physionet2012", lambda: dict(stays()), stay, records),
    "physionet2012 archive": Reader("physionet2012", archived_stays, stay, sealed=("set-a.tar.gz",)),
    "mimic3": Reader("mimic3", admissions, any_cell, a_quote_costs_lines=True),
    "coswara": Reader(
        "coswara",
        participants,
        participant,
        lambda files: {"lines": len(lines_of(files.get("combined_data.csv") or b"")) - 1},
        {"outcome": "g", "min_seconds": 0.1, "silence_db": -100, "window_seconds": 0.96},
        seeds=1,
    ),
    "meds": Reader("meds", labelled, lambda name, line: None, options=MEDS, places=("options.",)),
}
