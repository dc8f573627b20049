"""Whether a test AUC may be chance is told from predictions and from what was tried before."""

import numpy as np
import pandas as pd
import pytest

from recondense.bundle.evidence import evidence, refused_before
from recondense.models.part import Part
from recondense.models.predictions import Results
from recondense.results.base import Interval
from recondense.results.evidence import Evidence
from recondense.stages.history import Event

CONDENSED, SCORES = "data/4_condensed/pbc/condensed.safetensors", "data/5_trained/pbc/predictions.parquet"
NETWORKS = ["rnn_beta", "tcn_beta"]


def parts(n: int = 200) -> tuple[Part, Part]:
    """Validation and test patients, a quarter of each with the outcome."""
    labels = (np.arange(2 * n) % 4 == 0).astype(np.float32)
    values = np.zeros((2 * n, 1, 1), np.float32)
    return tuple(Part(values[rows], labels[rows], rows) for rows in np.split(np.arange(2 * n), 2))  # type: ignore[return-value]


def predicted(seed: int = 0, **gains: float | tuple[float, float]) -> Results:
    """Risks of each training set: noise, and as much of the outcome as its gain says, of validation and of test."""
    validation, test = parts()
    rng, tables = np.random.default_rng(seed), []
    for name, gain in gains.items():
        on = gain if isinstance(gain, tuple) else (gain, gain)
        for network in NETWORKS if name == "condensed" else [name]:
            for part, worth in zip((validation, test), on, strict=True):
                logit = worth * part.labels + rng.standard_normal(len(part.labels))
                risk = 1 / (1 + np.exp(-logit))
                tables.append(
                    pd.DataFrame({"training_set": name, "network": network, "seed": 0, "row": part.rows, "risk": risk})
                )
    return Results(pd.concat(tables, ignore_index=True), pd.DataFrame())


def found(refused: int = 0, seed: int = 0, **gains: float | tuple[float, float]) -> Evidence:
    return evidence(predicted(seed, **gains), *parts(), NETWORKS, refused)


def test_validation_that_contradicts_test_beyond_their_joint_error_is_told_and_chance_is_not() -> None:
    assert found(condensed=(-0.1, 1.2)).over_validation.low > 0
    assert found(condensed=(1.2, 1.2)).over_validation.low < 0


def test_sets_that_are_as_good_on_both_parts_seem_better_on_test_in_about_one_of_forty() -> None:
    better = sum(found(seed=seed, condensed=1.0).over_validation.low > 0 for seed in range(60))
    assert better <= 5


def test_a_share_is_of_what_the_better_simple_model_gains_over_a_guess() -> None:
    one = found(condensed=0.7, logistic_regression=1.5, boosted_trees=1.0)
    assert one.best_simple == "logistic_regression"
    assert 0.4 < (one.share or 0) < 0.75
    assert found(condensed=0.7, logistic_regression=-0.5, boosted_trees=-0.7).share is None
    assert found(condensed=0.7).share is None


@pytest.mark.parametrize(("worth", "above"), [(0.7, False), (1.6, True)])
def test_what_is_no_better_than_a_single_variable_is_told_on_the_same_patients(worth: float, above: bool) -> None:
    difference = found(condensed=worth, single_variable=1.1).over_single_variable
    assert isinstance(difference, Interval)
    assert (difference.mean > 0) == above
    assert difference.low < difference.mean < difference.high


def test_an_interval_is_wider_the_more_sets_were_refused_before() -> None:
    lows = [found(refused, condensed=1.0).test_auc.low for refused in (0, 1, 5)]
    assert lows[0] > lows[1] > lows[2]
    assert found(condensed=1.0).test_events == 50


def event(name: str, digest: str | None = None, scores: str = "s") -> Event:
    return Event(0, name, {"inputs": {CONDENSED: digest, SCORES: scores}} if digest else {})


@pytest.mark.parametrize(
    ("earlier", "count"),
    [
        ([], 0),
        ([event("gate refused", "a"), event("audited"), event("gate refused", "b")], 2),
        ([event("gate refused", "a"), event("gate refused", "a")], 1),  # the same set, asked again
        ([event("gate refused", "mine")], 0),  # this set itself, before the gate was asked for less
        ([event("gate refused", "mine", "t"), event("gate refused", "mine", "u")], 2),  # trained until it passes
        ([event("gate passed", "mine", "t"), event("gate refused", "mine", "u")], 1),
        ([event("gate refused", "a"), event("released"), event("gate refused", "b")], 1),
        # A release made again: what came after the set passed has no part in it
        ([event("gate refused", "a"), event("gate passed", "mine"), event("released")], 1),
        ([event("gate refused", "a"), event("gate passed", "mine"), event("gate refused", "b")], 1),
        ([event("gate passed", "other"), event("gate refused", "a")], 1),
    ],
)
def test_sets_refused_since_the_last_release_and_before_this_one_passed_are_counted(
    earlier: list[Event], count: int
) -> None:
    assert refused_before(earlier, {CONDENSED: "mine", SCORES: "s"}) == count
