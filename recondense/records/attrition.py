"""Nothing is lost: whatever does not go on is set aside with a reason and a count."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from recondense.files.strict_json import read_json

Where = str | int | None | Sequence[str] | Sequence[int] | np.ndarray
NOTICES = "notices.json"  # in ingestion's folder, a list of `Notice`
DTYPES = dict.fromkeys(("unit", "reason", "file", "record", "line", "column"), "string") | {
    "line": "Int64",
    "count": "int64",
}


@dataclass(frozen=True)
class Notice:
    """What a steward has to see of a cohort beside its counts: ``count`` of ``of`` items, and what to do, in ``text``.

    ``name``: what params.yaml accepts it by. ``lost``: the items are not in the cohort, though they were declared.
    ``asked``: however few they are, somebody has to accept that they are lost.
    """

    name: str
    text: str
    count: int
    of: int
    lost: bool = True
    asked: bool = False

    @property
    def share(self) -> float:
        """``count`` as a share of ``of``."""
        return self.count / self.of


def noticed(folder: Path) -> list[Notice]:
    """What ingestion left in ``folder``, what was lost first; none where it left nothing."""
    path = folder / NOTICES
    return [Notice(**row) for row in read_json(path)] if path.is_file() else []


def most_first(notices: Iterable[Notice]) -> list[Notice]:
    """What was lost first, and of that the largest share."""
    return sorted(notices, key=lambda notice: (not notice.lost, -notice.share, notice.name))


@dataclass
class Attrition:
    """Counts of what came in, what was kept and what was set aside, per unit ("subjects", "measurements", ...).

    The rows behind the counts say where each item came from (file, record, line, column), never its value. They are
    restricted: a steward opens them in ``set_aside.parquet``.

    >>> counts = Attrition()
    >>> counts.came_in("subjects", 3)
    >>> counts.set_aside("subjects", "no outcome", record="a7")
    >>> counts.kept("subjects", 2)
    >>> counts.summary()["subjects"]
    {'in': 3, 'kept': 2, 'set_aside': {'no outcome': 1}}
    """

    _in: dict[str, int] = field(default_factory=dict)
    _kept: dict[str, int] = field(default_factory=dict)
    _aside: dict[str, Counter[str]] = field(default_factory=dict)
    _rows: list[pd.DataFrame] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def came_in(self, unit: str, count: int) -> None:
        """Add ``count`` items of ``unit`` to what came in."""
        self._in[unit] = self._in.get(unit, 0) + count

    def kept(self, unit: str, count: int) -> None:
        """Add ``count`` items of ``unit`` to what went on."""
        self._kept[unit] = self._kept.get(unit, 0) + count

    def notice(self, name: str, text: str, count: int, of: int, *, lost: bool = True, asked: bool = False) -> None:
        """Note that ``count`` of ``of`` items need a steward's eye, where there are any; see `Notice`."""
        if count:
            self.notices.append(Notice(name, text, count, of, lost, asked))

    def counted(self, name: str, what: str, count: int, of: int, *, lost: bool = True, asked: bool = False) -> None:
        """The same with the counts in front of the text: ``count`` of ``of`` ``what``."""
        self.notice(name, f"{count:,} of {of:,} {what}", count, of, lost=lost, asked=asked)

    def set_aside(
        self,
        unit: str,
        reason: str,
        count: int = 1,
        *,
        file: Where = None,
        record: Where = None,
        line: Where = None,
        column: Where = None,
    ) -> None:
        """Set ``count`` items of ``unit`` aside; each place is one value for all of them or ``count`` values."""
        if not count:
            return
        self._aside.setdefault(unit, Counter())[reason] += count
        places = {"file": file, "record": record, "line": line, "column": column}
        self._rows.append(pd.DataFrame({"unit": unit, "reason": reason, **places, "count": 1}, index=range(count)))

    def set_aside_many(self, unit: str, reason: str, count: int, *, file: str | None = None) -> None:
        """Set ``count`` items of ``unit`` aside as one row, where they are too many to name the place of each.

        >>> counts = Attrition()
        >>> counts.came_in("rows", 330_712_483)
        >>> counts.set_aside_many("rows", "of another variable", 330_712_483, file="CHARTEVENTS.csv.gz")
        >>> len(counts.rows()), counts.summary()["rows"]["set_aside"]
        (1, {'of another variable': 330712483})
        """
        self.set_aside(unit, reason, min(count, 1), file=file)
        if count:
            self._aside[unit][reason] += count - 1
            self._rows[-1]["count"] = count

    def set_aside_rows(self, unit: str, reason: str, rows: pd.DataFrame, **places: Where) -> None:
        """Set each of ``rows`` aside; columns ``file, record, line, column`` say where, and so does ``places``."""
        found = {name: rows[name].to_numpy() for name in ("file", "record", "line", "column") if name in rows}
        self.set_aside(unit, reason, len(rows), **{**found, **places})

    def set_aside_by_reason(self, unit: str, rows: pd.DataFrame, **places: Where) -> None:
        """The same of those of ``rows`` that have a ``reason``, which is "" in the others."""
        for reason, gone in rows[rows["reason"] != ""].groupby("reason"):
            self.set_aside_rows(unit, str(reason), gone, **places)

    def forget(self, records: Collection[str]) -> None:
        """Blank the places of whatever was set aside of ``records``: counts and reasons stay, the trail to them goes.

        >>> counts = Attrition()
        >>> counts.set_aside("records", "empty file", file="set-a/a7.txt", record="a7", line=1)
        >>> counts.forget(["a7"])
        >>> counts.rows()[["unit", "reason", "file", "record"]].values.tolist()
        [['records', 'empty file', <NA>, <NA>]]
        """
        if not len(records):
            return
        named = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, records))})(?!\w)")
        for rows in self._rows:
            trail = [rows[name].dropna().astype(str).drop_duplicates() for name in ("file", "record")]
            found = {text for texts in trail for text in texts if named.search(text)}
            gone = rows["file"].isin(found) | rows["record"].isin(found)
            for name in ("file", "record", "line"):
                rows[name] = rows[name].mask(gone, None)

    def rows(self) -> pd.DataFrame:
        """What was set aside: ``unit, reason, file, record, line, column, count``.

        ``count`` is 1, one row for each item, but for `set_aside_many`.
        """
        typed = [rows.astype(DTYPES) for rows in self._rows]
        return pd.concat(typed, ignore_index=True) if typed else pd.DataFrame(columns=list(DTYPES)).astype(DTYPES)

    def summary(self) -> dict[str, dict[str, object]]:
        """Counts by unit. Raises `AssertionError` where what came in is not what was kept plus what was set aside."""
        result: dict[str, dict[str, object]] = {}
        for unit in self._in:
            aside, kept = self._aside.get(unit, Counter()), self._kept.get(unit, 0)
            if self._in[unit] != kept + aside.total():
                raise AssertionError(f"{unit}: {self._in[unit]} in, {kept} kept, {aside.total()} set aside")
            result[unit] = {"in": self._in[unit], "kept": kept, "set_aside": dict(sorted(aside.items()))}
        return result
