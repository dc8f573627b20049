"""The outcome files of the sets: who died in hospital."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tasks.common.attrition import Attrition
from tasks.common.errors import InputError

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
    try:
        with path.open(encoding="ascii", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = [cell.strip() for cell in next(reader, [])]
            rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not plain comma-separated text: download it again") from error
    if missing := [name for name in (RECORD, DEATH) if name not in header]:
        raise InputError(f"{path} lacks {', '.join(missing)} in its first line: download it again")
    torn = [line for line, row in rows if len(row) != len(header)]
    attrition.came_in("outcomes", len(rows))
    attrition.set_aside("outcomes", "malformed line", len(torn), file=path.name, line=torn)
    record, death = header.index(RECORD), header.index(DEATH)
    return [(row[record], row[death], path.name, line) for line, row in rows if len(row) == len(header)]
