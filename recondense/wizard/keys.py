"""Which column says whose a row is: the one whose values link the tables, and not just a likely name."""

from collections.abc import Sequence

import numpy as np

from recondense.errors import InputError
from recondense.wizard.table import Table
from recondense.wizard.words import BIRTH, DIRECT, DIRECT_IF_DISTINCT, SUBJECT, TIME, named, plain, whole

LINKED = 0.5  # the share of a table's rows whose ids another table knows
NAMED_ALIKE, LIKELY_NAME, IDENTIFIER = 0.2, 0.1, 1.0  # how much a name counts beside that share


def find_subjects(tables: Sequence[Table], given: str | None = None) -> list[Table]:
    """Set each table's ``subject``, and return those that have one: that link with others, or that stand alone.

    ``given``: the column's name, where it is known. Raises `InputError` where no column can be it.
    """
    if given is not None and not any(given in table.cells for table in tables):
        raise InputError(f"no table has a column '{given}': name the ids' column at --subject")
    if len(tables) == 1:
        tables[0].subject = given or _alone(tables[0])
        return list(tables)
    anchor, column = _anchor(tables, given)
    for table in tables:
        if table is anchor:
            table.subject = column
        elif given is not None and given in table.cells:
            table.subject = given
        else:
            score, found = _best(anchor, column, table)
            table.subject = found if score > 0 else ""
    return [table for table in tables if table.subject]


def direct(table: Table, column: str) -> bool:
    """Whether a column's name says that it tells who somebody is: a name, an address, a number of an insurance."""
    if named([column], DIRECT):
        return True
    return bool(named([column], DIRECT_IF_DISTINCT)) and table.filled(column).nunique() > 0.5 * _subjects(table)


def _subjects(table: Table) -> int:
    return table.cells[table.subject].nunique() if table.subject else len(table.cells)


def _candidates(table: Table) -> list[str]:
    """Columns that might hold ids: hardly a blank, no fractions, no dates, no times."""
    return [
        column
        for column in table.names
        if (table.cells[column] != "").mean() >= 0.9
        and table.whole(column)
        and not named([column], BIRTH)
        and not whole([column], TIME)
        and not table.looks_dated(column)
    ]


def _alone(table: Table) -> str:
    candidates = [c for c in _candidates(table) if not direct(table, c)]
    unique = [c for c in candidates if table.cells[c].is_unique]
    likely = [c for c in named(candidates, SUBJECT) if c in unique or table.cells[c].nunique() > 2]
    found = [*likely, *unique]
    if not found:
        raise InputError(
            f"no column of {table.name} tells whose a row is: add one with a number for each patient, or name it at "
            "--subject"
        )
    return found[0]


def _anchor(tables: Sequence[Table], given: str | None) -> tuple[Table, str]:
    """The table and column of one row a subject to which the others link best; without one, the likeliest."""
    ranked = []
    for place, table in enumerate(tables):
        columns = [given] if given is not None and given in table.cells else [] if given else _candidates(table)
        for column in columns:
            if not table.cells[column].is_unique:
                continue
            scores = [_best(table, column, other)[0] for other in tables if other is not table]
            ranked.append((sum(scores), -place, -table.names.index(column), table, column))
    if ranked and max(ranked, key=lambda one: one[:3])[0] > 0:
        *_, table, column = max(ranked, key=lambda one: one[:3])
        return table, column
    table = max(tables, key=lambda one: len(one.cells.columns))
    return table, given if given is not None and given in table.cells else _alone(table)


def _best(anchor: Table, column: str, other: Table) -> tuple[float, str]:
    """How well ``other`` links to the anchor, and by which of its columns; 0 and "" where it does not."""
    ids = set(anchor.cells[column])
    found = [(0.0, "")]
    for candidate in _candidates(other):
        cells = other.cells[candidate]
        known = cells.isin(ids)
        linked = float(known.mean())
        alike = plain(candidate) == plain(column)
        if linked < LINKED and not (alike and named([column], SUBJECT)):
            continue
        covered = cells[known].nunique() / max(len(ids), 1)
        score = linked * float(np.sqrt(covered)) + NAMED_ALIKE * alike + LIKELY_NAME * bool(named([candidate], SUBJECT))
        score -= IDENTIFIER * (direct(other, candidate) or direct(anchor, column))
        found.append((score if score > 0 else 0.01 * linked, candidate))
    return max(found)
