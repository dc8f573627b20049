"""Risks of new patients, from CSV in clinical units, by the model that quickstart.py trained.

    python BUNDLE/apply.py --events events.csv --subjects subjects.csv   # subject,hours,variable,value; a row a subject
    python BUNDLE/apply.py --wide records.csv                            # subject, hours if any, a column a variable

Needs numpy and pandas. Which variables there are, in which units and with which levels, is in dictionary.csv; hours
count from the subject's time zero. Cells are read as text, by the one rule of cells.py: a level is given by its name,
a binary variable by its levels or as 1 and 0. What is missing or cannot be used is filled in as preprocessing.json
says, counted and named. `--tensors FILE` also writes the records on the model's scale, with labels where subjects have
a column `outcome`: 0 or 1, or the name of the class, or its number from 0 where no class is named by a number.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

BUNDLE = Path(__file__).resolve().parent
ROLES, LONG = ("series", "static"), ("subject", "hours", "variable", "value")
DEFAULTS: dict[str, Any] = {"positive": (), "negative": (), "below": "limit"}  # bundles before did not say these
FEW = 0.5  # of the variables: with fewer, a risk says little of the patient
NAMED = 10  # names that nothing knows are told up to so many
Array = np.ndarray[Any, np.dtype[Any]]
Variable = dict[str, Any]
Tables = tuple[pd.DataFrame, pd.DataFrame]

sys.dont_write_bytecode = True  # a bundle gains no file, or it would no longer verify
cells = ModuleType("cells")
SourceFileLoader("cells", str(BUNDLE / "cells.py")).exec_module(cells)  # `python -P` does not look beside this file


def read_csv(path: Path, needed: tuple[str, ...], known: list[str]) -> pd.DataFrame:
    """A table as text, in which the columns ``needed`` and ``known`` have just these names."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # of a row with a field too many
            table = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=False, encoding="utf-8-sig")
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise SystemExit(f"{path} cannot be read as a table with commas, in UTF-8: {error}") from None
    table, names = table.fillna(""), [*needed, *(name for name in known if name not in needed)]
    place = cells.places(pd.Series(table.columns, dtype=str), names)
    for number, name in enumerate(names):
        alike = list(table.columns[place == number])
        if name not in alike and len(alike) > 1:
            raise SystemExit(f"{path}: several columns may be '{shown(name)}': rename all but one")
        if name not in alike:
            table = table.rename(columns=dict.fromkeys(alike, name))
    if missing := [name for name in needed if name not in table]:
        raise SystemExit(f"{path} has no column {', '.join(missing)}: its columns are to be divided by commas")
    for name in table.columns.difference(names, sort=False):
        print(f"{path.name}: column '{shown(name)}' is not used{meant(name, known)}")
    return table


def long_of(wide: pd.DataFrame, variables: list[Variable]) -> Tables:
    """Events and statics of a wide table, both by row."""
    hours = wide.get("hours", "0")
    parts = [pd.DataFrame(columns=list(LONG), dtype=str)]
    for variable in variables:
        name = variable["name"]
        if variable["role"] == "series" and name in wide:
            said = plain(wide[name], variable) != ""
            part = pd.DataFrame({"subject": wide["subject"], "hours": hours, "variable": name, "value": wide[name]})
            parts.append(part[said])
    statics = [v["name"] for v in variables if v["role"] == "static" and v["name"] in wide]
    return pd.concat(parts), wide[["subject", *statics, *(["outcome"] if "outcome" in wide else [])]]


def plain(column: Any, variable: Variable) -> Any:
    """Cells in the form in which they are compared, blank where they say that there is no value."""
    return cells.without_marks(column, named=(*variable["levels"], *variable["positive"], *variable["negative"]))


def numbers(column: Any, variable: Variable) -> Array:
    """The values of the cells of ``variable``, NaN for what cannot be used; says of how many and why."""
    said = plain(column, variable)
    found = cells.values(said, variable)
    levels = (*variable["positive"], *variable["negative"])
    if variable["negative"] and not {"0", "1"} & {cells.word(level) for level in levels}:
        found = np.where(np.isnan(found), cells.two_levels(said, ["1"], ["0"]), found)  # as the bundle itself has it
    blank, unread = (said == "").to_numpy(bool), np.isnan(found)
    low, high = (np.inf * sign if end is None else end for sign, end in ((-1, variable["low"]), (1, variable["high"])))
    beyond = ~unread & ~(np.isfinite(found) & (found >= low) & (found <= high))
    faults = {
        "none of its levels" if variable["kind"] != "numeric" else "no number": unread & ~blank,
        f"beyond {low:g} to {high:g}": beyond,
        "blank": blank,
    }
    if variable["positive"] and not variable["negative"]:  # every other level is negative, 1 too
        faults["1, which is none of the levels that count as 1"] = (said == "1").to_numpy(bool) & (found == 0)
    for fault, chosen in faults.items():
        if chosen.any():
            print(f"{named(variable)}: {chosen.sum()} of {len(said)} cells do not count: {fault}")
    return np.where(beyond, np.nan, found)


