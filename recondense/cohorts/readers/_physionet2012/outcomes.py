"""The outcome files of the sets: who died in hospital."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from recondense.cohorts.csv_lines import read_lines
from recondense.records.attrition import Attrition

RECORD, DEATH = "RecordID", "In-hospital_death"
COLUMNS = ["record", "outcome", "file", "line"]


def read_outcomes(paths: Sequence[Path], attrition: Attrition) -> pd.DataFrame:
    """Columns ``record`` (unique), ``outcome`` (0 or 1), ``file`` and ``line``. The unit is "outcomes".

    Of several equal lines for one record the first is used, of contradicting ones none. Raises `InputError` where a
    file as a whole cannot be used. The other columns (scores, length of stay, survival) are not read.
    """
    table = pd.DataFrame([row for path in paths for row in _read(path, attrition)], columns=COLUMNS)

    def refuse(chosen: "pd.Series[bool]", reason: str) -> pd.DataFrame:
        attrition.set_aside_rows("outcomes", reason, table[chosen], column=DEATH)
        return table[~chosen]

    table = refuse(~table["outcome"].isin(["0", "1"]), "outcome not 0 or 1")
    table = refuse(table.groupby("record")["outcome"].transform("nunique") > 1, "contradicting outcome lines")
    table = refuse(table.duplicated("record"), "duplicate outcome line")
    return table.assign(outcome=table["outcome"].astype(float))


def _read(path: Path, attrition: Attrition) -> list[tuple[str, str, str, int]]:
    header, lines = read_lines(path, [RECORD, DEATH], attrition, "outcomes", mend="download it again")
    record, death = header.index(RECORD), header.index(DEATH)
    return [(row[record], row[death], path.name, line) for line, row in lines]
