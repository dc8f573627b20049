"""The inspection as one HTML page: pictures inside, light or dark as the reader's system is, nothing fetched."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from recondense.inspection import FEWEST


def page(cohort: str, found: dict[str, Any]) -> str:
    """The page of what `recondense.inspection.inspection.inspect` found; every text in it is escaped."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    aucs = {row["variable"]: row["auc"] for row in found["alone"]}
    return templates.get_template("page.html.jinja").render(
        cohort=cohort, found=found, best=best(found["alone"]), aucs=aucs, fewest=FEWEST
    )


def best(alone: list[dict[str, Any]]) -> str:
    """In words, the best single variable, of the rows of `recondense.inspection.alone.alone`."""
    if not alone:
        return f"not known; some outcome has fewer than {FEWEST} train subjects, or nothing was measured in these"
    first = alone[0]
    return f"{first['variable']} ({first['by']}), AUC {first['auc']:.2f} in train subjects"
