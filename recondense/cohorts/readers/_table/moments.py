"""What the text in a table's cells says of time: moments with or without an offset from UTC, numbers, durations."""

from dataclasses import dataclass, field
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recondense.cohorts.readers._table.files import Rows
from recondense.cohorts.readers._table.options import HOURS, Time
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.records.cells import Cells, durations, numbers, of_day

# ISO 8601 and PostgreSQL. An offset follows a time of the day, so that the end of a date is none; no file is finer than
# microseconds here, since nanoseconds end with the year 2262 and files hold years like 9999
MOMENT = (
    r"^(?P<local>.+[T ]\d{1,2}[\d:]*(?:\.\d{1,6})?)\d*"
    r" ?(?P<offset>Z|UTC|GMT|(?P<sign>[+-])(?P<hours>\d{2})(?::?(?P<minutes>[0-5]\d)(?::?(?P<seconds>[0-5]\d))?)?)?$"
)
DATE = r"^[\d/-]+$"
ENOUGH, EARLY = 50, 0.1  # times, and the share of them from one to five, that tell a clock of twelve hours
MIXED = (
    "they cannot be subtracted from each other. Give all times an offset, or say where clocks without one hang: as in "
    "'zone: Europe/Berlin' under options.time"
)


@dataclass
class Clock:
    """How all times of one cohort are read, so that they can be subtracted from each other: all of them have an offset
    from UTC, or none has, or ``time.zone`` says where the others hang."""

    time: Time
    attrition: Attrition
    _seen: dict[bool, str] = field(default_factory=dict)

    @property
    def fault(self) -> str:
        """What a cell is that is no time."""
        return "not a timestamp" if self.time.timestamps else "not a number"

    def hours(self, rows: Rows, column: str, decimal: str, *, of_measurements: bool = False) -> NDArray[np.float64]:
        """Each cell of ``column`` in hours (of moments, since 1970), NaN where blank or something else. Notes where the
        time of the day seems to be lost, of which ``of_measurements`` asks more. Raises `InputError` where some times
        have an offset and others none, or where the column's form has two meanings."""
        cells, where = rows.cells[column], f"column '{column}' of {rows.name}"
        if of_day(cells):
            raise InputError(
                f"{where} holds times of the day, '10:30': add the date, or write durations with their days, as in "
                "'0 days 10:30:00', or as numbers"
            )
        if not self.time.timestamps:
            return spans(cells, decimal, HOURS[self.time.unit], where)
        found = moments(cells, self.time.format, self.time.zone)
        if self.time.zone is None:
            self.check(found, where)
        else:
            self._tell_of_twice(found, where)
        self._tell_of_day(found.of_day[~np.isnan(found.of_day)], where, of_measurements)
        return found.hours

    def _tell_of_day(self, of_day: NDArray[np.float64], where: str, of_measurements: bool) -> None:
        of, first_half = len(of_day), (of_day >= 1) & (of_day < 13)
        odd = ""
        if of >= ENOUGH and first_half.all() and ((of_day >= 1) & (of_day < 5)).mean() >= EARLY:
            odd = "from 1:00 to 12:59: was AM or PM lost? Export them with 24 hours"
        elif of_measurements and self.time.unit != "days" and (of_day == 0).all():
            odd = (
                f"dates without a time of the day, and 'time.unit' is {self.time.unit}: export them with the time of "
                "the day, or say 'unit: days'"
            )
        if odd:
            self.attrition.notice(f"clock of {where}", f"all {of:,} times in {where} are {odd}", of, of, lost=False)

    def check(self, found: "Moments", where: str) -> None:
        """Raise `InputError` where the times ``found`` in a column cannot be subtracted from each other, or from those
        of the columns before."""
        known = ~np.isnan(found.hours)
        kinds = set(found.zoned[known].tolist())
        if len(kinds) == 2:
            raise InputError(_mixed(where, where))
        for zoned in kinds:
            self._seen.setdefault(zoned, where)
        if len(self._seen) == 2:
            raise InputError(_mixed(self._seen[True], self._seen[False]))

    def _tell_of_twice(self, found: "Moments", where: str) -> None:
        twice, known = int(found.twice.sum()), int((~np.isnan(found.hours)).sum())
        what = (
            f"times in {where} are in the hour that comes twice when clocks go back: they count as the first of the two"
        )
        self.attrition.counted(f"hour that comes twice: {where}", what, twice, known, lost=False)


class Moments(NamedTuple):
    """``hours`` since 1970, NaN where a cell is no moment; whether it has an offset from UTC (``zoned``), and whether
    its local time comes ``twice``; that time's hours since midnight (``of_day``); each ``(n,)``."""

    hours: NDArray[np.float64]
    zoned: NDArray[np.bool_]
    twice: NDArray[np.bool_]
    of_day: NDArray[np.float64]


