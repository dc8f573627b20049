"""What was declared of a table and is not found in it, as notices: ids, times, numbers, levels and codes.

Ids and values are never named. Words are, where `FEWEST` rows or more have them: they are of a code book then.
"""

import re
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.cohorts.ids import Ids, nearly
from recondense.cohorts.losses import OUTCOME
from recondense.cohorts.readers._declared import FEWEST, did_you_mean
from recondense.cohorts.readers._table.files import Rows
from recondense.cohorts.readers._table.options import Declared
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.records.cells import Cells, near, places, rounded, word

MOST_NAMED, MOST_MEANT = 5, 3
MASS, MASS_OF_FOLLOW_UP = 0.5, 0.9  # of rows; most of any follow-up lies after a landmark rule's landmark
FORMS = {
    "durations": r"-?\d+ (day|hour|min|sec)\w*( .*)?|-?\d+:\d\d:\d\d([.,]\d+)?|P[\dT].*",
    "'26:30', which may be hours or minutes: write '26:30:00'": r"-?\d+:\d\d",
    "dates": r"\d{4}[-/]\d\d?[-/]\d\d?.*|\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d\d).*",
    "numbers with a decimal comma": r"[+-]?\d+,\d+",
    "numbers with a decimal point": r"[+-]?\d+\.\d+",
    "whole numbers": r"[+-]?\d+",
    "limits of measurement": r"[<>≤≥].*",
    "numbers with words behind": r"[+-]?\d+([.,]\d+)?\s*[^\W\d].*|[+-]?\d+([.,]\d+)?\s*%",
    "words": r"[^\W\d].*",
}


def in_one_form(rows: Rows, subject: str, ids: Ids, others: Sequence[str] = (), *, one_form_each: bool) -> Rows:
    """``rows`` with ids in the form of ``ids``, in the column ``subject`` and the ``others``.

    ``one_form_each``: the table says who is in the cohort, and two of its subjects must not become one: `InputError`.
    """
    if ids == Ids():
        return rows
    cells = rows.cells.copy()
    written = cells[subject]
    for column in (subject, *others):
        cells[column] = cells[column].map(ids.form)
    spelt = written.groupby(cells[subject]).nunique()
    twice = cells[subject].isin(spelt.index[spelt > 1]) & (cells[subject] != "")
    if one_form_each and twice.any():
        same = written[twice & (cells[subject] == cells.loc[twice, subject].iloc[0])]
        first, second = same.drop_duplicates().index[:2]
        raise InputError(
            f"{rows.name}, lines {first} and {second}, column '{subject}': two ids are one by options.ids. Write each "
            "subject's id in one way there, or take the rule out of options.ids"
        )
    return Rows(rows.name, cells)


def tell_ids(rows: Rows, column: str, known: "pd.Index[str]", attrition: Attrition) -> None:
    """Note the rows that are of none of the ``known`` subjects, and what would have to make no difference."""
    ids, of = rows.cells[column], len(rows.cells)
    strangers = ids[(ids != "") & ~ids.isin(known)]
    near, difference = nearly(set(strangers.unique()), set(known)) if len(strangers) else (set[str](), "")
    alike = strangers[strangers.isin(near)]
    option = {"zeros in front": "zeros", "capitals": "capitals"}.get(difference)
    what = (
        f"rows of {rows.name} ({_first(alike)}) are of no subject, but would be if {difference} made no difference in "
        f"'{column}': mend the ids" + (f", or say 'ids: {{{option}: ignore}}' in options" if option else "")
    )
    attrition.counted(f"ids of {rows.name}", what, len(alike), of)
    what, others = f"rows of {rows.name} are of nobody in the cohort", len(strangers) - len(alike)
    attrition.counted(f"rows of {rows.name}", what, others, of, lost=False)


def tell_rounded(rows: Rows, column: str, attrition: Attrition) -> None:
    """Note ids that a program has written as rounded numbers, "1.2E+05": several people may have become one."""
    ids = rows.cells[column]
    short = ids[rounded(ids)]
    what = (
        f"ids in '{column}' of {rows.name} ({_first(short)}) are numbers in scientific notation, as 1.2E+05, in which "
        "digits are lost: export them as text"
    )
    attrition.counted(f"ids of {rows.name}", what, len(short), len(ids), asked=True)


def tell_times(rows: Rows, column: str, garbled: NDArray[np.bool_], fault: str, attrition: Attrition) -> None:
    """Note the cells of a time's ``column`` that could not be read; ``fault``: what they are, as "not a number"."""
    cells, unread = rows.cells[column], rows.cells.loc[garbled, column]
    what = (
        f"cells in column '{column}' of {rows.name} ({_first(unread)}) are {fault}{seem(unread)}: mend 'time' in "
        "options, or the file"
    )
    attrition.counted(f"times of {rows.name}", what, len(unread), int((cells != "").sum()))


def tell_span(rows: Rows, reasons: "pd.Series[str]", attrition: Attrition, *, follow_up: bool) -> None:
    """Note a mass of rows outside the span of time that counts. ``reasons``: why each row is set aside, or "".
    ``follow_up``: the span ends with the landmark of a rule."""
    late = MASS_OF_FOLLOW_UP if follow_up else MASS
    for reason, most in {"before time zero": MASS, "before the window": MASS, "after the landmark": late}.items():
        count = int((reasons == reason).sum())
        if count > most * len(reasons):
            what = f"rows of {rows.name} lie {reason}: are unit and time zero right?"
            attrition.counted(reason, what, count, len(reasons), lost=False)


