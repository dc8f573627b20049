"""A condensed set that holds patients is told from one that does not, however the records were disguised."""

from collections.abc import Callable

import numpy as np
import pytest

from recondense.bundle.resemblance import KINDS, resemblance
from recondense.condensation.baselines import group_means, kmeans
from recondense.records.cohort import Normalised
from recondense.stages.layout import Layout

LIMIT = 0.3
RNG = np.random.default_rng


def cohort(n: int = 260, steps: int = 8, features: int = 6, seed: int = 0) -> Normalised:
    """Courses that share a few causes, as those of patients do; half are train records, half held-out ones."""
    rng = RNG(seed)
    causes = rng.standard_normal((12, steps, features)).cumsum(axis=1) / 2
    values = np.einsum("nk,ktf->ntf", rng.standard_normal((n, 12)), causes) + 0.5 * rng.standard_normal(causes[0].shape)
    values = (values + 0.5 * rng.standard_normal(values.shape)).astype(np.float32)
    labels = (np.arange(n) % 4 < 2).astype(np.float32)
    return Normalised(values, np.ones_like(values, bool), labels, (np.arange(n) % 2).astype(np.uint8))


def nearest(condensed: np.ndarray, whole: Normalised) -> dict[str, float]:
    """By kind, how near the set is to a patient, as a share of what is allowed; below 1 it is refused."""
    train, held_out = whole.values[whole.split == 0], whole.values[whole.split != 0]
    found = resemblance(condensed.astype(np.float32), train, held_out)
    return {n: min(each.lowest, 1 / each.highest) / min(LIMIT, each.chance) for n, each in found.items()}


@pytest.mark.parametrize(
    ("disguise", "told_by"),
    [
        (lambda real: real + 2e-3, "as_it_is"),
        (lambda real: real + 0.1 * RNG(1).standard_normal(real.shape), "as_it_is"),
        (lambda real: (real[0::2] + real[1::2]) / 2, "one_or_two_records_mixed"),
        (lambda real: 0.9 * real[0::2] - 0.2 * real[1::2] + 1, "one_or_two_records_mixed"),
        (lambda real: 3 - 0.5 * real, "one_or_two_records_mixed"),
        (lambda real: real * np.arange(-2.5, 3) + np.arange(6), "each_variable_scaled"),
        (lambda real: np.roll(real, 2, axis=2), "features_in_another_order"),
        (lambda real: real[:, ::-1], "steps_in_another_order"),
        (
            lambda real: 2 * real.reshape(len(real), -1)[:, RNG(2).permutation(48)].reshape(real.shape) + 1,
            "entries_in_another_order_scaled",
        ),
        (lambda real: np.concatenate([real[:, :4], RNG(3).normal(size=real[:, 4:].shape)], 1), "first_half_of_steps"),
        (lambda real: np.concatenate([RNG(3).normal(size=real[:, 4:].shape), real[:, 4:]], 1), "second_half_of_steps"),
    ],
)
def test_patients_are_found_under_every_disguise_among_records_that_are_none(
    disguise: Callable[[np.ndarray], np.ndarray], told_by: str
) -> None:
    whole = cohort()
    honest = group_means(whole.part("train"), 10, seed=0).values
    planted = np.concatenate([honest, disguise(whole.values[whole.split == 0][:4].astype(np.float64))])
    assert nearest(planted, whole)[told_by] < 1


def test_a_held_out_patient_is_found_as_a_train_patient_is() -> None:
    whole = cohort()
    found = nearest(whole.values[whole.split == 1][:1] + 2e-3, whole)
    assert found["as_it_is"] < 1


@pytest.mark.parametrize("seed", range(3))
def test_means_of_several_patients_pass_by_every_kind(seed: int) -> None:
    whole = cohort(seed=seed)
    train = whole.part("train")
    for condensed in (group_means(train, 10, seed), kmeans(train, 5, seed, least=5)):
        found = nearest(condensed.values, whole)
        assert set(found) == set(KINDS)
        assert min(found.values()) > 1


def test_records_of_people_whom_nobody_condensed_pass_however_many_stand_on_either_side() -> None:
    whole = cohort(600)
    others = whole.values[:20]
    for train, held_out in ((whole.values[20:500], whole.values[500:]), (whole.values[20:120], whole.values[120:])):
        found = resemblance(others, train, held_out)
        assert all(each.keeps(LIMIT) for each in found.values())


def test_a_kind_by_which_held_out_records_are_all_alike_is_left_out_and_the_rest_decide() -> None:
    whole = cohort(steps=1)  # nothing varies over time
    found = nearest(whole.values[whole.split == 0][:2], whole)
    assert "second_half_of_steps" not in found and found["as_it_is"] < 1


def test_the_default_records_of_the_embedded_cohort_pass_and_two_patients_among_them_do_not(small: Layout) -> None:
    whole = Normalised.load(small.folder("normalisation") / "normalised.safetensors")
    honest = group_means(whole.part("train"), 2, seed=0).values
    assert min(nearest(honest, whole).values()) > 1
    rng, planted = RNG(0), honest.copy()
    planted[:2] = whole.part("train").values[:2] + 2e-3 * rng.choice([-1, 1], size=planted[:2].shape)
    assert nearest(planted, whole)["as_it_is"] < 0.1
