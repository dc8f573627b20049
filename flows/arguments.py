"""Arguments that several commands take."""

from typing import Annotated

import typer

Cohort = Annotated[str, typer.Argument(help="A cohort of params.yaml.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
