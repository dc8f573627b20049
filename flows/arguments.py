"""Arguments that several commands take."""

from typing import Annotated

import typer

from flows import completion

Cohort = Annotated[
    str, typer.Argument(help="A cohort of params.yaml.", show_default=False, autocompletion=completion.cohorts)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
