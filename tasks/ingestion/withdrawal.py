"""Consent revoked: whoever is listed in the raw folder's ``withdrawn.txt`` is taken out of whatever was read.

One id a line, as the raw files have it: a subject's or, where a patient may be several subjects, the patient's. Blank
lines and lines that begin with ``#`` say nothing. The list is part of the raw folder, so a change of it is a change of
the raw data: the next run makes everything anew without them.
"""

from pathlib import Path

import pandas as pd

from tasks.common.attrition import Attrition
from tasks.common.errors import InputError

FILE = "withdrawn.txt"


def withdraw(
    raw: Path, events: pd.DataFrame, subjects: pd.DataFrame, attrition: Attrition
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and subjects without the withdrawn ones, of whom ``attrition`` keeps counts but neither id nor place.

    Units: "withdrawals" (lines of the list; kept are those that took effect), "subjects", "measurements". Raises
    `InputError` where the list cannot be read, or where a file's name is nearly but not quite the list's.
    """
    listed = read_list(raw)
    if listed.empty:
        return events, subjects
    names = [subjects[column].astype("str") for column in ("subject_id", "patient_id") if column in subjects]
    known = listed["record"].isin(pd.concat(names))
    repeated = listed["record"].duplicated()
    attrition.came_in("withdrawals", len(listed))
    for reason, chosen in (("listed twice", repeated), ("nobody has this id", ~known & ~repeated)):
        lines = listed.loc[chosen, "line"].to_numpy()
        attrition.set_aside("withdrawals", reason, len(lines), file=FILE, line=lines)
    attrition.kept("withdrawals", int((known & ~repeated).sum()))

    ids = listed["record"].to_numpy()
    gone = pd.concat([name.isin(ids) for name in names], axis="columns").any(axis="columns")
    lost = events["subject_id"].isin(subjects.loc[gone, "subject_id"])
    attrition.forget([*ids, *subjects.loc[gone, "subject_id"]])
    attrition.set_aside("subjects", "withdrawn", int(gone.sum()))
    attrition.set_aside("measurements", "subject withdrawn", int(lost.sum()))
    return events[~lost].reset_index(drop=True), subjects[~gone].reset_index(drop=True)


def read_list(raw: Path) -> pd.DataFrame:
    """The list in ``raw``: columns ``record`` and ``line``; no rows where there is none. Raises `InputError`."""
    for path in sorted(raw.iterdir()) if raw.is_dir() else []:
        if path.name.lower().startswith("withdr") and path.name != FILE:
            raise InputError(f"{path} looks like a list of withdrawn subjects, but would not be read: call it {FILE}")
    try:
        lines = (raw / FILE).read_text(encoding="utf-8-sig").split("\n")
    except (FileNotFoundError, NotADirectoryError):
        lines = []
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{raw / FILE} cannot be read: make it plain text with one subject id a line") from error
    rows = [(line.strip(), number) for number, line in enumerate(lines, start=1)]
    return pd.DataFrame([row for row in rows if row[0] and not row[0].startswith("#")], columns=["record", "line"])
