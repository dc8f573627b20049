"""Extracts with the real columns of public collections and wards become cohorts that run without an edit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recondense.project.params_file import add_cohort
from recondense.records.cohort import Ingested
from recondense.stages import params
from recondense.stages.layout import Layout
from recondense.wizard import Proposal, propose
from recondense.wizard.block import block
from tasks.ingestion import ingestion
from tasks.normalisation import normalisation
from tests.support import extracts
from tests.support.paths import REPO

Make = Callable[..., tuple[Proposal, dict[str, Any], Ingested]]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """The proposal for an extract, its options in params.yaml, and the cohort that they give."""

    def make(extract: Callable[[Path], None], **known: Any) -> tuple[Proposal, dict[str, Any], Ingested]:
        (tmp_path / "params.yaml").write_text((REPO / "params.yaml").read_text())
        (tmp_path / "dvc.yaml").touch()
        folder = tmp_path / "data/1_raw/mine"
        folder.mkdir(parents=True)
        extract(folder)
        found = propose(tmp_path, "mine", folder, **known)
        add_cohort(tmp_path, "mine", block("mine", found))
        ingestion(Layout(tmp_path, "mine"))
        normalisation(Layout(tmp_path, "mine"))
        options = params.block(tmp_path, "mine")["ingestion"]["options"]
        return found, options, Ingested.load(tmp_path / "data/2_ingested/mine")

    return make


def names(cohort: Ingested, role: str) -> set[str]:
    return {variable.name for variable in cohort.variables if variable.role == role}


def left_out(found: Proposal) -> set[str]:
    return {line.split(" (")[0] for line in found.left_out}


def test_eicu_links_its_tables_by_the_stay_and_counts_minutes(made: Make) -> None:
    _, options, cohort = made(extracts.eicu)
    assert {table["subject"] for table in options["measurements"]} == {"patientunitstayid"}
    assert options["subjects"]["patient"] == "uniquepid"
    assert options["time"] == {"unit": "minutes"}
    assert names(cohort, "series") == {"creatinine", "lactate", "sodium", "heartrate", "sao2"}
    assert options["variables"]["creatinine"]["unit"] == "mg/dL"
    assert len(cohort.subjects) == extracts.N and len(cohort.events) == 9 * extracts.N + 10 * extracts.N
    assert cohort.subjects["age"].max() == 89 and cohort.subjects["age"].notna().all()


def test_eicu_s_discharge_other_deaths_and_ids_are_no_predictors(made: Make) -> None:
    found, options, cohort = made(extracts.eicu)
    assert options["outcome"]["column"] == "hospitaldischargestatus" and options["outcome"]["positive"] == ["Expired"]
    assert not [name for name in names(cohort, "static") if "discharge" in name or name.endswith("id")]
    assert {"unitdischargestatus", "hospitaldischargelocation", "dischargeweight", "hospitalid"} <= left_out(found)
    assert "admissionweight" in names(cohort, "static")


def test_nafld_looks_back_and_leaves_out_the_follow_up(made: Make) -> None:
    found, options, cohort = made(extracts.nafld)
    assert options["measurements"]["variable"] == "test" and options["subjects"]["subject"] == "id"
    assert options["time"]["until"] == 0 and options["time"]["window"] in (1825, 730, 1460, 365, 3650, 180)
    assert names(cohort, "series") == {"hdl", "chol", "sbp"}
    assert names(cohort, "static") == {"age", "male", "weight", "height", "bmi"}
    assert {"futime", "case.id", "event", "nafld3.csv"} <= left_out(found)
    assert len(cohort.events) > 0.75 * 9 * extracts.N
    assert any("landmark" in line for line in found.check)


def test_support_leaves_out_whatever_is_known_when_the_stay_is_over(made: Make) -> None:
    found, options, cohort = made(extracts.support)
    assert options["outcome"] == {"column": "death", "positive": ["1"], "negative": ["0"]}
    assert {"hospdead", "slos", "d.time", "charges", "totcst", "totmcst"} <= left_out(found)
    assert names(cohort, "static") == {"age", "sex", "dzgroup", "num.co", "income", "meanbp", "hrt", "crea"}


def test_a_german_ward_s_export_needs_no_edit_and_names_nobody(made: Make) -> None:
    found, options, cohort = made(extracts.german)
    assert options["subjects"]["subject"] == "Fallnummer"
    assert options["time"] == {"unit": "days", "timestamps": True, "format": "%d.%m.%Y", "zero": "Aufnahmedatum"}
    assert options["measurements"]["variable"] == "Parameter" and options["measurements"]["decimal"] == ","
    assert names(cohort, "series") == {"Kreatinin", "CRP", "Größe/Gewicht"}
    assert names(cohort, "static") == {"Geschlecht", "Raucher"}
    assert options["subjects"]["missing"] == ["unbekannt"] and options["outcome"]["positive"] == ["verstorben"]
    assert {"Name", "Vorname", "PLZ", "Versichertennummer", "Telefon", "Geburtsdatum", "DRG", "Kosten"} <= left_out(
        found
    )
    assert len(cohort.events) == 9 * extracts.N, "limits such as <0,5 are values"
    assert cohort.events["hours"].max() == 48


def test_a_workbook_s_sheets_are_subjects_visits_and_outcomes(made: Make) -> None:
    _, options, cohort = made(extracts.workbook)
    assert options["outcomes"] == {"file": "Studie.xlsx", "sheet": "Ende", "subject": "patient_nr"}
    assert options["time"]["zero"] == "admission"
    assert names(cohort, "series") == {"CRP [mg/l]", "NEUT#"} and names(cohort, "static") == {"Alter (Jahre)", "sexe"}
    assert cohort.subjects["outcome"].sum() == extracts.N // 3
    assert len(cohort.events) == 6 * extracts.N


def test_a_meds_data_set_becomes_its_frequent_codes_age_and_sex(made: Make) -> None:
    found, options, cohort = made(extracts.meds)
    assert options["labels"] == "labels/death"
    assert names(cohort, "series") == {"LAB//50912//mg/dL", "LAB//50813//mmol/L", "HR"}
    assert options["variables"]["LAB//50912//mg/dL"]["unit"] == "mg/dL"
    assert options["variables"]["HR"]["label"] == "heart rate"
    assert names(cohort, "static") == {"age", "GENDER//F"}
    assert 59 < cohort.subjects["age"].mean() < 61
    assert left_out(found) == {"LOS//DAYS"}


def test_what_is_guessed_of_meds_uses_nothing_after_the_prediction(made: Make) -> None:
    *_, cohort = made(extracts.meds)
    assert len(cohort.events) == 3 * extracts.N, "of each code one in the day before the prediction, none at 70 hours"


def test_the_block_gives_no_patient_s_value_away(made: Make, tmp_path: Path) -> None:
    made(extracts.german)
    written = (tmp_path / "params.yaml").read_text()
    assert "Muster" not in written and "Vor1" not in written and "030/" not in written
    assert not any(f'"{n:06}"' in written for n in range(40_000, 41_440))


@pytest.mark.parametrize("extract", [extracts.eicu, extracts.german, extracts.support])
def test_the_order_of_columns_and_rows_changes_no_guess(made: Make, tmp_path: Path, extract: Any) -> None:
    found, options, _ = made(extract)
    folder = tmp_path / "turned"
    folder.mkdir()
    for path in (tmp_path / "data/1_raw/mine").glob("*.csv"):
        encoding, sep = ("cp1252", ";") if extract is extracts.german else ("utf-8", ",")
        cells = pd.read_csv(path, sep=sep, encoding=encoding, dtype=str, keep_default_na=False)
        cells = cells.sample(frac=1, random_state=1)[list(reversed(cells.columns))]
        cells.to_csv(folder / path.name, sep=sep, encoding=encoding, index=False)
    turned = propose(tmp_path, "turned", folder, options["outcome"]["column"])
    kept = {"source", "variables"}
    same = {key: value for key, value in options.items() if key not in kept}
    again = json.loads(json.dumps(turned.options))
    assert sorted(map(str, again["subjects"].items())) == sorted(map(str, same["subjects"].items()))
    assert again["outcome"] == same["outcome"] and again.get("time") == same.get("time")
    assert set(turned.variables) == set(found.variables)
