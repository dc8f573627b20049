"""The cohort as arrays, and what was set aside on the way to it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.files.strict_json import read_json
from recondense.records.attrition import Notice, noticed
from recondense.records.cohort import Ingested, Variable, classes_of
from recondense.records.target import Target
from recondense.results.stages import Counts, Ingestion

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


def different(subject: Places) -> int:
    """How many different subjects there are in a sorted array of them.

    >>> different(np.array([3, 3, 5, 8, 8]))
    3
    """
    return int(np.count_nonzero(np.diff(subject))) + 1 if len(subject) else 0


def medians(subject: Places, value: Floats) -> tuple[Places, Floats]:
    """Each subject that ``subject``, sorted, has, and the median of its values.

    >>> medians(np.array([3, 3, 5]), np.array([1.0, 2.0, 9.0]))
    (array([3, 5]), array([1.5, 9. ]))
    """
    order = np.lexsort((value, subject))
    first = np.flatnonzero(np.diff(subject, prepend=-1))
    number = np.diff(first, append=len(subject))
    middle = value[order[first + (number - 1) // 2]], value[order[first + number // 2]]
    return subject[first], (middle[0] + middle[1]) / 2


@dataclass(frozen=True)
class Cohort:
    """``records`` and ``aside`` as ingestion left them; ``step_hours``, ``n_steps``: the grid they will be put on.

    ``notices``: what was declared and not found.
    """

    records: Ingested
    aside: pd.DataFrame
    counts: dict[str, Counts]
    source: dict[str, str]
    target: Target
    step_hours: float
    n_steps: int
    notices: tuple[Notice, ...] = ()

    @classmethod
    def load(cls, folder: Path, step_hours: float, n_steps: int) -> "Cohort":
        """Read ``folder``, which ingestion wrote."""
        return cls(
            Ingested.load(folder),
            pd.read_parquet(folder / "set_aside.parquet"),
            Ingestion.load(folder / "metrics.json").counts,
            read_json(folder / "source.json"),
            Target.model_validate(read_json(folder / "target.json")),
            step_hours,
            n_steps,
            tuple(noticed(folder)),
        )

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """What is measured: all variables but the outcome."""
        return tuple(variable for variable in self.records.variables if variable.role != "outcome")

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the outcome's classes where there are more than two, else none."""
        return classes_of(self.records.variables)

    @property
    def n_subjects(self) -> int:
        """How many subjects there are; elsewhere a subject is its place among them."""
        return len(self.records.subjects)

    @cached_property
    def outcome(self) -> Floats:
        """The outcome of each subject, ``(n_subjects,)``."""
        return self.records.subjects["outcome"].to_numpy(dtype=float)

    @cached_property
    def events(self) -> pd.DataFrame:
        """Columns ``subject`` (place), ``hours``, ``variable`` (place), ``value``, sorted by subject and time."""
        events, names = self.records.events, pd.Index([variable.name for variable in self.variables])
        return pd.DataFrame(
            {
                "subject": pd.Index(self.records.subjects["subject_id"]).get_indexer(pd.Index(events["subject_id"])),
                "hours": events["hours"].to_numpy(dtype=float),
                "variable": names.get_indexer(pd.Index(events["variable"])),
                "value": events["value"].to_numpy(dtype=float),
            }
        )

    @cached_property
    def _by_variable(self) -> dict[int, Places]:
        codes = self.events["variable"].to_numpy()
        order = np.argsort(codes, kind="stable")
        places, first = np.unique(codes[order], return_index=True)
        return dict(zip(places.tolist(), np.split(order, first)[1:], strict=True))

    def measured(self, variable: Variable) -> tuple[Places, Floats, Floats]:
        """Subject, hours and value of every measurement of ``variable``, sorted by subject; a static is at hour 0."""
        if variable.role == "static":
            column = self.records.subjects[variable.name].to_numpy(dtype=float)
            known = np.flatnonzero(~np.isnan(column))
            return known, np.zeros(len(known)), column[known]
        rows = self._by_variable.get(self.variables.index(variable), np.empty(0, dtype=np.int64))
        subject, hours, value = (self.events[name].to_numpy()[rows] for name in ("subject", "hours", "value"))
        return subject, hours, value
