"""What `new-cohort` says of extracts as hospitals have them: copies, free text, several stays, times it cannot read."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recondense.errors import InputError
from tests.support.proposals import cohort, proposed, reasons, two

STAYS = 3


def of_stays() -> dict[str, pd.DataFrame]:
    """A patient has several stays, and the outcome is that of a stay."""
    rng, n = np.random.default_rng(1), 60
    patient = [f"P{number}" for number in range(n)]
    who = pd.DataFrame({"subject_id": patient, "sex": rng.choice(["f", "m"], n)})
    stay = pd.DataFrame(
        {
            "subject_id": np.repeat(patient, STAYS),
            "hadm_id": np.arange(n * STAYS) + 40_000,
            "age": rng.integers(20, 90, n * STAYS),
            "hospital_expire_flag": rng.integers(0, 2, n * STAYS),
        }
    )
    labs = stay.loc[stay.index.repeat(4), ["subject_id", "hadm_id"]].assign(
        charttime=np.tile(range(4), len(stay)), crp=rng.uniform(1, 200, 4 * len(stay)).round(2)
    )
    return {"ADMISSIONS.csv": stay, "PATIENTS.csv": who, "LABS.csv": labs}


@pytest.mark.parametrize("outcome", [None, "hospital_expire_flag"])
def test_an_outcome_of_stays_is_found_by_the_column_of_stays(tmp_path: Path, outcome: str | None) -> None:
    with pytest.raises(InputError, match=r"ADMISSIONS.csv has 'hospital_expire_flag', but several rows .* --subject"):
        proposed(tmp_path, of_stays(), outcome=outcome)
    found = proposed(tmp_path, of_stays(), outcome=outcome, subject="hadm_id")
    assert found.options["subjects"] == {"file": "ADMISSIONS.csv", "subject": "hadm_id", "patient": "subject_id"}
    assert found.options["outcome"]["column"] == "hospital_expire_flag"


def test_a_copy_of_a_table_is_left_out(tmp_path: Path) -> None:
    visits, people = cohort()
    found = proposed(tmp_path, {"visits.csv": visits, "visits (1).csv": visits, "people.csv": people})
    assert reasons(found)["visits.csv"] == "it says the same as visits (1).csv"
    assert list(found.variables) == ["crp", "age"]


def test_a_column_of_which_most_words_are_rare_is_no_code_book(tmp_path: Path) -> None:
    text = [f"pain since day {n}" if n % 3 else ("sepsis", "stroke", "trauma")[n // 3 % 3] for n in range(120)]
    found = two(
        tmp_path, people={"diagnosis": text, "ward": [word if n % 40 else "?" for n, word in enumerate("abc" * 40)]}
    )
    assert "diagnosis" not in found.variables and "67% of its cells" in reasons(found)["diagnosis"]
    assert found.variables["ward"]["levels"] == ["b", "c", "a"]


def test_rows_without_an_id_are_no_rows_of_strangers(tmp_path: Path) -> None:
    visits, people = cohort()
    visits["id"] = ["" if n % 4 == 0 else one for n, one in enumerate(visits["id"])]
    check = "\n".join(proposed(tmp_path, {"visits.csv": visits, "people.csv": people}, subject="id").check)
    assert "25.0% of the rows of visits.csv have no id" in check and "belong to nobody" not in check


def test_a_named_time_that_cannot_be_read_is_refused_with_the_mend(tmp_path: Path) -> None:
    visits, people = cohort()
    visits["day"] = [f"{hour:02}:{hour % 60:02}" for hour in range(len(visits))]
    tables = {"visits.csv": visits, "people.csv": people}
    with pytest.raises(InputError, match=r"column 'day' of visits.csv .* write '26:30:00'"):
        proposed(tmp_path, tables, time="day")
