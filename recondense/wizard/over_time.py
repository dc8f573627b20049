"""Tables of measurements: their form, long or wide, their times, and the moment that hours count from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.cohorts.readers._declared import FEWEST
from recondense.cohorts.readers._table.moments import Clock, moments, spans
from recondense.cohorts.readers._table.options import HOURS as HOURS_PER
from recondense.cohorts.readers._table.options import Time
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.records.cells import numbers
from recondense.wizard.proposal import Proposal
from recondense.wizard.table import Table
from recondense.wizard.words import BIRTH, CODE, DAYS, DEATH, FOLLOWS, HOURS, MINUTES, TIME, UNIT, VALUE, ZERO, named

# Hours: days, a week, months, years; a window of a round length is no patient's own
WINDOWS = (24, 48, 168, 720, 2160, 4320, 8760, 17520, 43800, 87600)
STEPS = (1, 2, 4, 6, 12, 24, 48, 168, 730, 2190, 4383, 8766)  # hours; 730 is a month, 8766 a year
SEVERAL = 0.2  # the share of rows that share subject and time with another one, from which on a table may be long
EXPLAINED = 0.3  # how much of a number's variance its code explains, from which on it is many numbers in one column


@dataclass(frozen=True)
class Measured:
    """A table of measurements and its columns. Long: ``code`` and ``value`` are named; ``unit`` may be."""

    table: Table
    time: str
    code: str = ""
    value: str = ""
    unit: str = ""

    @property
    def used(self) -> set[str]:
        """The columns that are no variables."""
        return {self.table.subject, self.time, self.code, self.value, self.unit} - {""}


def measured(table: Table, time: str | None) -> Measured | None:
    """What the columns of a table with several rows a subject are, or None where it has no times.

    ``time``: the column's name, where it is known. Raises `InputError` where it holds something else.
    """
    if time in table.columns and not _says_when(table, time):
        raise InputError(
            f"column '{time}' of {table.name} holds neither dates nor numbers nor durations. '26:30' may be hours or "
            "minutes: write '26:30:00'"
        )
    times = [time] if time in table.columns else _times(table)
    if not times:
        return None
    rest = [c for c in table.columns if c not in times and not table.looks_dated(c)]
    code, value = _long(table, times[0], rest)
    unit = next(iter(named([c for c in rest if c not in (code, value) and not table.numeric(c)], UNIT)), "")
    return Measured(table, times[0], code, value, unit if value else "")


def _times(table: Table) -> list[str]:
    columns = [c for c in table.columns if not named([c], (*BIRTH, *FOLLOWS, *DEATH))]
    likely = named(columns, TIME)
    likely += [c for c in columns if c not in likely and table.looks_dated(c)]
    return [c for c in likely if _says_when(table, c) and not table.constant(c)]


def _says_when(table: Table, column: str) -> bool:
    return table.numeric(column) or table.looks_dated(column) or table.lasting(column)


def _long(table: Table, time: str, columns: list[str]) -> tuple[str, str]:
    """The columns of codes and of values of a long table, by their names or by structure; "" twice for a wide one."""
    codes = [c for c in columns if _few_repeated(table, c)]
    values = [c for c in columns if table.share_of_numbers(c) >= 0.5 and not table.id_like(c)]
    code, value = next(iter(named(codes, CODE)), None), next(iter(named(values, VALUE)), None)
    if code and value and code != value:
        return code, value
    words = [c for c in codes if not table.numeric(c)]
    values = [c for c in values if c not in words]
    if not words or len(values) != 1:
        return "", ""
    best = max(words, key=lambda c: _explained(table, c, values[0]))
    shared = table.cells.duplicated([table.subject, time], keep=False)
    apart = ~table.cells.duplicated([table.subject, time, best], keep=False)
    if (shared & apart).mean() >= SEVERAL or _explained(table, best, values[0]) >= EXPLAINED:
        return best, values[0]
    return "", ""


def _few_repeated(table: Table, column: str) -> bool:
    """Whether a column has the form of codes: words or whole numbers that repeat, in more than one subject."""
    said = table.filled(column)
    return table.whole(column) and 1 < said.nunique() <= len(said) / FEWEST and not table.constant(column)


def _explained(table: Table, code: str, value: str) -> float:
    """The share of the variance of the values' ranks between codes (eta squared)."""
    frame = pd.DataFrame({"code": table.cells[code], "rank": numbers(table.cells[value], table.decimal)})
    frame = frame[(frame["code"] != "") & frame["rank"].notna()]
    rank = frame["rank"].rank()
    mean = rank.groupby(frame["code"]).transform("mean")
    return float(mean.var() / rank.var()) if len(frame) > 1 and rank.var() > 0 else 0.0


