"""The outcome, and whatever gives it away: what is recorded after it, and what is nearly the same."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.cohorts.readers._declared import FEWEST
from recondense.errors import InputError
from recondense.models.scores import single_auc
from recondense.records.cells import Cells, numbers, word
from recondense.wizard.proposal import Proposal
from recondense.wizard.table import MOST_LEVELS, Table, positive_first
from recondense.wizard.words import DEATH, FOLLOW_UP, FOLLOWS, LIFE, OUTCOME, named, plain, whole

GIVES_AWAY = 0.95  # an AUC of one variable alone, above which it is taken for the outcome in other words
FEWEST_WITH = 10  # subjects with and without the outcome, in the least, for that AUC to be looked at


def find_outcome(found: Proposal, tables: Sequence[Table], given: str | None) -> tuple[Table, str]:
    """Declare the outcome; returns its table and column. Raises `InputError` where there is none to be seen."""
    single = [table for table in tables if not table.repeated]
    looked_at = single or list(tables)
    names = " and ".join(table.name for table in looked_at)
    if given is not None:
        having = [table for table in looked_at if given in table.cells]
        if not having:
            raise InputError(
                f"{names} has no column '{given}': name the outcome's column at --outcome"
                + _several_rows([(table, given) for table in tables if given in table.cells])
            )
        table, column = having[0], given
    else:
        likely = [
            (table, column)
            for table in looked_at
            for column in _by_words(table, [c for c in table.columns if not table.repeated or table.constant(c)])
        ]
        if not likely:
            raise InputError(
                f"no column of {names} looks like an outcome with two levels: name it at --outcome; where it has more "
                f"than {MOST_LEVELS}, declare the block by hand (the documentation's page 'Your own cohort')"
                + _several_rows([(table, column) for table in tables for column in _by_words(table, table.columns)])
            )
        ranks = {name: rank for rank, name in enumerate(_by_name([column for _, column in likely]))}
        table, column = min(likely, key=lambda one: ranks[one[1]])
        others = [name for _, name in likely if name != column]
        if others:
            found.check.append(f"outcome: {', '.join(others)} would do, too: type --outcome {others[0]}")
    levels = table.levels(column)
    if not 2 <= len(levels) <= MOST_LEVELS:
        raise InputError(
            f"column '{column}' of {table.name} has {len(levels)} levels of {FEWEST} subjects or more: name an "
            f"outcome of 2 to {MOST_LEVELS} levels at --outcome"
        )
    _declare(found, table, column, levels)
    return table, column


def _several_rows(having: Sequence[tuple[Table, str]]) -> str:
    """Where an outcome is that a subject has several of, such as one of each stay."""
    if not having:
        return ""
    table, column = having[0]
    return (
        f". {table.name} has '{column}', but several rows of each {table.subject}: name the column that differs in "
        "each of its rows, such as that of stays, at --subject"
    )


def _by_words(table: Table, columns: Sequence[str]) -> list[str]:
    """Those of two levels that are named as outcomes are, or say who lives."""
    two = [c for c in columns if len(table.levels(c)) == 2]
    life = [c for c in two if {plain(word(level)) for level in table.levels(c)} & LIFE]
    return [c for c in two if c in {*named(two, DEATH), *whole(two, OUTCOME), *life}]


def _by_name(columns: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*whole(columns, (*OUTCOME[:3], *DEATH)), *named(columns, DEATH), *columns]))


def _declare(found: Proposal, table: Table, column: str, levels: list[str]) -> None:
    if len(levels) == 2:
        first, second = positive_first(levels)
        found.options["outcome"] = {"column": column, "positive": [first], "negative": [second]}
        found.said.append(f"outcome: {column} in {table.name}; positive is '{first}', negative '{second}'")
        return
    found.options["outcome"] = {"column": column, "classes": {level: [level] for level in sorted(levels)}}
    found.said.append(
        f"outcome: {column} in {table.name}, a class each of {', '.join(sorted(levels))}; to put levels "
        "together name them in one class, or in 'positive' and 'negative'"
    )


def follows(found: Proposal, table: Table, outcome: str) -> dict[str, str]:
    """Columns that by their names are recorded when the outcome is known, each with the reason to leave it out."""
    columns = [column for column in table.columns if column != outcome]
    follow_up = [column for column in named(columns, FOLLOW_UP) if table.numeric(column)]
    if follow_up:
        found.check.append(
            f"follow-up: {follow_up[0]} looks like the end of follow-up. Where it was censored, a landmark rule "
            "is right: declare 'landmark' in place of 'outcome'"
        )
    reasons = dict.fromkeys(named(columns, FOLLOWS), "known when the stay is over: charges, length of stay, discharge")
    reasons |= dict.fromkeys([*named(columns, DEATH), *whole(columns, OUTCOME)], "it may tell the outcome")
    return reasons | dict.fromkeys(follow_up, "known when the outcome is: the end of follow-up")


def classes_of(options: dict[str, Any], table: Table) -> "pd.Series[str]":
    """The outcome's word of each subject; the index is the id."""
    column = options["outcome"]["column"]
    said = table.cells[table.cells[column] != ""]
    found: pd.Series[str] = said.groupby(table.subject)[column].first().map(word)
    return found


def gives_away(table: Table, column: str, cells: Cells, outcome: "pd.Series[str]") -> float | None:
    """The AUC of one variable alone, where it is above `GIVES_AWAY` for every class of the outcome, else None.

    ``cells``: of ``column``, each with its subject's id as the index. Of several rows of a subject the last counts.
    """
    last = cells[cells != ""].groupby(level=0).last().reindex(outcome.index, fill_value="")
    blank = (last == "").to_numpy()
    score = numbers(last, table.decimal)
    words = last.map(word)
    words = words.where(words.map(words.value_counts()) >= FEWEST, "")  # few rows of a word tell by chance
    aucs = []
    for one in outcome.unique():
        is_one = (outcome == one).to_numpy()
        if min(is_one.sum(), (~is_one).sum()) < FEWEST_WITH:
            continue
        if not table.numeric(column):
            score = words.map(pd.Series(is_one.astype(float), index=words.index).groupby(words).mean()).to_numpy()
        aucs.append(max(auc(score, is_one), auc(blank.astype(float), is_one)))
    return min(aucs) if aucs and min(aucs) > GIVES_AWAY else None


def auc(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """The AUC of those whose score is known, whichever way round is the better one; 0 where too few are."""
    known = ~np.isnan(score)
    score, positive = score[known], positive[known]
    if min(positive.sum(), (~positive).sum()) < FEWEST_WITH:
        return 0.0
    found = single_auc(positive.astype(np.float64), score)
    return max(found, 1 - found)
