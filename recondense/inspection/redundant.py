"""Does one variable say the same as another: a lab under two names or in two units, a finding and its absence?"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from recondense.inspection import FEWEST
from recondense.inspection.cohort import Cohort, Floats

SAME = 0.998  # correlation of subjects' means; less than 1, since labs round
SAME_RANKS = 0.95  # or one extreme subject would make it
EXACT = 0.005  # by so much the factor may differ from 1, and the rest from 0, of two that are called the same


def pairs(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Pairs of variables of which one is the other, its opposite, or a linear function of it: names, and which."""
    table, of = _columns(cohort)
    table = table[[name for name in table if _varied(table[name].dropna()) >= FEWEST]]
    if table.shape[1] < 2:
        return
    correlation = table.corr(min_periods=2 * FEWEST).to_numpy()
    told: set[tuple[str, str]] = set()
    for i, j in np.argwhere(np.triu(np.abs(np.nan_to_num(correlation)) >= SAME, k=1)):
        one, other = table.columns[i], table.columns[j]
        pair = (of[one], of[other])
        both = table[[one, other]].dropna()
        if pair[0] == pair[1] or pair in told or min(_varied(both[name]) for name in both) < FEWEST:
            continue
        if abs(both[one].corr(both[other], method="spearman")) < SAME_RANKS:
            continue
        told.add(pair)
        yield (
            f"{pair[0]} and {pair[1]}",
            f"{_relation(str(one), str(other), both.to_numpy(dtype=float))} in all {len(both):,} subjects that have "
            "both: leave one of them out",
        )


def _varied(column: "pd.Series[float]") -> int:
    """How many subjects have another value than the most frequent one."""
    return len(column) - int(column.value_counts().iloc[0])


def _columns(cohort: Cohort) -> tuple[pd.DataFrame, dict[str, str]]:
    """The mean of each variable in each subject, of a categorical one the share of each level; and whose it is."""
    columns: dict[str, Floats] = {}
    of: dict[str, str] = {}
    for variable in cohort.variables:
        subject, _, value = cohort.measured(variable)
        number = np.bincount(subject, minlength=cohort.n_subjects)
        levels = enumerate(variable.levels) if variable.kind == "categorical" else [(None, "")]
        for place, level in levels:
            name = variable.name if place is None else f"{variable.name} is {level}"
            amount = value if place is None else (value == place).astype(float)
            sums = np.bincount(subject, weights=amount, minlength=cohort.n_subjects)
            mean = np.divide(sums, number, out=np.full(cohort.n_subjects, np.nan), where=number > 0)
            if number.any():
                columns[name], of[name] = mean, variable.name
    return pd.DataFrame(columns), of


def _relation(one: str, other: str, both: Floats) -> str:
    """In words, how the first column of ``both`` follows from the second."""
    x, y = both[:, 1], both[:, 0]
    slope, intercept = np.polyfit(x, y, 1)
    if abs(slope - 1) < EXACT and abs(intercept) < EXACT * np.abs(y).max():
        return f"{one} is the same as {other}"
    if set(np.unique(both)) <= {0.0, 1.0}:
        return f"{one} is the opposite of {other}"
    added = "" if abs(intercept) < EXACT * np.abs(y).max() else f" {'+' if intercept > 0 else '-'} {abs(intercept):.3g}"
    return f"{one} is {slope:.4g} x {other}{added}"
