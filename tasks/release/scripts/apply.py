"""Risks of new patients, from CSV in clinical units, by the model that quickstart.py trained.

    python BUNDLE/apply.py --events events.csv --subjects subjects.csv   # subject,hours,variable,value; a row a subject
    python BUNDLE/apply.py --wide records.csv                            # subject, hours if any, a column a variable

Needs numpy and pandas. Which variables there are, in which units, is in dictionary.csv; hours count from the subject's
time zero. What is missing is filled in as preprocessing.json says, and counted. `--tensors FILE` also writes the
records on the model's scale, with labels where subjects have a column `outcome` (0, 1, ..., the number of the class).
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

BUNDLE = Path(__file__).resolve().parent
ROLES, LONG = ("series", "static"), ("subject", "hours", "variable", "value")
Array = np.ndarray[Any, np.dtype[Any]]
# Numbers as they were written: from pandas 3.1 on they always are, and asking for it is warned of
RECENT = tuple(int(part) for part in pd.__version__.split(".")[:2]) >= (3, 1)
EXACT: dict[str, Any] = {} if RECENT else {"float_precision": "round_trip"}


def read_csv(path: Path, *needed: str) -> pd.DataFrame:
    """A table with text in ``subject``; numbers are read as they were written."""
    table: pd.DataFrame = pd.read_csv(path, dtype={"subject": str}, **EXACT)
    missing = [name for name in needed if name not in table]
    if missing:
        raise SystemExit(f"{path} has no column {', '.join(missing)}")
    return table


def long_of(wide: pd.DataFrame, variables: list[dict[str, Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and subjects of a wide table; of a static variable the first value that is there counts."""
    names = {role: [v["name"] for v in variables if v["role"] == role and v["name"] in wide] for role in ROLES}
    wide = wide if "hours" in wide else wide.assign(hours=0.0)
    events = wide.melt(["subject", "hours"], names["series"], "variable", "value", ignore_index=False)
    about = [*names["static"], *(["outcome"] if "outcome" in wide else [])]
    subjects = wide.groupby("subject", sort=False)[about].first().reset_index()
    return events.dropna(subset="value").sort_index(kind="stable"), subjects


def numbers(column: "pd.Series[Any]", variable: dict[str, Any]) -> Array:
    """Values of ``variable``: names of levels as their places, NaN for what is no number or not plausible."""
    places = {level: place for place, level in enumerate(variable["levels"])}
    found = pd.to_numeric(column.map(lambda cell: places.get(cell, cell)), errors="coerce").to_numpy(dtype=float)
    categorical = variable["kind"] != "numeric"
    low = 0 if categorical and variable["low"] is None else variable["low"]
    high = (len(places) or 2) - 1 if categorical and variable["high"] is None else variable["high"]
    with np.errstate(invalid="ignore"):
        bad = ~np.isfinite(found) | (found < (-np.inf if low is None else low))
        bad |= (found > (np.inf if high is None else high)) | (categorical & (found != np.round(found)))
    result: Array = np.where(bad, np.nan, found)
    return result


def named(variable: dict[str, Any]) -> str:
    """Name and unit, whose writer may have put escape codes for the terminal into them."""
    text = f"{variable['name']} ({variable['unit'] or 'no unit'})"
    return text if text.isprintable() else ascii(text)


