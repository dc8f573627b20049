"""What the text in a cell says. One rule for every table: a cohort's, a guess at it, and a recipient's own.

Two texts are the *same text* where only white space around them, the form of Unicode, or a fraction of zeros behind a
whole number differs: "P7" and " P7", "7" and "7.0". So ids are compared: more would make one person of two.
Two texts are the *same word* where they are the same text but for capitals, zeros in front of a number, signs of plus
and white space within. So levels, codes, labels and marks of missing values are compared: "Female" and "female", "1"
and "01". A word that is written just as declared comes first, so "k" and "K" may be two codes.

This file goes into every bundle as it stands, beside apply.py: it needs numpy and pandas, and nothing of this project.
Blank is "", and what cannot be read is NaN.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
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
WHOLE = re.compile(r"([+-]?\d+)\.0+")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
SHORT = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?", re.ASCII)  # of so many digits no two make one float
LIMIT = re.compile(r"([<>])=?\s*(.+)")
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
    return each(cells, lambda cell: number(cell, decimal, below))


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

    ``variable``: ``kind``, ``levels``, ``positive``, ``negative`` and ``below``, as preprocessing.json has them.
    """
    if variable["kind"] == "categorical":
        return places(cells, variable["levels"])
    if variable["kind"] == "binary":
        positive = variable["positive"] or ("1",)
        return two_levels(cells, positive, variable["negative"] or (() if variable["positive"] else ("0",)))
    return numbers(cells, decimal, variable["below"])


def without_marks(cells: Cells, marks: Iterable[str] = MISSING, named: Iterable[str] = ()) -> Cells:
    """``cells`` as text in its plainest form, and "" where one of ``marks`` stands for no value.

    A mark that is ``named`` as a level or code is one.
    """
    gone = {word(mark) for mark in marks} - {word(one) for one in named}
    codes, found = pd.factorize(cells)
    plain = ["" if word(cell) in gone else text(cell) for cell in found]
    return pd.Series(pd.Series(plain, dtype="str").to_numpy()[codes], index=cells.index, dtype="str", name=cells.name)


def each(cells: Cells, read: Callable[[str], float]) -> Array:
    """What ``read`` makes of each cell. Most columns repeat few texts: each of them is read once."""
    codes, found = pd.factorize(cells)
    return np.array([read(cell) for cell in found], dtype=np.float64)[codes] if len(found) else np.empty(0)
