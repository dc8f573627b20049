"""From a cohort's own variables to those of a bundle: by name and unit, or as a file says.

A mapping file is YAML: ``theirs: ours``, where both are in one unit; ``theirs: {to: ours, factor: 18.016, offset: 0}``,
where ours = theirs * factor + offset; ``theirs: null``, where it is not to be used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, RootModel
from ruamel.yaml import YAML, YAMLError

from tasks.common.errors import InputError
from tasks.common.params import RoomParams, validate
from tasks.common.records import Ingested, Variable


class Conversion(RoomParams):
    """``to``: the bundle's variable; its value is ``factor`` times the cohort's, plus ``offset``."""

    to: str
    factor: float = Field(default=1.0, gt=0)
    offset: float = 0.0


class _File(RootModel[dict[str, Conversion | str | None]]):
    pass


@dataclass(frozen=True)
class Match:
    """A variable of the cohort, the bundle's that it serves as, and how; ``levels``: by its own level, the bundle's."""

    theirs: Variable
    ours: Variable
    how: Conversion
    levels: Mapping[int, int]

    def converted(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values in the bundle's unit or levels, NaN for a level that the bundle does not know."""
        if self.ours.kind == "categorical":
            places: NDArray[np.float64] = pd.Series(values).map(dict(self.levels)).to_numpy(dtype=np.float64)
            return places
        return values * self.how.factor + self.how.offset


@dataclass(frozen=True)
class Matching:
    """Which variables were ``matched``, which of the bundle's are ``missing``, and which of the cohort's ``unused``."""

    matched: tuple[Match, ...]
    missing: tuple[Variable, ...]
    unused: tuple[str, ...]

    def apply(self, cohort: Ingested) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Events and subjects with the bundle's variables, in its units; what cannot be converted is left out."""
        events, subjects = cohort.events, cohort.subjects[["subject_id", "outcome", "split"]].copy()
        parts = []
        for match in self.matched:
            if match.ours.role == "static":
                subjects[match.ours.name] = match.converted(cohort.subjects[match.theirs.name].to_numpy(dtype=float))
            else:
                own = events[events["variable"] == match.theirs.name]
                value = match.converted(own["value"].to_numpy(dtype=float))
                parts.append(own.assign(variable=match.ours.name, value=value)[~np.isnan(value)])
        together = pd.concat(parts).sort_index(kind="stable") if parts else events.iloc[:0]
        return together.reset_index(drop=True), subjects


def read_mapping(path: Path | None) -> dict[str, Conversion | None]:
    """What a mapping file says, by the cohort's variables; nothing without one. Raises `InputError`."""
    if path is None:
        return {}
    try:
        content = YAML(typ="safe").load(path) or {}
    except (OSError, YAMLError) as error:
        raise InputError(f"{path} cannot be read as YAML: write lines such as `glucose: {{to: Glucose}}`") from error
    found = validate(_File, content, path.name).root
    return {name: Conversion(to=how) if isinstance(how, str) else how for name, how in found.items()}


def match(theirs: Sequence[Variable], ours: Sequence[Variable], mapping: Mapping[str, Conversion | None]) -> Matching:
    """Who serves as whom. Raises `InputError` with everything that does not fit, and how to mend it."""
    by_name = {variable.name: variable for variable in ours if variable.role != "outcome"}
    measured = {variable.name: variable for variable in theirs if variable.role != "outcome"}
    wrong = [f"the mapping names '{name}', which the cohort does not have" for name in mapping if name not in measured]
    wrong += [
        f"the mapping leads '{name}' to '{how.to}', which the bundle does not have"
        for name, how in mapping.items()
        if how and how.to not in by_name
    ]
    wanted = {name: mapping.get(name, Conversion(to=name)) for name in measured}
    pairs = [(measured[name], by_name[how.to], how) for name, how in wanted.items() if how and how.to in by_name]
    for variable, own, _ in pairs:
        wrong += _problems(variable, own, mapping.get(variable.name))
        if sum(other.name == own.name for _, other, _ in pairs) > 1:
            wrong.append(
                f"several variables serve as '{own.name}', '{variable.name}' among them: map all but one to null"
            )
    if wrong:
        raise InputError("the cohort's variables do not fit the bundle's:\n- " + "\n- ".join(wrong))
    used = {own.name for _, own, _ in pairs}
    return Matching(
        tuple(Match(variable, own, how, _levels(variable, own)) for variable, own, how in pairs),
        tuple(variable for name, variable in by_name.items() if name not in used),
        tuple(name for name in measured if name not in {variable.name for variable, _, _ in pairs}),
    )


def _problems(theirs: Variable, ours: Variable, stated: Conversion | None) -> list[str]:
    mend = f"or `{theirs.name}: null` to go without"
    if theirs.role != ours.role:
        return [f"'{theirs.name}' is {theirs.role} here and {ours.role} in the bundle: declare it so, {mend}"]
    if (theirs.kind == "categorical") != (ours.kind == "categorical"):
        return [f"'{theirs.name}' is {theirs.kind} here and {ours.kind} in the bundle: declare it so, {mend}"]
    if ours.kind == "numeric" and stated is None and _plain(theirs.unit) != _plain(ours.unit):
        return [
            f"'{theirs.name}' is in '{theirs.unit}' here and in '{ours.unit}' in the bundle: "
            f"say `{theirs.name}: {{to: {ours.name}, factor: ...}}` in the mapping, {mend}"
        ]
    if ours.kind == "categorical" and stated and (stated.factor, stated.offset) != (1, 0):
        return [f"'{theirs.name}' is categorical and has no factor"]
    return []


def _plain(unit: str) -> str:
    return unit.replace(" ", "").casefold()


def _levels(theirs: Variable, ours: Variable) -> dict[int, int]:
    places = {_plain(level): place for place, level in enumerate(ours.levels)}
    return {own: places[_plain(level)] for own, level in enumerate(theirs.levels) if _plain(level) in places}


def outcomes(found: NDArray[np.float64], theirs: Sequence[str], ours: Sequence[str]) -> NDArray[np.float64]:
    """The number of each subject's class as the bundle counts them. Raises `InputError` where it has other classes."""
    if sorted(theirs) != sorted(ours):
        said: Any = [", ".join(classes) or "yes and no" for classes in (theirs, ours)]
        raise InputError(f"the cohort's outcome has the classes {said[0]}, the bundle's {said[1]}: declare the same")
    order = {float(place): float(ours.index(name)) for place, name in enumerate(theirs)}
    if not ours:
        return found
    return np.array([order.get(place, np.nan) for place in found], dtype=np.float64)
