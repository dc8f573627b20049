"""Documents from their templates, beside this file or in another folder."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from recondense.bundle.phrases import in_words, interval
from recondense.escape import markdown, printable

HERE = Path(__file__).parent


@cache
def _templates(folder: Path, of_markdown: bool) -> Environment:
    """What is put into HTML or Markdown is escaped, and no character turns or hides what follows. An unknown name is an
    error; a figure that may be null is asked for before it is used."""
    found = Environment(
        loader=FileSystemLoader([folder, HERE]),
        autoescape=lambda name: ".html" in (name or ""),
        undefined=StrictUndefined,
        finalize=_in_markdown if of_markdown else _in_html,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["interval"], found.filters["in_words"] = interval, in_words
    return found


def _in_markdown(value: Any) -> Any:
    return markdown(value) if isinstance(value, str) else value


def _in_html(value: Any) -> Any:
    return printable(value, keep="\n") if isinstance(value, str) and not isinstance(value, Markup) else value


def render(name: str, folder: Path = HERE, /, **values: Any) -> str:
    """The document that template ``name`` in ``folder`` makes of ``values``; it may include those beside this file."""
    return _templates(folder, ".md." in name).get_template(name).render(values) + "\n"
