"""Which intensive care stays are in the cohort, and who of them died in hospital."""

from pathlib import Path

import numpy as np
import pandas as pd

from recondense.cohorts.readers._mimic3.tables import read_table, times
from recondense.records.attrition import Attrition

IDS = ["icustay_id", "hadm_id", "subject_id"]
PLACES = [("first_careunit", "last_careunit"), ("first_wardid", "last_wardid")]
OUTCOME = ["hospital_expire_flag", "deathtime"]
DIED = {"0": 0.0, "1": 1.0}
ADULT, YEAR = 18, np.timedelta64(365, "D")
HOURS = 48
SLACK_HOURS = 1e-6  # the length of stay is given in days, rounded


def select(tables: dict[str, Path], attrition: Attrition, outcome_required: bool) -> pd.DataFrame:
    """Stays of adults that last `HOURS` or longer, the only one of their admission, ordered by id.

    Columns ``icustay_id``, ``hadm_id``, ``subject_id`` (text, the first two unique), ``intime`` (datetime), ``outcome``
    (0 or 1, NaN where unknown), ``file`` and ``line``. Exclusions are the benchmark's, in its order; each is counted
    among what the ones before have left. Units: "subjects" (rows of ICUSTAYS), "admissions" and "patients".
    """
    columns = [*IDS, *(column for pair in PLACES for column in pair), "intime", "los"]
    stays = read_table(tables["ICUSTAYS"], columns, "subjects", attrition)

    def refuse(reason: str, chosen: "pd.Series[bool]") -> None:
        nonlocal stays
        gone = stays[chosen]
        attrition.set_aside_rows("subjects", reason, gone, record=gone["icustay_id"].to_numpy())
        stays = stays[~chosen]

    refuse("no id of the stay, admission or patient", (stays[IDS] == "").any(axis=1))
    refuse("several rows for one stay", stays.duplicated("icustay_id", keep=False))
    refuse("transfer between wards or care units", np.any([stays[a] != stays[b] for a, b in PLACES], axis=0))
    refuse("several stays in one admission", stays.duplicated("hadm_id", keep=False))
    stays = stays.assign(intime=times(stays["intime"]))
    refuse("no time of arrival", stays["intime"].isna())
    # Births of those above 89 years are put 300 years back, which leaves them adults
    patients = _of_one_row(tables["PATIENTS"], "subject_id", ["dob"], [], "patients", attrition)
    births = times(patients["dob"]).reindex(stays["subject_id"])
    outcomes = _outcomes(tables["ADMISSIONS"], attrition, outcome_required).reindex(stays["hadm_id"])
    stays = stays.assign(
        age=(stays["intime"] - births.to_numpy()) / YEAR,
        outcome=outcomes.to_numpy(),
        hours=24 * pd.to_numeric(stays["los"], errors="coerce"),
    )
    refuse("age unknown", stays["age"].isna())
    refuse(f"age under {ADULT} years", stays["age"] < ADULT)
    refuse("length of stay unknown", stays["hours"].isna())
    refuse(f"length of stay under {HOURS} hours", stays["hours"] < HOURS - SLACK_HOURS)
    if outcome_required:
        refuse("outcome unknown", stays["outcome"].isna())
    # The shorter of two whole numbers is the smaller
    order = np.lexsort((stays["icustay_id"], stays["icustay_id"].str.len()))
    return stays.iloc[order][[*IDS, "intime", "outcome", "file", "line"]].reset_index(drop=True)


def _outcomes(path: Path, attrition: Attrition, required: bool) -> "pd.Series[float]":
    """Death in hospital by admission, 0 or 1; NaN where the flag is neither, or the time of death contradicts it."""
    needed, optional = (OUTCOME, []) if required else ([], OUTCOME)
    admissions = _of_one_row(path, "hadm_id", needed, optional, "admissions", attrition)
    died = admissions["hospital_expire_flag"].map(DIED).astype(float)
    return died.where((died == 1) == (admissions["deathtime"] != ""))


def _of_one_row(
    path: Path, key: str, needed: list[str], optional: list[str], unit: str, attrition: Attrition
) -> pd.DataFrame:
    """The rows of a table by their unique ``key``; where several contradict each other, none is used."""
    table = read_table(path, [key, *needed], unit, attrition, optional=optional)
    repeated = table.duplicated([key, *needed, *optional])
    contradicting = ~repeated & table[key].isin(table.loc[~repeated, key][table.loc[~repeated, key].duplicated()])
    for reason, chosen in (("repeated row", repeated), ("rows that contradict each other", contradicting)):
        attrition.set_aside_rows(unit, reason, table[chosen], record=table.loc[chosen, key].to_numpy())
    table = table[~repeated & ~contradicting]
    attrition.kept(unit, len(table))
    return table.set_index(key)
