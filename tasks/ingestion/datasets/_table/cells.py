"""What the text in a table's cells says: numbers, levels, moments. Blank is "", and whatever can't be read is NaN."""

import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.common.errors import InputError

Cells = pd.Series  # of text
ZONE = re.compile(r":\d{2}.*(?:[Zz]|[+-]\d{2}:?\d{2})$")


def numbers(cells: Cells, decimal: str = ".") -> NDArray[np.float64]:
    """The cells as numbers; thousands separators are not understood, since 1,234 may be one or the other.

    >>> numbers(pd.Series(["1,5", "1.5", "low", ""]), decimal=",").tolist()
    [1.5, nan, nan, nan]
    """

    def read(words: Cells) -> NDArray[np.float64]:
        if decimal == ",":
            words = words.where(~words.str.contains(".", regex=False), "").str.replace(",", ".", regex=False)
        return np.asarray(pd.to_numeric(words, errors="coerce"), dtype=np.float64)

    return _by_word(cells, read)


def finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values, NaN where infinite: no time is."""
    return np.where(np.isfinite(values), values, np.nan)


def level_index(cells: Cells, levels: Sequence[str]) -> NDArray[np.float64]:
    """The place of each cell in ``levels``, whatever the capitals; "1.0" is level "1".

    >>> level_index(pd.Series(["F", "m", "1.0", "x", ""]), ["m", "f", "1"]).tolist()
    [1.0, 0.0, 2.0, nan, nan]
    """
    places = {plain(level): float(place) for place, level in enumerate(levels)}
    return _by_word(cells, lambda words: np.array([places.get(plain(word), np.nan) for word in words], dtype=float))


def two_levels(cells: Cells, positive: Sequence[str], negative: Sequence[str]) -> NDArray[np.float64]:
    """1 for the ``positive`` levels, 0 for the ``negative`` ones (all others, where none are named), else NaN.

    >>> two_levels(pd.Series(["yes", "no", "?", ""]), ["yes"], []).tolist()
    [1.0, 0.0, 0.0, nan]
    """
    is_positive = ~np.isnan(level_index(cells, positive))
    is_negative = ~np.isnan(level_index(cells, negative)) if negative else (cells != "").to_numpy(dtype=bool)
    return np.select([is_positive, is_negative], [1.0, 0.0], np.nan)


def moments(cells: Cells, form: str | None, column: str) -> NDArray[np.float64]:
    """Timestamps as hours since 1970. Raises `InputError` where some cells have a time zone and others have none."""

    def read(words: Cells) -> NDArray[np.float64]:
        zoned = np.array([bool(ZONE.search(word)) for word in words if word])
        if zoned.any() and not zoned.all():
            raise InputError(f"column '{column}': some times have a time zone and some have none; give all of them one")
        found = pd.to_datetime(words.where(words != ""), errors="coerce", format=form or "ISO8601", utc=True)
        # In microseconds, since nanoseconds end with the year 2262, and files hold years like 9999
        moment = found.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        hours: NDArray[np.float64] = (moment - np.datetime64(0, "us")) / np.timedelta64(1, "h")
        return hours

    return _by_word(cells, read)


def plain(text: str) -> str:
    """Text in the form in which levels are compared.

    >>> plain(" Female"), plain("1.0"), plain("01"), plain("0.5")
    ('female', '1', '1', '0.5')
    """
    text = text.strip().casefold()
    if re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,15})?", text):
        return f"{float(text):.15g}"
    return text


def _by_word(cells: Cells, read: Callable[[Cells], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Most columns repeat few words: read each of them once."""
    codes, words = pd.factorize(cells)
    return read(pd.Series(words, dtype="str"))[codes] if len(words) else np.empty(0)
