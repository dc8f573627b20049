"""What came of a sweep's cells, one by one and over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flows.cells import Cell


@dataclass(frozen=True)
class Outcome:
    """``state``: the name of the Prefect task run's last state. ``scores``: as `flows.cells.run` gives them, empty
    where the cell failed; ``reason`` then says why."""

    cell: Cell
    state: str
    scores: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None

    def row(self) -> dict[str, Any]:
        """As JSON."""
        cell = self.cell
        return {
            "cohort": cell.cohort,
            "method": cell.method,
            "records_per_class": cell.records_per_class,
            "seed": cell.seed,
            "state": self.state,
            "reason": self.reason,
            **self.scores,
        }


@dataclass(frozen=True)
class Group:
    """The cells that differ by seed only. ``aucs``: of those that came through. ``all_real``: ``mean, low, high`` of
    the models trained on all real records, empty where no cell came through."""

    cohort: str
    method: str
    records_per_class: int
    aucs: tuple[float, ...]
    all_real: dict[str, float]
    reasons: tuple[str, ...]

    @property
    def mean(self) -> float:
        """Mean test AUC over seeds."""
        return sum(self.aucs) / len(self.aucs)


def grouped(outcomes: Sequence[Outcome]) -> list[Group]:
    """Groups in the order of their first cells."""
    groups: dict[tuple[str, str, int], list[Outcome]] = {}
    for outcome in outcomes:
        cell = outcome.cell
        groups.setdefault((cell.cohort, cell.method, cell.records_per_class), []).append(outcome)
    return [
        Group(
            *key,
            aucs=tuple(one.scores["test_auc"]["condensed"]["mean"] for one in members if one.scores),
            all_real=next((one.scores["test_auc"]["all_real"] for one in members if one.scores), {}),
            reasons=tuple(one.reason for one in members if one.reason),
        )
        for key, members in groups.items()
    ]
