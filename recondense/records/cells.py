"""What the text in a cell says. One rule for every table: a cohort's, a guess at it, and a recipient's own.

Two texts are the *same text* where only white space around them, the form of Unicode, or a fraction of zeros behind a
whole number differs: "P7" and " P7", "7" and "7.0". So ids are compared: more would make one person of two.
Two texts are the *same word* where they are the same text but for capitals, zeros in front of a number, signs of plus
and white space within. So levels, codes, labels and marks of missing values are compared: "Female" and "female", "1"
and "01". A word that is written just as declared comes first, so "k" and "K" may be two codes.

This file goes into every bundle as it stands, beside apply.py: it needs numpy and pandas, and nothing of this project.
Blank is "", and what cannot be read is NaN. A duration ("1 days 02:00:00", "P1DT2H") is a value of a variable whose
unit is a unit of time.
"""

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

Cells = Any  # a pandas.Series of text
Array = np.ndarray[Any, np.dtype[Any]]

# What usual systems write where there is no value: R, pandas, SQL and its dumps, spreadsheets, SAS, Stata
MISSING = (
    "", "NA", "N/A", "n.a.", "NaN", "NaT", "<NA>", "NULL", "None", "nil", r"\N", "#N/A", "#NA", "#NV", "#NULL!",
    "#VALUE!", "#REF!", "#DIV/0!", "#NUM!", ".", *(f".{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"),
)  # fmt: skip
MANY = 300  # texts, from which to read them all at once is quicker
ROUNDED = r"\d(\.\d+)?[eE]\+\d+"
WHOLE = re.compile(r"([+-]?\d+)\.0+")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
SHORT = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?", re.ASCII)  # of so many digits no two make one float
PLAIN = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?"  # numbers that `text` leaves as they are
PLAIN_NUMBER = re.compile(PLAIN)
LIMIT = re.compile(r"([<>])=?\s*(.+)")
AMOUNT = r"[0-9]+(?:[.,][0-9]+)?"
OF_ISO = re.compile(rf"([+-]?)p(?:({AMOUNT})w)?(?:({AMOUNT})d)?(?:t(?:({AMOUNT})h)?(?:({AMOUNT})m)?(?:({AMOUNT})s)?)?")
PART = re.compile(rf"([+-]?{AMOUNT}) ?([a-zμ]+),? ?")
CLOCK = re.compile(r"([+-]?)([0-9]+):([0-5][0-9]):([0-5][0-9](?:[.,][0-9]+)?)")
SPAN = re.compile(rf"(?P<parts>(?:{PART.pattern})*)(?P<clock>{CLOCK.pattern})?")
OF_DAY = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]*)?)?"
# Seconds of a unit that has one length; years and months are units of a variable only, by a mean length
SECONDS = {
    **dict.fromkeys(("ns", "nanosecond", "nanoseconds"), 1e-9),
    **dict.fromkeys(("us", "μs", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 604800.0),
}
MEAN_SECONDS = {
    **dict.fromkeys(("mo", "month", "months"), 365.25 / 12 * 86400),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), 365.25 * 86400),
}
SIGNS = str.maketrans({"−": "-", "≤": "<", "≥": ">", "⩽": "<", "⩾": ">"})


def text(cell: str) -> str:
    """A cell in the form in which ids are compared.

    >>> text(" P007 "), text("7.0"), text("7.50")
    ('P007', '7', '7.50')
    """
    cell = cell.strip() if cell.isascii() else unicodedata.normalize("NFKC", cell).strip()
    whole = WHOLE.fullmatch(cell)
    return whole[1] if whole else cell


def word(cell: str) -> str:
    """A cell in the form in which levels, codes, labels and marks of missing values are compared.

    >>> word(" Not  known"), word("1.0"), word("01"), word("+1"), word("0.5")
    ('not known', '1', '1', '1', '0.5')
    """
    cell = " ".join(text(cell).casefold().translate(SIGNS).split())
    return f"{float(cell) + 0.0:.15g}" if SHORT.fullmatch(cell) else cell


def number(cell: str, decimal: str = ".", below: str = "limit") -> float:
    """A cell as a number. "<0.5" and ">200" lie beyond a limit of measurement: they count as the limit, or below it as
    ``below`` says: "limit", "half" of it, or "aside", with which neither is a number.

    Separators of thousands are not understood, since 1,234 may be one or the other.

    >>> number("1,5", ","), number("1.5", ","), number("< 0.5", below="half"), number(">200"), number("low")
    (1.5, nan, 0.25, 200.0, nan)
    """
    cell = text(cell).translate(SIGNS)
    limit = LIMIT.fullmatch(cell)
    if limit:
        share = {"limit": 1.0, "half": 0.5 if limit[1] == "<" else 1.0, "aside": np.nan}[below]
        return share * number(limit[2], decimal, "aside")
    if decimal != ".":
        cell = "" if "." in cell else cell.replace(decimal, ".")
    return float(cell) if NUMBER.fullmatch(cell) else np.nan


