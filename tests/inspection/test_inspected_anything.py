"""Whatever cohort ingestion accepts, a look at it ends with a page and tells no single patient's value."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recondense.inspection.cohort import Cohort
from recondense.inspection.found import Inspection
from recondense.inspection.inspection import inspect
from recondense.inspection.page import page
from recondense.project.inspect import Inspected, show
from recondense.records.attrition import Notice
from recondense.records.cohort import Ingested, Variable, outcome
from recondense.results.stages import Counts
from tests.support.inspection_fixtures import SOURCE, TARGET

NAMES = ("glucose", "weight", "x/[red]<b>", "Ärmel %", "a\nb", "=1+1", "heart rate", "sex")


def anything(seed: int) -> Cohort:
    """A small cohort with much that is missing, constant, alone, or not there at all."""
    random = np.random.default_rng(seed)
    n, classes = int(random.integers(4, 70)), int(random.choice([2, 2, 3]))
    variables, columns, events = [], {}, []
    ids = [f"p{number}" for number in range(n)]
    for name in NAMES[: random.integers(0, len(NAMES) + 1)]:
        kind, role = str(random.choice(["numeric", "binary", "categorical"])), str(random.choice(["series", "static"]))
        levels = ("low", "middle", "yes")[: random.integers(1, 4)] if kind == "categorical" else ()
        variables.append(Variable(name=name, label=name, role=role, kind=kind, levels=levels))
        value = {
            "numeric": random.choice([1.0, 1e-9, 1e12, -5.0]) * random.lognormal(size=n).round(1),
            "binary": random.integers(0, 2, n).astype(float),
            "categorical": random.integers(0, max(len(levels), 1), n).astype(float),
        }[kind]
        form = random.integers(0, 5)
        value = np.full(n, value[0]) if form == 0 else value
        there = {1: np.zeros(n, dtype=bool), 2: np.arange(n) == 1}.get(int(form), random.random(n) < random.random())
        if role == "static":
            columns[name] = np.where(there, value, np.nan)
        else:
            rows = {"subject_id": ids, "hours": random.uniform(-1, 9, n).round(1), "variable": name, "value": value}
            events += [pd.DataFrame(rows)[there]] * int(random.integers(1, 3))
    found = (np.arange(n) % classes).astype(float)
    if random.random() < 0.3:
        found = np.where(np.arange(n) < classes, found, 0.0)  # one subject of each other outcome
    if random.random() < 0.3:
        found[random.random(n) < 0.3] = np.nan
    split = random.choice(["train", "validation", "test"][: random.integers(1, 4)], n)
    subjects = pd.DataFrame({"subject_id": ids, "outcome": found, "split": split, **columns})
    none: dict[str, list[object]] = {"subject_id": [], "hours": [], "variable": [], "value": []}
    table = pd.concat(events) if events else pd.DataFrame(none).astype({"hours": float, "value": float})
    table = table.assign(order=table["subject_id"].map({one: i for i, one in enumerate(ids)}).astype(float))
    table = table.sort_values(["order", "hours"], kind="stable").drop(columns="order").reset_index(drop=True)
    known = (*variables, outcome(("mild", "moderate", "severe"))) if classes == 3 else tuple(variables)
    aside = pd.DataFrame({"unit": [], "reason": [], "file": [], "record": [], "line": [], "column": []})
    counts = {"visits": Counts(in_=0, kept=0, set_aside={}), "subjects": Counts(in_=n, kept=n, set_aside={})}
    notices = (Notice("withdrawals", "line 2 names nobody", count=1, of=3),)
    records = Ingested(table, subjects, known)
    return Cohort(records, aside, counts, SOURCE, TARGET, 1.0, 6, notices if seed % 2 else ())


@pytest.mark.parametrize("seeds", np.array_split(np.arange(300), 6), ids=lambda seeds: f"from {seeds[0]}")
def test_a_look_at_any_small_cohort_ends_with_plain_data_a_page_and_words_on_the_terminal(
    seeds: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in seeds:
        found = inspect(anything(int(seed)))
        assert Inspection.model_validate_json(json.dumps(found.as_json(), allow_nan=False)) == found
        text = page("any", found)
        show(Inspected("any", Path("inspection.html"), found))
        said = capsys.readouterr().out
        assert ("line 2 names nobody" in text) == ("line 2 names nobody" in said) == bool(seed % 2)
        for variable in found.variables:
            assert variable.subjects >= 10 or not any(variable.percentiles.values())
