"""The inspection as one HTML page: pictures inside, light or dark as the reader's system is, nothing fetched."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from recondense.inspection import FEWEST
from recondense.inspection.found import Alone, Inspection

HERE = Path(__file__).parent


def page(cohort: str, found: Inspection) -> str:
    """The page of what `recondense.inspection.inspection.inspect` found; every text in it is escaped."""
    templates = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("page.html.jinja").render(
        cohort=cohort, found=found, best=best(found.alone), aucs=found.aucs, fewest=FEWEST
    )


def best(alone: Sequence[Alone]) -> str:
    """In words, the best single variable."""
    if not alone:
        return f"not known; some outcome has fewer than {FEWEST} train subjects, or nothing was measured in these"
    first = alone[0]
    return f"{first.variable} ({first.by}), AUC {first.auc:.2f} in train subjects"