def numbers(cells: Cells, decimal: str = ".", below: str = "limit") -> Array:
    """The cells as numbers, see `number`: ``(n,)``."""
    codes, found = pd.factorize(cells)
    read = np.full(len(found), np.nan)
    words = pd.Series(found, dtype="str")
    plain = _matching(words, rf"-?[0-9]+(?:{re.escape(decimal)}[0-9]+)?")
    digits = words[plain] if decimal == "." else words[plain].str.replace(decimal, ".", regex=False)
    read[plain] = digits.to_numpy(dtype=object).astype(np.float64)
    read[~plain] = [number(cell, decimal, below) for cell in words[~plain].tolist()]
    return read[codes] if len(found) else np.empty(0)


def _matching(words: Cells, pattern: str) -> Array:
    """Which words match, where they are so many that they are worth an answer at once; else none."""
    many = words.str.fullmatch(pattern) if len(words) > MANY else np.zeros(len(words))
    return np.asarray(many, dtype=bool)


def seconds(cell: str) -> float:
    """A duration in seconds, as pandas, Python, R, PostgreSQL or ISO 8601 write it. Years and months have no length.

    >>> seconds("1 days 02:00:00"), seconds("P1DT2H"), seconds("26:30:00"), seconds("3.5 hours"), seconds("1 mon")
    (93600.0, 93600.0, 95400.0, 12600.0, nan)
    >>> seconds("-1 days +23:00:00"), seconds("7"), seconds("")
    (-3600.0, nan, nan)
    """
    cell = " ".join(text(cell).casefold().translate(SIGNS).split())
    if iso := OF_ISO.fullmatch(cell):
        amounts = [float(amount.replace(",", ".")) if amount else np.nan for amount in iso.groups()[1:]]
        size = np.nansum(np.multiply(amounts, (604800, 86400, 3600, 60, 1)))
        return np.nan if np.isnan(amounts).all() else float(-size if iso[1] == "-" else size)
    span = SPAN.fullmatch(cell)
    if not span or not cell:
        return np.nan
    total = sum(float(n.replace(",", ".")) * SECONDS.get(unit, np.nan) for n, unit in PART.findall(span["parts"]))
    if clock := CLOCK.fullmatch(span["clock"] or ""):
        size = int(clock[2]) * 3600 + int(clock[3]) * 60 + float(clock[4].replace(",", "."))
        total += -size if clock[1] == "-" else size
    return float(total)


def rounded(ids: Cells) -> Array:
    """Whether each id is a number in scientific notation, in which digits are lost: of several people it may make one.

    >>> rounded(pd.Series(["1.2E+05", "1e+05", "7", "E+1"])).tolist()
    [True, True, False, False]
    """
    found = np.array(ids.str.contains("+", regex=False), dtype=bool)
    found[found] = ids[found].str.fullmatch(ROUNDED)
    return found


def of_day(cells: Cells) -> bool:
    """Whether the cells that say something are all times of the day, "10:30:00": no duration is surely meant."""
    said = cells[cells != ""]
    return len(said) > 0 and bool(re.fullmatch(OF_DAY, said.iloc[0]) and said.str.fullmatch(OF_DAY).all())


def durations(cells: Cells) -> Array:
    """The cells as durations in seconds, see `seconds`; NaN where they are times of the day; ``(n,)``."""
    return np.full(len(cells), np.nan) if of_day(cells) else each(cells, seconds)


def seconds_of_unit(unit: str) -> float:
    """Seconds of a unit of time, by its mean length where it has several; NaN of any other unit."""
    return {**SECONDS, **MEAN_SECONDS}.get(word(unit), np.nan)


def beyond_limit(cells: Cells) -> Array:
    """Whether each cell is a limit of measurement, "<0.5" or ">200"; ``(n,)``."""
    found: Array = each(cells, lambda cell: float(LIMIT.fullmatch(text(cell).translate(SIGNS)) is not None)) == 1
    return found


def places(cells: Cells, declared: Sequence[str]) -> Array:
    """The place in ``declared`` of each cell: as it is written there, else of the only one that is the same word.

    >>> places(pd.Series(["F", "m", "1.0", "x", ""]), ["m", "f", "1"]).tolist()
    [1.0, 0.0, 2.0, nan, nan]
    >>> places(pd.Series(["k", "K", " K"]), ["K", "k"]).tolist()
    [1.0, 0.0, 0.0]
    """
    exact = {text(one): float(place) for place, one in enumerate(declared)}
    alike: dict[str, float] = {}
    for place, one in enumerate(declared):
        alike[word(one)] = np.nan if word(one) in alike else float(place)
    return each(cells, lambda cell: exact[text(cell)] if text(cell) in exact else alike.get(word(cell), np.nan))


