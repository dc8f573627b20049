"""The command line: a module for each part of the work. Heavy packages are imported by the commands that need them."""

import sys
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated

import typer

from recondense.cli import bundles, cohorts, completion, ledger, projects, releases, runs, servers
from recondense.cli.shared import echo
from recondense.engines.process import StageFailed, StageRefused
from recondense.errors import FAULT, REFUSED, InputError, needing_extras, said_by_the_system, without_its_text
from recondense.settings import settings
from recondense.stages.layout import find_root

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_show_locals=False,  # a traceback must not print records
)
COMMANDS = (
    *(projects.init, projects.upgrade),
    *(cohorts.cohorts, cohorts.new_cohort, cohorts.fetch, cohorts.inspect),
    *(runs.run, runs.sweep),
    *(releases.release, releases.releases, releases.diff, releases.compare, releases.withdraw, releases.reproduce),
    *(ledger.ledger, ledger.trace),
    *(servers.doctor, servers.ui, servers.serve, servers.watch),
    *(bundles.verify, bundles.transform, bundles.evaluate),
)


def _say_version(asked: bool) -> None:
    if asked:
        echo(f"recondense {version('recondense')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Share what a patient cohort teaches without sharing who is in it."""


for command in COMMANDS:
    app.command()(command)
app.command("audit", hidden=True)(ledger.ledger)  # as it was called until the audit became that of privacy alone
app.add_typer(ledger.keys, name="keys")


def main() -> None:
    """Entry point. Exit status: 0 done, 1 a mistake in the input or a check that does not hold, 2 wrong use, 3 refused
    by the gate, 70 a fault of the program, 130 interrupted."""
    completion.cut_key()
    try:
        settings()
        with needing_extras():
            app()
    except (InputError, StageFailed) as error:
        echo(f"error: {error}", err=True, fg="red")
        sys.exit(REFUSED if isinstance(error, StageRefused) else 1)
    except Exception as error:
        if settings().debug:
            raise
        said = said_by_the_system(error)
        echo(f"error: {said or _unexpected(error)}", err=True, fg="red")
        sys.exit(1 if said else FAULT)


def _unexpected(error: Exception) -> str:
    """What to say of an ``error`` that nobody foresaw: what is wrong with disks and servers now, else its place."""
    from recondense.diagnostics.preflight import still_wrong

    with suppress(InputError):  # outside a project
        if wrong := list(still_wrong(find_root())):
            return "\n".join([*wrong, f"({type(error).__name__}; set RECONDENSE_DEBUG=1 to see all of it)"])
    return without_its_text(error)
