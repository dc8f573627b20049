"""What was charted, and what the laboratory found, in the first 48 hours of the cohort's stays.

The tables are streamed: a row that is no part of the result goes with its block, and what remains of another is 21
bytes, so that memory follows from the cohort and not from the 330 million rows of CHARTEVENTS.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recondense.cohorts.readers._mimic3.cohort import HOURS
from recondense.cohorts.readers._mimic3.items import ITEM_IDS, VARIABLE_OF_ITEM, converted
from recondense.cohorts.readers._mimic3.tables import Batch, read_batches, times
from recondense.cohorts.readers._mimic3.variables import LEVELS, NAMES
from recondense.records.attrition import Attrition
from recondense.records.cohort import as_events, texts

COLUMNS = ("itemid", "hadm_id", "charttime", "value", "valuenum")
OPTIONAL = ("icustay_id", "error")  # LABEVENTS has neither
OTHER_VARIABLE, OTHER_STAY = "none of the 17 variables", "not of a stay in the cohort"
# Why a row of a variable and a stay is not used. Of the first three there are too many to list each with its line
MASS = (f"outside the first {HOURS} hours", "marked as an error", "blank")
COLUMN_AT_FAULT = {"no time": "charttime", "not a number": "value", "unknown words": "value"}
REASONS = ("", *MASS, *COLUMN_AT_FAULT)


# A measurement: places in the cohort and in `NAMES`, hours since arrival, value
MEASUREMENT = np.dtype([("stay", np.int32), ("variable", np.int8), ("hours", np.float64), ("value", np.float64)])


def read_events(tables: Sequence[Path], stays: pd.DataFrame, attrition: Attrition) -> pd.DataFrame:
    """Events of ``stays`` (as `cohort.select` gives them) in the form of `recondense.records.cohort.Ingested`.

    A row belongs to the stay of its admission unless it names another stay, as in the benchmark: a sample drawn before
    the transfer to the unit, or charted without a stay, counts if its time does. Unit: "measurements", rows.
    """
    blocks = [block for path in tables for block in _measurements(path, stays, attrition)]
    found = np.concatenate([np.empty(0, MEASUREMENT), *blocks])
    found = found[np.lexsort((found["hours"], found["stay"]))]
    ids, names = texts(found["stay"], stays["icustay_id"]), texts(found["variable"], NAMES)
    return as_events(ids, found["hours"], names, found["value"])


def _measurements(path: Path, stays: pd.DataFrame, attrition: Attrition) -> Iterator[NDArray[np.void]]:
    """The usable rows of one table, block by block; the others are set aside."""
    items, admissions = _keys(map(str, ITEM_IDS)), _keys(stays["hadm_id"])
    ids, arrival = stays["icustay_id"].to_numpy(dtype=object), stays["intime"].to_numpy()
    names = _keys(["", *ids])
    mass: Counter[str] = Counter()
    for batch in read_batches(path, COLUMNS, "measurements", attrition, optional=OPTIONAL):
        item = _places(batch.columns["itemid"], items)
        known, item = batch.only(item >= 0), item[item >= 0]
        stay = _places(known.columns["hadm_id"], admissions)
        if "icustay_id" in known.columns:
            named = _places(known.columns["icustay_id"], names) - 1  # -1 where blank, -2 where not of the cohort
            stay = np.where((named == stay) | (named == -1), stay, -1)
        rows, item, stay = known.only(stay >= 0), item[stay >= 0], stay[stay >= 0]
        mass[OTHER_VARIABLE] += len(batch) - len(known)
        mass[OTHER_STAY] += len(known) - len(rows)

        hours = _hours(rows, arrival[stay])
        value, reason = _values(rows, item)
        late_or_early = (hours < 0) | (hours > HOURS)
        first = [REASONS.index(name) for name in ("no time", *MASS[:2])]
        reason = np.select([np.isnan(hours), late_or_early, rows.says("error", "1")], first, reason)
        for place in np.unique(reason[reason > 0]):
            chosen, name = np.flatnonzero(reason == place), REASONS[place]
            if name in MASS:
                mass[name] += len(chosen)
                continue
            where, of = {"file": path.name, "column": COLUMN_AT_FAULT[name]}, ids[stay[chosen]]
            attrition.set_aside("measurements", name, len(chosen), record=of, line=rows.lines(chosen), **where)
        good = np.flatnonzero(reason == 0)
        block = np.empty(len(good), MEASUREMENT)
        block["stay"], block["variable"] = stay[good], VARIABLE_OF_ITEM[item[good]]
        block["hours"], block["value"] = hours[good], value[good]
        yield block
    for name, count in mass.items():
        attrition.set_aside_many("measurements", name, count, file=path.name)


def _values(rows: Batch, item: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The value of each row, in its variable's unit or as its level's place, and the place in `REASONS` if it has none.

    Numbers are taken from ``valuenum``, which keeps digits that ``value`` drops, or from ``value`` where it is blank.
    """
    codes, words = rows.words("value")
    number_codes, numbers = rows.words("valuenum")
    says_nothing, no_number = rows.says("value", ""), rows.says("valuenum", "")
    value = converted(item, np.where(no_number, _numbers(words)[codes], _numbers(numbers)[number_codes]))
    in_words = np.zeros(len(rows), dtype=bool)
    for name, levels in LEVELS.items():
        chosen = VARIABLE_OF_ITEM[item] == NAMES.index(name)
        level = np.array([levels.get(word.lower(), np.nan) for word in words], dtype=float)
        value[chosen] = level[codes[chosen]]
        in_words |= chosen
    problems = {
        "blank": says_nothing & (no_number | in_words),
        "unknown words": np.isnan(value) & in_words,
        "not a number": np.isnan(value),
    }
    return value, np.select(list(problems.values()), [REASONS.index(name) for name in problems], 0)


def _hours(rows: Batch, arrival: NDArray[np.datetime64]) -> NDArray[np.float64]:
    codes, words = rows.words("charttime")
    hours: NDArray[np.float64] = (times(words).to_numpy()[codes] - arrival) / np.timedelta64(1, "h")
    return hours


def _numbers(words: list[str]) -> NDArray[np.float64]:
    return pd.to_numeric(pd.Series(words, dtype=object), errors="coerce").to_numpy(dtype=float)


def _keys(texts: Iterable[str]) -> Any:
    return pa.array([one.encode() for one in texts], pa.binary())


def _places(column: Any, keys: Any) -> NDArray[np.int64]:
    """The place of each cell in ``keys``; of one that is not there, the number before the first: -1."""
    places: NDArray[np.int64] = pc.index_in(column, keys).fill_null(-1).to_numpy().astype(np.int64)
    return places
