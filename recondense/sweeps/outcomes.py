"""What came of a sweep's cells, one by one and over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from recondense.sweeps.cells import Cell


@dataclass(frozen=True)
class CellOutcome:
    """``state``: the name of the Prefect task run's last state. ``scores``: as `recondense.sweeps.cells.run` gives
    them, empty where the cell failed; ``reason`` then says why."""

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
    what does best on all real records, networks or a simple model, empty where no cell came through. ``retained``:
    validation AUC, mean over seeds, as a share of those models'; for choices, which must not look at the test part."""

    cohort: str
    method: str
    records_per_class: int
    aucs: tuple[float, ...]
    all_real: dict[str, float]
    retained: float | None
    reasons: tuple[str, ...]

    @property
    def mean(self) -> float:
        """Mean test AUC over seeds."""
        return sum(self.aucs) / len(self.aucs)


def grouped(outcomes: Sequence[CellOutcome]) -> list[Group]:
    """Groups in the order of their first cells."""
    groups: dict[tuple[str, str, int], list[CellOutcome]] = {}
    for outcome in outcomes:
        cell = outcome.cell
        groups.setdefault((cell.cohort, cell.method, cell.records_per_class), []).append(outcome)
    return [
        Group(
            *key,
            aucs=tuple(one.scores["test_auc"]["condensed"]["mean"] for one in members if one.scores),
            retained=_retained([one.scores["validation_auc"] for one in members if one.scores]),
            all_real=next((one.scores["test_auc"]["all_real"] for one in members if one.scores), {}),
            reasons=tuple(one.reason for one in members if one.reason),
        )
        for key, members in groups.items()
    ]


def _retained(aucs: Sequence[dict[str, float]]) -> float | None:
    return sum(auc["condensed"] / auc["all_real"] for auc in aucs) / len(aucs) if aucs else None


def smallest(groups: Sequence[Group], target: float) -> list[tuple[str, str, Group | None]]:
    """Of each cohort and method the group of the smallest size that retains ``target``; None where none does."""
    by_method: dict[tuple[str, str], list[Group]] = {}
    for group in groups:
        by_method.setdefault((group.cohort, group.method), []).append(group)
    return [
        (
            *key,
            min(
                (group for group in members if group.retained is not None and group.retained >= target),
                key=lambda group: group.records_per_class,
                default=None,
            ),
        )
        for key, members in by_method.items()
    ]
