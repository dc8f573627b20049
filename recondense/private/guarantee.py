"""Differential privacy as a statement that anyone can check: what was asked of the data, how noisily, at what cost.

Two cohorts are neighbours where one has a patient more, with all of that patient's records. Every query is a sum over
patients, answered with Gaussian noise of its own; its cost depends on ``sensitivity / sigma`` alone, and all costs
compose by Renyi differential privacy (Mironov 2017, arXiv 1702.07476; the accountant is Google's dp-accounting).
"""

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

UNIT = "one patient of the train split, added or removed"
GROUPS = (2, 3, 5)  # patients who would be hidden together, a household say
COUNTS = "counts"  # the query about the number of patients of each class
MOST_QUERIES, MOST_GROUPS = 64, 8  # that a bundle may state: each of both takes an accounting
PRECISION = 4  # decimals of a stated epsilon
LEAST, MOST = 0.05, 1000.0  # sigma, over the sensitivity, among which one is looked for


class Query(BaseModel):
    """One noisy sum. ``sensitivity``: the most that one patient can move it, Euclidean; ``sigma``: the deviation of the
    noise on each of its ``values`` numbers, in the same unit. ``what``: in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    what: str
    values: int = Field(ge=1)
    sensitivity: float = Field(gt=0)
    sigma: float = Field(gt=0)


class Asked(BaseModel):
    """The asking that answered. ``number``: of the cohort's askings. ``draws``: the sets of answers that were asked
    since the last release, this one among them. ``reused``: that an earlier asking's answer was taken again, by choice,
    and no patient asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=1)
    draws: int = Field(ge=0)
    reused: bool


class Guarantee(BaseModel):
    """That no patient of the train split shows: epsilon at ``delta``, and the queries that it comes from.

    ``queries``: with their cost. ``statistics``: SHA-256 of the noisy answers; releases that share it share the cost.
    ``groups``: epsilon for so many patients at once. ``counts``: the noisy number of patients of each class.
    ``outside``: what a release states that this does not cover. ``asked``: None in bundles of before it was stated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: str = UNIT
    mechanism: str
    delta: float = Field(gt=0, lt=1)
    epsilon: float = Field(gt=0)
    groups: dict[int, float] = Field(max_length=MOST_GROUPS)
    queries: tuple[Query, ...] = Field(min_length=1, max_length=MOST_QUERIES)
    statistics: str = Field(pattern=r"^[0-9a-f]{64}$")
    counts: tuple[float, ...]
    outside: tuple[str, ...]
    asked: Asked | None = None

    def noise_of_counts(self) -> float | None:
        """The deviation of the noise in each of ``counts``, in patients; None where no query is of them."""
        return next((one.sigma / one.sensitivity for one in self.queries if one.name == COUNTS), None)

    def stands(self) -> bool:
        """Whether epsilon and those of groups are what the queries cost, by an accounting from the start."""
        groups = {size: epsilon(self.queries, self.delta, size) for size in self.groups}
        return self.epsilon == epsilon(self.queries, self.delta) and self.groups == groups


def epsilon(queries: Sequence[Query], delta: float, patients: int = 1) -> float:
    """What all ``queries`` together cost at ``delta``, for so many ``patients`` at once; rounded up.

    >>> one = Query(name="n", what="patients", values=1, sensitivity=1, sigma=4)
    >>> epsilon([one], 1e-5), epsilon([one, one], 1e-5) < 2 * epsilon([one], 1e-5)
    (1.0126, True)
    """
    import dp_accounting
    from dp_accounting.rdp import RdpAccountant

    accountant = RdpAccountant(neighboring_relation=dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE)
    for query in queries:
        accountant.compose(dp_accounting.GaussianDpEvent(query.sigma / (query.sensitivity * patients)))
    unit = 10**PRECISION
    found = float(accountant.get_epsilon(delta))
    return float(math.ceil(found * unit) / unit)


def sigma_for(wanted: float, delta: float) -> float:
    """The least noise, for a sensitivity of 1, that costs at most epsilon ``wanted`` at ``delta``; to 4 decimals.

    >>> sigma_for(1.0, 1e-5)
    4.0457
    """
    from scipy.optimize import brentq

    def excess(sigma: float) -> float:
        return epsilon([Query(name="", what="", values=1, sensitivity=1, sigma=sigma)], delta) - wanted

    sigma = round(float(brentq(excess, LEAST, MOST, xtol=1e-5)), 4)
    while excess(sigma) > 0:
        sigma = round(sigma + 1e-4, 4)
    return sigma
