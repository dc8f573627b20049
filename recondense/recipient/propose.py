"""A mapping file for a cohort, proposed from names, labels, units and levels: for a person to check, line by line."""

import json
import re
from collections.abc import Sequence
from typing import Any

from recondense.escape import printable
from recondense.recipient.levels import as_levels, names_of, turned
from recondense.recipient.mapping import same_names
from recondense.records.cells import word
from recondense.records.cohort import Variable
from recondense.records.units import conversion, same

HEAD = """# Proposed from names, labels, units and levels: nobody has decided anything yet.
# Check every line. Then give this file to `evaluate` and `transform` with --mapping.
# Lines: yours: the bundle's, yours: {to: the bundle's, factor: 1, offset: 0, flip: true, levels: {}, merge: true},
# or yours: null for one that is not to be used.
"""
ALIKE = 0.6  # of the words in two names or labels
SHORTEST = 3  # letters of an abbreviation that is taken for the word that begins with it
WORDS = re.compile(r"[^\W_]+")


def propose(theirs: Sequence[Variable], ours: Sequence[Variable]) -> str:
    """The text of a mapping file: a line for each variable of the cohort that would not be matched as it is."""
    known, own = ({v.name: v for v in variables if v.role != "outcome"} for variables in (ours, theirs))
    exact = same_names(list(own), list(known))
    found: dict[str, tuple[Variable, str]] = {name: (known[to], "the same name") for name, to in exact.items()}
    left = [v for v in known.values() if v.name not in exact.values()]
    for name, variable in own.items():
        if name not in found and (near := _nearest(variable, left)):
            found[name] = near
    used = [variable.name for variable, _ in found.values()]
    lines = [_line(v, found.get(n), merge=n in found and used.count(found[n][0].name) > 1) for n, v in own.items()]
    missing = [v for v in known.values() if v.name not in used]
    tail = ["# Variables of the bundle for which nothing was found:"] if missing else []
    tail += [f"#   {_told(v)}" for v in missing]
    return "\n".join([HEAD, *filter(None, lines), *tail]) + "\n"


def _nearest(variable: Variable, among: Sequence[Variable]) -> tuple[Variable, str] | None:
    """The variable that is most alike, and why; None where none is, or two are alike to the same degree."""
    scores = sorted(((alike(variable, one), place) for place, one in enumerate(among)), reverse=True)
    if not scores or scores[0][0] < ALIKE or (len(scores) > 1 and scores[1][0] == scores[0][0]):
        return None
    return among[scores[0][1]], "the same label" if scores[0][0] > 1 else "a similar name or label"


def alike(one: Variable, other: Variable) -> float:
    """How alike two variables are by their names and labels, from 0 to 1, and 2 where the words are the same; 0 where
    one cannot serve as the other."""
    if one.role != other.role or (one.kind == "numeric") != (other.kind == "numeric"):
        return 0.0
    texts = [(a, b) for a in (one.name, one.label) for b in (other.name, other.label)]
    return max(2.0 if word(a) == word(b) else _share(a, b) for a, b in texts)


def _share(one: str, other: str) -> float:
    """The share of words that two texts have in common, abbreviations among them."""
    first, second = (WORDS.findall(text.casefold()) for text in (one, other))
    pairs = [
        (a, b)
        for a in first
        for b in second
        if a == b or (min(len(a), len(b)) >= SHORTEST and (a.startswith(b) or b.startswith(a)))
    ]
    common = min(len({a for a, _ in pairs}), len({b for _, b in pairs}))
    return 2 * common / max(1, len(first) + len(second))


def _line(theirs: Variable, found: tuple[Variable, str] | None, merge: bool) -> str:
    """The line for one variable, "" where it is matched without one."""
    if found is None:
        return _checked(theirs, None, [f"nothing in the bundle is like {_told(theirs)}"])
    ours, why = found
    reasons = [f"{why}: {_told(ours)}"]
    says = _conversion(theirs, ours, reasons)
    if says is not None and merge:
        says["merge"] = True
        reasons.append("several serve as it")
    if theirs.name == ours.name and says == {} and len(reasons) == 1:
        return ""
    return _checked(theirs, None if says is None else {"to": ours.name, **says}, reasons)


def _conversion(theirs: Variable, ours: Variable, reasons: list[str]) -> dict[str, Any] | None:
    """What a mapping has to say beside ``to``, None where none is known; adds to the ``reasons``."""
    kinds = {theirs.kind, ours.kind}
    if theirs.role != ours.role or (len(kinds) > 1 and "numeric" in kinds):
        reasons.append(f"but {ours.role} and {ours.kind} there: declare it so")
        return None
    if kinds == {"numeric"} and not same(theirs.unit, ours.unit):
        way = conversion(f"{ours.name} {ours.label}", theirs.unit, ours.unit)
        if way is None:
            reasons.append(f"no way is known from '{theirs.unit}' to '{ours.unit}': write {{to: ..., factor: ...}}")
            return None
        reasons.append(f"'{theirs.unit}' to '{ours.unit}'")
        return {"factor": way[0]} | ({"offset": way[1]} if way[1] else {})
    if "categorical" in kinds:
        known = as_levels(theirs, ours, {})
        if unknown := [name for name, value in names_of(theirs) if value not in known]:
            reasons.append(f"say which `levels` of {', '.join(n for n, _ in names_of(ours))} are {', '.join(unknown)}")
        return {} if known else None
    if kinds == {"binary"} and turned(theirs, ours):
        reasons.append("its 1 is the bundle's 0")
        return {"flip": True}
    return {}


def _checked(theirs: Variable, says: dict[str, Any] | None, reasons: list[str]) -> str:
    name, ascii_ = theirs.name, not theirs.name.isprintable()
    said = json.dumps(says, ensure_ascii=not str(says and says["to"]).isprintable())
    return f"{json.dumps(name, ensure_ascii=ascii_)}: {said}  # CHECK: {printable('; '.join(reasons))}"


def _told(variable: Variable) -> str:
    unit = f", {variable.unit}" if variable.unit else ""
    return printable(f"{variable.name} ({variable.label}{unit})")
