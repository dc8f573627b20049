"""A bundle's apply.py against the pipeline, to the last bit: cohorts of all roles, kinds, names and spellings."""

import csv
import json
import shutil
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from safetensors.numpy import load_file

from recondense.bundle.scripts import SCRIPTS
from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest
from recondense.preprocessing.fit import fit
from recondense.preprocessing.params import Params as Scaling
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.cells import word
from recondense.records.cohort import Ingested
from tests.support.stranger import alone, program

COHORTS, PARTS = 200, 10
NOBODY, TABLES = "nobody", ("wide", "events", "subjects")
OUTCOMES = {"0": "mild", "1": "severe", "2": "worst", "": ""}
NAMES = (
    "HR", "hr 2", "heart rate [1/min]", "1", "2.50", "café", "cafe\u0301 b", "β", "x,y", 'a "b"', "value", "variable",
    "level", "k", "K", "glucose=1", "=1+1", "[red]", "ﬁ", "a\nb", "Ⅳ", "status", "Na", "label", "feature",
)  # fmt: skip
LEVELS = (
    ("1", "2", "3", "4"), ("4", "3", "2", "1"), ("2", "1", "0"), ("Medical", "Surgical", "not known"),
    ("0", "1"), ("é", "ü", "ß"), ("< 1", "1 to 2", "> 2"), ("0.5", "1.5"), ("3 eyes", "4", "5 Oriented"),
    ("-1", "+2"), ("007", "8"), ("a=b", "a,b", '"a"'),
)  # fmt: skip
TWO = ((), ()), (("f",), ("m",)), (("yes", "Y"), ()), (("2",), ("1",)), (("0",), ("1",)), (("TRUE",), ("FALSE", "0"))
Variables = dict[str, dict[str, Any]]
Rows = list[list[str]]
IDS = ("P{:03}", "{}", "{:04}", "é {}", "a,{}", "{}-x", "{}.0")


def pick(dice: Generator, of: Any) -> Any:
    return of[int(dice.integers(len(of)))]


def variables_of(dice: Generator) -> Variables:
    """Declared variables, one series at least."""
    names = dice.permutation(np.array(NAMES, dtype=object))[: int(dice.integers(2, 7))]
    return {str(name): declared(dice, "series" if not place else pick(dice, ("series", "static")), f"c{place}")
            for place, name in enumerate(names)}  # fmt: skip


def declared(dice: Generator, role: str, column: str) -> dict[str, Any]:
    kind = pick(dice, ("numeric", "numeric", "binary", "categorical"))
    one: dict[str, Any] = {"label": "x", "role": role, "kind": kind, "column": column}
    if kind == "categorical":
        return {**one, "levels": list(pick(dice, LEVELS))}
    if kind == "binary":
        positive, negative = pick(dice, TWO)
        return {**one, "positive": list(positive), "negative": list(negative)}
    limits = {"low": 0, "high": 60, "skewed": True} if dice.random() < 0.5 else {}
    return {**one, **limits, "usual": [1, 50], "below": pick(dice, ("limit", "half", "aside"))}


def cell(dice: Generator, one: dict[str, Any]) -> str:
    """A value as somebody could have written it; now and then none, or nonsense."""
    odd = dice.random()
    if odd < 0.15:
        return str(pick(dice, ("", " ", "NULL", "?", "abc", "-", "1e999", "nan")))
    if one["kind"] == "numeric":
        number = dice.normal(20, 15)
        return str(pick(dice, (f"{number}", f"{number:.1f}", f"{number:.0f}.0", f"{number:e}", f"−{abs(number):.2f}",
                               f"<{abs(number):.2f}", f"> {number:.0f}")))  # fmt: skip
    levels = one.get("levels") or [*one["positive"], *one["negative"]] or ["0", "1"]
    level = pick(dice, levels)
    said = str(pick(dice, (level, level.upper(), level.lower(), f" {level} ", f"{level}.0", f"0{level}")))
    return said if sum(word(other) == word(said) for other in levels) < 2 else level


