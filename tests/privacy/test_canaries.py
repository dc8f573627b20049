"""Lower bounds on epsilon stay below what is true, come near it, and catch a mechanism with too little noise."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm

from recondense.errors import InputError
from recondense.private.lower_bound import NoisySum, epsilon_lower_bound, lower_bound

DELTA = 1e-5


def gaussian(noise: float, seed: int) -> NoisySum:
    rng = np.random.default_rng(seed)
    return lambda vectors: vectors.sum(axis=0) + noise * rng.standard_normal(vectors.shape[1])


def noise_for(epsilon: float) -> float:
    """The standard deviation that gives sums of vectors of norm 1 (epsilon, DELTA): Balle and Wang 2018, theorem 8."""

    def excess(noise: float) -> float:
        a, b = 0.5 / noise, epsilon * noise
        return float(norm.cdf(a - b) - np.exp(epsilon) * norm.cdf(-a - b) - DELTA)

    return float(brentq(excess, 0.1, 100))


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 3.0])
def test_randomised_response_is_bounded_from_below_and_closely(epsilon: float) -> None:
    rng = np.random.default_rng(0)
    bounds = [epsilon_lower_bound(int(rng.binomial(4000, expit(epsilon))), 4000, 4000, 0.0, 0.95) for _ in range(100)]
    assert 0.01 < np.mean(np.array(bounds) > epsilon) < 0.10, "one in twenty may be above"
    assert np.median(bounds) > 0.85 * epsilon


def test_a_delta_costs_some_of_the_bound_and_nothing_where_it_is_zero() -> None:
    exact, some, much = (epsilon_lower_bound(450, 500, 10_000, delta, 0.95) for delta in (0.0, 1e-5, 1e-3))
    assert exact > some > much >= 0
    assert epsilon_lower_bound(450, 500, 500, 0.0, 0.95) == exact, "abstaining is free without delta"


def test_more_correct_guesses_never_lower_the_bound() -> None:
    bounds = [epsilon_lower_bound(correct, 200, 2000, DELTA, 0.95) for correct in range(100, 201, 5)]
    assert bounds == sorted(bounds) and bounds[0] == 0 < bounds[-1]


def test_half_of_the_noise_is_caught_and_all_of_it_is_not() -> None:
    right = noise_for(1.0)
    assert right == pytest.approx(3.7306, abs=1e-3)
    found = [lower_bound(gaussian(right, seed), 40_000, DELTA, 0.95, seed).epsilon for seed in range(3)]
    assert max(found) < 1
    halved = [lower_bound(gaussian(right / 2, seed), 40_000, DELTA, 0.95, seed).epsilon for seed in range(3)]
    assert min(halved) > 1


def test_an_audit_sees_a_sum_without_noise_and_nothing_in_noise_alone() -> None:
    assert lower_bound(gaussian(0.0, 0), 500, DELTA, 0.95, 0, share=0.5).epsilon > 3
    assert lower_bound(gaussian(1e6, 0), 500, DELTA, 0.95, 0, share=0.5).epsilon == 0


def test_canaries_are_as_long_as_the_clip_allows_and_orthogonal_whatever_the_dimension() -> None:
    seen: list[np.ndarray] = []

    def watched(vectors: np.ndarray) -> np.ndarray:
        seen.append(vectors)
        return vectors.sum(axis=0)

    found = lower_bound(watched, 25, 0.0, 0.95, 0, clip=2.0, dimension=10, share=0.4)
    assert [vectors.shape[1] for vectors in seen] == [10, 10, 10] and found.canaries == 25
    for vectors in seen:
        np.testing.assert_array_equal(vectors @ vectors.T, 4 * np.eye(len(vectors)))
    assert 0 < sum(map(len, seen)) < 25, "some are left out"
    assert (found.correct, found.guesses) == (10, 10)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(InputError, match="6 correct of 5 guesses"):
        epsilon_lower_bound(6, 5, 10, 0.0, 0.95)
