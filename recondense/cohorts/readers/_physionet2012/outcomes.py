"""The outcome files of the sets: who died in hospital."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from recondense.cohorts.csv_lines import read_lines
from recondense.records.attrition import Attrition

COLUMNS = {"RecordID": "record", "In-hospital_death": "outcome"}


def read_outcomes(paths: Sequence[Path], attrition: Attrition) -> pd.DataFrame:
    """Columns ``record`` (unique), ``outcome`` (0 or 1), ``file`` and ``line``. The unit is "outcomes".

    Of several equal lines for one record the first is used, of contradicting ones none. Raises `InputError` where a
    file as a whole cannot be used. The other columns (scores, length of stay, survival) are not read.
    """
    names = list(COLUMNS)
    tables = [read_lines(path, names, attrition, "outcomes")[names].assign(file=path.name) for path in paths]
    empty = pd.DataFrame(columns=[*names, "file"], index=pd.Index([], dtype="int64", name="line"), dtype="str")
    table = pd.concat([empty, *tables]).rename(columns=COLUMNS).reset_index()

    def refuse(chosen: "pd.Series[bool]", reason: str) -> pd.DataFrame:
        attrition.set_aside_rows("outcomes", reason, table[chosen], column="In-hospital_death")
        return table[~chosen]

    table = refuse(~table["outcome"].isin(["0", "1"]), "outcome not 0 or 1")
    table = refuse(table.groupby("record")["outcome"].transform("nunique") > 1, "contradicting outcome lines")
    table = refuse(table.duplicated("record"), "duplicate outcome line")
    return table.assign(outcome=table["outcome"].astype(float))
