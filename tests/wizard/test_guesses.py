"""What `new-cohort` guesses from the cells: by the many, as ingestion reads them, and written as valid YAML."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from ruamel.yaml import YAML

from recondense.errors import InputError
from recondense.wizard import Proposal
from recondense.wizard.block import block
from tests.support.proposals import N, cohort, proposed, reasons, two

# How a file is read


def test_the_list_of_who_withdrew_is_no_table(tmp_path: Path) -> None:
    rows, who = cohort()
    found = proposed(tmp_path, {"visits.csv": rows, "people.csv": who, "withdrawn.txt": b"P101\nP102\n"})
    assert not [line for line in (*found.said, *found.left_out) if "withdrawn" in line]


def test_one_odd_cell_flips_no_decimal_mark(tmp_path: Path) -> None:
    note = ["see page 3"] * (4 * N)
    found = two(tmp_path, {"note": ["3,4", *note[1:]]})
    assert "decimal" not in found.options["measurements"] and "crp" in found.variables


def test_the_decimal_mark_of_most_cells_counts_and_is_said(tmp_path: Path) -> None:
    rows, who = cohort()
    text = rows.to_csv(index=False, sep=";", decimal=",").replace(",", ".", 2)
    found = proposed(tmp_path, {"visits.csv": text.encode(), "people.csv": who})
    assert found.options["measurements"]["decimal"] == ","
    assert any(f"decimal comma: {4 * N - 2} of {4 * N} cells" in line for line in found.said)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_of_most_rows(tmp_path: Path, mark: str) -> None:
    rows, who = cohort({"remark, or note; if any": "a; b, c | d"})
    found = proposed(tmp_path, {"visits.csv": rows.to_csv(index=False, sep=mark).encode(), "people.csv": who})
    assert found.options["measurements"].get("delimiter", ",") == mark and "crp" in found.variables


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_line_ends_of_any_system_are_read(tmp_path: Path, end: str) -> None:
    rows, who = cohort()
    text = rows.to_csv(index=False).replace("\n", end).encode()
    assert "crp" in proposed(tmp_path, {"visits.csv": text, "people.csv": who}).variables


def test_a_packed_file_is_known_by_its_bytes_whatever_its_suffix(tmp_path: Path) -> None:
    rows, who = cohort()
    packed = gzip.compress(rows.to_csv(index=False).encode())
    found = proposed(tmp_path, {"VISITS.CSV.GZ": packed, "PEOPLE.CSV": who})
    assert found.options["measurements"]["file"] == "VISITS.CSV.GZ" and "crp" in found.variables


def test_one_damaged_line_of_utf_8_makes_no_other_encoding_of_it(tmp_path: Path) -> None:
    rows, who = cohort({"Größe": 1.8, "Gefäß": "Äste"})
    text = rows.to_csv(index=False).encode() + b"P100,9,1.0,1.8,\xff\n"
    with pytest.raises(InputError, match=f"visits.csv, line {4 * N + 2}: all else is UTF-8"):
        proposed(tmp_path, {"visits.csv": text, "people.csv": who})


# Dates


def dated(form: str, zero_form: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    start = pd.to_datetime("2023-01-03") + pd.to_timedelta(np.arange(N) % 300, "D")
    time = start.repeat(4) + pd.to_timedelta(np.tile(range(4), N), "D")
    return {"day": time.strftime(form)}, {"admitted": start.strftime(zero_form or form)}


@pytest.mark.parametrize(
    "form",
    ["%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d-%b-%Y",
     "%d%b%Y:%H:%M:%S", "%m/%d/%Y %I:%M %p"],
)  # fmt: skip
def test_the_form_of_dates_is_told_by_all_cells(tmp_path: Path, form: str) -> None:
    found = two(tmp_path, *dated(form))
    assert found.options["time"] == {"unit": "days", "timestamps": True, "format": form, "zero": "admitted"}
    assert found.n_steps * found.step_hours == 72


def test_one_date_the_other_way_round_flips_nothing(tmp_path: Path) -> None:
    visits, people = dated("%d/%m/%Y")
    visits = {"day": ["12/31/2023", *visits["day"][1:]]}
    found = two(tmp_path, visits, people)
    assert found.options["time"]["format"] == "%d/%m/%Y"
    assert any("the day first:" in line and "1 the opposite" in line for line in found.said)


def test_dates_that_may_be_either_are_asked_about(tmp_path: Path) -> None:
    rows, who = cohort(
        {"day": np.tile(["01/02/2023", "01/03/2023", "02/04/2023", "03/05/2023"], N)}, {"admitted": "01/01/2023"}
    )
    tables = {"visits.csv": rows, "people.csv": who}
    with pytest.raises(InputError, match=r"column 'day' .* add --day-first or --month-first"):
        proposed(tmp_path, tables)
    assert proposed(tmp_path, tables, day_first=True).options["time"]["format"] == "%d/%m/%Y"
    assert proposed(tmp_path, tables, day_first=False).options["time"]["format"] == "%m/%d/%Y"


def test_without_a_date_of_the_subjects_time_zero_is_the_first_measurement(tmp_path: Path) -> None:
    visits, _ = dated("%Y-%m-%d")
    found = two(tmp_path, visits)
    assert found.options["time"]["zero"] == {"first": "measurement"}
    assert any("the first measurement of each subject" in line for line in found.check)


@pytest.mark.parametrize("which", [["visits"], ["people"], ["half"]])
def test_an_offset_in_some_of_the_times_is_asked_about_and_keeps_nobody_from_a_block(
    tmp_path: Path, which: list[str]
) -> None:
    visits, people = dated("%Y-%m-%d %H:%M")
    rows = [f"{time}+02" if "visits" in which or ("half" in which and place % 2) else time
            for place, time in enumerate(visits["day"])]  # fmt: skip
    start = [f"{time}+02" if "people" in which else time for time in people["admitted"]]
    found = two(tmp_path, {"day": rows}, {"admitted": start})
    (asked,) = [line for line in found.check if line.startswith("zone: ")]
    assert "column 'day' of visits.csv" in asked and "'zone: Europe/Berlin' under options.time" in asked
    assert ("'admitted' of people.csv" in asked) == ("half" not in which)
    assert found.options["time"]["zero"] == "admitted" and found.n_steps * found.step_hours >= 72
    assert not any(line.startswith("zone: ") for line in two(tmp_path, visits, people).check)


def test_a_date_of_birth_or_discharge_is_never_time_zero(tmp_path: Path) -> None:
    visits, people = dated("%Y-%m-%d")
    others = {"dob": "1950-01-01", "discharge_date": "2022-01-01", "admitted": people["admitted"]}
    assert two(tmp_path, visits, others).options["time"]["zero"] == "admitted"


def test_durations_are_times(tmp_path: Path) -> None:
    found = two(tmp_path, {"day": np.tile([f"{day} days 00:00:00" for day in range(4)], N)})
    assert found.options["measurements"]["time"] == "day" and found.n_steps * found.step_hours == 72


# Whose a row is


def test_the_key_is_the_column_whose_values_link_and_no_likelier_name(tmp_path: Path) -> None:
    rows, who = cohort()
    rows = rows.rename(columns={"id": "Kennung"}).assign(id=range(10_000, 10_000 + len(rows)), patient="x")
    found = proposed(tmp_path, {"visits.csv": rows, "people.csv": who})
    assert found.options["measurements"]["subject"] == "Kennung" and found.options["subjects"]["subject"] == "id"
    assert "id" not in found.variables


@pytest.mark.parametrize("name", ["surname", "Nachname", "PLZ", "telephone", "adresse"])
def test_no_direct_identifier_is_key_or_predictor_where_another_column_links(tmp_path: Path, name: str) -> None:
    rows, who = cohort()
    told = {number: f"{name}{number}" for number in who["id"]}
    found = proposed(tmp_path, {
        "visits.csv": pd.concat([rows["id"].map(told).rename(name), rows], axis=1),
        "people.csv": pd.concat([who["id"].map(told).rename(name), who], axis=1),
    })  # fmt: skip
    assert found.options["subjects"]["subject"] == found.options["measurements"]["subject"] == "id"
    assert name not in found.variables and reasons(found)[name] == "it tells who somebody is"


def test_rows_that_belong_to_nobody_are_told(tmp_path: Path) -> None:
    rows, who = cohort()
    rows.loc[:47, "id"] = "0" + rows.loc[:47, "id"]
    found = proposed(tmp_path, {"visits.csv": rows, "people.csv": who})
    assert any(line.startswith("ids: 10.0% of the rows of visits.csv") for line in found.check)


def test_a_table_that_links_to_nobody_is_left_out_and_told(tmp_path: Path) -> None:
    rows, who = cohort()
    codes = pd.DataFrame({"itemid": range(50_800, 50_830), "label": [f"test {n}" for n in range(30)]})
    found = proposed(tmp_path, {"visits.csv": rows, "people.csv": who, "d_items.csv": codes})
    assert reasons(found)["d_items.csv"] == "its rows belong to nobody in the other tables"


def test_a_named_subject_and_time_are_taken(tmp_path: Path) -> None:
    rows, who = cohort({"hour": np.tile(range(4), N) * 6})
    tables = {"visits.csv": rows, "people.csv": who}
    found = proposed(tmp_path, tables, subject="id", time="hour")
    assert found.options["measurements"]["time"] == "hour"
    with pytest.raises(InputError, match="no table has a column 'nobody'"):
        proposed(tmp_path, tables, subject="nobody")


# Which form a table has


@pytest.mark.parametrize("names", [("Parameter", "Wert"), ("analyse", "valeur"), ("x", "y2"), ("prueba", "resultado")])
def test_long_tables_are_known_by_their_structure(tmp_path: Path, names: tuple[str, str]) -> None:
    rows, who = cohort({"sodium": np.random.default_rng(1).uniform(130, 150, 4 * N).round(1)})
    long = rows.melt(["id", "day"], var_name=names[0], value_name=names[1])
    found = proposed(tmp_path, {"labs.csv": long, "people.csv": who})
    assert (found.options["measurements"]["variable"], found.options["measurements"]["value"]) == names
    assert {"crp", "sodium"} <= set(found.variables)


def test_a_wide_table_with_a_column_of_words_stays_wide(tmp_path: Path) -> None:
    ward = np.random.default_rng(2).choice(["north", "south", "west"], 4 * N)
    found = two(tmp_path, {"ward": ward})
    assert "variable" not in found.options["measurements"]
    assert {"crp", "ward=north", "ward=south", "ward=west"} <= set(found.variables)


def test_wide_and_long_tables_are_taken_together_and_say_which_is_whose(tmp_path: Path) -> None:
    rows, who = cohort({"sodium": np.random.default_rng(1).uniform(130, 150, 4 * N).round(1)})
    long = rows.melt(["id", "day"], var_name="test", value_name="result")
    found = proposed(tmp_path, {"labs.csv": long, "visits.csv": rows, "people.csv": who})
    assert [table["file"] for table in found.options["measurements"]] == ["labs.csv", "visits.csv"]
    tables = {name: variable.get("table") for name, variable in found.variables.items()}
    assert tables["crp"] == "labs.csv" and tables["crp (visits.csv)"] == "visits.csv"


# What is a variable, and of which levels


FOLLOWING = (
    "hospital_charges", "Kosten", "coût total", "coste", "LOS", "Verweildauer", "durée séjour", "estancia", "DRG",
    "discharge_weight", "Entlassungsgewicht", "hospdead", "gestorben_30d", "décès", "fallecido_30d",
)  # fmt: skip


@pytest.mark.parametrize("name", FOLLOWING)
def test_what_follows_the_outcome_is_no_predictor_in_any_of_four_languages(tmp_path: Path, name: str) -> None:
    found = two(tmp_path, None, {name: np.arange(N) % 7}, outcome="died")
    assert name not in found.variables and name in reasons(found)


@pytest.mark.parametrize(
    "name",
    [
        "smoking_status",
        "day_of_life",
        "cholesterol",
        "drug",
        "closed_fracture",
        "costal_pain",
        "Geburtsgewicht",
        "recalled",
    ],
)
def test_names_that_only_resemble_those_stay(tmp_path: Path, name: str) -> None:
    assert name in two(tmp_path, None, {name: np.arange(N) % 7}, outcome="died").variables


def test_what_is_nearly_the_outcome_in_other_words_is_no_predictor(tmp_path: Path) -> None:
    died = np.arange(N) % 2
    score = died * 10 + np.random.default_rng(3).normal(0, 1, N)
    days = pd.Series(np.where(died, np.arange(N) % 9, np.nan))  # known of those who died alone
    letter = np.where(died, "x", "y")
    found = two(
        tmp_path, None, {"died": died, "score": score, "until": days, "letter": letter, "age": np.arange(N) % 40}
    )
    assert "age" in found.variables
    assert {name: reason[:26] for name, reason in reasons(found).items()} == dict.fromkeys(
        ("score", "until", "letter"), "it gives the outcome away:"
    )


def test_missing_marks_are_no_levels_but_for_one_of_two(tmp_path: Path) -> None:
    smoker = np.resize(["yes", "no", "unknown"], N)
    found = two(tmp_path, None, {"smoker": smoker})
    assert found.variables["smoker"]["positive"] == ["yes"] and found.variables["smoker"]["negative"] == ["no"]
    assert found.options["subjects"]["missing"] == ["unknown"]
    culture = np.resize(["+", "-"], N)
    found = two(tmp_path, None, {"culture": culture, "died": np.arange(N) // 2 % 2})
    assert {*found.variables["culture"]["positive"], *found.variables["culture"]["negative"]} == {"+", "-"}


def test_levels_that_few_subjects_have_are_not_written_however_many_rows_say_them(tmp_path: Path) -> None:
    ward = np.where(np.arange(4 * N) < 16, "stage of one", np.tile(["north", "south"], 2 * N))
    found = two(tmp_path, {"ward": ward})
    assert not [name for name in found.variables if "stage" in name]
    assert "stage of one" not in block("mine", found)


def test_limits_of_measurement_are_numbers(tmp_path: Path) -> None:
    crp = np.where(np.arange(4 * N) % 3 == 0, "<0.5", np.round(np.linspace(1, 9, 4 * N), 2).astype(str))
    found = two(tmp_path, {"crp": crp}, {"age": np.where(np.arange(N) % 9 == 0, "> 89", "50")})
    assert "kind" not in found.variables["crp"] and "kind" not in found.variables["age"]
    assert any(line.startswith("limits: 33% of crp") for line in found.check)


# The text that is written


ODD = (
    "a\nb", "a\r\nb", "'", '"', "'\"", "#", " # x", ": ", "a: b", "- ", "? ", "{", "}", "[", "]", ",", "&a", "*a", "!t",
    "|", ">", "%", "@", "`", "~", "null", "yes", "no", "1", "1.0", "0x1", "1e3", "1_0", "2024-01-01", "=", "<<", "---",
    "...", "\t", "\u2028", "\x85", "\ufeff", "é", "µ", "中", "🙂", "\\", "\\n", "\x1b[2J", " ", "x" * 150, "NEUT%",
    "HF [/min]",
)  # fmt: skip


def test_names_of_any_kind_load_to_just_themselves() -> None:
    rng = np.random.default_rng(7)
    names = list(dict.fromkeys("".join(rng.choice(ODD, rng.integers(1, 5))) for _ in range(220)))
    options = {
        "measurements": [dict(zip(("file", "subject", "time", "variable", "value"), names, strict=False))] * 2,
        "subjects": {"file": names[5], "subject": names[6], "missing": names[7:9]},
        "outcome": {"column": names[9], "positive": [names[10]], "negative": [names[11]]},
    }  # fmt: skip
    variables = {
        name: {"label": name, "role": "static", "unit": name} if place % 2 else
        {"label": name, "role": "static", "kind": "categorical", "levels": names[place : place + 4]}
        for place, name in enumerate(names)
    }  # fmt: skip
    found = Proposal(names[12], options=options, variables=variables, left_out=[f"{name} (why)" for name in names])
    text = "cohorts:\n" + block("mine", found)
    for written in (YAML(typ="safe").load(text), yaml.safe_load(text)):
        ingestion = written["cohorts"]["mine"]["ingestion"]
        assert ingestion["raw"] == names[12]
        assert {key: ingestion["options"][key] for key in options} == options
        assert ingestion["options"]["variables"] == variables
        assert list(ingestion["options"]["variables"]) == names
