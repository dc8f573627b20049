"""Changes of files behind the declaration's back: the cohort of `case` then means something else."""

from random import Random

import pandas as pd

from tests.support.meanings.case import TABLES, Case, both, changes, is_csv, since_admission

Words = tuple[str, ...] | None


@changes
def an_offset_in_one_table_only(random: Random, case: Case) -> Words:
    if not case.once("times"):
        return None
    table, column = random.choice((("people", "admitted"), ("visits", "taken")))
    zone = random.choice(("+02", "-05:00", "Z", "+0530", " +01:00"))
    case.written[table].cell[column] = lambda row, cell: f"{cell}{zone}"
    return ("admitted", "taken")


@changes
def an_offset_in_some_cells_only(random: Random, case: Case) -> Words:
    if not case.once("times"):
        return None
    zone = random.choice(("+02", "-05:00", "Z"))
    case.written["visits"].cell["taken"] = lambda row, cell: f"{cell}{zone}" if row % 2 else cell
    return ("taken",)


@changes
def another_unit(random: Random, case: Case) -> Words:
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
def a_code_or_column_renamed(random: Random, case: Case) -> Words:
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
def ids_padded_in_one_table(random: Random, case: Case) -> Words:
    name = random.choice(TABLES)
    if not case.once(f"id {name}"):
        return None
    width, share = random.choice((4, 6)), random.choice((1, 2))
    case.written[name].cell["id"] = lambda row, cell: cell.zfill(width) if row % 2 < share else cell
    return ("id", "people", "visits", "subject")


@changes
def ids_with_something_before_them(random: Random, case: Case) -> Words:
    if not case.once("id visits"):
        return None
    case.written["visits"].cell["id"] = lambda row, cell: f"H{cell}" if int(cell) % 2 else cell
    return ("id", "people", "visits", "subject")


@changes
def a_level_renamed(random: Random, case: Case) -> Words:
    if not case.once("levels"):
        return None
    column, level, other = random.choice((("sex", "f", "woman"), ("stage", "3", "III"), ("sex", "m", "0")))
    share = random.choice((1.0, 0.7))
    case.people[column] = [other if one == level and random.random() < share else one for one in case.people[column]]
    return (column,)


@changes
def a_third_label(random: Random, case: Case) -> Words:
    if "file people" in case.told:
        return None
    case.people["died"] = ["2" if place % 3 == 0 else one for place, one in enumerate(case.people["died"])]
    return ("died", "outcome")


@changes
def a_decimal_comma_that_nobody_declared(random: Random, case: Case) -> Words:
    if "long" in case.told or not is_csv(case, "visits") or not case.once("decimal visits"):
        return None
    case.written["visits"].decimal = ","
    return ("creatinine", "albumin")


@changes
def a_separator_that_nobody_declared(random: Random, case: Case) -> Words:
    name = random.choice(TABLES)
    if not is_csv(case, name) or not case.once(f"separator {name}"):
        return None
    case.written[name].delimiter = ";"
    return (name,)


@changes
def a_column_lost(random: Random, case: Case) -> Words:
    column = random.choice(("creatinine", "albumin", "taken"))
    if "long" in case.told or column not in case.visits or f"column {column}" in case.told:
        return None
    case.visits = case.visits.drop(columns=column)
    return (column, "visits")


@changes
def a_number_in_place_of_missing_values(random: Random, case: Case) -> Words:
    if "long" in case.told or not case.once("missing visits") or not case.once("number"):
        return None
    mark = random.choice(("-9", "-99", "999", "-1"))
    case.visits["albumin"] = [mark if random.random() < 0.25 else one for one in case.visits["albumin"]]
    return ("albumin",)


@changes
def a_word_in_place_of_numbers(random: Random, case: Case) -> Words:
    if "long" in case.told or "file visits" in case.told or not case.once("number"):
        return None
    words = random.choice(("low", "see note", "1.2 mg/dl", "12/8"))
    case.visits["creatinine"] = [words if random.random() < 0.3 else one for one in case.visits["creatinine"]]
    return ("creatinine",)


@changes
def times_of_another_unit(random: Random, case: Case) -> Words:
    """Minutes where hours are declared, and a landmark at 12 hours: most visits fall behind it."""
    if not case.once("times"):
        return None
    since_admission(case, lambda late: f"{late * 60:g}")
    case.options["time"]["until"] = 12.0
    return ("landmark", "visits")


@changes
def times_of_the_day(random: Random, case: Case) -> Words:
    if not case.once("times"):
        return None
    since_admission(case, lambda late: f"{int(late):02}:30")
    return ("taken",)


@changes
def times_day_first(random: Random, case: Case) -> Words:
    if not case.once("times"):
        return None
    both(case, lambda row, cell: pd.Timestamp(cell).strftime("%d.%m.%Y %H:%M"))
    return ("taken", "admitted", "time zero")


@changes
def time_zero_of_another_year(random: Random, case: Case) -> Words:
    if "times" in case.told:
        return None
    case.told.add("times")
    late = pd.DateOffset(years=1)
    case.people["admitted"] = [one + late if place % 3 else one for place, one in enumerate(case.people["admitted"])]
    return ("time zero", "admitted")


@changes
def half_of_the_people_lost(random: Random, case: Case) -> Words:
    case.people = case.people.iloc[::2].reset_index(drop=True)
    return ("subject", "visits", "id")


@changes
def half_of_the_visits_lost(random: Random, case: Case) -> Words:
    gone = set(case.people["id"].iloc[::2])
    case.visits = case.visits[~case.visits["id"].isin(gone)].reset_index(drop=True)
    return ("measurement", "visits", "subject")


@changes
def two_people_of_one_id(random: Random, case: Case) -> Words:
    if not case.once("id people"):
        return None
    case.people["id"] = [case.people["id"][place - place % 2] for place in range(len(case.people))]
    return ("contradict", "subject", "id")


@changes
def another_encoding_than_declared(random: Random, case: Case) -> Words:
    name = random.choice(TABLES)
    if not is_csv(case, name) or "note" in case.told or not case.once(f"encoding {name}"):
        return None
    getattr(case, name)["more"] = "Ünï"
    case.written[name].encoding = random.choice(("utf-16", "cp1252"))
    return (name,)


@changes
def a_withdrawal_that_names_nobody(random: Random, case: Case) -> Words:
    case.told.add("withdrawn")
    return ("withdr",)