def spans(cells: Cells, decimal: str, unit_hours: float, where: str) -> NDArray[np.float64]:
    """Hours since a time zero: of numbers, whose unit has ``unit_hours``, or of durations. Raises `InputError` where
    a column has both."""
    found = numbers(cells, decimal, below="aside") * unit_hours
    found = np.where(np.isfinite(found), found, np.nan)  # no time is infinite
    rest = np.isnan(found) & (cells != "").to_numpy(dtype=bool)
    if rest.any():
        known = ~np.isnan(found)
        found[rest] = durations(cells[rest]) / 3600
        check_one_form(cells, known, rest & ~np.isnan(found), where)
    return found


def check_one_form(cells: Cells, numeric: NDArray[np.bool_], lasting: NDArray[np.bool_], where: str) -> None:
    """Raise `InputError` where some cells are numbers, in a declared unit, and others durations with units."""
    if numeric.any() and lasting.any():
        lines = [cells.index[np.argmax(chosen)] for chosen in (numeric, lasting)]
        raise InputError(
            f"{where} mixes numbers (line {lines[0]}) and durations with their own units (line {lines[1]}): "
            "write all of them in one form"
        )


def _mixed(with_one: str, without: str) -> str:
    others = "others there have none" if with_one == without else f"times in {without} have none"
    return f"times in {with_one} have an offset from UTC, {others}: {MIXED}"


def moments(cells: Cells, form: str | None, zone: str | None = None) -> Moments:
    """Timestamps, in ISO 8601 or of strptime's ``form``. Without a ``zone``, clocks without an offset count as UTC."""
    codes, found = pd.factorize(cells)  # most columns repeat few texts: each of them is read once
    if not len(found):
        return Moments(np.empty(0), np.empty(0, bool), np.empty(0, bool), np.empty(0))
    words = pd.Series(found, dtype="str")
    if form is None:
        local, offset = _of_iso(words)
    else:
        # With an offset in the form, pandas gives the moment in UTC, and else the local time
        local = _parsed(words, form)
        offset = np.full(len(words), 0.0 if "%z" in form.lower() else np.nan)
    zoned = ~np.isnan(offset)
    moment = local - pd.to_timedelta(np.nan_to_num(offset), unit="s").astype("timedelta64[us]")
    late = moment
    if zone is not None:
        moment, late = (moment.where(zoned, _placed(local, zone, first)) for first in (True, False))
    of_each = [_hours(one) for one in (moment, late)]
    twice = (of_each[0] != of_each[1]) & ~np.isnan(of_each[0])
    return Moments(of_each[0][codes], zoned[codes], twice[codes], (_hours(local) % 24)[codes])


def _of_iso(words: Cells) -> tuple[Cells, NDArray[np.float64]]:
    """The local time that each word says, and its offset from UTC in seconds, NaN where it says none."""
    plain = pc.replace_substring(pc.replace_substring(pc.utf8_upper(pa.array(words)), "−", "-"), ",", ".")
    parts: pd.DataFrame = pa.Table.from_struct_array(pc.extract_regex(plain, MOMENT)).to_pandas().astype("str")
    is_date = pc.match_substring_regex(plain, DATE).to_numpy(zero_copy_only=False)
    local = parts["local"].mask(is_date, plain.to_pandas())
    amounts = parts[["hours", "minutes", "seconds"]].replace("", "0").astype(float) @ np.array([3600, 60, 1])
    offset = np.where(parts["sign"] == "-", -amounts, amounts)
    return _parsed(local, "ISO8601"), np.where(parts["offset"].isna() | (parts["offset"] == ""), np.nan, offset)


def _parsed(words: Cells, form: str) -> Cells:
    found = pd.to_datetime(words.where(words != ""), errors="coerce", format=form, utc=True)
    return found.dt.tz_localize(None).astype("datetime64[us]")


def _placed(local: Cells, zone: str, first: bool) -> Cells:
    """Local times as UTC. Of an hour that comes twice it is the ``first`` or the last; one that is left out is none."""
    summer = np.full(len(local), first)
    there = local.dt.tz_localize(ZoneInfo(zone), ambiguous=summer, nonexistent="NaT")
    return there.dt.tz_convert("UTC").dt.tz_localize(None)


def _hours(moment: Cells) -> NDArray[np.float64]:
    hours: NDArray[np.float64] = (moment.to_numpy() - np.datetime64(0, "us")) / np.timedelta64(1, "h")
    return hours
