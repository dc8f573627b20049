"""Consent revoked: whoever is listed in the raw folder's ``withdrawn.txt`` is taken out of whatever was read.

One id a line, as the raw files have it: a subject's or, where a patient may be several subjects, the patient's. Ids are
compared as everywhere (`recondense.cohorts.ids`). Blank lines and lines that begin with ``#`` say nothing. The list is
part of the raw folder, so a change of it is a change of the raw data: the next run makes everything anew without them.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from recondense.cohorts.ids import Ids, bare
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.records.cells import text

FILE = "withdrawn.txt"
NAME = "withdrawals"
BETWEEN = re.compile(r"[\s,;|/]+")
MOST_LINES = 10  # that a message lists


def withdraw(
    raw: Path, events: pd.DataFrame, subjects: pd.DataFrame, attrition: Attrition, ids: Ids
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and subjects without the withdrawn ones, of whom ``attrition`` keeps counts but neither id nor place.

    Units: "withdrawals" (lines of the list; kept are those that took effect), "subjects", "measurements". Lines that
    name nobody are noted. Raises `InputError` where the list cannot be read, or where a file's name is nearly but not
    quite the list's.
    """
    listed = read_list(raw)
    if listed.empty:
        return events, subjects
    names = pd.concat([subjects[column].astype("str") for column in ("subject_id", "patient_id") if column in subjects])
    rows = attrition.rows()
    aside = rows.loc[rows["unit"] == "subjects", "record"].dropna().astype("str")
    means = meant(listed["record"], {*names, *aside}, ids)
    repeated = listed["record"].map(ids.form).duplicated().to_numpy()
    attrition.came_in("withdrawals", len(listed))
    for reason, chosen in (("listed twice", repeated), ("nobody has this id", (means != "somebody") & ~repeated)):
        lines = listed.loc[chosen, "line"].to_numpy()
        attrition.set_aside("withdrawals", reason, len(lines), file=FILE, line=lines)
    attrition.kept("withdrawals", int(((means == "somebody") & ~repeated).sum()))
    tell(listed, means, attrition)

    forms = set(listed["record"].map(ids.form))
    gone = names.map(ids.form).isin(forms).groupby(level=0).any().reindex(subjects.index)
    lost = events["subject_id"].isin(subjects.loc[gone, "subject_id"])
    attrition.forget({*listed["record"], *names[gone[names.index].to_numpy()], *aside[aside.map(ids.form).isin(forms)]})
    attrition.set_aside("subjects", "withdrawn", int(gone.sum()))
    attrition.set_aside("measurements", "subject withdrawn", int(lost.sum()))
    return events[~lost].reset_index(drop=True), subjects[~gone].reset_index(drop=True)


def meant(records: "pd.Series[str]", names: Collection[str], ids: Ids) -> "pd.Series[str]":
    """Whom each line of the list means: "somebody" of ``names``; "nearly" somebody, but for zeros in front, capitals,
    or what separates several ids; or "nobody"."""
    known, alike = {ids.form(name) for name in names}, {bare(name) for name in names} - {""}

    def means(record: str) -> str:
        if ids.form(record) in known:
            return "somebody"
        parts = [record, *BETWEEN.split(record)]
        return "nearly" if any(bare(part) in alike for part in parts) else "nobody"

    return records.map(means)


def tell(listed: pd.DataFrame, means: "pd.Series[str]", attrition: Attrition) -> None:
    """Note the lines that name nobody. Whoever they nearly name would stay in: somebody has to say that it is right."""
    near, nobody = (listed.loc[means == kind, "line"].tolist() for kind in ("nearly", "nobody"))
    what = (
        f"lines of {FILE} name nobody, but nearly do ({in_lines(near)}): write each id as the records have it, one a "
        "line, with the same capitals and zeros"
    )
    attrition.counted(NAME, what, len(near), len(listed), asked=True)
    what = (
        f"lines of {FILE} name nobody ({in_lines(nobody)}): see that these people are no longer in the raw files, and "
        "that their ids are right"
    )
    attrition.counted(NAME, what, len(nobody), len(listed), lost=False)


def in_lines(lines: Sequence[int]) -> str:
    """So many numbers of lines as a message has room for."""
    more = f" and {len(lines) - MOST_LINES} more" if len(lines) > MOST_LINES else ""
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:MOST_LINES]))}{more}"


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
    rows = [(text(line), number) for number, line in enumerate(lines, start=1)]
    return pd.DataFrame([row for row in rows if row[0] and not row[0].startswith("#")], columns=["record", "line"])
