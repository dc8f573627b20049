"""PhysioNet/Computing in Cardiology Challenge 2012: in-hospital death, from the first 48 h in intensive care.

Raw files: ``set-a.tar.gz`` or the extracted folder ``set-a/`` (which is read where both are there) with
``Outcomes-a.txt``, and so on for any of the sets a, b, c. A record is a text file of lines ``Time,Parameter,Value``
for one stay; every patient has one stay.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from recondense.cohorts.parsed import NOT_KEPT, Parsed
from recondense.cohorts.readers import Downloads, Source
from recondense.cohorts.readers._physionet2012.files import read_set
from recondense.cohorts.readers._physionet2012.lines import FAULTS, Lines
from recondense.cohorts.readers._physionet2012.outcomes import read_outcomes
from recondense.cohorts.readers._physionet2012.records import examine, refuse
from recondense.cohorts.readers._physionet2012.variables import (
    AGE,
    GENDER,
    HEIGHT,
    ICU_TYPE,
    PARAMETERS,
    RECORD_ID,
    UNKNOWN,
    VARIABLES,
    WEIGHT,
)
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.records.cohort import Variable, as_events, texts
from recondense.records.target import Target
from recondense.stages.params import StageParams

SOURCE = Source(
    title="PhysioNet/Computing in Cardiology Challenge 2012, version 1.0.0",
    licence="Open Data Commons Attribution License v1.0 (ODC-BY 1.0)",
    url="https://physionet.org/content/challenge-2012/1.0.0/",
    citation="Silva I, Moody G, Scott DJ, Celi LA, Mark RG. Predicting in-hospital mortality of ICU patients: the "
    "PhysioNet/Computing in Cardiology Challenge 2012. Computing in Cardiology 2012;39:245-248.",
)


TARGET = Target(
    label="death in hospital",
    horizon="before discharge from hospital",
    prediction_time="48 hours after admission to intensive care",
    population="patients of 16 years or more whose stay in intensive care lasted 48 hours or longer",
)


class Options(StageParams):
    """``sets``: which sets are read, where they are there."""

    sets: tuple[Literal["a", "b", "c"], ...] = ("a", "b", "c")


def variables(options: Options) -> tuple[Variable, ...]:
    """The same whatever the options."""
    return VARIABLES


def source(options: Options) -> Source:
    """The same whatever the options."""
    return SOURCE


def target(options: Options) -> Target:
    """The same whatever the options."""
    return TARGET


def downloads(options: Options) -> Downloads:
    """The archive and the outcomes of each of the sets, as PhysioNet publishes them."""
    names = [name for one in sorted(set(options.sets)) for name in (f"set-{one}.tar.gz", f"Outcomes-{one}.txt")]
    return Downloads("https://physionet.org/files/challenge-2012/1.0.0/", tuple(names))


def read(
    raw: Path, options: Options, attrition: Attrition, *, outcome_required: bool = True, parsed: Parsed = NOT_KEPT
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and subjects, ordered by set and record id. Raises `InputError` where a whole file cannot be used.

    Units: "records" (files), "outcomes" (lines of the outcome files), "measurements" (lines below a record's
    header). A stay with descriptors only is kept: it is part of the challenge.
    """
    sources, outcome_files = _find(raw, options, outcome_required)
    records, lines = examine([file for source in sources for file in read_set(source)], parsed)
    outcomes = read_outcomes(outcome_files, attrition)
    if outcome_required:
        refuse(records, ~records["record"].isin(outcomes["record"]), "record without outcome")
    _count_records(records, attrition)
    _count_outcomes(outcomes, records, attrition)
    subjects = pd.DataFrame(
        {
            "subject_id": records["record"],
            "outcome": records["record"].map(outcomes.set_index("record")["outcome"]).astype(float),
            **_statics(lines, len(records)),
        }
    )
    return _events(records, lines, attrition), subjects[records["reason"] == ""].reset_index(drop=True)


