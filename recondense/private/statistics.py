"""What is asked of the patients, once: how many there are of each class, the mean record of each, how features vary.

A record is summarised by the means of its features over a few windows of time. Summaries are cut to a length, and with
them what one patient can change. One discrete Gaussian mechanism answers all sums together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recondense.private.askings import Answer, Answers
from recondense.private.guarantee import COUNTS, GROUPS, Guarantee, Query, epsilon, sigma_for
from recondense.private.mechanism import Whole
from recondense.records.cohort import Normalised
from recondense.records.labels import likeliest

GRID = 1 << 20  # whole numbers to a length of 1
CHUNK = 256  # records at a time
NAMES = (COUNTS, "class sums", "second moments")
MECHANISM = (
    "discrete Gaussian on sums of whole numbers; its noise is new in each asking, from a secret key, by HMAC-SHA256 "
    "and ChaCha20"
)
OUTSIDE = (
    "scores on validation and test patients, who are not of the train split",
    "the verdicts of attacks on the train split, that the gate let this set pass, and how many it refused before",
    "the choice of this set among those that were asked for since the last release, and how many these were",
)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """What to ask, all of it public. ``length``: the most that a summary may have; ``shares``: of the squared
    sensitivity, which is 1, that of counts, class sums and second moments."""

    n_features: int
    n_classes: int
    windows: int
    length: float
    shares: tuple[float, float, float]

    @property
    def size(self) -> int:
        """Of a summary."""
        return self.windows * self.n_features

    @property
    def weights(self) -> tuple[float, ...]:
        """What each of the three queries is multiplied by."""
        return tuple(float(np.sqrt(share)) for share in self.shares)

    def summaries(self, values: NDArray[np.float32]) -> Floats:
        """``(n, size)``, window after window, of ``values`` ``(n, n_steps, n_features)``; none longer than 1."""
        windows = np.array_split(values.astype(np.float64), self.windows, axis=1)
        means = np.concatenate([window.mean(axis=1) for window in windows], axis=1) / self.length
        result: Floats = means / np.maximum(1, np.linalg.norm(means, axis=1, keepdims=True))
        return result

    def asked(self, values: NDArray[np.float32], classes: NDArray[np.int64]) -> Whole:
        """What each record adds to the sums, ``(n, n_values)`` in whole numbers, of length at most `GRID`.

        Rounding is towards zero; that no record is longer is made certain in whole numbers.
        """
        summaries, chosen = self.summaries(values), np.eye(self.n_classes)[classes]
        of_class = (chosen[:, :, None] * summaries[:, None, :]).reshape(len(values), -1)
        upper, right = np.triu_indices(self.size)
        twice = np.where(upper == right, 1.0, np.sqrt(2))  # what stands above the diagonal stands for two
        moments = summaries[:, upper] * summaries[:, right] * twice
        parts = zip(self.weights, (chosen, of_class, moments), strict=True)
        whole: Whole = np.trunc(np.concatenate([weight * part for weight, part in parts], axis=1) * GRID).astype(
            np.int64
        )
        while (long := (whole**2).sum(axis=1) > GRID**2).any():
            whole[long] -= np.sign(whole[long])
        return whole

    def queries(self, sigma: float) -> tuple[Query, ...]:
        """The three queries, by name, with noise of deviation ``sigma`` on the scale on which their sum is taken."""
        sizes = self.n_classes, self.n_classes * self.size, self.size * (self.size + 1) // 2
        what = (
            "patients of each class",
            f"sums, by class, of summaries: features' means over {self.windows} windows, cut to length {self.length:g}",
            "sums of products of each two numbers of a summary",
        )
        return tuple(
            Query(name=name, what=words, values=size, sensitivity=weight, sigma=sigma)
            for name, words, size, weight in zip(NAMES, what, sizes, self.weights, strict=True)
        )


@dataclass(frozen=True)
class Statistics:
    """Noisy answers on the scale of values: ``counts`` ``(n_classes,)``, ``sums`` ``(n_classes, size)`` and ``moments``
    ``(size, size)``, symmetric; ``noise``: the deviation of the noise in each number of the latter two."""

    plan: Plan
    counts: Floats
    sums: Floats
    moments: Floats
    noise: tuple[float, float]
    guarantee: Guarantee


def ask(train: Normalised, plan: Plan, wanted: float, delta: float, answers: Answers) -> Statistics:
    """The statistics of ``train`` that cost at most epsilon ``wanted`` at ``delta``, through ``answers``."""
    sigma = int(np.ceil(sigma_for(wanted, delta) * GRID))
    return _read(noisy_sums(train, plan, sigma, answers), plan, sigma, delta)


def noisy_sums(train: Normalised, plan: Plan, sigma: int, answers: Answers) -> Answer:
    """The mechanism: all that is ever learned of ``train``, ``(n_values,)``, with noise of deviation ``sigma``."""
    return answers(_declaration(plan, sigma), lambda: exact_sums(train, plan), sigma)


def exact_sums(train: Normalised, plan: Plan) -> Whole:
    """What nobody is to see, ``(n_values,)``.

    Of several records of a patient the first is used, so that all that is theirs is hidden together.
    """
    first = train.first_of_each_patient()
    total = np.zeros(sum(query.values for query in plan.queries(1)), dtype=np.int64)
    classes = likeliest(first.labels)
    for start in range(0, len(classes), CHUNK):
        chunk = slice(start, start + CHUNK)
        total += plan.asked(first.values[chunk], classes[chunk]).sum(axis=0)
    return total


def _declaration(plan: Plan, sigma: int) -> bytes:
    """Of what is asked, and how exactly."""
    return repr((plan, sigma, GRID)).encode()


def _read(answer: Answer, plan: Plan, sigma: int, delta: float) -> Statistics:
    """What ``answer`` says on the scale of values, and what it cost."""
    queries = plan.queries(sigma / GRID)
    ends = np.cumsum([query.values for query in queries])
    counts, sums, upper = (
        part / GRID / weight for part, weight in zip(np.split(answer.values, ends[:-1]), plan.weights, strict=True)
    )
    moments = np.zeros((plan.size, plan.size))
    moments[np.triu_indices(plan.size)] = upper / np.sqrt(2)
    moments += moments.T  # the diagonal, twice now, was not multiplied by the root of 2
    moments[np.diag_indices(plan.size)] /= np.sqrt(2)
    guarantee = Guarantee(
        mechanism=MECHANISM,
        delta=delta,
        epsilon=epsilon(queries, delta),
        groups={size: epsilon(queries, delta, size) for size in GROUPS},
        queries=queries,
        statistics=answer.statistics,
        counts=tuple(round(float(count), 1) for count in counts),
        outside=OUTSIDE,
        asked=answer.asked,
    )
    _, weight, weight_of_moments = plan.weights
    deviation = sigma / GRID
    noise = deviation * plan.length / weight, deviation * plan.length**2 / weight_of_moments
    of_class = sums.reshape(plan.n_classes, plan.size) * plan.length
    return Statistics(plan, counts, of_class, moments * plan.length**2, noise, guarantee)
