"""Every column, or code of long measurements, that looks like a variable; all others are left out, with the reason."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from recondense.cohorts.readers._declared import FEWEST, RESERVED
from recondense.records.cells import word
from recondense.wizard.keys import direct
from recondense.wizard.outcome import gives_away
from recondense.wizard.over_time import Measured
from recondense.wizard.proposal import Proposal
from recondense.wizard.table import MOST_LEVELS, Table, positive_first
from recondense.wizard.words import BIRTH, named

FREE_TEXT = 0.1  # the share of a column's cells that no level says, from which on it is no code book
MANY_LIMITS = 0.05  # the share of limits of measurement among a variable's cells from which on a person is told


def columns_as_variables(
    found: Proposal,
    table: Table,
    columns: Sequence[str],
    role: str,
    kept_out: dict[str, str],
    outcome: "pd.Series[str]",
    several: bool = False,
) -> None:
    """Declare ``columns`` of a table of subjects or of visits. ``kept_out``: columns that are none, each with the
    reason, which is "" where nobody needs it. ``several``: there are several tables of measurements."""
    for column in columns:
        reason = kept_out[column] if column in kept_out else _no_variable(table, column, outcome)
        if reason is None:
            _declare(found, table, column, column, role, table.name if several else "")
        elif reason:
            found.leave_out(column, reason)


def codes_as_variables(found: Proposal, one: Measured, outcome: "pd.Series[str]", several: bool = False) -> None:
    """Declare the codes of long measurements, each of at least `FEWEST` subjects."""
    table, rare = one.table, 0
    for name, rows in table.cells[table.cells[one.code] != ""].groupby(one.code, sort=False):
        code = str(name)
        if rows[table.subject].nunique() < FEWEST:
            rare += 1
            continue
        cells = rows[[table.subject, one.value]].set_axis([table.subject, code], axis="columns")
        if table.subject == code:
            found.leave_out(f"the code {code}", "the column of the subjects has the same name")
            continue
        only = Table(table.name, cells, {"decimal": table.decimal}, table.order, table.subject)
        if away := gives_away(only, code, cells.set_index(table.subject)[code], outcome):
            found.leave_out(code, _given_away(away))
            continue
        _declare(found, only, code, code, "series", table.name if several else "")
        if one.unit:
            _unit(found, code, rows.loc[rows[one.unit] != "", one.unit])
    if rare:
        found.leave_out(f"{rare} codes of {table.name}", f"fewer than {FEWEST} subjects have them")


def _no_variable(table: Table, column: str, outcome: "pd.Series[str]") -> str | None:
    """Why a column is no variable, or None where it may be one."""
    if len(set(table.cells[column]) - {""}) < 2:
        return "all of it is blank" if table.filled(column).empty else "it says one thing, or nothing"
    if named([column], BIRTH) and table.looks_dated(column):
        return "the date of birth tells who somebody is: add the age in years as a column"
    if direct(table, column):
        return "it tells who somebody is"
    if table.looks_dated(column):
        return "a date"
    if table.id_like(column):
        return "an id"
    away = gives_away(table, column, table.cells.set_index(table.subject)[column], outcome)
    return _given_away(away) if away else None


def _given_away(auc: float) -> str:
    return f"it gives the outcome away: an AUC of {auc:.3f} alone"


def _unit(found: Proposal, name: str, cells: "pd.Series[str]") -> None:
    counts = cells.value_counts()
    if counts.empty or counts.iloc[0] < FEWEST or "unit" not in found.variables.get(name, {}):
        return
    found.variables[name]["unit"] = str(counts.index[0])
    if others := [f"{unit} ({count} rows)" for unit, count in counts.items() if count >= FEWEST][1:]:
        found.check.append(
            f"units: most rows of {name} are in {counts.index[0]}, others in {', '.join(others)}; convert these first"
        )


def _declare(found: Proposal, table: Table, column: str, label: str, role: str, of_table: str) -> None:
    name = _free(found, column, of_table)
    base: dict[str, Any] = {"label": label, "role": role, **({"column": column} if name != column else {})}
    levels = table.levels(column)
    plain = {word(level) for level in levels}
    if plain == {"0", "1"}:
        declared = {name: {**base, "kind": "binary"}}
    elif table.numeric(column):
        declared = {name: {**base, "unit": ""}}
        if (share := table.share_of_limits(column)) > MANY_LIMITS:
            found.check.append(
                f"limits: {share:.0%} of {column} are limits of measurement such as '<' and a number: they count as "
                "the limit; 'below: half' or 'below: aside' changes that"
            )
    elif len(levels) > 1 and (rare := _rare(table, column, levels)) > FREE_TEXT:
        found.leave_out(column, f"{rare:.0%} of its cells have words of fewer than {FEWEST} subjects")
        return
    elif len(levels) == 2:
        first, *others = positive_first(levels)
        declared = {name: {**base, "kind": "binary", "positive": [first], "negative": others}}
    elif 2 < len(levels) <= MOST_LEVELS and role == "static":
        declared = {name: {**base, "kind": "categorical", "levels": levels}}
    elif 2 < len(levels) <= MOST_LEVELS:
        declared = {
            _free(found, f"{name}={level}", of_table): {**base, "kind": "binary", "column": column, "positive": [level]}
            for level in levels
        }
    else:
        share = table.share_of_numbers(column)
        neither = f"numbers in {share:.0%} of its cells only" if share >= 0.5 else "neither numbers nor a few levels"
        found.leave_out(column, neither)
        return
    for variable in declared.values():
        if of_table:
            variable["table"] = of_table
    found.variables |= declared


def _rare(table: Table, column: str, levels: Sequence[str]) -> float:
    """The share of a column's cells that none of ``levels`` says."""
    said = table.filled(column).map(word)
    return float((~said.isin({word(level) for level in levels})).mean())


def _free(found: Proposal, name: str, of_table: str) -> str:
    """``name``, or where it is taken one that is not."""
    for free in (name, f"{name} ({of_table})" if of_table and name not in RESERVED else f"{name}_"):
        if free not in RESERVED and free not in found.variables:
            return free
    return _free(found, f"{name}_", of_table)
