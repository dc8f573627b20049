"""Methods and versions of one cohort side by side, from what MLflow holds: a page, a picture, JSON."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recondense.files import atomic
from recondense.publishing.compare.candidates import Candidate, candidates, unrecorded


@dataclass(frozen=True)
class Comparison:
    """Where ``page`` and ``picture`` are; ``unrecorded``: releases that MLflow knows nothing of."""

    page: Path
    picture: Path
    unrecorded: list[str]
    candidates: list[Candidate]

    def as_json(self) -> dict[str, Any]:
        """For who reads it by program."""
        rows = [
            {"label": one.label, **asdict(one), "attack": one.attack and one.attack.as_json()}
            for one in self.candidates
        ]
        return {
            "page": str(self.page), "picture": str(self.picture), "unrecorded": self.unrecorded, "candidates": rows
        }  # fmt: skip


def compare(root: Path, cohort: str, last: int, out: Path | None = None) -> Comparison:
    """Write ``COHORT.html`` and ``COHORT.png`` into ``out``, by default the project's ``.recondense/comparisons``.

    Raises `InputError` where nothing was recorded.
    """
    from recondense.charts.picture import save
    from recondense.publishing.compare.figure import figure
    from recondense.publishing.compare.page import page

    found = candidates(root, cohort, last)
    missing = unrecorded(root, cohort, found)
    folder = out or root / ".recondense" / "comparisons"
    html, png = folder / f"{cohort}.html", folder / f"{cohort}.png"
    atomic.write(html, page(cohort, found, missing))
    save(figure(cohort, found), png)
    return Comparison(html, png, missing, found)
