"""A tiny MIMIC-III: a few stays, and whatever a test charts for them."""

import gzip
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import pytest

from recondense.cohorts.readers import mimic3
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from tests.support.paths import REAL_DATA

DEMO = REAL_DATA / "mimic3-demo"
needs_demo = pytest.mark.skipif(
    not DEMO.is_dir(), reason=f"no MIMIC-III demo in {DEMO}; set RECONDENSE_DATA to the folder above it"
)
PULSE = 211
Cells = Mapping[str, object]

STAY = {
    "first_careunit": "MICU", "last_careunit": "MICU", "first_wardid": "52", "last_wardid": "52",
    "intime": "2150-03-01 12:00:00", "los": "3.5",
}  # fmt: skip
ADMISSION = {"deathtime": "", "hospital_expire_flag": "0"}
PATIENT = {"gender": "F", "dob": "2100-01-01 00:00:00"}
CHARTED = {"charttime": "2150-03-01 13:00:00", "value": "73", "valuenum": "73", "valueuom": "", "error": ""}
DRAWN = {"charttime": "2150-03-01 13:00:00", "value": "90", "valuenum": "90", "valueuom": "mg/dL"}


def ids(stay: int) -> dict[str, object]:
    """Of stay 7: admission 107, patient 1007."""
    return {"subject_id": 1000 + stay, "hadm_id": 100 + stay, "icustay_id": stay}


def charted(stay: int, item: int = PULSE, value: str = "73", **cells: object) -> dict[str, object]:
    """A row of CHARTEVENTS: a pulse of 73 an hour after arrival, unless something else is said."""
    return {**ids(stay), "itemid": item, **CHARTED, "value": value, "valuenum": value, **cells}


def drawn(stay: int, item: int, value: str, **cells: object) -> dict[str, object]:
    """A row of LABEVENTS."""
    return {**ids(stay), "itemid": item, **DRAWN, "value": value, "valuenum": value, **cells}


def write(
    folder: Path,
    charts: Iterable[Cells] = (),
    labs: Iterable[Cells] = (),
    *,
    stays: Mapping[int, Cells] | None = None,
    upper: bool = False,
    zipped: bool = False,
) -> Path:
    """The five tables; ``stays`` says by stay which cells of its stay, admission and patient differ from the usual."""
    cells = {7: {}, 8: {"hospital_expire_flag": "1", "deathtime": "2150-03-09 00:00:00"}} if stays is None else stays
    table(folder, "ICUSTAYS", [{**ids(n), **STAY, **own} for n, own in cells.items()], [*ids(0), *STAY], upper, zipped)
    table(
        folder, "ADMISSIONS", [{**ids(n), **ADMISSION, **own} for n, own in cells.items()],
        ["subject_id", "hadm_id", *ADMISSION], upper, zipped,
    )  # fmt: skip
    table(
        folder, "PATIENTS", [{**ids(n), **PATIENT, **own} for n, own in cells.items()],
        ["subject_id", *PATIENT], upper, zipped,
    )  # fmt: skip
    table(folder, "CHARTEVENTS", charts, [*ids(0), "itemid", *CHARTED], upper, zipped)
    table(folder, "LABEVENTS", labs, ["subject_id", "hadm_id", "itemid", *DRAWN], upper, zipped)
    return folder


def table(
    folder: Path, name: str, rows: Iterable[Cells], columns: list[str], upper: bool = False, zipped: bool = False
) -> None:
    """One table, named and headed in upper or in lower case; the same row is written once."""
    frame = pd.DataFrame(list(rows), columns=columns, dtype="str").drop_duplicates()
    if upper:
        frame.columns = frame.columns.str.upper()
    content = frame.to_csv(index=False).encode()
    path = folder / f"{name if upper else name.lower()}.csv{'.gz' if zipped else ''}"
    path.write_bytes(gzip.compress(content) if zipped else content)


def read(
    raw: Path, *, outcome_required: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, dict[str, object]], pd.DataFrame]:
    """Events, subjects, counts by unit (checked to add up) and rows set aside; what is returned counts as kept."""
    attrition = Attrition()
    events, subjects = mimic3.read(raw, mimic3.Options(), attrition, outcome_required=outcome_required)
    attrition.kept("measurements", len(events))
    attrition.kept("subjects", len(subjects))
    return events, subjects, attrition.summary(), attrition.rows()


def message_of(raw: Path) -> str:
    """The text of the `InputError` that reading ``raw`` raises."""
    with pytest.raises(InputError) as caught:
        read(raw)
    return str(caught.value)
