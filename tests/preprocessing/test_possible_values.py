"""Condensed records in clinical units stay within what is possible; bundles of before are read as they were written."""

import numpy as np
import pandas as pd

from recondense.preprocessing.fit import fit
from recondense.preprocessing.params import Params
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.cohort import Ingested, Variable
from recondense.records.condensed import CondensedSet

VARIABLES = (
    Variable(name="bili", label="bilirubin", role="series", low=0, high=80, skewed=True),
    Variable(name="ph", label="ph", role="series", low=6.5),
    Variable(name="rhythm", label="rhythm", role="series", kind="categorical", levels=("sinus", "other")),
    Variable(name="female", label="female", role="static", kind="binary"),
    Variable(name="ward", label="ward", role="static", kind="categorical", levels=("a", "b")),
    Variable(name="change", label="change", role="static"),
)
RANGES = {
    "bili": (0, 80), "ph": (6.5, np.inf), "rhythm=sinus": (0, 1), "rhythm=other": (0, 1), "bili_observed": (0, 1),
    "female": (0, 1), "ward=a": (0, 1), "ward=b": (0, 1), "change": (-np.inf, np.inf),
}  # fmt: skip


def fitted(missingness: str) -> Preprocessing:
    dice, n = np.random.default_rng(0), 60
    ids = [f"p{i}" for i in range(n)]
    values = {"bili": dice.uniform(1, 70, n), "ph": dice.normal(7.4, 0.1, n), "rhythm": dice.integers(0, 2, n)}
    events = pd.concat([
        pd.DataFrame({"subject_id": ids, "hours": 0.0, "variable": name, "value": value.astype(float)})
        for name, value in values.items()
    ])  # fmt: skip
    statics = {
        "female": dice.integers(0, 2, n) * 1.0,
        "ward": dice.integers(0, 2, n) * 1.0,
        "change": dice.normal(size=n),
    }
    subjects = pd.DataFrame({"subject_id": ids, "outcome": 0.0, "split": "train", **statics})
    params = Params.model_validate({"step_hours": 1, "n_steps": 2, "missingness": missingness})
    return fit(Ingested(events, subjects, VARIABLES), params)


def test_values_in_clinical_units_are_within_what_is_possible_and_tensors_stay_as_they_are() -> None:
    for missingness in ("mask", "count"):
        made = fitted(missingness)
        values = np.random.default_rng(1).normal(0, 20, (40, 2, len(made.features))).astype(np.float32)
        before = values.copy()
        clinical = made.clinical(CondensedSet(values, np.zeros(40, np.float32)))
        for name, column in clinical.groupby("feature")["value"]:
            low, high = RANGES.get(str(name), (0, 1) if str(name).endswith("_observed") else (0, np.inf))
            assert column.between(low, high).all()
        assert clinical.loc[clinical["feature"] == "bili", "value"].isin([0, 80]).any()
        np.testing.assert_array_equal(values, before)


def test_a_value_that_is_possible_is_not_touched_and_a_share_of_a_level_stays_one() -> None:
    made = fitted("mask")
    values = np.zeros((1, 2, len(made.features)), np.float32)
    free = made.model_copy(update={"bounded": False})
    np.testing.assert_array_equal(made.in_units(values), free.in_units(values))
    place = [feature.name for feature in made.features].index("female")
    assert 0.2 < made.in_units(values)[0, 0, place] < 0.8


def test_a_bundle_that_does_not_say_so_is_not_bounded() -> None:
    made = fitted("mask")
    old = {name: value for name, value in made.model_dump(mode="json").items() if name != "bounded"}
    read = Preprocessing.model_validate(old)
    values = np.full((1, 2, len(made.features)), 30, np.float32)
    assert not read.bounded and (read.in_units(values) > made.in_units(values)).any()
    assert made.bounded
