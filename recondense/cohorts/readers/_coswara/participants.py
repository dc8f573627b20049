"""Who took part: ``combined_data.csv``, one line a participant."""

from pathlib import Path

import pandas as pd

from recondense.cohorts.csv_lines import read_lines
from recondense.records.attrition import Attrition

FILE = "combined_data.csv"
ID = "id"
NEITHER = None
# What the values of a column mean (``csv_labels_legend.json`` of the provider): the outcome, or neither of the two
OUTCOMES: dict[str, dict[str, float | None]] = {
    "covid_status": {
        "positive_mild": 1,
        "positive_moderate": 1,
        "positive_asymp": 1,
        "healthy": 0,
        "no_resp_illness_exposed": NEITHER,
        "resp_illness_not_identified": NEITHER,
        "recovered_full": NEITHER,
        "under_validation": NEITHER,
    },
    "g": {"female": 1, "male": 0, "other": NEITHER},
}
STATICS = {"age": "a", "female": "g"}


def read_participants(path: Path, needed: list[str], attrition: Attrition, required: bool = True) -> pd.DataFrame:
    """Text cells of the columns ``needed``, one row a participant, the index their unique ids. The unit is "lines".

    Of several lines of one participant that agree in these columns the first is used, of contradicting ones none.
    Unless the columns are ``required``, one that is not there is blank. Raises `InputError` where the file as a whole
    cannot be used.
    """
    columns, optional = ([ID, *needed], []) if required else ([ID], needed)
    table = read_lines(path, columns, attrition, "lines", optional=optional, encoding="utf-8")
    table = (
        table.assign(**{name: "" for name in needed if name not in table})[[ID, *needed]].astype("str").reset_index()
    )

    def refuse(chosen: "pd.Series[bool]", reason: str) -> pd.DataFrame:
        attrition.set_aside_rows("lines", reason, table[chosen], file=FILE, column=ID)
        return table[~chosen]

    table = refuse(table[ID] == "", "no id")
    table = refuse((table.groupby(ID)[needed].transform("nunique") > 1).any(axis=1), "contradicting lines")
    table = refuse(table.duplicated(ID), "duplicate line")
    attrition.kept("lines", len(table))
    return table.set_index(ID)[needed]


def judge(answers: "pd.Series[str]", required: bool) -> pd.DataFrame:
    """Columns ``outcome`` (1, 0 or NaN) and ``reason`` (why a participant has none, or ""), by participant.

    ``answers`` is a column that `OUTCOMES` explains, by its name. Values that the provider does not list are not
    repeated in a reason, since they may be anything. Unless an outcome is ``required``, its lack is no reason.

    >>> judge(pd.Series(["female", "other", "", "?"], name="g"), required=True)["reason"].tolist()
    ['', 'g is other', 'no g', 'unknown g']
    """
    name, meanings = str(answers.name), OUTCOMES[str(answers.name)]
    outcome = answers.map(meanings).astype(float)
    listed = answers.map({value: f"{name} is {value}" for value in meanings}).fillna(f"unknown {name}")
    reason = listed.where(answers != "", f"no {name}").where(outcome.isna() & required, "")
    return pd.DataFrame({"outcome": outcome, "reason": reason.astype("str")}, index=answers.index)
