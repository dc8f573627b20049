"""A table as text cells, and what its columns seem to hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from recondense.cohorts.readers._declared import FEWEST
from recondense.records.cells import Cells, beyond_limit, durations, numbers, word
from recondense.wizard.dates import ENOUGH, Order, form_of, like_dates
from recondense.wizard.words import POSITIVE, plain

MOST_LEVELS = 20
WORDS = 500  # a column of more different words is text, ids or numbers, and no levels
NO_IDS = ("acid", "steroid", "thyroid", "opioid", "fluid", "liquid", "covid", "carotid", "lipid", "aid", "turkey")
DIGITS = 5  # of a number that is another one for everybody, in the least: then it is an id
UNTOLD = Order(0, 0)


@dataclass
class Table:
    """``cells``: text, "" where blank. ``reading``: how the file has to be read, as in params.yaml. ``order``: of day
    and month in dates. ``subject``: the column that tells whose a row is. ``said``: what was guessed, for a person."""

    name: str
    cells: pd.DataFrame
    reading: dict[str, Any]
    order: Order = UNTOLD
    subject: str = ""
    said: list[str] = field(default_factory=list)
    _forms: dict[str, str | None] = field(default_factory=dict)
    _numbers: dict[str, float] = field(default_factory=dict)

    @property
    def decimal(self) -> str:
        """The decimal mark."""
        return str(self.reading.get("decimal", "."))

    @property
    def names(self) -> list[str]:
        """All columns."""
        return [str(column) for column in self.cells.columns]

    @property
    def columns(self) -> list[str]:
        """All columns but the subject's."""
        return [column for column in self.names if column != self.subject]

    @property
    def repeated(self) -> bool:
        """Whether a subject has several rows."""
        return not self.cells[self.subject].is_unique

    def filled(self, column: str) -> Cells:
        """The cells of a column that are not blank."""
        return self.cells.loc[self.cells[column] != "", column]

    def share_of_numbers(self, column: str) -> float:
        """How much of what a column says is a number, limits of measurement ("<0.5") among them."""
        if column not in self._numbers:
            said = self.filled(column)
            share = float(np.mean(~np.isnan(numbers(said, self.decimal)))) if len(said) else 0.0
            self._numbers[column] = share
        return self._numbers[column]

    def numeric(self, column: str) -> bool:
        """Whether nearly all that a column says is a number."""
        return self.share_of_numbers(column) >= ENOUGH

    def share_of_limits(self, column: str) -> float:
        """How much of what a column says is a limit of measurement."""
        said = self.filled(column)
        return float(np.mean(beyond_limit(said))) if len(said) else 0.0

    def form(self, column: str) -> str | None:
        """How the dates of a column are written, see `form_of`; None where it holds no dates."""
        if column not in self._forms:
            said = self.filled(column)
            self._forms[column] = None if self.numeric(column) else form_of(said, self.order, column)
        return self._forms[column]

    def lasting(self, column: str) -> bool:
        """Whether nearly all that a column says is a duration with its own unit."""
        said = self.filled(column)
        return len(said) > 0 and float(np.mean(~np.isnan(durations(said)))) >= ENOUGH

    def looks_dated(self, column: str) -> bool:
        """Whether a column has the form of dates, even where day and month cannot be told apart."""
        return like_dates(self.filled(column))

    def levels(self, column: str) -> list[str]:
        """The different words of a column, each of at least `FEWEST` subjects, as they are spelt most often; the most
        frequent first."""
        said = self.filled(column)
        spellings = said.value_counts()
        words = pd.Series([word(one) for one in spellings.index], index=spellings.index)
        if words.nunique() > WORDS:
            return []
        counts = spellings.groupby(words, sort=False).sum().sort_values(ascending=False, kind="stable")
        subjects = (
            self.cells.loc[said.index, self.subject].groupby(said.map(words)).nunique() if self.subject else counts
        )
        frequent = [one for one in counts.index if min(counts[one], subjects[one]) >= FEWEST]
        return [str(words.index[words == one][0]) for one in frequent]

    def constant(self, column: str) -> bool:
        """Whether no subject has two different values."""
        said = self.cells[self.cells[column] != ""]
        return bool((said.groupby(self.subject)[column].nunique() <= 1).all())

    def whole(self, column: str) -> bool:
        """Whether all that a column says could be an id: whole numbers, or words that are no numbers."""
        said = pd.Series(self.filled(column).unique(), dtype="str")
        return len(said) > 0 and not said.str.contains(r"^[<>+-]?[0-9]*[.,][0-9.,]*$|^[<>]").any()

    def distinct(self, column: str) -> bool:
        """Whether nearly every subject has another value, as names and ids have."""
        said = self.cells.loc[self.cells[column] != "", [self.subject, column]].drop_duplicates()
        return len(said) >= FEWEST and said[column].nunique() >= ENOUGH * len(said)

    def id_like(self, column: str) -> bool:
        """Whether a column seems to hold ids: by its name, or as another whole number for every subject."""
        name, said = plain(column), self.filled(column)
        if not self.whole(column):
            return False
        if said.nunique() > 2 and name.endswith(("id", "uuid", "guid", "key")) and not name.endswith(NO_IDS):
            return True
        if not self.distinct(column) or not said.str.fullmatch(r"\d+").all() or not said.is_unique:
            return False
        found = said.astype(float)
        return bool(said.str.len().min() >= DIGITS or found.max() - found.min() + 1 == len(found))


def positive_first(levels: Sequence[str]) -> list[str]:
    """Two levels, the one that seems to be the event first: by its name, else the rarer one."""
    known = [level for level in levels if plain(word(level)) in POSITIVE]
    first = known[0] if len(known) == 1 else levels[-1]
    return [first, *(level for level in levels if level != first)]