def cleaned(
    events: pd.DataFrame, subjects: pd.DataFrame, variables: list[dict[str, Any]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Values as numbers, without those that cannot be used; says how many those were, and what is missing."""
    values = np.full(len(events), np.nan)
    for variable in variables:
        if variable["role"] == "series":
            own = (events["variable"] == variable["name"]).to_numpy()
            values[own] = numbers(events["value"][own], variable)
            if not own.any():
                print(f"missing: {named(variable)}, filled in for all")
        elif variable["role"] == "static" and variable["name"] in subjects:
            subjects = subjects.assign(**{variable["name"]: numbers(subjects[variable["name"]], variable)})
        elif variable["role"] == "static":
            print(f"missing: {named(variable)}, filled in for all")
    unknown = ~events["variable"].isin([v["name"] for v in variables if v["role"] == "series"])
    stray = ~events["subject"].isin(subjects["subject"])
    bad = np.isnan(values) & ~unknown
    print(f"{len(events)} measurements: {int(unknown.sum())} of variables that the model does not know, "
          f"{int(bad.sum())} no number or not plausible, {int(stray.sum())} of subjects without a row")  # fmt: skip
    return events.assign(value=values)[~(unknown | bad | stray)], subjects


def tensors(how: dict[str, Any], events: pd.DataFrame, subjects: pd.DataFrame) -> tuple[Array, Array]:
    """``values`` float32 and ``observed``, ``(n_subjects, n_steps, n_features)``: what preprocessing.json describes."""
    series = [v for v in how["variables"] if v["role"] == "series"]
    names, n_steps, length = [v["name"] for v in series], how["n_steps"], how["step_hours"]
    hours = events["hours"].to_numpy(dtype=float)
    step = np.floor(hours / length)
    step = np.where(hours == length * n_steps, n_steps - 1, step)  # the end of the last step belongs to it
    inside = (step >= 0) & (step < n_steps)
    subject = pd.Index(subjects["subject"]).get_indexer(pd.Index(events["subject"]))[inside]
    variable = pd.Index(names).get_indexer(pd.Index(events["variable"]))[inside]
    shape = (len(subjects), n_steps, len(names))
    cell = (subject * n_steps + step[inside].astype(int)) * len(names) + variable
    value = events["value"].to_numpy(dtype=float)[inside]
    counts = np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)
    sums = np.bincount(cell, value, minlength=int(np.prod(shape))).reshape(shape)
    mean = np.divide(sums, counts, out=np.full(shape, np.nan), where=counts > 0)
    levels = np.flatnonzero(np.isin(variable, [i for i, v in enumerate(series) if v["kind"] == "categorical"]))
    levels = levels[np.argsort(hours[inside][levels], kind="stable")]
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
    result: Array = (np.where(np.isnan(column), feature["fill"], column) - feature["mean"]) / feature["std"]
    return result


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
    result: Array = state @ weights["read_out.weight"].T + weights["read_out.bias"]
    return result


def risks(values: Array, model: Path) -> Array:
    """``(n,)``, or ``(n, n_classes)``, of the ensemble that ``model`` holds."""
    weights, metadata = read_safetensors(model)
    calibration = json.loads(metadata["calibration"])
    mean = np.mean([logits(values, one) for one in _networks(weights)], axis=0, dtype=np.float64)
    scaled = calibration["slope"] * mean + np.array(calibration["intercept"])
    if scaled.shape[1] == 1:
        return _sigmoid(scaled[:, 0])
    shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: Array = shares / shares.sum(axis=1, keepdims=True)
    return result


def _networks(weights: dict[str, Array]) -> Iterator[dict[str, Array]]:
    for seed in sorted({name.split(".")[0] for name in weights}, key=int):
        yield {name.split(".", 1)[1]: array for name, array in weights.items() if name.split(".")[0] == seed}


def _sigmoid(x: Array) -> Array:
    result: Array = 0.5 * (1 + np.tanh(x / 2))
    return result


def labels_of(outcome: Array, n_classes: int) -> Array:
    """As quickstart.py wants them: ``(n,)``, or ``(n, n_classes)``; NaN where not known."""
    if n_classes <= 2:
        return outcome.astype(np.float32)
    known = np.isnan(outcome)[:, None]
    return np.where(known, np.nan, outcome[:, None] == np.arange(n_classes)).astype(np.float32)


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
    how = json.loads((BUNDLE / "preprocessing.json").read_text(encoding="utf-8"))
    if given.wide:
        events, subjects = long_of(read_csv(given.wide, "subject"), how["variables"])
    elif given.subjects:
        subjects = read_csv(given.subjects, "subject")
        events = read_csv(given.events, *LONG) if given.events else pd.DataFrame(columns=LONG)
    else:
        parser.error("give --subjects and --events, or --wide")
    if subjects["subject"].duplicated().any():
        raise SystemExit("a subject has several rows in the table of subjects: give each one")

    values, observed = tensors(how, *cleaned(events, subjects, how["variables"]))
    classes: list[str] = next((v["levels"] for v in how["variables"] if v["role"] == "outcome"), [])
    if given.tensors:
        labels = (
            {"labels": labels_of(subjects["outcome"].to_numpy(float), len(classes))} if "outcome" in subjects else {}
        )
        write_safetensors(given.tensors, {"values": values, "observed": observed, **labels})
        print(f"written: {given.tensors}")
    if given.model.exists():
        found = risks(values, given.model).reshape(len(values), -1)
        columns = [f"risk_{name}" for name in classes] or ["risk"]
        pd.DataFrame(found, columns=columns).assign(subject=subjects["subject"])[["subject", *columns]].to_csv(
            given.out, index=False
        )
        print(f"written: {given.out}, {len(values)} subjects")
    elif not given.tensors:
        raise SystemExit(f"{given.model} is not there: run quickstart.py first")


if __name__ == "__main__":
    main()
