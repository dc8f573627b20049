"""What attacks that do not score membership claim, and how often it is right of members and of others.

Three kinds of claims: one about each person, predicates said to be true of exactly one person of a group, and records
said to be somebody's. Each counts itself up over any two groups of candidates: see `Guesses`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Tally:
    """``right`` of ``made`` guesses about members, and the same about others. ``chance``: the rate of a guesser, where
    that is known exactly; the guesses about others are then those that were wrong about members."""

    right: int
    made: int
    others_right: int
    others_made: int
    chance: float | None = None


class Guesses(Protocol):
    """What an attacker claims."""

    @property
    def decides(self) -> bool:
        """Whether its failure says anything; of claims about a few people only success does."""
        ...

    @property
    def naive(self) -> Guesses | None:
        """What an attacker without any set would claim instead, where that is plain."""
        ...

    def tally(self, members: Places, others: Places) -> Tally:
        """How often this is right of ``members`` and of ``others``, disjoint places among the candidates."""
        ...


@dataclass(frozen=True)
class AboutEach:
    """One guess about each candidate, ``correct`` ``(n_candidates,)`` or not.

    ``surest``: only the share of each group is guessed about whose ``confidence`` ``(n_candidates,)`` is greatest. An
    attacker may abstain, and what is known of a few is lost in an average over all.
    """

    correct: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    surest: float = 1.0
    naive: Guesses | None = None

    @property
    def decides(self) -> bool:
        """Whether everyone is guessed about."""
        return self.surest == 1.0

    def tally(self, members: Places, others: Places) -> Tally:
        """See `Guesses`."""
        chosen = [self.chosen(group) for group in (members, others)]
        of_members, of_others = (int(self.correct[group].sum()) for group in chosen)
        return Tally(of_members, len(chosen[0]), of_others, len(chosen[1]))

    def chosen(self, group: Places) -> Places:
        """Those of ``group`` about whom there is a guess."""
        order = np.argsort(-self.confidence[group], kind="stable")
        chosen: Places = group[order[: ceil(self.surest * len(group))]]
        return chosen


@dataclass(frozen=True)
class Predicates:
    """Statements, each said to be true of exactly one person of a group. ``holds``: bool ``(n_predicates,
    n_candidates)``, of whom each is true.

    How often a predicate is true of one person depends on how many there are, so groups of equal size are compared:
    members are cut into as many as there are of the size of others, and each counts.
    """

    holds: csr_matrix
    decides: bool = True
    naive: Guesses | None = None

    def tally(self, members: Places, others: Places) -> Tally:
        """See `Guesses`."""
        size = min(len(members), len(others))
        cut = [members[start : start + size] for start in range(0, len(members) - size + 1, size)] if size else []
        groups = np.zeros((self.holds.shape[1], len(cut) + 1), dtype=np.float32)
        for place, group in enumerate([*cut, others[:size]]):
            groups[group, place] = 1
        singled = self.holds.astype(np.float32) @ groups == 1
        n_predicates = self.holds.shape[0]
        return Tally(int(singled[:, :-1].sum()), n_predicates * len(cut), int(singled[:, -1].sum()), n_predicates)


@dataclass(frozen=True)
class Reconstructions:
    """Records said to be somebody's. ``distances`` ``(n_records, n_candidates)``: how far each is from each person.

    A guess is right if the person nearest to a record is a member. Where records owe members nothing, members are as
    often nearest as they are many. Whoever is nearest to several records counts once: a person near to everything is
    one coincidence, not many.
    """

    distances: NDArray[np.float64]
    decides: bool = True
    naive: Guesses | None = None

    def tally(self, members: Places, others: Places) -> Tally:
        """See `Guesses`."""
        everyone = np.concatenate([members, others])
        nearest = np.unique(self.distances[:, everyone].argmin(axis=1))
        right = int((nearest < len(members)).sum())
        return Tally(right, len(nearest), len(nearest) - right, len(nearest), len(members) / len(everyone))


def together(one: Guesses, other: Guesses, people: Places) -> float:
    """How the rates at which two attackers are right of the same ``people`` hang together: the correlation of their
    errors, -1 to 1. It comes from those about whom both guess; of claims that are not one about each person it is 0."""
    if not (isinstance(one, AboutEach) and isinstance(other, AboutEach)):
        return 0.0
    first, second = one.chosen(people), other.chosen(people)
    both = np.intersect1d(first, second)
    rights = one.correct[first], other.correct[second]
    spread = float(np.prod([right.std() for right in rights]))
    if not len(both) or spread == 0:
        return 0.0
    a, b = one.correct[both], other.correct[both]
    shared = float((a & b).mean() - a.mean() * b.mean()) * len(both) / np.sqrt(len(first) * len(second))
    return float(np.clip(shared / spread, -1, 1))


def surest_share(n_condensed: int, n_candidates: int) -> float:
    """The share of people that a condensed set can betray at most, one a record; at least one in a hundred."""
    return max(0.01, min(1.0, n_condensed / n_candidates))
