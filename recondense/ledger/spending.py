"""What releases have cost in differential privacy, together.

Cohorts of one population (`recondense.ledger.population`) spend together. Releases made from the same noisy answers
(the same ``statistics``) cost what one does; all others compose. A release without a guarantee cannot be added to
anything: from then on there is no sum.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from recondense.ledger.entry import NO_GUARANTEE, Entry
from recondense.private.guarantee import Guarantee, Query, epsilon

OWN = ("epsilon", "delta", "statistics", "queries")  # what an entry and a bundle must agree on


def statement(guarantee: dict[str, Any] | None, entries: Iterable[Entry]) -> dict[str, Any]:
    """``details.privacy`` of an event about a condensed set with ``guarantee``: what it costs, and what all releases in
    ``entries`` would cost with it."""
    own = cost(guarantee)
    return {**own, "cumulative_epsilon": together([*released(entries), own])}


def cost(guarantee: dict[str, Any] | None) -> dict[str, Any]:
    """What a condensed set with ``guarantee`` costs by itself: `OWN`, and how it was ``asked``."""
    if guarantee is None:
        return NO_GUARANTEE
    stated = Guarantee.model_validate(guarantee)
    return {**stated.model_dump(mode="json", include=set(OWN)), "asked": stated.asked and stated.asked.model_dump()}


def differs(booked: object, guarantee: dict[str, Any] | None) -> str | None:
    """In what an entry's ``details.privacy`` is not what a bundle with ``guarantee`` costs; None where it is that."""
    stated, found = cost(guarantee), booked if isinstance(booked, Mapping) else {}
    other = [key for key in OWN if found.get(key) != stated.get(key)]
    if not other:
        return None
    return f"the ledger has epsilon {found.get('epsilon')}, the bundle {stated['epsilon']}; other {', '.join(other)}"


def released(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """``details.privacy`` of every release, withdrawn ones too: what is known is not forgotten."""
    return [entry.details["privacy"] for entry in entries if entry.event == "released"]


def spent(entries: Iterable[Entry]) -> float | None:
    """Epsilon of all releases so far, 0 before the first, None where one of them had no guarantee."""
    return together(released(entries))


def together(statements: Sequence[dict[str, Any]]) -> float | None:
    """Epsilon of ``statements`` by composition, at the smallest of their deltas."""
    if any(one["epsilon"] is None for one in statements):
        return None
    apart = {one["statistics"]: one for one in statements}.values()
    if not apart:
        return 0.0
    queries = [Query.model_validate(query) for one in apart for query in one["queries"]]
    return epsilon(queries, min(one["delta"] for one in apart))
