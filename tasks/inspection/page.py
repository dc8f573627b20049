"""The inspection as one HTML page: pictures inside, light or dark as the reader's system is, nothing fetched."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tasks.inspection import FEWEST


def page(cohort: str, found: dict[str, Any]) -> str:
    """The page of what `tasks.inspection.inspection.inspect` found; every text in it is escaped."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("page.html.jinja").render(cohort=cohort, found=found, fewest=FEWEST)
