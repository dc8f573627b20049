"""Changes of the cohort of `tests.support.meanings.case` as exports and spreadsheets make them: its meaning is lost."""

from random import Random

import pandas as pd

from tests.support.meanings.case import Case, both, changes, is_csv, since_admission

NOON, DAY = 12, 24
Words = tuple[str, ...] | None


def _free_numbers(case: Case) -> bool:
    """Whether the cells of measurements may be written anew."""
    return not {"long", "missing visits", "file visits", "decimal visits"} & case.told and case.once("number")


def _renumbered(case: Case, start: int, step: int) -> None:
    """Give everybody a longer id."""
    longer = {one: str(start + step * place) for place, one in enumerate(sorted(set(case.people["id"])))}
    for table in (case.people, case.visits):
        table["id"] = table["id"].map(longer)


# Times


@changes
def a_clock_of_twelve_hours(random: Random, case: Case) -> Words:
    if not case.once("times"):
        return None
    case.visits["taken"] = [one + pd.Timedelta(hours=random.randrange(DAY)) for one in case.visits["taken"]]
    case.written["visits"].cell["taken"] = lambda row, cell: pd.Timestamp(cell).strftime("%Y-%m-%d %I:%M")
    return ("AM or PM",)


@changes
def a_time_of_the_day_with_am_or_pm(random: Random, case: Case) -> Words:
    if not case.once("times"):
        return None
    form = random.choice(("%I:%M %p", "%Y-%m-%d %I:%M %p", "%d/%m/%y %I%p"))
    case.written["visits"].cell["taken"] = lambda row, cell: pd.Timestamp(cell).strftime(form)
    return ("taken",)


@changes
def dates_without_a_time_of_the_day(random: Random, case: Case) -> Words:
    if not case.once("times"):
        return None
    form = random.choice(("%Y-%m-%d", "%Y%m%d", "%Y-%m-%d 00:00"))
    case.written["visits"].cell["taken"] = lambda row, cell: pd.Timestamp(cell).strftime(form)
    return ("time of the day",)


@changes
def dates_as_serial_numbers(random: Random, case: Case) -> Words:
    """As spreadsheets count days, or systems seconds."""
    if not case.once("times"):
        return None
    day, since = random.choice(((1, "1899-12-30"), (86400, "1970-01-01")))
    change = lambda row, cell: f"{(pd.Timestamp(cell) - pd.Timestamp(since)) / pd.Timedelta(days=1) * day:.5f}"  # noqa: E731
    if random.random() < 0.5:
        case.written["visits"].cell["taken"] = change
    else:
        both(case, change)
    return ("taken", "admitted")


@changes
def day_and_month_swapped_where_both_could_be(random: Random, case: Case) -> Words:
    if not case.once("times"):
        return None

    def swapped(row: int, cell: str) -> str:
        moment = pd.Timestamp(cell)
        return moment.strftime("%Y-%d-%m %H:%M" if moment.day <= 12 else "%Y-%m-%d %H:%M")

    case.written["visits"].cell["taken"] = swapped
    return ("measurement", "time zero")


@changes
def subjects_of_another_year(random: Random, case: Case) -> Words:
    if not case.once("times"):
        return None
    late = pd.DateOffset(years=random.choice((-1, 1)))
    case.people["admitted"] = [one + late for one in case.people["admitted"]]
    return ("time zero", "hour 0")


@changes
def times_in_a_smaller_unit(random: Random, case: Case) -> Words:
    if not case.once("times"):
        return None
    parts = random.choice((60, 3600))
    since_admission(case, lambda late: f"{late * parts:g}")
    return ("hour 0",)


# Ids and rows


@changes
def ids_in_scientific_notation(random: Random, case: Case) -> Words:
    if not case.once("id people") or not case.once("id visits"):
        return None
    _renumbered(case, 1_234_567_800, random.choice((7, 70_000)))
    form = random.choice(("{:.2E}", "{:.6E}", "{:.4e}"))
    names = random.choice((["visits"], ["people", "visits"]))
    for name in names:
        case.written[name].cell["id"] = lambda row, cell: form.format(float(cell))
    return ("scientific notation",)


@changes
def ids_with_separators_of_thousands(random: Random, case: Case) -> Words:
    if not case.once("id people") or not case.once("id visits"):
        return None
    _renumbered(case, 5000, 7)
    case.written["visits"].cell["id"] = lambda row, cell: f"{int(cell):,}"
    return ("separators made no difference", "visits")


@changes
def the_names_of_the_columns_again(random: Random, case: Case) -> Words:
    name = random.choice(("people", "visits"))
    if not is_csv(case, name):
        return None
    place = random.randrange(20, 70)
    case.written[name].lines = lambda rows: [*rows[:place], rows[0], *rows[place:]]
    return (f"{name}.",)


@changes
def a_line_with_totals_at_the_end(random: Random, case: Case) -> Words:
    name = random.choice(("people", "visits"))
    if not is_csv(case, name):
        return None
    short = random.random() < 0.5
    case.written[name].lines = lambda rows: [
        *rows, ["(320 rows affected)"] if short else ["Total", *["42"] * (len(rows[0]) - 1)]
    ]  # fmt: skip
    return (f"{name}.",)