def declare_times(found: Proposal, series: Sequence[Measured], people: Table | None) -> str | None:
    """Declare measurements, time and steps; returns the subjects' column of time zero, if any."""
    tables = [_as_declared(one) for one in series]
    found.options["measurements"] = tables if len(tables) > 1 else tables[0]
    for one in series:
        found.said.append(
            f"measurements: {one.table.name}, one row a {'measurement' if one.value else 'visit'}; subject "
            f"{one.table.subject}, time {one.time}" + (f", code {one.code}, value {one.value}" if one.value else "")
        )
    forms = {f"{one.table.name}, column '{one.time}'": one.table.form(one.time) for one in series}
    if len(set(forms.values())) > 1:
        said = "; ".join(f"{where}: {_called(form)}" for where, form in forms.items())
        raise InputError(
            f"times are written in different forms: {said}. Write all of them in one form, such as ISO 8601"
        )
    form = next(iter(forms.values()))
    zero = _zero(series, people, form) if form is not None else None
    if form is None:
        found.options["time"] = {"unit": _unit(found, series)}
    else:
        found.options["time"] = {
            "unit": "days", "timestamps": True, **({"format": form} if form else {}),
            "zero": zero or {"first": "measurement"},
        }  # fmt: skip
        found.said.append(_about_dates(series[0], form))
        none = "no column of the subjects has dates in the same form that lie before most measurements"
        first = zero or f"the first measurement of each subject, since {none}"
        found.check.append(f"time zero: {first}{' of each subject' if zero else ''}")
        _check_offsets(found, series, people, zero)
    hours = _hours(found, series, people, zero)
    if form is None and (hours["hours"] < 0).mean() > 0.5:
        hours["hours"] = _look_back(found, hours["hours"])
    _steps(found, hours)
    return zero


def _as_declared(one: Measured) -> dict[str, Any]:
    """A table of measurements as in params.yaml."""
    table = one.table
    name = {"name": table.name} if table.name != table.reading["file"] else {}
    long = {"variable": one.code, "value": one.value} if one.value else {}
    return {**name, **table.reading, "subject": table.subject, "time": one.time, **long}


def _called(form: str | None) -> str:
    return "numbers" if form is None else form or "ISO 8601"


def _about_dates(one: Measured, form: str) -> str:
    said, order = f"dates: {_called(form)}", one.table.order
    if "%d" in form and "%b" not in form and order.given is None:
        first, only = ("day", order.day) if form.startswith("%d") else ("month", order.month)
        said += f", the {first} first: {only} cells can be nothing else, {order.day + order.month - only} the opposite"
    return said


def _unit(found: Proposal, series: Sequence[Measured]) -> str:
    by_words = (("minutes", MINUTES), ("days", DAYS), ("hours", HOURS))
    units = [next((unit for unit, words in by_words if named([one.time], words)), "hours") for one in series]
    unit = units[0]
    if len(set(units)) > 1:
        said = ", ".join(f"{one.table.name}: {unit}" for one, unit in zip(series, units, strict=True))
        raise InputError(f"times seem to have different units ({said}): write all of them in one unit")
    found.check.append(f"time: {series[0].time} counts {unit} (by its name; other names count as hours)")
    return unit


