"""The report of a cohort in which nothing is measured over time."""

import re

import numpy as np
import pytest

from recondense.bundle.contents import Contents
from recondense.bundle.report import pictures
from recondense.models.recipe import Recipes
from recondense.preprocessing.preprocessing import Feature, Preprocessing
from recondense.records.cohort import Variable
from recondense.records.condensed import CondensedSet


@pytest.mark.parametrize("role", ["static", "series"])
def test_only_what_was_measured_over_time_is_drawn_over_hours(role: str) -> None:
    age = Variable(name="age", label="age", unit="years", role=role)
    feature = Feature(name="age", source=role, variable="age", unit="years", mean=60, std=10)
    grid = Preprocessing(step_hours=24, n_steps=1, carry_forward=True, variables=(age,), features=(feature,))
    values, labels = np.array([-1.0, 0, 1, 2], dtype=np.float32), np.array([0, 0, 1, 1], dtype=np.float32)
    condensed = CondensedSet(values[:, None, None], labels)
    # The drawing reads no figures, so there are none
    ((label, unit, drawn),) = pictures(Contents("wards", condensed, Recipes(), grid, metrics=None))  # type: ignore[arg-type]
    below = re.findall(r'text-anchor="middle">([^<]+)<', drawn)
    assert (label, unit) == ("age", "years") and drawn.count("<circle") == 4
    assert ("over time" in drawn, bool(below)) == (role == "series", role == "series")
