"""What the text in a table's cells says of time."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.common.cells import Cells
from tasks.common.errors import InputError

ZONE = re.compile(r":\d{2}.*(?:[Zz]|[+-]\d{2}:?\d{2})$")


def finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values, NaN where infinite: no time is."""
    return np.where(np.isfinite(values), values, np.nan)


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

    return by_word(cells, read)


def by_word(cells: Cells, read: Callable[[Cells], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Most columns repeat few words: read each of them once."""
    codes, words = pd.factorize(cells)
    return read(pd.Series(words, dtype="str"))[codes] if len(words) else np.empty(0)
