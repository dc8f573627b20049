"""The clean cohort, how its files are written, and where changes of them are registered.

A change edits a `Case`: two tables, how each is written, and the options that declare them. One that keeps the meaning
changes files and declaration together, or the files in a way that the rule of `recondense.records.cells` calls the
same. One that does not changes the files behind the declaration's back; it returns words, one of which has to be in
what the steward is told.
"""

import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd

N_PEOPLE, N_VISITS, STEP_HOURS = 80, 4, 3
START = pd.Timestamp("2024-03-01")
TABLES = ("people", "visits")
NUMERIC = ("age", "creatinine", "albumin")
SEX, STAGES = ("f", "m"), ("1", "2", "3", "4")
Change = Callable[[Random, "Case"], tuple[str, ...] | None]
KEEP: dict[str, Change] = {}
CHANGE: dict[str, Change] = {}


@dataclass
class Written:
    """How one table is written. ``cell``: by column, what is made of a cell's text at a row. ``lines``: what is made of
    the rows of text, the names of the columns first."""

    suffix: str = ".csv"
    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    line_end: str = "\n"
    quoting: Any = csv.QUOTE_MINIMAL
    missing: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    cell: dict[str, Callable[[int, str], str]] = field(default_factory=dict)
    lines: Callable[[list[list[str]]], list[list[str]]] = list


@dataclass
class Case:
    """``people`` and ``visits`` as they are meant; ``hours``: where times are numbers, of which unit; else dates."""

    people: pd.DataFrame
    visits: pd.DataFrame
    options: dict[str, Any]
    written: dict[str, Written] = field(default_factory=lambda: {name: Written() for name in TABLES})
    told: set[str] = field(default_factory=set)  # kinds of change made, of which there may be one each

    def once(self, kind: str) -> bool:
        """Whether no change of this kind was made before."""
        if kind in self.told:
            return False
        self.told.add(kind)
        return True


def clean() -> Case:
    """The cohort itself: 80 people, four visits each at every third hour, two measurements a visit."""
    random = np.random.default_rng(5)
    ids = [str(100 + 7 * place) for place in range(N_PEOPLE)]
    people = pd.DataFrame(
        {
            "id": ids,
            "age": [str(age) for age in random.integers(30, 88, N_PEOPLE)],
            "sex": [SEX[place] for place in random.integers(0, 2, N_PEOPLE)],
            "stage": [STAGES[place] for place in random.integers(0, 4, N_PEOPLE)],
            "site": ["north" if place % 3 else "south" for place in range(N_PEOPLE)],
            "admitted": [START + pd.Timedelta(days=int(day)) for day in random.integers(0, 300, N_PEOPLE)],
            "died": [str(int(place % 4 == 0)) for place in range(N_PEOPLE)],
        }
    )
    rows = people.loc[people.index.repeat(N_VISITS), ["id", "admitted"]].reset_index(drop=True)
    late = pd.to_timedelta(np.tile(np.arange(N_VISITS), N_PEOPLE) * STEP_HOURS, unit="h")
    visits = pd.DataFrame(
        {
            "id": rows["id"],
            "taken": rows["admitted"] + late,
            "creatinine": [f"{value:.2f}" for value in random.uniform(0.6, 2.4, len(rows))],
            "albumin": [f"{value:.1f}" for value in random.uniform(2.5, 4.9, len(rows))],
        }
    )
    visits.loc[random.choice(len(visits), 12, replace=False), "albumin"] = ""
    people.loc[[3, 30], "sex"] = ""
    numeric = {"role": "series", "kind": "numeric", "low": 0}
    options = {
        "source": {"title": "a ward", "licence": "none"},
        "measurements": {"file": "visits.csv", "subject": "id", "time": "taken"},
        "subjects": {"file": "people.csv", "subject": "id"},
        "time": {"unit": "hours", "timestamps": True, "zero": "admitted"},
        "outcome": {"column": "died", "positive": ["1"], "negative": ["0"]},
        "variables": {
            "creatinine": {"label": "creatinine", "unit": "mg/dl", **numeric, "high": 20},
            "albumin": {"label": "albumin", "unit": "g/dl", **numeric, "high": 7},
            "age": {"label": "age", "unit": "years", "role": "static", "low": 0, "high": 120},
            "sex": {"label": "sex", "role": "static", "kind": "binary", "positive": ["f"], "negative": ["m"]},
            "stage": {"label": "stage", "role": "static", "kind": "categorical", "levels": list(STAGES)},
        },
    }
    return Case(people, visits, options)