def hours(dice: Generator, step: float, n_steps: int) -> float:
    return float(pick(dice, (step * dice.integers(0, n_steps + 1), dice.uniform(-1, step * n_steps * 1.1))))


def write(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(header), *rows])


def people(folder: Path, dice: Generator, statics: Variables, classes: bool) -> tuple[list[str], list[str], Rows]:
    """Writes people.csv; the subjects' ids, and header and rows of the same as apply.py takes them."""
    ids = [pick(dice, IDS).format(number) for number in range(12)]
    about = [[one, *(cell(dice, of) for of in statics.values()), pick(dice, list(OUTCOMES))] for one in ids]
    write(folder / "people.csv", ["id", *(of["column"] for of in statics.values()), "end"], about)
    told = [[*row[:-1], OUTCOMES[row[-1]] if classes else row[-1].replace("2", "")] for row in about]
    return ids, ["subject", *statics, "outcome"], told


def single(folder: Path, dice: Generator, series: Variables, when: Rows) -> dict[str, str]:
    """Writes a row a measurement: m.csv as the cohort has it, events.csv as apply.py takes it."""
    names = [pick(dice, list(series)) for _ in when]
    said = [cell(dice, series[name]) for name in names]
    rows = list(zip(when, names, said, strict=True))
    write(folder / "m.csv", ["id", "t", "v", "x"], ([*at, series[name]["column"], x] for at, name, x in rows))
    write(folder / "events.csv", ["subject", "hours", "variable", "value"], ([*at, name, x] for at, name, x in rows))
    return {"variable": "v", "value": "x"}


def visits(folder: Path, dice: Generator, series: Variables, when: Rows, about: list[str], told: Rows) -> None:
    """Writes a row a visit: m.csv as the cohort has it, wide.csv, with what subjects.csv says, as apply.py takes it."""
    rows = [[*at, *(cell(dice, of) for of in series.values())] for at in when]
    write(folder / "m.csv", ["id", "t", *(of["column"] for of in series.values())], rows)
    known = [[*row, *[""] * len(about[1:])] for row in rows if row[0] != NOBODY]
    once = [[one, "0", *[""] * len(series), *rest] for one, *rest in told]
    write(folder / "wide.csv", ["subject", "hours", *series, *about[1:]], [*known, *once])


def cohort(folder: Path, seed: int) -> tuple[Ingested, Preprocessing, list[str]]:
    """A cohort as ingestion and normalisation have it, and the ids of its subjects as they were written; beside it in
    ``folder`` events.csv and subjects.csv, or wide.csv, with the same cells as apply.py takes them."""
    folder.mkdir()
    dice = np.random.default_rng(seed)
    variables, step, n_steps = variables_of(dice), float(pick(dice, (1, 24, 0.5, 1 / 3))), int(dice.integers(1, 5))
    series, statics = ({n: one for n, one in variables.items() if one["role"] == role} for role in ("series", "static"))
    classes = dice.random() < 0.3
    ids, about, told = people(folder, dice, statics, classes)
    when = [[pick(dice, [*ids[:9], NOBODY]), repr(hours(dice, step, n_steps))] for _ in range(150)]
    when.append([ids[0], "0"])
    measurements = {"file": "m.csv", "subject": "id", "time": "t"}
    if dice.random() < 0.5:
        measurements |= single(folder, dice, series, when)
        write(folder / "subjects.csv", about, told)
    else:
        visits(folder, dice, series, when, about, told)
    named: dict[str, Any] = {"classes": {name: [code] for code, name in OUTCOMES.items() if code}}
    options: dict[str, Any] = {
        "source": {"title": "made up", "licence": "none"},
        "measurements": measurements,
        "subjects": {"file": "people.csv", "subject": "id"},
        "time": {"unit": "hours"},
        "outcome": {"column": "end", **(named if classes else {"positive": ["1"], "negative": ["0"]})},
        "variables": variables,
    }
    split = {"kind": "random", "seed": 0, "validation": 0.2, "test": 0.2}
    params = Params.model_validate({"dataset": "table", "raw": str(folder), "split": split, "options": options})
    found, _ = ingest(folder, params, outcome_required=False)
    scaling = Scaling(
        step_hours=step,
        n_steps=n_steps,
        carry_forward=bool(dice.random() < 0.7),
        missingness=pick(dice, ("none", "count", "mask")),
        scale=pick(dice, ("train", "rounded", "public")),
    )
    fitted = fit(Ingested(found.events, found.subjects.assign(split="train"), found.variables), scaling)
    fitted.save(folder / "preprocessing.json")
    return found, fitted, ids