def shown(text: str) -> str:
    """``text`` without escape codes for the terminal, which its writer may have put into it."""
    return text if text.isprintable() else ascii(text)[1:-1]


def named(variable: Variable) -> str:
    """Name and unit."""
    return shown(f"{variable['name']} ({variable['unit'] or 'no unit'})")


def meant(name: str, known: list[str]) -> str:
    """A question, where ``name`` is near one that is ``known``."""
    near = cells.near(name, known, 1, 0.7)
    return f", did you mean '{shown(near[0])}'?" if near else ""


def cleaned(events: pd.DataFrame, subjects: pd.DataFrame, variables: list[Variable]) -> Tables:
    """Values as numbers, without what cannot be used, of which it says how much; ids are the index of subjects."""
    series, statics = ([v for v in variables if v["role"] == role] for role in ROLES)
    subjects = subjects.set_axis(pd.Index(cells.without_marks(subjects["subject"])), axis="index")
    if nameless := int((subjects.index == "").sum()):
        print(f"subjects: {nameless} rows not used, no id")
        subjects = subjects[subjects.index != ""]
    if rounded := int(cells.rounded(pd.Series(subjects.index, dtype="str")).sum()):
        print(f"subjects: {rounded} ids such as 1.2E+05, in which digits are lost: several patients may be one")
    values = np.full(len(events), np.nan)
    place = cells.places(events["variable"], [v["name"] for v in series])
    for number, variable in enumerate(series):
        values[place == number] = numbers(events["value"][place == number], variable)
    read = {v["name"]: numbers(subjects[v["name"]], v) for v in statics if v["name"] in subjects}
    if "outcome" in subjects:
        classes = [level for v in variables if v["role"] == "outcome" for level in v["levels"]]
        read["outcome"] = cells.without_marks(subjects["outcome"], named=classes).replace("", None)
    subjects = one_each(subjects.assign(**read), list(read))
    missing = [v for number, v in enumerate(series) if np.isnan(values[place == number]).all()]
    missing += [v for v in statics if v["name"] not in read or np.isnan(read[v["name"]]).all()]
    _tell(events["variable"][np.isnan(place)], variables, missing)
    hours = cells.numbers(cells.without_marks(events["hours"]))
    ids = cells.without_marks(events["subject"])
    stray, timeless = ~ids.isin(subjects.index).to_numpy(bool), ~np.isfinite(hours)
    if stray.any() or timeless.any():
        print(f"{stray.sum()} of {len(events)} measurements are of subjects without a row, {timeless.sum()} of no time")
    kept = ~(np.isnan(values) | stray | timeless)
    names = [series[number]["name"] for number in place[kept].astype(int)]
    found = {"subject": ids[kept].to_numpy(), "hours": hours[kept], "variable": names, "value": values[kept]}
    return pd.DataFrame(found), subjects


def one_each(subjects: Any, once: list[str]) -> pd.DataFrame:
    """One row a subject, in their order: of several values of what is said ``once`` the first one counts."""
    several = subjects[once].groupby(level=0).nunique() > 1
    for name in several.columns[several.any()]:
        print(f"{shown(name)}: {several[name].sum()} subjects have several values, of which the first one counts")
    return pd.DataFrame(subjects.groupby(level=0, sort=False).first())


def _tell(strange: "pd.Series[str]", variables: list[Variable], missing: list[Variable]) -> None:
    """Says which measurements are of no variable, which variables are missing, and what that makes of the risks."""
    known = [v["name"] for v in variables if v["role"] in ROLES]
    counts = strange.value_counts()
    for name, count in counts.head(NAMED).items():
        print(f"'{shown(str(name))}': {count} measurements not used, no series of the model{meant(str(name), known)}")
    if len(counts) > NAMED:
        print(f"{len(counts) - NAMED} more such names")
    for variable in missing:
        print(f"missing: {named(variable)}, filled in for all")
    if not (there := len(known) - len(missing)):
        raise SystemExit("no variable of the model is there: use the names, units and levels of dictionary.csv")
    if there < FEW * len(known):
        print(f"{there} of {len(known)} variables are there: the risks are mostly those of the average patient")


