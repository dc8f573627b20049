"""MIMIC-III: death in hospital, from the first 48 h of an intensive care stay.

Cohort and variables are those of the benchmark of Harutyunyan, Khachatrian, Kale, Ver Steeg and Galstyan, Scientific
Data 2019;6:96. Raw files: ``CHARTEVENTS``, ``LABEVENTS``, ``ICUSTAYS``, ``ADMISSIONS`` and ``PATIENTS`` as the provider
publishes them, ``.csv.gz`` or ``.csv``, of the full database or of its demo.
"""

from pathlib import Path
from typing import Literal

import pandas as pd

from recondense.cohorts.readers import Source
from recondense.cohorts.readers._mimic3.cohort import ADULT, HOURS, select
from recondense.cohorts.readers._mimic3.events import read_events
from recondense.cohorts.readers._mimic3.tables import find_tables
from recondense.cohorts.readers._mimic3.variables import VARIABLES
from recondense.records.attrition import Attrition
from recondense.records.cohort import Variable
from recondense.records.target import Target
from recondense.stages.params import StageParams

CITATION = (
    "Johnson AEW, Pollard TJ, Shen L, Lehman LH, Feng M, Ghassemi M, Moody B, Szolovits P, Celi LA, Mark RG. "
    "MIMIC-III, a freely accessible critical care database. Scientific Data 2016;3:160035."
)
SOURCES = {
    "full": Source(
        title="MIMIC-III Clinical Database, version 1.4",
        licence="PhysioNet Credentialed Health Data License 1.5.0",
        url="https://physionet.org/content/mimiciii/1.4/",
        citation=CITATION,
    ),
    "demo": Source(
        title="MIMIC-III Clinical Database Demo, version 1.4",
        licence="Open Data Commons Open Database License v1.0 (ODbL 1.0)",
        url="https://physionet.org/content/mimiciii-demo/1.4/",
        citation=CITATION,
    ),
}
TARGET = Target(
    label="death in hospital",
    horizon="before discharge from hospital",
    prediction_time=f"{HOURS} hours after admission to intensive care",
    population=f"patients of {ADULT} years or more, in the only stay in intensive care of their admission, which "
    f"lasted {HOURS} hours or longer and was without a transfer",
)
EVENT_TABLES = ("CHARTEVENTS", "LABEVENTS")
TABLES = (*EVENT_TABLES, "ICUSTAYS", "ADMISSIONS", "PATIENTS")


class Options(StageParams):
    """``edition``: whether the tables are of the full database or of its demo, which have different licences."""

    edition: Literal["full", "demo"] = "full"


def variables(options: Options) -> tuple[Variable, ...]:
    """The same whatever the options."""
    return VARIABLES


def source(options: Options) -> Source:
    """By edition."""
    return SOURCES[options.edition]


def target(options: Options) -> Target:
    """The same whatever the options."""
    return TARGET


def read(
    raw: Path, options: Options, attrition: Attrition, *, outcome_required: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and subjects, ordered by stay. Raises `InputError` where a whole table cannot be used.

    A subject is a stay (its id the ``icustay_id``); a patient may have several, hence the column ``patient_id``.
    Units: "subjects", "admissions" and "patients" (rows of their tables), "measurements" (rows of `EVENT_TABLES`).
    """
    tables = find_tables(raw, TABLES, source(options).url)
    stays = select(tables, attrition, outcome_required)
    events = read_events([tables[name] for name in EVENT_TABLES], stays, attrition)
    observed = stays["icustay_id"].isin(events["subject_id"].unique())
    unobserved = stays[~observed]
    attrition.set_aside_rows(
        "subjects", f"no observation in the first {HOURS} hours", unobserved, record=unobserved["icustay_id"].to_numpy()
    )
    names = {"icustay_id": "subject_id", "subject_id": "patient_id"}
    subjects = stays[observed].rename(columns=names)[["subject_id", "patient_id", "outcome"]]
    return events, subjects.reset_index(drop=True)