def tables(folder: Path) -> dict[str, Path | None]:
    """What apply.py is given of ``folder``."""
    return {name: path if path.exists() else None for name in TABLES for path in [folder / f"{name}.csv"]}


def order(folder: Path) -> list[str]:
    """The subjects of apply.py's table, in its order."""
    name = next(name for name in ("wide", "subjects") if (folder / f"{name}.csv").exists())
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(dict.fromkeys(row[0] for row in list(csv.reader(file))[1:]))


def check(found: Ingested, fitted: Preprocessing, place: list[int], mine: dict[str, np.ndarray]) -> None:
    values, observed = fitted.apply(found.events, found.subjects)
    assert len(place) == len(mine["values"]) == len(found.subjects)
    np.testing.assert_array_equal(mine["observed"][place], observed)
    assert np.ascontiguousarray(mine["values"][place]).tobytes() == values.tobytes()
    np.testing.assert_array_equal(mine["labels"][place], found.labels)


@pytest.mark.parametrize("part", range(PARTS))
def test_records_come_onto_the_scale_as_the_pipeline_puts_them_to_the_last_bit(part: int, tmp_path: Path) -> None:
    apply = program("apply")
    for seed in range(part, COHORTS, PARTS):
        folder = tmp_path / str(seed)
        found, fitted, ids = cohort(folder, seed)
        how = json.loads((folder / "preprocessing.json").read_text())
        values, observed, subjects = apply.on_scale(Namespace(**tables(folder)), how)
        labels = apply.labels_of(subjects["outcome"], list(fitted.classes))
        place = [list(subjects["subject"]).index(one) for one in ids]
        check(found, fitted, place, {"values": values, "observed": observed, "labels": labels})


@pytest.mark.parametrize("seed", range(4))
def test_so_does_the_program_in_a_bundle_which_gains_no_file(seed: int, tmp_path: Path) -> None:
    folder, bundle = tmp_path / "mine", tmp_path / "bundle"
    found, fitted, ids = cohort(folder, seed)
    bundle.mkdir()
    for path in (*SCRIPTS, folder / "preprocessing.json"):
        shutil.copy(path, bundle)
    before = sorted(bundle.rglob("*"))
    given = [text for name, path in tables(folder).items() if path for text in (f"--{name}", str(path))]
    done = alone(bundle / "apply.py", *given, "--tensors", "mine.st", folder=folder)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert sorted(bundle.rglob("*")) == before
    check(found, fitted, [order(folder).index(one) for one in ids], load_file(folder / "mine.st"))


def test_cohorts_are_of_every_kind(tmp_path: Path) -> None:
    seen: set[Any] = set()
    for seed in range(40):
        found, fitted, _ = cohort(tmp_path / str(seed), seed)
        seen |= {(v.role, v.kind) for v in found.variables} | {fitted.scale, len(fitted.classes)}
        seen |= {feature.source for feature in fitted.features} | {
            name for name, path in tables(tmp_path / str(seed)).items() if path
        }
        assert len(found.events)
    assert {(role, kind) for role in ("series", "static") for kind in ("numeric", "binary", "categorical")} < seen
    assert {"series", "series_level", "observed", "count", "static", "level"} < seen
    assert {"train", "rounded", "public", 0, 3, "wide", "events"} < seen