def _find(raw: Path, options: Options, outcome_required: bool) -> tuple[list[Path], list[Path]]:
    """The folder or archive of each set that is there, and their outcome files."""
    mend = f"get it from {SOURCE.url} and put it into {raw}"
    sources, outcomes = [], []
    for name in sorted(set(options.sets)):
        folder, archive = raw / f"set-{name}", raw / f"set-{name}.tar.gz"
        if not (folder.is_dir() or archive.is_file()):
            continue
        sources.append(folder if folder.is_dir() else archive)
        outcomes.append(raw / f"Outcomes-{name}.txt")
        if outcome_required and not outcomes[-1].is_file():
            raise InputError(f"{sources[-1].name} is there, but {outcomes[-1].name} is missing: {mend}")
    if not sources:
        wanted = " or ".join(f"set-{name}.tar.gz with Outcomes-{name}.txt" for name in sorted(set(options.sets)))
        raise InputError(f"there are no records: {wanted} is missing: {mend}")
    return sources, [path for path in outcomes if path.is_file()]


def _count_records(records: pd.DataFrame, attrition: Attrition) -> None:
    n_kept = int((records["reason"] == "").sum())
    attrition.came_in("records", len(records))
    attrition.kept("records", n_kept)
    attrition.came_in("subjects", n_kept)
    attrition.set_aside_by_reason("records", records)


def _count_outcomes(outcomes: pd.DataFrame, records: pd.DataFrame, attrition: Attrition) -> None:
    used = outcomes["record"].isin(records.loc[records["reason"] == "", "record"])
    absent = ~outcomes["record"].isin(records["record"])
    attrition.kept("outcomes", int(used.sum()))
    for reason, chosen in (("outcome without a record", absent), ("record set aside", ~used & ~absent)):
        attrition.set_aside_rows("outcomes", reason, outcomes[chosen])


def _statics(lines: Lines, n_records: int) -> dict[str, "pd.Series[float]"]:
    """Columns of length ``n_records``; a descriptor that was not recorded is NaN."""
    at_admission = (lines.parameter == WEIGHT) & (lines.minutes == 0)
    chosen = (lines.fault == 0) & (lines.value != UNKNOWN) & (at_admission | (lines.parameter > RECORD_ID))
    said = pd.DataFrame({name: getattr(lines, name)[chosen] for name in ("record", "parameter", "value")})
    first = said.groupby(["record", "parameter"])["value"].first()
    table = first.unstack().reindex(index=range(n_records), columns=[AGE, GENDER, HEIGHT, WEIGHT, ICU_TYPE])
    return {
        "age": table[AGE],
        "male": table[GENDER],
        "height": table[HEIGHT],
        "weight_admission": table[WEIGHT],
        "bmi": table[WEIGHT] / (table[HEIGHT] / 100) ** 2,
        "icu_type": table[ICU_TYPE] - 1,
    }


def _events(records: pd.DataFrame, lines: Lines, attrition: Attrition) -> pd.DataFrame:
    """What was measured in the records that are kept, sorted by record and time; descriptors are statics."""
    files, ids = records["file"].to_numpy(), records["record"].to_numpy()
    gone = (records["reason"] != "").to_numpy()[lines.record]
    attrition.came_in("measurements", len(lines.record))
    of = lines.record[gone]
    attrition.set_aside("measurements", "record set aside", len(of), file=files[of], record=ids[of])
    for code, fault in enumerate(FAULTS[1:], start=1):
        faulty = ~gone & (lines.fault == code)
        of = lines.record[faulty]
        attrition.set_aside("measurements", fault, len(of), file=files[of], record=ids[of], line=lines.number[faulty])

    sound = ~gone & (lines.fault == 0)
    described = (lines.parameter >= RECORD_ID) | ((lines.parameter == WEIGHT) & (lines.value == UNKNOWN))
    attrition.kept("measurements", int((sound & described).sum()))
    places = np.flatnonzero(sound & ~described)
    places = places[np.argsort(lines.record[places] * 10_000 + lines.minutes[places], kind="stable")]
    whose, names = texts(lines.record[places], ids), texts(lines.parameter[places], PARAMETERS)
    return as_events(whose, lines.minutes[places] / 60, names, lines.value[places])