def write(case: Case, folder: Path) -> None:
    """The files of ``case``."""
    for name in TABLES:
        how, table = case.written[name], getattr(case, name)
        # Python's writer quotes only the line ends of its own kind
        quoting: Any = csv.QUOTE_ALL if how.line_end == "\r" else how.quoting
        rows = pd.DataFrame({how.columns.get(column, column): _cells(how, table, column) for column in table})
        if how.suffix in (".parquet", ".xlsx"):
            _typed(rows, folder / f"{name}{how.suffix}")
            continue
        stream = io.StringIO()
        writer = csv.writer(stream, delimiter=how.delimiter, quoting=quoting, lineterminator=how.line_end)
        writer.writerows(how.lines([list(rows.columns), *rows.to_numpy().tolist()]))
        content = stream.getvalue().encode(how.encoding)
        packed = how.suffix.lower().endswith(".gz")
        (folder / f"{name}{how.suffix}").write_bytes(gzip.compress(content) if packed else content)


def _cells(how: Written, table: pd.DataFrame, column: str) -> list[str]:
    said = [str(cell) if cell != "" else how.missing for cell in table[column]]
    if column in NUMERIC and how.decimal != ".":
        said = [cell if cell == how.missing else cell.replace(".", how.decimal) for cell in said]
    change = how.cell.get(column)
    return [change(row, cell) for row, cell in enumerate(said)] if change else said


def _typed(rows: pd.DataFrame, path: Path) -> None:
    """Numbers as numbers, all else as text."""
    rows = rows.replace("", None)
    numbers = {name: pd.to_numeric(rows[name]) for name in rows if name in (*NUMERIC, "died")}
    rows = rows.assign(**numbers)
    if path.suffix == ".parquet":
        rows.to_parquet(path, index=False)
    else:
        rows.to_excel(path, index=False)


def declaration(case: Case, name: str) -> dict[str, Any]:
    """The options of one of the tables."""
    found: dict[str, Any] = case.options["measurements" if name == "visits" else "subjects"]
    return found


def keeps(change: Change) -> Change:
    """Register a change that keeps the meaning."""
    KEEP[change.__name__] = change
    return change


def changes(change: Change) -> Change:
    """Register a change that does not keep it."""
    CHANGE[change.__name__] = change
    return change


def is_csv(case: Case, name: str) -> bool:
    return case.written[name].suffix.lower().startswith(".csv")


def both(case: Case, change: Callable[[int, str], str]) -> None:
    case.written["people"].cell["admitted"] = case.written["visits"].cell["taken"] = change


def since_admission(case: Case, said: Callable[[float], str]) -> None:
    """Times of visits as what ``said`` makes of hours since admission, which is no longer needed."""
    admitted = dict(zip(case.people["id"], case.people["admitted"], strict=True))
    late = case.visits["taken"] - case.visits["id"].map(admitted)
    case.visits["taken"] = [said(one / pd.Timedelta(hours=1)) for one in late]
    case.options["time"] = {"unit": "hours"}


def kept(seed: int) -> Case:
    """A case after four to eight changes that keep its meaning."""
    random, case = Random(seed), clean()
    for name in random.sample(sorted(KEEP), random.randint(4, 8)):
        KEEP[name](random, case)
    return case


def changed(seed: int) -> tuple[str, Case, tuple[str, ...]]:
    """A change that does not keep the meaning, the case after it and up to three others, and words of what is told."""
    random = Random(seed)
    names = sorted(CHANGE)
    name = names[seed % len(names)]
    while True:
        case = clean()
        for before in random.sample(sorted(KEEP), random.randint(0, 3)):
            KEEP[before](random, case)
        words = CHANGE[name](random, case)
        if words:
            return name, case, words
