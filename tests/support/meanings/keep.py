"""Changes of files and declaration that keep what the cohort of `tests.support.meanings.case` means."""

import csv
import unicodedata
from random import Random

import pandas as pd

from tests.support.meanings.case import SEX, TABLES, Case, Written, both, declaration, is_csv, keeps, since_admission


@keeps
def another_separator(random: Random, case: Case) -> None:
    name = random.choice(TABLES)
    if is_csv(case, name) and case.once(f"separator {name}"):
        mark = random.choice(";\t|")
        case.written[name].delimiter = declaration(case, name)["delimiter"] = mark


@keeps
def a_decimal_comma(random: Random, case: Case) -> None:
    name = random.choice(TABLES)
    if is_csv(case, name) and case.once(f"decimal {name}"):
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
    if is_csv(case, name) and "note" not in case.told and case.once(f"encoding {name}"):
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
    if is_csv(case, name) and case.once(f"file {name}"):
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
    if is_csv(case, name) and case.once(f"missing {name}"):
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
        both(case, lambda row, cell: pd.Timestamp(cell).strftime(form))
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
        since_admission(case, lambda late: f"{late / hours:.10g}")
        how.cell["taken"] = lambda row, cell: cell.replace(".", how.decimal)
        case.options["time"]["unit"] = unit


@keeps
def times_as_durations(random: Random, case: Case) -> None:
    if case.once("times"):
        form = random.choice(("{d} days {h:02}:00:00", "{d} days, {h}:00:00", "P{d}DT{h}H", "{d} day {h:02}:00:00"))
        since_admission(case, lambda late: form.format(d=int(late // 24), h=int(late % 24)))
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
