"""Normalisation: train statistics alone, a fixed sequence of steps, and the way back to clinical units."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recondense.errors import InputError
from recondense.preprocessing.fit import fit, outside_steps
from recondense.preprocessing.params import Params
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.cohort import Ingested, Variable
from recondense.records.condensed import CondensedSet

VARIABLES = (
    Variable(name="pulse", label="Pulse", unit="1/min", role="series"),
    Variable(name="bili", label="Bilirubin", unit="mg/dl", role="series", skewed=True),
    Variable(name="vent", label="Ventilated", role="series", kind="binary"),
    Variable(name="age", label="Age", unit="years", role="static"),
    Variable(name="ward", label="Ward", role="static", kind="categorical", levels=("a", "b")),
)
PARAMS = Params(step_hours=1, n_steps=3, clip_quantiles=(0, 1), scale="train")


def cohort(test_pulse: float = 999.0) -> Ingested:
    events = pd.DataFrame(
        [
            ("p1", 0.0, "pulse", 60.0), ("p1", 0.5, "pulse", 80.0), ("p1", 2.5, "pulse", 90.0),
            ("p1", 1.0, "bili", 1.0),
            ("p2", 1.2, "pulse", 100.0), ("p2", 0.1, "vent", 1.0), ("p2", 9.0, "pulse", 5.0),
            ("p3", 0.0, "pulse", test_pulse), ("p3", 0.0, "bili", 500.0),
        ],
        columns=["subject_id", "hours", "variable", "value"],
    )  # fmt: skip
    subjects = pd.DataFrame({
        "subject_id": ["p1", "p2", "p3"], "outcome": [0.0, 1.0, 1.0], "split": ["train", "train", "test"],
        "age": [50.0, np.nan, 70.0], "ward": [0.0, 1.0, np.nan],
    })  # fmt: skip
    return Ingested(events, subjects, VARIABLES)


def column(preprocessing: Preprocessing, values: np.ndarray, name: str) -> np.ndarray:
    index = [feature.name for feature in preprocessing.features].index(name)
    feature = preprocessing.features[index]
    return values[:, :, index] * feature.std + feature.mean


def test_steps_are_means_carried_forward_and_filled_with_the_train_median() -> None:
    ingested = cohort()
    preprocessing = fit(ingested, PARAMS)
    values, observed = preprocessing.apply(ingested.events, ingested.subjects)
    pulse = column(preprocessing, values, "pulse")
    np.testing.assert_allclose(pulse[0], [70, 70, 90], rtol=1e-5)
    np.testing.assert_allclose(pulse[1], [90, 100, 100], rtol=1e-5)  # 90 is the median of 70, 90 and 100
    names = [feature.name for feature in preprocessing.features]
    assert observed[:, :, names.index("pulse")].tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 0]]
    np.testing.assert_allclose(column(preprocessing, values, "n_measurements")[0], [2, 1, 1], rtol=1e-5)


def test_only_train_subjects_move_a_statistic() -> None:
    assert fit(cohort(test_pulse=999.0), PARAMS) == fit(cohort(test_pulse=-5.0), PARAMS)


def test_values_beyond_the_train_quantiles_are_clipped() -> None:
    ingested = cohort()
    preprocessing = fit(ingested, PARAMS)
    values, _ = preprocessing.apply(ingested.events, ingested.subjects)
    assert column(preprocessing, values, "pulse")[2, 0] == pytest.approx(100)


def test_a_skewed_variable_is_scaled_on_its_logarithm_and_comes_back_in_its_unit() -> None:
    ingested = cohort()
    preprocessing = fit(ingested, PARAMS)
    values, _ = preprocessing.apply(ingested.events, ingested.subjects)
    assert column(preprocessing, values, "bili")[0, 1] == pytest.approx(np.log(2.0))
    clinical = preprocessing.clinical(CondensedSet(values, ingested.subjects["outcome"].to_numpy(dtype=np.float32)))
    of_p1 = clinical[(clinical["record"] == 0) & (clinical["step"] == 1)].set_index("feature")["value"]
    assert of_p1["bili"] == pytest.approx(1.0, rel=1e-5)
    assert of_p1["pulse"] == pytest.approx(70.0, rel=1e-5)


def test_an_unknown_level_is_no_level_and_an_unknown_static_is_the_train_median() -> None:
    ingested = cohort()
    preprocessing = fit(ingested, PARAMS)
    values, _ = preprocessing.apply(ingested.events, ingested.subjects)
    assert column(preprocessing, values, "ward=a")[:, 0].tolist() == pytest.approx([1, 0, 0], abs=1e-6)
    assert column(preprocessing, values, "age")[:, 0].tolist()[1] == pytest.approx(50)


def test_preprocessing_survives_its_file(tmp_path: Path) -> None:
    preprocessing = fit(cohort(), PARAMS)
    preprocessing.save(tmp_path / "preprocessing.json")
    assert Preprocessing.load(tmp_path / "preprocessing.json") == preprocessing
    (tmp_path / "preprocessing.json").write_text('{"format": 1}')
    with pytest.raises(InputError, match=r"preprocessing\.json"):
        Preprocessing.load(tmp_path / "preprocessing.json")


def test_events_after_the_last_step_are_counted_and_have_no_effect() -> None:
    ingested = cohort()
    preprocessing = fit(ingested, PARAMS)
    assert outside_steps(preprocessing, ingested.events) == 1
    kept = ingested.events[ingested.events["hours"] <= 3]
    for with_all, without in zip(
        preprocessing.apply(ingested.events, ingested.subjects),
        preprocessing.apply(kept, ingested.subjects),
        strict=True,
    ):
        np.testing.assert_array_equal(with_all, without)


def test_a_variable_never_measured_in_train_is_the_same_for_everyone() -> None:
    ingested = cohort()
    events = ingested.events[(ingested.events["variable"] != "bili") | (ingested.events["subject_id"] == "p3")]
    ingested = Ingested(events, ingested.subjects, VARIABLES)
    preprocessing = fit(ingested, PARAMS)
    values, _ = preprocessing.apply(ingested.events, ingested.subjects)
    assert np.isfinite(values).all()
    index = [feature.name for feature in preprocessing.features].index("bili")
    assert not values[:2, :, index].any()


def test_of_a_categorical_series_the_last_level_of_a_step_is_one_hot_and_carried_forward() -> None:
    rhythm = Variable(name="rhythm", label="Rhythm", role="series", kind="categorical", levels=("sinus", "flutter"))
    events = pd.DataFrame(
        # Not in the order of time
        [
            ("p1", 0.9, "rhythm", 0.0),
            ("p1", 0.1, "rhythm", 1.0),
            ("p2", 1.1, "rhythm", 0.0),
            ("p2", 1.2, "rhythm", 1.0),
        ],
        columns=["subject_id", "hours", "variable", "value"],
    )
    ingested = Ingested(events, cohort().subjects, (rhythm,))
    preprocessing = fit(ingested, PARAMS.model_copy(update={"missingness": "mask"}))
    assert [f.name for f in preprocessing.features] == ["rhythm=sinus", "rhythm=flutter", "rhythm_observed"]
    values, observed = preprocessing.apply(events, ingested.subjects)
    sinus, flutter = (column(preprocessing, values, f"rhythm={level}") for level in ("sinus", "flutter"))
    np.testing.assert_allclose(sinus[0], [1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(flutter[0], [0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(sinus[1, 1:], [0, 0], atol=1e-6)
    np.testing.assert_allclose(flutter[1, 1:], [1, 1], atol=1e-6)
    assert observed[:2, :, 1].tolist() == [[1, 0, 0], [0, 1, 0]]
    np.testing.assert_allclose(column(preprocessing, values, "rhythm_observed")[1], [0, 1, 0], atol=1e-6)


def many(outlier: float) -> Ingested:
    """200 train patients; one's pulse, bilirubin and age are all ``outlier``."""
    rng = np.random.default_rng(0)
    names = [f"p{index}" for index in range(200)]
    pulse = pd.DataFrame({
        "subject_id": np.repeat(names, 3), "hours": np.tile([0.0, 1.0, 2.0], 200), "variable": "pulse",
        "value": rng.normal(85, 15, 600),
    })  # fmt: skip
    bili = pulse.assign(variable="bili", value=rng.lognormal(1, 1, 600))
    events = pd.concat([pulse, bili], ignore_index=True)
    events.loc[events["subject_id"] == "p7", "value"] = outlier
    subjects = pd.DataFrame({
        "subject_id": names, "outcome": np.arange(200) % 2.0, "split": "train", "age": rng.normal(60, 15, 200),
        "ward": np.arange(200) % 2.0,
    })  # fmt: skip
    subjects.loc[7, "age"] = outlier
    return Ingested(events, subjects, VARIABLES)


def test_a_rounded_scale_hides_how_far_one_of_200_lies_and_clips_no_more_than_the_exact_one() -> None:
    exact, default = PARAMS.model_copy(update={"clip_quantiles": (0.005, 0.995)}), Params(step_hours=1, n_steps=3)
    near, far = many(80.0), many(120.0)
    assert fit(near, exact).features != fit(far, exact).features
    assert fit(near, default).features == fit(far, default).features != fit(far, exact).features
    for ours, theirs in zip(fit(near, default).features, fit(near, exact).features, strict=True):
        assert theirs.std / 2 <= ours.std <= theirs.std * 2
        assert abs(ours.mean - theirs.mean) <= ours.std / 2
        if theirs.clip is not None:
            assert ours.clip is not None
            assert ours.clip[0] <= theirs.clip[0] < theirs.clip[1] <= ours.clip[1]
