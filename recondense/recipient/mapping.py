"""From a cohort's own variables to those of a bundle: by name and unit, or as a file says.

A mapping file is YAML: ``theirs: ours``, where both are in one unit; ``theirs: {to: ours, factor: 18.016, offset: 0}``,
where ours = theirs * factor + offset; ``theirs: null``, where it is not to be used. See `Conversion` for the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, RootModel
from ruamel.yaml import YAML, YAMLError

from recondense.errors import InputError
from recondense.recipient.levels import Values, as_levels, names_of, turned
from recondense.records.attrition import Attrition
from recondense.records.cells import places
from recondense.records.cohort import Ingested, Variable
from recondense.records.units import conversion, same
from recondense.stages.params import StageParams, validate

FEW, TOO_FEW = 0.5, 0.1  # of the bundle's variables: with fewer a risk says little, or next to nothing, of a patient
Level = Annotated[str, BeforeValidator(lambda level: str(level) if type(level) in (int, float) else level)]


class Conversion(StageParams):
    """``to``: the bundle's variable; its value is ``factor`` times the cohort's, plus ``offset``.

    ``flip``: a binary variable's 1 is the bundle's 0. ``levels``: the bundle's level by the cohort's, where they have
    other names. ``merge``: several variables serve as this one, all of which say so; of statics the first known counts.
    """

    to: str
    factor: float = Field(default=1.0, gt=0)
    offset: float = 0.0
    flip: bool | None = None
    levels: dict[Level, Level] = Field(default_factory=dict)
    merge: bool = False


class _File(RootModel[dict[Level, Conversion | Level | None]]):
    pass


@dataclass(frozen=True)
class Match:
    """A variable of the cohort, the bundle's that it serves as, and how; ``values``: of levels, the bundle's value by
    its own."""

    theirs: Variable
    ours: Variable
    how: Conversion
    values: Values = field(default_factory=dict)

    @property
    def of_levels(self) -> bool:
        """Whether its values are converted by levels."""
        return bool(self.values) or "categorical" in (self.theirs.kind, self.ours.kind)

    @property
    def changed(self) -> bool:
        """Whether anything but its values themselves is used, or under another name."""
        return self.how != Conversion(to=self.theirs.name)

    def converted(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values in the bundle's unit or levels, NaN for a level that the bundle does not know."""
        if self.of_levels:
            return np.array([self.values.get(value, np.nan) for value in values], dtype=np.float64)
        return values * self.how.factor + self.how.offset

    def unknown_levels(self) -> list[str]:
        """Levels of the cohort that the bundle does not know."""
        return [name for name, value in names_of(self.theirs) if value not in self.values] if self.of_levels else []


@dataclass(frozen=True)
class Matching:
    """Which variables were ``matched``, which of the bundle's are ``missing``, and which of the cohort's ``unused``."""

    matched: tuple[Match, ...]
    missing: tuple[Variable, ...]
    unused: tuple[str, ...]

    def apply(self, cohort: Ingested, attrition: Attrition) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Events and subjects with the bundle's variables, in its units; what cannot be converted is set aside."""
        events, subjects = cohort.events, cohort.subjects[["subject_id", "outcome", "split"]].copy()
        attrition.came_in("measurements", len(events))
        parts, used = [], 0
        for match in self.matched:
            static = match.ours.role == "static"
            own = cohort.subjects if static else events[events["variable"] == match.theirs.name]
            before = own[match.theirs.name if static else "value"].to_numpy(dtype=float)
            value = match.converted(before)
            lost = np.isnan(value) & ~np.isnan(before)
            unit = "descriptors" if static else "measurements"
            reason = f"of '{match.theirs.name}', a level that the bundle does not know"
            attrition.set_aside(unit, reason, int(lost.sum()), column=match.theirs.name)
            if static:
                attrition.came_in(unit, int(lost.sum()))
                known = subjects.get(match.ours.name, pd.Series(np.nan, subjects.index))
                subjects[match.ours.name] = known.fillna(pd.Series(value, subjects.index))
            else:
                used += len(own)
                parts.append(own.assign(variable=match.ours.name, value=value)[~np.isnan(value)])
        attrition.set_aside("measurements", "of no variable of the bundle", len(events) - used)
        together = pd.concat(parts).sort_index(kind="stable") if parts else events.iloc[:0]
        return together.reset_index(drop=True), subjects

    @property
    def matched_names(self) -> list[str]:
        """The bundle's variables that are matched."""
        return list(dict.fromkeys(match.ours.name for match in self.matched))

    def few(self, accepted: bool = False) -> str:
        """What it means that few variables are matched, "" where half are. Raises `InputError` where next to none are,
        unless that is ``accepted``."""
        count = len(self.matched_names)
        of = count + len(self.missing)
        said = f"{count} of {of} variables match: the risks are mostly those of the average patient"
        if not count or (count < TOO_FEW * of and not accepted):
            otherwise = ", or accept it with `--accept-few`" if count else ""
            raise InputError(f"{said}. Say in a mapping which of yours are which (`evaluate --propose`){otherwise}")
        return said if count < FEW * of else ""