def tell_nothing_left(
    rows: Rows, reasons: "pd.Series[str]", of_measurements: "pd.Series[str]", attrition: Attrition
) -> None:
    """Note that of a table with rows no measurement counts. ``reasons``: why each row and measurement is set aside."""
    if len(reasons):
        counts = (reasons if (reasons != "").all() else of_measurements).value_counts()
        said = "; ".join(f"{reason}: {count:,}" for reason, count in counts.items())
        attrition.notice(f"rows of {rows.name}", f"no measurement of {rows.name} counts ({said})", 1, 1)


def tell_cells(
    file: str,
    name: str,
    variable: Declared,
    decimal: str,
    cells: Cells,
    value: NDArray[np.float64],
    attrition: Attrition,
) -> None:
    """Note the cells of a variable that could not be read as ``value``, or in a doubtful way, and its levels that occur
    nowhere."""
    said = (cells != "").to_numpy(dtype=bool)
    gone = said & np.isnan(value)
    levels = variable.levels or variable.positive + variable.negative
    if variable.kind == "binary":
        levels = levels or ("1", "0")
    if gone.any():
        unread = cells[gone]
        no = f"numbers{seem(unread)}" if variable.kind == "numeric" else f"declared levels{_there(unread)}"
        what = f"cells of '{name}' in {file} ({_first(unread)}) are no {no}"
        attrition.counted(name, what, len(unread), int(said.sum()))
    if variable.kind == "numeric":
        _tell_thousands(file, name, decimal, cells, value, attrition)
    if levels and said.any():
        # Where the other levels are not named, all that is not found counts as one of those
        fatal = variable.kind == "binary" and bool(variable.positive) and not variable.negative
        tell_levels(name, f"'{name}' in {file}", cells, levels, attrition, fatal=fatal)


def _tell_thousands(
    file: str, name: str, decimal: str, cells: Cells, value: NDArray[np.float64], attrition: Attrition
) -> None:
    """Note numbers with just three digits behind the mark where all others are whole and below 1,000."""
    known = value[np.isfinite(value)]
    parted = known % 1 != 0
    if not FEWEST <= parted.sum() <= len(known) - FEWEST or known[parted].min() < 1 or np.abs(known).max() >= 1000:
        return
    of_three = rf"\d{{1,3}}{re.escape(decimal)}\d{{3}}"
    found = pd.Series(cells[np.isfinite(value)].unique(), dtype="str")
    if found.str.fullmatch(rf"\d{{1,3}}|{of_three}").all():
        first = cells.index[np.argmax(cells.str.fullmatch(of_three))]
        what = (
            f"cells of '{name}' in {file} (first in line {first}) have three digits behind the '{decimal}', and all "
            "others are whole numbers below 1000: does it separate thousands? Export numbers without it"
        )
        attrition.counted(name, what, int(parted.sum()), len(known), lost=False)


def tell_levels(
    name: str, where: str, cells: Cells, levels: Sequence[str], attrition: Attrition, *, fatal: bool = False
) -> None:
    """Note the ``levels`` that no cell has, each with what it may be called. ``fatal``: none may be found at all."""
    found = pd.Series(cells.unique(), dtype="str")
    place = places(found, levels)
    absent = [level for n, level in enumerate(levels) if n not in place]
    others = cells[cells.isin(set(found[np.isnan(place) & (found != "").to_numpy()]))]
    for level in absent:
        none = fatal and len(absent) == len(levels)
        text = f"level '{level}' of {where} occurs nowhere{_did_you_mean(level, _frequent(others))}"
        attrition.notice(name, text, 1, len(levels), lost=none, asked=none)


def tell_outcome(file: str, column: str, cells: Cells, classes: Sequence[Sequence[str]], attrition: Attrition) -> None:
    """Note the cells of the outcome that are in none of the declared ``classes``, and levels that occur nowhere."""
    levels = [level for names in classes for level in names]
    said = cells[cells != ""]
    unknown, where = said[np.isnan(places(said, levels))], f"the outcome's column '{column}' in {file}"
    what = f"cells of {where} ({_first(unknown)}) are no declared levels{_there(unknown)}"
    attrition.counted(OUTCOME, what, len(unknown), len(said))
    tell_levels(OUTCOME, where, cells, levels, attrition)


def tell_codes(rows: Rows, column: str, absent: Collection[tuple[str, str]], attrition: Attrition) -> None:
    """Note the variables of whose code no row is; ``absent``: their names and codes."""
    known = _frequent(rows.cells[column]) if absent else []
    for name, code in absent:
        text = f"no row of {rows.name} has the code '{code}' in column '{column}'{_did_you_mean(code, known)}"
        attrition.notice(name, text, len(rows.cells), len(rows.cells), lost=False)


def seem(cells: Cells) -> str:
    """What most of the cells look like.

    >>> seem(pd.Series(["0 days", "1 days 00:00:00", "x"]))
    '; 2 look like durations'
    """
    counts = {form: int(cells.str.fullmatch(f"(?:{pattern})", flags=re.ASCII).sum()) for form, pattern in FORMS.items()}
    most = max(counts, key=lambda form: counts[form])
    return f"; {counts[most]:,} look like {most}" if counts[most] else ""


def _first(cells: Cells) -> str:
    return f"first in line {cells.index[0]}" if len(cells) else ""


def _frequent(cells: Cells) -> list[str]:
    """The words of `FEWEST` rows or more, most frequent first."""
    counts = cells[cells != ""].value_counts()
    return [str(one) for one in counts.index[counts >= FEWEST]]


def _there(cells: Cells) -> str:
    words = _frequent(cells)[:MOST_NAMED]
    return f"; many are {', '.join(map(repr, words))}" if words else ""


def _did_you_mean(one: str, words: Sequence[str]) -> str:
    begin = [other for other in words if word(other).startswith(word(one)) or word(one).startswith(word(other))]
    question = did_you_mean(near(one, words) or begin[:MOST_MEANT])
    return f": {question}" if question else ""
