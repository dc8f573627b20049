"""A variable, a level, a class and a column may have any name; the few that are taken are refused with the way out."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest
from recondense.cohorts.readers import meds, table
from recondense.cohorts.readers._declared import RESERVED
from recondense.errors import InputError
from recondense.stages.params import validate
from tests.support.meds import OF_ONE as MEDS
from tests.support.meds import SERIES
from tests.support.tables import AGE, BILI, declared

NAMES = [
    "HbA1c (%)", "pCO₂ [kPa]", "Größe/cm", "all missing", "2345-7", "LAB//50912//mg/dL", "<b>x</b>", "a|b", "[red]",
    "'", '"', "=1+1", "count", "site", "label", "variable", "value", "static age", "time zero", "until", "place",
    "reason", "record", "%s {}", "🫀", "x" * 300, "no", "..", "a,b", "K", "k",
]  # fmt: skip


@pytest.mark.parametrize("form", ["long", "wide"])
def test_variables_and_levels_of_any_name_keep_it(tmp_path: Path, form: str) -> None:
    rows = [f"s{n}" for n in range(60)]
    cells = {name: [str(n % 7) for n in range(60)] for name in NAMES}
    visits = pd.DataFrame({"id": rows, "day": "1", **cells})
    long = visits.melt(["id", "day"], NAMES, "test", "result")
    people = pd.DataFrame({"id": rows, "died": ["yes" if n % 3 else "no" for n in range(60)]})
    for name, number in zip(NAMES, range(len(NAMES)), strict=True):
        people[f"about {name}"] = [NAMES[(n + number) % len(NAMES)] for n in range(60)]
    # In Parquet, where names and words stand as they are
    (long if form == "long" else visits).to_parquet(tmp_path / "visits.parquet")
    people.to_parquet(tmp_path / "people.parquet")
    series = {name: {"label": name, "role": "series"} for name in NAMES}
    levels = [name for name in NAMES if name != "K"]  # two levels may not differ in capitals alone, two codes may
    statics = {
        f"about {name}": {"label": name, "role": "static", "kind": "categorical", "levels": levels}
        for name in NAMES[:5]
    }
    place = {"file": "visits.parquet", "subject": "id", "time": "day"}
    options = declared(
        measurements={**place, "variable": "test", "value": "result"} if form == "long" else place,
        subjects={"file": "people.parquet", "subject": "id"},
        outcome={"column": "died", "positive": ["yes"], "negative": ["no"]},
        variables={**series, **statics},
    )
    split = {"kind": "random", "validation": 0.2, "test": 0.3}
    values = {"dataset": "table", "raw": str(tmp_path), "split": split, "options": options}
    cohort, _ = ingest(tmp_path, validate(Params, values, "ingestion"))
    counts = cohort.events["variable"].value_counts().to_dict()
    assert counts == dict.fromkeys(NAMES, 60)
    known = cohort.subjects[list(statics)].notna().mean()
    assert (known >= 0.9).all() and cohort.subjects["about Größe/cm"].nunique() > 20


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_name_that_is_taken_is_refused_with_the_way_out(name: Any) -> None:
    for model, options in (
        (table.Options, declared(variables={"bili": BILI, name: AGE})),
        (meds.Options, {**MEDS, "variables": {name: SERIES}}),
    ):
        with pytest.raises(InputError, match=f"'{name}' has a meaning of its own: name the variable otherwise"):
            validate(model, options, "options")