def tensors(how: dict[str, Any], events: pd.DataFrame, subjects: pd.DataFrame) -> tuple[Array, Array]:
    """``values`` float32 and ``observed``, ``(n_subjects, n_steps, n_features)``: what preprocessing.json describes.
    Says how many measurements lie outside its hours, and how many subjects are left without any."""
    series = [v for v in how["variables"] if v["role"] == "series"]
    names, n_steps, length = [v["name"] for v in series], how["n_steps"], how["step_hours"]
    events = events.sort_values("hours", kind="stable")  # as sums are made, and of levels the last one counts
    hours = events["hours"].to_numpy(dtype=float)
    step = np.floor(hours / length)
    step = np.where(hours == length * n_steps, n_steps - 1, step)  # the end of the last step belongs to it
    inside = (step >= 0) & (step < n_steps)
    subject = subjects.index.get_indexer(pd.Index(events["subject"]))[inside]
    variable = pd.Index(names).get_indexer(pd.Index(events["variable"]))[inside]
    if not inside.all():
        print(f"{(~inside).sum()} of {len(inside)} measurements do not count: outside hours 0 to {length * n_steps:g}")
    if names and (bare := len(subjects) - len(np.unique(subject))):
        print(f"{bare} of {len(subjects)} subjects have no measurement that counts")
    shape = (len(subjects), n_steps, len(names))
    cell = (subject * n_steps + step[inside].astype(int)) * len(names) + variable
    value = events["value"].to_numpy(dtype=float)[inside]
    counts = np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)
    sums = np.bincount(cell, value, minlength=int(np.prod(shape))).reshape(shape)
    mean = np.divide(sums, counts, out=np.full(shape, np.nan), where=counts > 0)
    levels = np.flatnonzero(np.isin(variable, [i for i, v in enumerate(series) if v["kind"] == "categorical"]))
    mean.reshape(-1)[cell[levels]] = value[levels]  # levels have no mean: the last of a step counts
    columns = [_column(feature, names, mean, counts, subjects) for feature in how["features"]]
    raw = np.stack([np.broadcast_to(column, shape[:2]) for column in columns], axis=2)
    scaled = [_scaled(feature, raw[:, :, i], how["carry_forward"]) for i, feature in enumerate(how["features"])]
    return np.stack(scaled, axis=2).astype(np.float32), ~np.isnan(raw)


def _column(feature: dict[str, Any], names: list[str], mean: Array, counts: Array, subjects: pd.DataFrame) -> Array:
    """One feature in clinical units, NaN where it was not measured."""
    name, source = feature["variable"], feature["source"]
    if source == "count":
        return np.asarray(counts.sum(axis=2), dtype=float)
    if source == "observed":
        return np.asarray(counts[:, :, names.index(name)] > 0, dtype=float)
    if source.startswith("series"):
        column = mean[:, :, names.index(name)]
    else:
        known = subjects[name].to_numpy(dtype=float) if name in subjects else np.full(len(subjects), np.nan)
        column = known[:, None]
    return np.where(np.isnan(column), np.nan, column == feature["level"]) if source.endswith("level") else column


def _scaled(feature: dict[str, Any], column: Array, carry_forward: bool) -> Array:
    if feature["clip"] is not None:
        column = np.clip(column, *feature["clip"])
    column = np.log1p(column) if feature["log"] else column
    if carry_forward:
        last = np.maximum.accumulate(np.where(np.isnan(column), 0, np.arange(column.shape[1])), axis=1)
        column = np.take_along_axis(column, last, axis=1)
    return np.asarray((np.where(np.isnan(column), feature["fill"], column) - feature["mean"]) / feature["std"])


def read_safetensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Tensors of single precision, and metadata: a length, a header in JSON, then the numbers."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    metadata = header.pop("__metadata__", {})
    found = {}
    for name, about in header.items():
        begin, end = about["data_offsets"]
        found[name] = np.frombuffer(content[start + begin : start + end], "<f4").reshape(about["shape"])
    return found, metadata


def write_safetensors(path: Path, arrays: dict[str, Array]) -> None:
    """The same form: values and labels in single precision, truth values as bytes."""
    header, offset = {}, 0
    for name, array in arrays.items():
        kind = "BOOL" if array.dtype == bool else "F32"
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(a.tobytes() for a in arrays.values()))


def logits(values: Array, weights: dict[str, Array]) -> Array:
    """One LSTM's, ``(n, n_outputs)``: Hochreiter and Schmidhuber 1997, with torch's order of the gates."""
    weight, recurrent = weights["layer.weight_ih_l0"].T, weights["layer.weight_hh_l0"].T
    bias = weights["layer.bias_ih_l0"] + weights["layer.bias_hh_l0"]
    state = memory = np.zeros((len(values), recurrent.shape[0]), dtype=np.float32)
    for step in range(values.shape[1]):
        gates = np.split(values[:, step] @ weight + bias + state @ recurrent, 4, axis=1)
        let_in, keep, let_out = (_sigmoid(gates[place]) for place in (0, 1, 3))
        memory = keep * memory + let_in * np.tanh(gates[2])
        state = let_out * np.tanh(memory)
    return np.asarray(state @ weights["read_out.weight"].T + weights["read_out.bias"])