@changes
def measurements_exported_twice(random: Random, case: Case) -> Words:
    if "long" in case.told:
        return None
    part = case.visits.iloc[: random.choice((len(case.visits), len(case.visits) // 2))]
    case.visits = pd.concat([case.visits, part], ignore_index=True)
    return ("exported twice",)


@changes
def everybody_twice_under_another_id(random: Random, case: Case) -> Words:
    if {"id people", "id visits"} & case.told:
        return None
    case.told |= {"id people", "id visits"}
    again = [table.assign(id=[f"{int(one) + 9000}" for one in table["id"]]) for table in (case.people, case.visits)]
    case.people = pd.concat([case.people, again[0]], ignore_index=True)
    case.visits = pd.concat([case.visits, again[1]], ignore_index=True)
    return ("one person under several ids",)


@changes
def the_end_of_a_file_lost(random: Random, case: Case) -> Words:
    if "long" in case.told:
        return None
    order = {one: place for place, one in enumerate(case.people["id"])}
    case.visits = case.visits.sort_values("id", key=lambda ids: ids.map(order)).iloc[: random.randrange(100, 260)]
    case.visits = case.visits.reset_index(drop=True)
    return ("no measurement that counts",)


# Values


@changes
def separators_of_thousands(random: Random, case: Case) -> Words:
    """1,234.5 and 1.234,5, and 1.234, which is a number of another meaning."""
    if not _free_numbers(case):
        return None
    case.options["variables"]["albumin"] |= {"unit": "mg/l", "high": 5000}
    form, mark = random.choice((("{:,.1f}", ","), ("{:,.1f}", "."), ("{:,.0f}", ","), ("{:,.0f}", ".")))
    case.visits["albumin"] = [
        cell and form.format(float(cell) * 300).translate({44: mark, 46: "," if mark == "." else "."})
        for cell in case.visits["albumin"]
    ]
    return ("albumin",)


@changes
def units_and_percent_signs_in_cells(random: Random, case: Case) -> Words:
    if not _free_numbers(case):
        return None
    behind, each = random.choice(("%", " mg/dl", " H", "-", "*")), random.choice((1, 3, 20))
    case.visits["creatinine"] = [
        cell + behind if place % each == 0 else cell for place, cell in enumerate(case.visits["creatinine"])
    ]
    return ("creatinine",)


@changes
def another_unit_in_one_ward(random: Random, case: Case) -> Words:
    if not _free_numbers(case):
        return None
    column, factor, high = random.choice((("creatinine", 88.4, 20), ("creatinine", 88.4, 2000), ("albumin", 10, 70)))
    case.options["variables"][column]["high"] = high
    south = set(case.people.loc[case.people["site"] == "south", "id"])
    case.visits[column] = [
        f"{float(cell) * factor:.1f}" if cell and one in south else cell
        for one, cell in zip(case.visits["id"], case.visits[column], strict=True)
    ]
    return (column,)


@changes
def numbers_without_their_decimal_mark(random: Random, case: Case) -> Words:
    if not _free_numbers(case):
        return None
    case.visits["creatinine"] = [cell.replace(".", "") for cell in case.visits["creatinine"]]
    return ("creatinine",)


@changes
def values_that_a_spreadsheet_took_for_dates(random: Random, case: Case) -> Words:
    if not _free_numbers(case):
        return None
    date, each = random.choice(("02-Jan", "45323", "2024-02-01 00:00:00")), random.choice((3, 15))
    case.visits["creatinine"] = [date if n % each == 0 else cell for n, cell in enumerate(case.visits["creatinine"])]
    return ("creatinine",)


@changes
def zeros_for_what_is_not_known(random: Random, case: Case) -> Words:
    if not _free_numbers(case):
        return None
    case.visits["albumin"] = ["0" if random.random() < 0.2 else cell for cell in case.visits["albumin"]]
    return ("albumin",)


@changes
def one_value_carried_to_all_rows(random: Random, case: Case) -> Words:
    if not _free_numbers(case):
        return None
    case.visits["creatinine"] = case.visits["creatinine"].iloc[0]
    return ("creatinine",)


@changes
def ages_that_are_none(random: Random, case: Case) -> Words:
    """In months, or the years of birth."""
    if "file people" in case.told or "decimal people" in case.told:
        return None
    months = random.random() < 0.5
    case.people["age"] = [str(int(one) * 12 if months else 2024 - int(one)) for one in case.people["age"]]
    return ("age",)


@changes
def a_code_book_shifted_by_one(random: Random, case: Case) -> Words:
    column = random.choice(("stage", "died"))
    if "file people" in case.told or not case.once("levels"):
        return None
    shift = random.choice((-1, 1)) if column == "stage" else 1
    case.people[column] = [str(int(one) + shift) for one in case.people[column]]
    return (column,)
