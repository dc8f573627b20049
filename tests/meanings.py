"""One clean cohort, and changes of its files: some that keep what they mean, and some that do not.

A change edits a `Case`: two tables, how each is written, and the options that declare them. One that keeps the meaning
changes files and declaration together, or the files in a way that the rule of `tasks.common.cells` calls the same. One
that does not changes the files behind the declaration's back; it returns words, one of which has to be in what the
steward is told.
"""

import csv
import gzip
import io
import unicodedata
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
        quoting = csv.QUOTE_ALL if how.line_end == "\r" else how.quoting
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


def _csv(case: Case, name: str) -> bool:
    return case.written[name].suffix.lower().startswith(".csv")


# What keeps the meaning


@keeps
def another_separator(random: Random, case: Case) -> None:
    name = random.choice(TABLES)
    if _csv(case, name) and case.once(f"separator {name}"):
        mark = random.choice(";\t|")
        case.written[name].delimiter = declaration(case, name)["delimiter"] = mark


@keeps
def a_decimal_comma(random: Random, case: Case) -> None:
    name = random.choice(TABLES)
    if _csv(case, name) and case.once(f"decimal {name}"):
        case.written[name].decimal = declaration(case, name)["decimal"] = ","


@keeps
def all_cells_quoted(random: Random, case: Case) -> None:
    case.written[random.choice(TABLES)].quoting = csv.QUOTE_ALL


@keeps
def a_note_of_several_lines(random: Random, case: Case) -> None:
    if case.once("note"):
        table = case.visits
        notes = ['said "no", then\nyes', "x\n", "1,2", "", "é — ü"]
        table["note"] = [random.choice(notes) if random.random() < 0.2 else "fine" for _ in range(len(table))]
        case.written["visits"].encoding = "utf-8"
        declaration(case, "visits").pop("encoding", None)


@keeps
def another_encoding(random: Random, case: Case) -> None:
    name = random.choice(TABLES)
    if _csv(case, name) and "note" not in case.told and case.once(f"encoding {name}"):
        chosen = random.choice(("utf-8-sig", "utf-16", "cp1252", "latin-1"))
        case.written[name].encoding = declaration(case, name)["encoding"] = chosen


@keeps
def other_line_ends(random: Random, case: Case) -> None:
    case.written[random.choice(TABLES)].line_end = random.choice(("\r\n", "\r"))


@keeps
def another_kind_of_file(random: Random, case: Case) -> None:
    name = random.choice(TABLES)
    plain = case.written[name] == Written(columns=case.written[name].columns, cell=case.written[name].cell)
    typed = not {"missing", "number", "id", "zone"} & {kind.split()[0] for kind in case.told}
    kinds = [".csv.gz", ".CSV.GZ", ".CSV"] + ([".parquet", ".xlsx"] if plain and typed else [])
    if _csv(case, name) and case.once(f"file {name}"):
        case.written[name].suffix = random.choice(kinds)
        declaration(case, name)["file"] = f"{name}{case.written[name].suffix}"


@keeps
def columns_in_another_order(random: Random, case: Case) -> None:
    name = random.choice(TABLES)
    columns = list(getattr(case, name).columns)
    random.shuffle(columns)
    setattr(case, name, getattr(case, name)[columns])


@keeps
def rows_in_another_order(random: Random, case: Case) -> None:
    name = random.choice(TABLES)
    setattr(case, name, getattr(case, name).sample(frac=1, random_state=random.randrange(1 << 30), ignore_index=True))


@keeps
def a_column_that_nobody_asked_for(random: Random, case: Case) -> None:
    name = random.choice(TABLES)
    getattr(case, name)[f"more {random.randrange(99)}"] = random.choice(("", "0", "ward 7", "1.5"))


@keeps
def another_name_of_a_column(random: Random, case: Case) -> None:
    names = ["creatinine", "age", "sex", "albumin"]
    column = random.choice(names)
    table = "visits" if column in ("creatinine", "albumin") else "people"
    if case.once(f"column {column}"):
        written = random.choice(("NEUT%", "Größe/cm", "HF [/min]", "a b", "Ünïcode", "x#1", "krea: neu", "null"))
        if written in {one for how in case.written.values() for one in how.columns.values()}:
            return
        case.written[table].columns[column] = written
        spelled = random.choice((written, unicodedata.normalize("NFD", written), f" {written} "))
        case.options["variables"][column]["column"] = spelled if random.random() < 0.5 else written
        if case.written[table].encoding in ("cp1252", "latin-1"):
            case.written[table].columns[column] = case.options["variables"][column]["column"] = "NEUT%"