def risks(values: Array, model: Path) -> Array:
    """``(n,)``, or ``(n, n_classes)``, of the ensemble that ``model`` holds."""
    weights, metadata = read_safetensors(model)
    calibration = json.loads(metadata["calibration"])
    mean = np.mean([logits(values, one) for one in _networks(weights)], axis=0, dtype=np.float64)
    scaled = calibration["slope"] * mean + np.array(calibration["intercept"])
    if scaled.shape[1] == 1:
        return _sigmoid(scaled[:, 0])
    shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _networks(weights: dict[str, Array]) -> Iterator[dict[str, Array]]:
    for seed in sorted({name.split(".")[0] for name in weights}, key=int):
        yield {name.split(".", 1)[1]: array for name, array in weights.items() if name.split(".")[0] == seed}


def _sigmoid(x: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


def labels_of(outcome: "pd.Series[str]", classes: list[str]) -> Array:
    """As quickstart.py wants them: ``(n,)``, or ``(n, n_classes)``; NaN where not known, of which it says how many."""
    said = cells.without_marks(outcome.fillna(""), named=classes)
    place = cells.places(said, classes or ["0", "1"])
    if not any(np.isfinite(cells.number(name)) for name in classes):
        place = np.where(np.isnan(place), cells.places(said, [str(k) for k in range(len(classes))]), place)
    if unknown := int((np.isnan(place) & (said != "")).sum()):
        print(f"outcome: {unknown} of {len(said)} cells not used, none of {', '.join(map(shown, classes)) or '0, 1'}")
    known = np.where(np.isnan(place)[:, None], np.nan, place[:, None] == np.arange(len(classes)))
    return np.asarray(known if classes else place, dtype=np.float32)


def main() -> None:
    """Read, put on the scale, write risks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=Path, help="CSV: subject, hours, variable, value")
    parser.add_argument("--subjects", type=Path, help="CSV: subject, static variables, outcome if known")
    parser.add_argument("--wide", type=Path, help="CSV: subject, hours if any, a column a variable")
    parser.add_argument("--model", type=Path, default=Path("model.safetensors"))
    parser.add_argument("--tensors", type=Path, help="also write the records on the model's scale")
    parser.add_argument("--out", type=Path, default=Path("risks.csv"))
    given = parser.parse_args()
    if not (given.wide or given.subjects):
        parser.error("give --subjects and --events, or --wide")
    getattr(sys.stdout, "reconfigure", dict)(errors="backslashreplace")  # any name can be said on any terminal
    how = json.loads((BUNDLE / "preprocessing.json").read_text(encoding="utf-8"))
    values, observed, subjects = on_scale(given, how)
    classes: list[str] = next((v["levels"] for v in how["variables"] if v["role"] == "outcome"), [])
    if given.tensors:
        labels = {"labels": labels_of(subjects["outcome"], classes)} if "outcome" in subjects else {}
        write_safetensors(given.tensors, {"values": values, "observed": observed, **labels})
        print(f"written: {given.tensors}")
    if given.model.exists():
        found = risks(values, given.model).reshape(len(values), -1)
        table = pd.DataFrame(found, columns=[f"risk_{name}" for name in classes] or ["risk"])
        table.insert(0, "subject", subjects["subject"].to_numpy())
        table.to_csv(given.out, index=False)
        print(f"written: {given.out}, {len(values)} subjects")
    elif not given.tensors:
        raise SystemExit(f"{given.model} is not there: run quickstart.py first")


def on_scale(given: argparse.Namespace, how: dict[str, Any]) -> tuple[Array, Array, pd.DataFrame]:
    """`tensors` of the tables that were ``given``, and whose they are."""
    variables = how["variables"] = [{**DEFAULTS, **variable} for variable in how["variables"]]
    series, statics = ([v["name"] for v in variables if v["role"] == role] for role in ROLES)
    if given.wide:
        wide = read_csv(given.wide, ("subject",), ["hours", *series, *statics, "outcome"])
        events, subjects = long_of(wide, variables)
    else:
        subjects = read_csv(given.subjects, ("subject",), [*statics, "outcome"])
        events = read_csv(given.events, LONG, []) if given.events else pd.DataFrame(columns=list(LONG), dtype=str)
        if cells.without_marks(subjects["subject"]).replace("", None).dropna().duplicated().any():
            raise SystemExit("a subject has several rows in the table of subjects: give each one")
    events, subjects = cleaned(events, subjects, variables)
    return *tensors(how, events, subjects), subjects


if __name__ == "__main__":
    main()
