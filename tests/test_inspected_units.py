"""Two units in one column are found wherever they meet, and what is no unit is not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.inspection.conversions import CONVERSIONS, fitting
from tasks.inspection.units import two_groups
from tests.ingestion_fixtures import needs_physionet2012
from tests.inspection_fixtures import alarms, icu, made, mix_up

MIX_UPS = {
    "glucose in mmol/l": ("glucose", lambda x: x * 0.0555),
    "glucose ten times": ("glucose", lambda x: x * 10),
    "weight in pounds": ("weight", lambda x: x * 2.205),
    "weight in grams": ("weight", lambda x: x * 1000),
}


# A share of weights in pounds below a half looks like heavy people
SEEN = [(kind, share) for kind in MIX_UPS for share in (0.05, 0.2, 0.5) if kind != "weight in pounds" or share == 0.5]


@pytest.mark.parametrize(("kind", "share"), SEEN)
def test_two_units_in_one_column_are_seen(kind, share):
    name, convert = MIX_UPS[kind]
    assert alarms(mix_up(made(), name, convert, share)) == {"two units in one column": [name]}


@pytest.mark.parametrize(
    ("convert", "words"),
    [(lambda x: 1.8 * x + 32, "°F"), (lambda x: x * 10, "10"), (lambda x: x / 7.5, "kPa"), (lambda x: x / 88.4, "88")],
)
def test_the_conversion_is_named(convert, words):
    random = np.random.default_rng(0)
    value = random.normal(37, 0.7, 400)
    value[::8] = convert(value[::8])
    (conversion, share), *more = two_groups(np.arange(400), value, CONVERSIONS)
    assert words in conversion and share == pytest.approx(1 / 8) and not more


def test_two_groups_without_a_known_conversion_or_of_a_score_are_no_suspicion():
    random = np.random.default_rng(0)
    value = random.normal(37, 0.7, 400)
    value[::8] *= 5
    assert list(two_groups(np.arange(400), value, CONVERSIONS)) == []
    assert list(two_groups(np.arange(400), random.choice([0.5, 5.0], 400), CONVERSIONS)) == []


def test_many_values_beyond_what_is_plausible_are_seen_and_few_are_not():
    cohort = made()
    for n, expected in ((60, {"variables with many values beyond what is plausible": ["glucose"]}), (10, {})):
        rows = pd.DataFrame({"unit": "measurements", "reason": "outside plausible range", "column": ["glucose"] * n})
        assert alarms(replace(cohort, aside=rows)) == expected


@needs_physionet2012
@pytest.mark.parametrize(
    ("name", "convert", "share"),
    [
        ("Glucose", lambda x: x * 0.0555, 0.05),
        ("Creatinine", lambda x: x * 88.4, 0.05),
        ("Temp", lambda x: 1.8 * x + 32, 0.05),
        ("PaCO2", lambda x: x / 7.5, 0.05),
        ("Weight", lambda x: x * 2.205, 0.5),
    ],
)
def test_units_mixed_up_in_real_values_are_seen(name, convert, share):
    variable = next(one for one in icu().records.variables if one.name == name)
    subject, _, value = icu().measured(variable)
    mixed = np.where(subject % round(1 / share) == 0, convert(value), value)
    assert len(list(two_groups(subject, mixed, fitting(variable), variable.unit))) == 1