@keeps
def another_form_of_ids(random: Random, case: Case) -> None:
    name = random.choice(TABLES)
    if case.once(f"id {name}"):
        form = random.choice((" {} ", "{}.0", "{}.00", "\t{}", "{} "))
        case.written[name].cell["id"] = lambda row, cell: form.format(cell)


@keeps
def another_spelling_of_levels(random: Random, case: Case) -> None:
    if case.once("levels"):
        sex = random.choice((str.upper, str, lambda cell: f" {cell}"))
        stage = random.choice(("0{}", "{}.0", " {}", "+{}"))
        case.written["people"].cell["sex"] = lambda row, cell: sex(cell) if cell in SEX else cell
        case.written["people"].cell["stage"] = lambda row, cell: stage.format(cell) if row % 3 else cell


@keeps
def another_name_of_levels(random: Random, case: Case) -> None:
    if case.once("levels"):
        yes, no = random.choice((("female", "male"), ("Frau", "Mann"), ("2", "1"), ("true", "false"), ("+", "-")))
        case.people["sex"] = case.people["sex"].map({"f": yes, "m": no, "": ""})
        case.options["variables"]["sex"] |= {"positive": [yes], "negative": [no]}


@keeps
def another_mark_of_missing_values(random: Random, case: Case) -> None:
    name = random.choice(TABLES)
    if _csv(case, name) and case.once(f"missing {name}"):
        usual = (r"\N", "NA", "na", "#N/A", "NULL", "NaN", ".", " ", "<NA>", "None", "n/a")
        own = ("-9", "unknown", "k.A.")
        case.written[name].missing = random.choice((*usual, *own))
        if case.written[name].missing in own:
            declaration(case, name)["missing"] = ["-9.0" if random.random() < 0.5 else -9, "Unknown", "K.A."]


@keeps
def another_form_of_numbers(random: Random, case: Case) -> None:
    if case.once("number") and not any(how.decimal == "," for how in case.written.values()):
        form = random.choice(("{}0", "+{}", " {}", "{}e0", "0{}"))
        missing = case.written["visits"].missing
        case.written["visits"].cell["creatinine"] = lambda row, cell: cell if cell == missing else form.format(cell)
        case.told |= {"decimal visits", "missing visits"}


@keeps
def times_in_another_form(random: Random, case: Case) -> None:
    if case.once("times"):
        form = random.choice(("%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%Y%m%d%H%M", "%d %b %Y %H:%M"))
        _both(case, lambda row, cell: pd.Timestamp(cell).strftime(form))
        case.options["time"]["format"] = form


@keeps
def times_with_offsets(random: Random, case: Case) -> None:
    if case.once("times"):
        case.told.add("zone")
        forms = [random.choice(("{}+00", "{}Z", "{}+00:00", "{}+0000", "{} +00:00")) for _ in TABLES]
        shifted = random.random() < 0.5
        case.written["people"].cell["admitted"] = lambda row, cell: forms[0].format(cell)
        case.written["visits"].cell["taken"] = lambda row, cell: (
            f"{pd.Timestamp(cell) + pd.Timedelta(hours=2)}+02" if shifted and row % 2 else forms[1].format(cell)
        )


@keeps
def times_as_numbers(random: Random, case: Case) -> None:
    if case.once("times"):
        unit, hours = random.choice((("minutes", 1 / 60), ("hours", 1), ("days", 24)))
        how = case.written["visits"]
        _since_admission(case, lambda late: f"{late / hours:.10g}")
        how.cell["taken"] = lambda row, cell: cell.replace(".", how.decimal)
        case.options["time"]["unit"] = unit


