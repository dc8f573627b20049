"""Methods and versions of one cohort side by side, from what MLflow holds: a page, a picture, JSON."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from recondense.files import atomic
from recondense.publishing.compare.candidates import candidates, unrecorded


def compare(root: Path, cohort: str, last: int, out: Path | None = None) -> dict[str, Any]:
    """Write ``COHORT.html`` and ``COHORT.png`` into ``out``, by default the project's ``.recondense/comparisons``.

    Returns where they are, ``page`` and ``picture``; ``candidates``, as `Candidate` has them; and ``unrecorded``,
    releases that MLflow knows nothing of. Raises `InputError`.
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
    rows = [{"label": one.label, **asdict(one), "attack": one.attack and one.attack.as_json()} for one in found]
    return {"page": str(html), "picture": str(png), "unrecorded": missing, "candidates": rows}
