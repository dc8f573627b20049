"""What several commands take, and where they work."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from recondense.cli import completion
from recondense.escape import printable
from recondense.stages.layout import find_root

Cohort = Annotated[
    str, typer.Argument(help="A cohort of params.yaml.", show_default=False, autocompletion=completion.cohorts)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def project() -> Path:
    """The project's root, which becomes the working directory: DVC finds its stages from there."""
    root = find_root()
    os.chdir(root)
    return root


def echo(text: str, **style: Any) -> None:
    """Some lines, as `typer.secho` writes them; of what strangers wrote in them, no character has an effect."""
    typer.secho(printable(text, keep="\n"), **style)