@keeps
def times_as_durations(random: Random, case: Case) -> None:
    if case.once("times"):
        form = random.choice(("{d} days {h:02}:00:00", "{d} days, {h}:00:00", "P{d}DT{h}H", "{d} day {h:02}:00:00"))
        _since_admission(case, lambda late: form.format(d=int(late // 24), h=int(late % 24)))
        case.options["time"]["unit"] = random.choice(("minutes", "hours", "days"))


@keeps
def one_row_a_measurement(random: Random, case: Case) -> None:
    renamed = {"note", "number", "missing visits", "file visits", "column creatinine", "column albumin"} & case.told
    if not renamed and case.once("long"):
        values = [name for name in ("creatinine", "albumin") if name in case.visits]
        case.visits = case.visits.melt(["id", "taken"], values, "what", "value")
        case.visits = case.visits[case.visits["value"] != ""].reset_index(drop=True)
        spelled = random.choice((str, str.upper, str.title))
        case.visits["what"] = case.visits["what"].map(spelled)
        declaration(case, "visits").update({"variable": "what", "value": "value"})
        case.written["visits"].cell["value"] = lambda row, cell: cell.replace(".", case.written["visits"].decimal)
        case.told |= {"note", "number", "column creatinine", "column albumin", "file visits"}


def _both(case: Case, change: Callable[[int, str], str]) -> None:
    case.written["people"].cell["admitted"] = case.written["visits"].cell["taken"] = change


def _since_admission(case: Case, said: Callable[[float], str]) -> None:
    """Times of visits as what ``said`` makes of hours since admission, which is no longer needed."""
    admitted = dict(zip(case.people["id"], case.people["admitted"], strict=True))
    late = case.visits["taken"] - case.visits["id"].map(admitted)
    case.visits["taken"] = [said(one / pd.Timedelta(hours=1)) for one in late]
    case.options["time"] = {"unit": "hours"}


# What does not keep it


@changes
def an_offset_in_one_table_only(random: Random, case: Case) -> tuple[str, ...] | None:
    if not case.once("times"):
        return None
    table, column = random.choice((("people", "admitted"), ("visits", "taken")))
    zone = random.choice(("+02", "-05:00", "Z", "+0530", " +01:00"))
    case.written[table].cell[column] = lambda row, cell: f"{cell}{zone}"
    return ("admitted", "taken")


@changes
def an_offset_in_some_cells_only(random: Random, case: Case) -> tuple[str, ...] | None:
    if not case.once("times"):
        return None
    zone = random.choice(("+02", "-05:00", "Z"))
    case.written["visits"].cell["taken"] = lambda row, cell: f"{cell}{zone}" if row % 2 else cell
    return ("taken",)


@changes
def another_unit(random: Random, case: Case) -> tuple[str, ...] | None:
    column, factor = random.choice((("creatinine", 88.4), ("albumin", 10.0)))
    if {"long", "missing visits"} & case.told or not case.once("number"):
        return None
    share = random.choice((1.0, 0.5))
    chosen = [random.random() < share and cell != "" for cell in case.visits[column]]
    case.visits[column] = [
        f"{float(cell) * factor:.1f}" if hit else cell for cell, hit in zip(case.visits[column], chosen, strict=True)
    ]
    return (column,)


@changes
def a_code_or_column_renamed(random: Random, case: Case) -> tuple[str, ...] | None:
    column = random.choice(("creatinine", "albumin"))
    other = {"creatinine": "Kreatinin", "albumin": "albumin (serum)"}[column]
    if "long" in case.told:
        case.visits["what"] = [other if one.casefold() == column else one for one in case.visits["what"]]
    elif not case.once(f"column {column}"):
        return None
    else:
        case.written["visits"].columns[column] = other
    return (column,)


@changes
def ids_padded_in_one_table(random: Random, case: Case) -> tuple[str, ...] | None:
    name = random.choice(TABLES)
    if not case.once(f"id {name}"):
        return None
    width, share = random.choice((4, 6)), random.choice((1, 2))
    case.written[name].cell["id"] = lambda row, cell: cell.zfill(width) if row % 2 < share else cell
    return ("id", "people", "visits", "subject")


@changes
def ids_with_something_before_them(random: Random, case: Case) -> tuple[str, ...] | None:
    if not case.once("id visits"):
        return None
    case.written["visits"].cell["id"] = lambda row, cell: f"H{cell}" if int(cell) % 2 else cell
    return ("id", "people", "visits", "subject")


@changes
def a_level_renamed(random: Random, case: Case) -> tuple[str, ...] | None:
    if not case.once("levels"):
        return None
    column, level, other = random.choice((("sex", "f", "woman"), ("stage", "3", "III"), ("sex", "m", "0")))
    share = random.choice((1.0, 0.7))
    case.people[column] = [other if one == level and random.random() < share else one for one in case.people[column]]
    return (column,)


@changes
def a_third_label(random: Random, case: Case) -> tuple[str, ...] | None:
    if "file people" in case.told:
        return None
    case.people["died"] = ["2" if place % 3 == 0 else one for place, one in enumerate(case.people["died"])]
    return ("died", "outcome")


@changes
def a_decimal_comma_that_nobody_declared(random: Random, case: Case) -> tuple[str, ...] | None:
    if "long" in case.told or not _csv(case, "visits") or not case.once("decimal visits"):
        return None
    case.written["visits"].decimal = ","
    return ("creatinine", "albumin")


@changes
def a_separator_that_nobody_declared(random: Random, case: Case) -> tuple[str, ...] | None:
    name = random.choice(TABLES)
    if not _csv(case, name) or not case.once(f"separator {name}"):
        return None
    case.written[name].delimiter = ";"
    return (name,)


@changes
def a_column_lost(random: Random, case: Case) -> tuple[str, ...] | None:
    column = random.choice(("creatinine", "albumin", "taken"))
    if "long" in case.told or column not in case.visits or f"column {column}" in case.told:
        return None
    case.visits = case.visits.drop(columns=column)
    return (column, "visits")


@changes
def a_number_in_place_of_missing_values(random: Random, case: Case) -> tuple[str, ...] | None:
    if "long" in case.told or not case.once("missing visits") or not case.once("number"):
        return None
    mark = random.choice(("-9", "-99", "999", "-1"))
    case.visits["albumin"] = [mark if random.random() < 0.25 else one for one in case.visits["albumin"]]
    return ("albumin",)


@changes
def a_word_in_place_of_numbers(random: Random, case: Case) -> tuple[str, ...] | None:
    if "long" in case.told or "file visits" in case.told or not case.once("number"):
        return None
    words = random.choice(("low", "see note", "1.2 mg/dl", "12/8"))
    case.visits["creatinine"] = [words if random.random() < 0.3 else one for one in case.visits["creatinine"]]
    return ("creatinine",)


@changes
def times_of_another_unit(random: Random, case: Case) -> tuple[str, ...] | None:
    """Minutes where hours are declared, and a landmark at 12 hours: most visits fall behind it."""
    if not case.once("times"):
        return None
    _since_admission(case, lambda late: f"{late * 60:g}")
    case.options["time"]["until"] = 12.0
    return ("landmark", "visits")


@changes
def times_of_the_day(random: Random, case: Case) -> tuple[str, ...] | None:
    if not case.once("times"):
        return None
    _since_admission(case, lambda late: f"{int(late):02}:30")
    return ("taken",)


@changes
def times_day_first(random: Random, case: Case) -> tuple[str, ...] | None:
    if not case.once("times"):
        return None
    _both(case, lambda row, cell: pd.Timestamp(cell).strftime("%d.%m.%Y %H:%M"))
    return ("taken", "admitted", "time zero")


@changes
def time_zero_of_another_year(random: Random, case: Case) -> tuple[str, ...] | None:
    if "times" in case.told:
        return None
    case.told.add("times")
    late = pd.DateOffset(years=1)
    case.people["admitted"] = [one + late if place % 3 else one for place, one in enumerate(case.people["admitted"])]
    return ("time zero", "admitted")


@changes
def half_of_the_people_lost(random: Random, case: Case) -> tuple[str, ...] | None:
    case.people = case.people.iloc[::2].reset_index(drop=True)
    return ("subject", "visits", "id")


@changes
def half_of_the_visits_lost(random: Random, case: Case) -> tuple[str, ...] | None:
    gone = set(case.people["id"].iloc[::2])
    case.visits = case.visits[~case.visits["id"].isin(gone)].reset_index(drop=True)
    return ("measurement", "visits", "subject")


@changes
def two_people_of_one_id(random: Random, case: Case) -> tuple[str, ...] | None:
    if not case.once("id people"):
        return None
    case.people["id"] = [case.people["id"][place - place % 2] for place in range(len(case.people))]
    return ("contradict", "subject", "id")


@changes
def another_encoding_than_declared(random: Random, case: Case) -> tuple[str, ...] | None:
    name = random.choice(TABLES)
    if not _csv(case, name) or "note" in case.told or not case.once(f"encoding {name}"):
        return None
    getattr(case, name)["more"] = "Ünï"
    case.written[name].encoding = random.choice(("utf-16", "cp1252"))
    return (name,)


@changes
def a_withdrawal_that_names_nobody(random: Random, case: Case) -> tuple[str, ...] | None:
    case.told.add("withdrawn")
    return ("withdr",)


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