def matching(names: Sequence[str], wanted: Iterable[str]) -> dict[str, str]:
    """Which of ``names`` each ``wanted`` one is: the same text, else the only one that is the same word and that no
    other wanted name is. Those that are not there are left out.

    >>> matching(["ID", "Age (years)", "k"], ["id", "age (years)", "K", "k", "day"])
    {'id': 'ID', 'age (years)': 'Age (years)', 'k': 'k'}
    """
    wanted, known = list(wanted), set(names)
    taken = {name for name in wanted if name in known}
    free = [name for name in names if name not in taken]
    others = [name for name in wanted if name not in taken]
    place = places(pd.Series(others, dtype="str"), free)
    alike = {name: free[int(at)] for name, at in zip(others, place, strict=True) if at == at}
    return {name: name if name in taken else alike[name] for name in wanted if name in taken or name in alike}


def near(one: str, among: Iterable[str], most: int = 3, cutoff: float = 0.6) -> list[str]:
    """Those of ``among`` that ``one`` may be a misspelling of, compared as words, the likeliest first.

    >>> near("Creatinin", ["age", "creatinine", "Crea"]), near("day", ["ID"])
    (['creatinine', 'Crea'], [])
    """
    spelt: dict[str, list[str]] = {}
    for other in among:
        spelt.setdefault(word(other), []).append(other)
    close = get_close_matches(word(one), list(spelt), most, cutoff)
    return [other for form in close for other in spelt[form]][:most]


def two_levels(cells: Cells, positive: Sequence[str], negative: Sequence[str]) -> Array:
    """1 for the ``positive`` levels, 0 for the ``negative`` ones (all others, where none are named), else NaN.

    >>> two_levels(pd.Series(["yes", "no", "?", ""]), ["yes"], []).tolist()
    [1.0, 0.0, 0.0, nan]
    """
    place = places(cells, [*positive, *negative])
    other = np.where(np.asarray(cells == "") | bool(negative), np.nan, 0.0)
    return np.where(np.isnan(place), other, place < len(positive))


def values(cells: Cells, variable: Mapping[str, Any], decimal: str = ".") -> Array:
    """The cells as values of ``variable``: a number, 0 or 1, or the place of a level; ``(n,)``.

    ``variable``: ``kind``, ``unit``, ``levels``, ``positive``, ``negative`` and ``below``, as preprocessing.json has
    them.
    """
    if variable["kind"] == "categorical":
        return places(cells, variable["levels"])
    if variable["kind"] == "binary":
        positive = variable["positive"] or ("1",)
        return two_levels(cells, positive, variable["negative"] or (() if variable["positive"] else ("0",)))
    read, unit = numbers(cells, decimal, variable["below"]), seconds_of_unit(variable.get("unit", ""))
    rest = np.isnan(read) & np.asarray(cells != "", dtype=bool)
    if not np.isnan(unit) and rest.any():
        read[rest] = durations(cells[rest]) / unit
    return read


def without_marks(cells: Cells, marks: Iterable[str] = MISSING, named: Iterable[str] = ()) -> Cells:
    """``cells`` as text in its plainest form, and "" where one of ``marks`` stands for no value.

    A mark that is ``named`` as a level or code is one.
    """
    gone = _words(tuple(marks)) - _words(tuple(named))
    codes, found = pd.factorize(cells)
    words = pd.Series(found, dtype="str")
    slow = ~_matching(words, PLAIN)
    if numeric := [float(mark) for mark in gone if SHORT.fullmatch(mark)]:
        slow[~slow] = np.isin(words[~slow].to_numpy(dtype=object).astype(np.float64), numeric)
    written = words[slow].tolist()
    plain = [
        cell if not numeric and PLAIN_NUMBER.fullmatch(cell) else "" if word(cell) in gone else text(cell)
        for cell in written
    ]
    if plain != written:
        words[slow] = plain
    return pd.Series(words.array.take(codes), index=cells.index, dtype="str", name=cells.name)


@functools.lru_cache(256)
def _words(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word(one) for one in texts)


def each(cells: Cells, read: Callable[[str], float]) -> Array:
    """What ``read`` makes of each cell. Most columns repeat few texts: each of them is read once."""
    codes, found = pd.factorize(cells)
    return np.array([read(cell) for cell in found.tolist()], dtype=np.float64)[codes] if len(found) else np.empty(0)
