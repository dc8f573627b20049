"""Auditing a differentially private sum in one run: what must its epsilon be at least?

Canaries are vectors that are added or left out by the flip of a coin each; whoever sees the sum alone then guesses some
of the flips. Under (epsilon, delta)-differential privacy such guesses are seldom right (Steinke, Nasr and Jagielski
2023, arXiv 2305.08846, theorem 5.2), so that many right ones refute a claimed epsilon. What this finds is a lower
bound: one below the claim does not prove the claim.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import binom

from recondense.errors import InputError

Vectors = NDArray[np.float64]
NoisySum = Callable[[Vectors], Vectors]
DIMENSION = 1000


@dataclass(frozen=True)
class LowerBound:
    """``epsilon``: the lower bound. ``correct`` of ``guesses`` coins of ``canaries`` were guessed."""

    epsilon: float
    correct: int
    guesses: int
    canaries: int


def epsilon_lower_bound(correct: int, guesses: int, canaries: int, delta: float, confidence: float) -> float:
    """The epsilon that (epsilon, ``delta``)-differential privacy must have at least, at ``confidence``, where
    ``correct`` of ``guesses`` coins of ``canaries`` were guessed; 0 where they show nothing.

    All other canaries are those about which the attacker abstained. How many are guessed must not depend on the coins.
    Raises `InputError` unless 0 <= correct <= guesses <= canaries.

    >>> round(epsilon_lower_bound(100, 100, 100, 0.0, 0.95), 3)  # the q / (1 - q) whose q ** 100 is 0.05
    3.493
    >>> epsilon_lower_bound(50, 100, 100, 0.0, 0.95)
    0.0
    """
    if not 0 <= correct <= guesses <= canaries:
        raise InputError(f"{correct} correct of {guesses} guesses of {canaries} canaries cannot be: count again")
    chance = 1 - confidence
    if _p_value(0.0, correct, guesses, canaries, delta) >= chance:
        return 0.0
    high = 1.0
    while _p_value(high, correct, guesses, canaries, delta) < chance:
        high *= 2
    return float(brentq(lambda epsilon: _p_value(epsilon, correct, guesses, canaries, delta) - chance, 0.0, high))


def lower_bound(
    noisy_sum: NoisySum,
    canaries: int,
    delta: float,
    confidence: float,
    seed: int,
    clip: float = 1.0,
    dimension: int = DIMENSION,
    share: float = 0.03,
) -> LowerBound:
    """A lower bound on the epsilon of ``noisy_sum``, which maps vectors ``(n, dimension)`` of norm at most ``clip``
    to their sum ``(dimension,)`` with noise, where one vector is added or left out.

    Canaries are orthogonal and as long as is allowed: ``clip`` times one axis each. More than ``dimension`` of them are
    spread over several sums with fresh noise each; as a canary is in one alone, all together keep the guarantee of one.
    The ``share`` of canaries with the greatest inner products with their sum, or the least, is guessed, half each way.
    ``seed`` decides the coins; the noise must not depend on it.
    """
    coins = np.random.default_rng(seed).random(canaries) < 0.5
    scores = np.empty(canaries)
    for start in range(0, canaries, dimension):
        included = np.flatnonzero(coins[start : start + dimension])
        vectors = np.zeros((len(included), dimension))
        vectors[np.arange(len(included)), included] = clip
        scores[start : start + dimension] = clip * noisy_sum(vectors)[: canaries - start]
    each_way = max(1, round(share * canaries / 2))
    order = np.argsort(scores, kind="stable")
    correct = int(coins[order[-each_way:]].sum() + (~coins[order[:each_way]]).sum())
    found = epsilon_lower_bound(correct, 2 * each_way, canaries, delta, confidence)
    return LowerBound(found, correct, 2 * each_way, canaries)


def _p_value(epsilon: float, correct: int, guesses: int, canaries: int, delta: float) -> float:
    """How likely so many correct guesses are at most, if ``epsilon`` and ``delta`` hold.

    Guesses are no better than those of randomised response, of which each is right with the logistic of ``epsilon``,
    but for what delta allows: all canaries together may gain i correct guesses with probability 2 m delta / i.
    """
    right = float(expit(epsilon))
    exact = float(binom.sf(correct - 1, guesses, right))
    if delta == 0:
        return exact
    fewer = np.cumsum(binom.pmf(np.arange(correct - 1, -1, -1), guesses, right))
    gained = float((fewer / np.arange(1, correct + 1)).max(initial=0.0))
    return min(1.0, exact + 2 * canaries * delta * gained)
