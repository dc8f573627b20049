"""Two units in one column are found wherever they meet, and what is no unit is not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recondense.inspection.cohort import Cohort
from recondense.inspection.conversions import CONVERSIONS, fitting
from recondense.inspection.marks import stand_for_unknown
from recondense.inspection.units import mixed, two_groups
from recondense.records.cohort import Variable
from tests.support.ingestion_fixtures import needs_physionet2012
from tests.support.inspection_fixtures import N, alarms, icu, made, mix_up, with_events

MIX_UPS = {
    "glucose in mmol/l": ("glucose", lambda x: x * 0.0555),
    "glucose ten times": ("glucose", lambda x: x * 10),
    "weight in pounds": ("weight", lambda x: x * 2.205),
    "weight in grams": ("weight", lambda x: x * 1000),
}


# A share of weights in pounds below a half looks like heavy people
SEEN = [(kind, share) for kind in MIX_UPS for share in (0.05, 0.2, 0.5) if kind != "weight in pounds" or share == 0.5]


@pytest.mark.parametrize(("kind", "share"), SEEN)
def test_two_units_in_one_column_are_seen(kind: Any, share: Any) -> None:
    name, convert = MIX_UPS[kind]
    assert alarms(mix_up(made(), name, convert, share)) == {"two units in one column": [name]}


@pytest.mark.parametrize(
    ("label", "convert", "words"),
    [
        ("temperature", lambda x: 1.8 * x + 32, "°F"),
        ("potassium", lambda x: x * 10, "10"),
        ("PaCO2", lambda x: x / 7.5, "kPa"),
        ("creatinine", lambda x: x / 88.4, "88"),
    ],
)
def test_the_conversion_is_named(label: str, convert: Callable[[Any], Any], words: str) -> None:
    random = np.random.default_rng(0)
    value = random.normal(37, 0.7, 400)
    value[::8] = convert(value[::8])
    conversions = fitting(Variable(name="x", label=label, role="series"))
    (conversion, share), *more = two_groups(np.arange(400), value, conversions)
    assert words in conversion and share == pytest.approx(1 / 8) and not more


def test_two_groups_without_a_known_conversion_or_of_a_score_are_no_suspicion() -> None:
    random = np.random.default_rng(0)
    value = random.normal(37, 0.7, 400)
    value[::8] *= 5
    assert list(two_groups(np.arange(400), value, CONVERSIONS)) == []
    assert list(two_groups(np.arange(400), random.choice([0.5, 5.0], 400), CONVERSIONS)) == []


def test_many_values_beyond_what_is_plausible_are_seen_and_few_are_not() -> None:
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
def test_units_mixed_up_in_real_values_are_seen(name: str, convert: Callable[[Any], Any], share: float) -> None:
    variable = next(one for one in icu().records.variables if one.name == name)
    subject, _, value = icu().measured(variable)
    mixed = np.where(subject % round(1 / share) == 0, convert(value), value)
    assert len(list(two_groups(subject, mixed, fitting(variable), variable.unit))) == 1


def measured(name: str, label: str, unit: str, value: np.ndarray, times: int = 6, seed: int = 0) -> Cohort:
    """The sound cohort with this as its only variable, ``(n_subjects * times,)``, and a static, its ward."""
    cohort = made(seed)
    ids = cohort.records.subjects["subject_id"].to_numpy()
    cohort.records.subjects["ward"] = WARD.astype(float)
    rows = {"subject_id": np.repeat(ids, times), "hours": np.tile(np.arange(times) * 1.0, N), "value": value}
    variable = Variable(name=name, label=label, unit=unit, role="series")
    ward = Variable(name="ward", label="ward", role="static", kind="categorical", levels=("a", "b", "c"))
    return with_events(cohort, pd.DataFrame({**rows, "variable": name}), variables=(variable, ward))


WARD = np.random.default_rng(9).integers(0, 3, N)
SUBJECT, HOUR = np.repeat(np.arange(N), 6), np.tile(np.arange(6), N)
PARTS = {
    "where ward is b": np.repeat(WARD == 1, 6),
    "the first 40% of the subjects": SUBJECT < 0.4 * N,
    "before hour 3": HOUR < 3,
    "it jumps": (SUBJECT % 3 == 0) & (HOUR == 4),
}
QUANTITIES = {
    "kg and lb": ("mass", "body weight", "kg", 4.4, 0.22, lambda x: x * 2.205),
    "kPa": ("paco2", "PaCO2", "mmHg", 3.7, 0.2, lambda x: x / 7.501),
    "°F": ("t", "temperature", "°C", 3.61, 0.015, lambda x: 1.8 * x + 32),
    "88.4": ("crea", "creatinine", "", 0.0, 0.4, lambda x: x * 88.4),
    "1000": ("plt", "platelets", "1000/µl", 5.3, 0.3, lambda x: x * 1000),
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("unit", QUANTITIES)
def test_a_part_of_a_column_in_another_unit_is_found_and_the_unit_named(unit: str, part: str) -> None:
    name, label, declared, level, spread, convert = QUANTITIES[unit]
    random = np.random.default_rng(1)
    value = np.exp(np.repeat(random.normal(level, spread, N), 6) + random.normal(0, 0.01, 6 * N))
    ((found, seen),) = mixed(measured(name, label, declared, np.where(PARTS[part], convert(value), value)))
    assert found == name and unit in seen and (part in seen or "two groups" in seen)
    assert list(mixed(measured(name, label, declared, value))) == []


def shares(random: np.random.Generator, low: float, high: float) -> np.ndarray:
    return np.repeat(random.beta(low, high, N), 6).round(3)


SOUND = {
    ("fio2", "inspired oxygen", "%"): lambda random: random.choice([21.0, 28, 40, 50, 60, 100], 6 * N),
    ("fio2", "fraction of inspired oxygen", ""): lambda random: random.choice([0.21, 0.28, 0.4, 0.5, 0.6, 1], 6 * N),
    ("surv2m", "probability of survival", ""): lambda random: shares(random, 0.5, 0.5),
    ("risk", "a model's estimate", ""): lambda random: shares(random, 0.4, 2),
    ("gcs", "Glasgow coma scale", ""): lambda random: random.choice([3.0, 4, 6, 8, 10, 14, 15], 6 * N),
    ("crp", "C-reactive protein", "mg/l"): lambda random: random.lognormal(3, 1.5, 6 * N).round(1),
    ("mel", "loudness", ""): lambda random: random.normal(0.3, 2, 6 * N),
    ("dose", "noradrenaline", "µg"): lambda random: (random.lognormal(-2, 1, 6 * N) * (HOUR % 2)).round(3),
    ("peep", "end-expiratory pressure", "cmH2O"): lambda random: random.choice([0.0, 5, 8, 10, 12], 6 * N),
    ("age", "age", "years"): lambda random: random.normal(70, 15, 6 * N).clip(18, 90).round(),
    ("plt", "platelets", "1000/µl"): lambda random: random.lognormal(5.3, 0.6, 6 * N).round(),
}


@pytest.mark.parametrize("quantity", SOUND, ids=lambda quantity: " ".join(quantity))
def test_a_sound_quantity_is_neither_two_units_nor_full_of_marks(quantity: tuple[str, str, str]) -> None:
    for seed in range(5):
        cohort = measured(*quantity, SOUND[quantity](np.random.default_rng(seed)))
        assert [*mixed(cohort), *stand_for_unknown(cohort)] == []
