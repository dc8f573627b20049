"""What is proposed for params.yaml, and what a person is told about it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Proposal:
    """``options`` as in params.yaml, and ``variables`` apart from them. For a person: ``said``, what was guessed and
    from how much; ``check``, what only a person can decide; ``left_out``, columns and tables, each with the reason."""

    raw: str
    dataset: str = "table"
    options: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    check: list[str] = field(default_factory=list)
    step_hours: float = 24
    n_steps: int = 1

    def leave_out(self, what: str, reason: str) -> None:
        """Tell that a column, code or table is not used."""
        self.left_out.append(f"{what} ({reason})")