def read_mapping(path: Path | None) -> dict[str, Conversion | None]:
    """What a mapping file says, by the cohort's variables; nothing without one. Raises `InputError`."""
    if path is None:
        return {}
    try:
        content = YAML(typ="safe").load(path) or {}
    except (OSError, YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as YAML: write lines such as `glucose: {{to: Glucose}}`") from error
    found = validate(_File, content, path.name).root
    return {name: Conversion(to=how) if isinstance(how, str) else how for name, how in found.items()}


def same_names(theirs: Sequence[str], ours: Sequence[str]) -> dict[str, str]:
    """Which of ``ours`` each of ``theirs`` is by its name: as it is written, else the only one that is the same word.

    >>> same_names(["Age", "age", "HR", "x"], ["age", "hr"])
    {'age': 'age', 'HR': 'hr'}
    """
    place = places(pd.Series(list(theirs), dtype="str"), ours)
    found = {name: ours[int(p)] for name, p in zip(theirs, place, strict=True) if not np.isnan(p)}
    return {name: own for name, own in found.items() if name == own or own not in theirs}


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
    own_names = same_names(list(measured), list(by_name))
    wanted = {**{name: Conversion(to=own) for name, own in own_names.items()}, **mapping}
    pairs = [
        (measured[name], by_name[how.to], how)
        for name in measured
        if (how := wanted.get(name)) is not None and how.to in by_name
    ]
    matched = []
    for variable, own, how in pairs:
        problems = _problems(variable, own, how, stated=variable.name in mapping)
        if sum(other.name == own.name for _, other, _ in pairs) > 1 and not how.merge:
            problems.append(
                f"several variables serve as '{own.name}', '{variable.name}' among them: say `merge: true` of each "
                "where they are one quantity, or map all but one to null"
            )
        if not problems:
            matched.append(Match(variable, own, how, _values(variable, own, how)))
        wrong += problems
    if wrong:
        raise InputError("the cohort's variables do not fit the bundle's:\n- " + "\n- ".join(wrong))
    used = {own.name for _, own, _ in pairs}
    return Matching(
        tuple(matched),
        tuple(variable for name, variable in by_name.items() if name not in used),
        tuple(name for name in measured if name not in {variable.name for variable, _, _ in pairs}),
    )


def _problems(theirs: Variable, ours: Variable, how: Conversion, stated: bool) -> list[str]:
    name, mend = theirs.name, f"or `{theirs.name}: null` to go without"
    kinds = {theirs.kind, ours.kind}
    if theirs.role != ours.role:
        return [f"'{name}' is {theirs.role} here and {ours.role} in the bundle: declare it so, {mend}"]
    if "categorical" in kinds and "numeric" in kinds:
        return [f"'{name}' is {theirs.kind} here and {ours.kind} in the bundle: declare it so, {mend}"]
    if ours.kind == "numeric" and not stated and not same(theirs.unit, ours.unit):
        factor, offset = conversion(f"{ours.name} {ours.label}", theirs.unit, ours.unit) or ("...", 0.0)
        say = f"{name}: {{to: {ours.name}, factor: {factor}{f', offset: {offset}' if offset else ''}}}"
        return [
            f"'{name}' is in '{theirs.unit}' here and in '{ours.unit}' in the bundle: "
            f"say `{say}` in the mapping, {mend}"
        ]
    if ours.kind != "numeric" and (how.factor, how.offset) != (1, 0):
        return [f"'{name}' is {theirs.kind} and has no factor"]
    if how.levels and "categorical" not in kinds:
        return [f"'{name}' has no names of levels to map: of a binary variable say `flip: true` or `flip: false`"]
    if how.flip is not None and kinds != {"binary"}:
        return [f"'{name}' is not binary, so it cannot be flipped: use `levels`"]
    if kinds == {"binary"} and how.flip is None and turned(theirs, ours):
        return [
            f"of '{name}' a level that is 1 here is 0 in the bundle: say `{name}: {{to: {ours.name}, flip: true}}`, "
            "or `flip: false` where it only has the same name"
        ]
    try:
        values = _values(theirs, ours, how)
    except ValueError as error:
        return [f"the mapping of levels of '{name}': {error}"]
    if "categorical" in kinds and not values:
        known = ", ".join(level for level, _ in names_of(ours))
        return [f"no level of '{name}' is known to the bundle, which has {known}: say `levels` in the mapping, {mend}"]
    return []


def _values(theirs: Variable, ours: Variable, how: Conversion) -> Values:
    if "categorical" in (theirs.kind, ours.kind):
        return as_levels(theirs, ours, how.levels)
    return {0.0: 1.0, 1.0: 0.0} if how.flip else {}


def outcomes(found: NDArray[np.float64], theirs: Sequence[str], ours: Sequence[str]) -> NDArray[np.float64]:
    """The number of each subject's class as the bundle counts them. Raises `InputError` where it has other classes."""
    place = places(pd.Series(list(theirs), dtype="str"), ours) if ours else np.empty(0)
    if len(theirs) != len(ours) or len(set(place) - {np.nan}) != len(ours) or np.isnan(place).any():
        said: Any = [", ".join(classes) or "yes and no" for classes in (theirs, ours)]
        raise InputError(f"the cohort's outcome has the classes {said[0]}, the bundle's {said[1]}: declare the same")
    order = {float(number): float(own) for number, own in enumerate(place)}
    if not ours:
        return found
    return np.array([order.get(number, np.nan) for number in found], dtype=np.float64)
