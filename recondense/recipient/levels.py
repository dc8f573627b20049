"""Levels of one variable as those of another: by their names, which `recondense.records.cells` compares as words."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from recondense.records.cells import places
from recondense.records.cohort import Variable

Values = dict[float, float]


def names_of(variable: Variable) -> list[tuple[str, float]]:
    """Each level of ``variable``, and the value that it is stored as."""
    if variable.kind == "categorical":
        return [(level, float(place)) for place, level in enumerate(variable.levels)]
    if not variable.positive:
        return [("1", 1.0), ("0", 0.0)]
    return [(level, 1.0) for level in variable.positive] + [(level, 0.0) for level in variable.negative]


def as_levels(theirs: Variable, ours: Variable, stated: Mapping[str, str]) -> Values:
    """The value in ``ours`` of each value in ``theirs`` that has one. ``stated``: which level of theirs is which of
    ours, where that has another name. Raises `ValueError` where there is no such level.

    >>> f = Variable(name="f", label="f", role="static", kind="binary", positive=("f",), negative=("m",))
    >>> sex = Variable(name="sex", label="sex", role="static", kind="categorical", levels=("M", "F", "?"))
    >>> as_levels(sex, f, {}), as_levels(sex, f, {"?": "m"})
    ({0.0: 0.0, 1.0: 1.0}, {0.0: 0.0, 1.0: 1.0, 2.0: 0.0})
    """
    there, here = names_of(theirs), names_of(ours)
    targets = [name for name, _ in there]
    for name, target in stated.items():
        targets[_place(name, there)] = target
        _place(target, here)
    place = places(pd.Series(targets), [name for name, _ in here])
    return {value: here[int(p)][1] for (_, value), p in zip(there, place, strict=True) if not np.isnan(p)}


def turned(theirs: Variable, ours: Variable) -> bool:
    """Whether a level that is 1 in one of two binary variables is 0 in the other."""
    if not (theirs.positive and ours.positive):
        return False
    there, here = names_of(theirs), names_of(ours)
    place = places(pd.Series([name for name, _ in there]), [name for name, _ in here])
    return any(not np.isnan(p) and here[int(p)][1] != value for (_, value), p in zip(there, place, strict=True))


def _place(name: str, among: list[tuple[str, float]]) -> int:
    found = places(pd.Series([name]), [one for one, _ in among])[0]
    if np.isnan(found):
        raise ValueError(f"'{name}' is none of the levels {', '.join(one for one, _ in among)}")
    return int(found)