def _zero(series: Sequence[Measured], people: Table | None, form: str | None) -> str | None:
    """The subjects' date before most of their measurements."""
    if people is None:
        return None
    dates = [c for c in people.columns if not named([c], (*BIRTH, *FOLLOWS, *DEATH)) and people.form(c) == form]
    for column in [*named(dates, ZERO), *dates]:
        hours = np.concatenate([_since(one, people, column) for one in series])
        if (hours[np.isfinite(hours)] >= 0).mean() > 0.5:
            return column
    return None


def _since(one: Measured, people: Table, zero: str) -> NDArray[np.float64]:
    form = people.form(zero)
    start = pd.Series(moments(people.cells[zero], form or None).hours, index=people.cells[people.subject])
    known = one.table.cells[one.table.subject].map(start[~start.index.duplicated()]).to_numpy(dtype=float)
    return moments(one.table.cells[one.time], form or None).hours - known


def _check_offsets(found: Proposal, series: Sequence[Measured], people: Table | None, zero: str | None) -> None:
    """Tell where only some of the times have an offset from UTC: ingestion refuses them until the zone is declared."""
    time = Time.model_validate(found.options["time"])
    columns = [*((one.table, one.time) for one in series), *([(people, zero)] if people and zero else [])]
    clock = Clock(time, Attrition())
    try:
        for table, column in columns:
            clock.check(moments(table.cells[column], time.format), f"column '{column}' of {table.name}")
    except InputError as error:
        found.check.append(f"zone: {error}")


def _hours(found: Proposal, series: Sequence[Measured], people: Table | None, zero: str | None) -> pd.DataFrame:
    """``subject`` and ``hours`` of each row of all tables."""
    parts = []
    for one in series:
        ids = one.table.cells[one.table.subject]
        if zero and people is not None:
            hours = _since(one, people, zero)
        elif "timestamps" in found.options["time"]:
            hours = moments(one.table.cells[one.time], found.options["time"].get("format")).hours
        else:
            unit = HOURS_PER[found.options["time"]["unit"]]
            hours = spans(one.table.cells[one.time], one.table.decimal, unit, f"column '{one.time}'")
        parts.append(pd.DataFrame({"subject": ids.to_numpy(), "hours": hours}))
    rows: pd.DataFrame = pd.concat(parts, ignore_index=True)
    rows = rows.loc[np.isfinite(rows["hours"])]
    if "timestamps" in found.options["time"] and not zero:
        rows["hours"] -= rows.groupby("subject")["hours"].transform("min")
    return rows


def _look_back(found: Proposal, hours: "pd.Series[float]") -> "pd.Series[float]":
    """Where most times lie before zero, zero is the landmark; the window reaches back over most of them."""
    most = float(np.quantile(-hours[hours <= 0], 0.9))
    span = next((window for window in WINDOWS if window >= most), WINDOWS[-1])
    window = round(span / HOURS_PER[found.options["time"]["unit"]])
    found.options["time"] |= {"until": 0, "window": window}
    found.check.append(
        f"look-back: {(hours < 0).mean():.0%} of the measurements lie before time zero, so those of the {window} "
        f"{found.options['time']['unit']} before it are used, and none after it"
    )
    return hours.where(hours <= 0) + span


def _steps(found: Proposal, rows: pd.DataFrame) -> None:
    """Steps of a round length: about as many as a subject has different times, over the span of most rows."""
    within = rows[rows["hours"] >= 0]
    span = float(np.quantile(within["hours"], 0.9)) if len(within) else 1.0
    if window := found.options["time"].get("window"):
        span = window * HOURS_PER[found.options["time"]["unit"]]
    per_subject = float(within.groupby("subject")["hours"].nunique().median()) if len(within) else 1.0
    wanted = max(span, 1) / min(max(per_subject, 4), 48)
    found.step_hours = min(STEPS, key=lambda step: abs(math.log(step / wanted)))
    found.n_steps = max(1, math.ceil(span / found.step_hours))
