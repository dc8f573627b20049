"""How dates are written, by all cells that look like one: the many decide, and never a single cell."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recondense.cohorts.readers._table.moments import moments
from recondense.errors import InputError
from recondense.records.cells import Cells

CLOCK = r"(?P<gap>[ T:])(?P<clock>\d{1,2}:\d{2}(?P<seconds>:\d{2}(?P<part>\.\d+)?)?)(?P<half> ?[AaPp][Mm])?"
NUMBERS = re.compile(rf"(?P<one>\d{{1,2}})(?P<mark>[./-])(?P<two>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d\d)({CLOCK})?")
MONTH = re.compile(rf"\d{{1,2}}(?P<mark>[ -]?)[A-Za-z]{{3}}(?P=mark)(?P<year>\d{{4}}|\d\d)({CLOCK})?")
DAY_FIRST, MONTH_FIRST = "%d{mark}%m", "%m{mark}%d"
ISO = re.compile(r"\d{4}-\d\d-\d\d([ T].*)?")
LOOKED_AT = 1000
ENOUGH = 0.9  # the share of a column's cells that have to be what the column is taken for


@dataclass(frozen=True)
class Order:
    """Whether the day or the month comes first, in dates of numbers. ``day``, ``month``: of how many cells only that
    is possible."""

    day: int
    month: int
    given: bool | None = None

    def day_first(self, mark: str) -> bool | None:
        """None where nothing tells. With points it is the day, as everywhere that dates have points."""
        if self.given is not None:
            return self.given
        if self.day == self.month:
            return True if mark == "." else None
        return self.day > self.month


def order_of(columns: Iterable[Cells], given: bool | None = None) -> Order:
    """The order in all dates of numbers in these columns, or as ``given``."""
    day = month = 0
    for cells in columns:
        for cell, count in cells.value_counts().items():
            if found := NUMBERS.fullmatch(cell):
                first, second = int(found["one"]), int(found["two"])
                day += int(count) * (first > 12 >= second)
                month += int(count) * (second > 12 >= first)
    return Order(day, month, given)


def like_dates(cells: Cells) -> bool:
    """Whether nearly all cells have the form of a date, in whatever order."""
    found = [bool(_shape(cell) or ISO.fullmatch(cell)) for cell in cells.unique()[:LOOKED_AT]]
    return bool(found) and float(np.mean(found)) >= ENOUGH


def form_of(cells: Cells, order: Order, column: str) -> str | None:
    """How most of the cells are written, as strptime reads it; "" for ISO 8601; None where they are no dates.

    Raises `InputError` where day and month cannot be told apart.
    """
    counts = Counter(cells.to_list())
    shapes: Counter[str] = Counter()
    for cell, count in counts.items():
        shapes[_shape(cell)] += count
    shape = shapes.most_common(1)[0][0] if shapes else ""
    if "?" in shape:
        mark = shape[1]
        day_first = order.day_first(mark)
        if day_first is None:
            raise InputError(
                f"column '{column}' has dates of numbers with '{mark}', and no cell tells whether the day or the month "
                "comes first: add --day-first or --month-first"
            )
        shape = (DAY_FIRST if day_first else MONTH_FIRST).format(mark=mark) + shape[2:]
    known = pd.Series(list(counts), dtype="str")
    read = ~np.isnan(moments(known, shape or None).hours)
    weights = np.array(list(counts.values()))
    return shape if len(known) and weights[read].sum() >= ENOUGH * weights.sum() else None


def _shape(cell: str) -> str:
    """The strptime form of a cell, in which "?" and its mark stand for day and month in either order; else ""."""
    found = NUMBERS.fullmatch(cell) or MONTH.fullmatch(cell)
    if not found:
        return ""
    year = "%Y" if len(found["year"]) == 4 else "%y"
    date = f"?{found['mark']}{found['mark']}{year}" if found.re is NUMBERS else found["mark"].join(("%d", "%b", year))
    if not found["clock"]:
        return date
    seconds = ":%S" * bool(found["seconds"]) + ".%f" * bool(found["part"])
    half = found["half"] or ""
    return f"{date}{found['gap']}{'%I' if half else '%H'}:%M{seconds}{half[:-2]}{'%p' if half else ''}"
