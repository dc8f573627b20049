"""The command line: a module for each part of the work. Heavy packages are imported by the commands that need them."""

import os
import sys

import typer

from flows.child import StageFailed, StageRefused
from flows.cli import bundles, cohorts, completion, ledger, releases, runs, servers
from flows.cli.shared import echo
from tasks.common.errors import REFUSED, InputError, said_by_the_system

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_show_locals=False,  # a traceback must not print records
    help="Share what a patient cohort teaches without sharing who is in it.",
)
COMMANDS = (
    *(cohorts.cohorts, cohorts.new_cohort, cohorts.fetch, cohorts.inspect),
    *(runs.run, runs.sweep),
    *(releases.release, releases.releases, releases.diff, releases.compare, releases.withdraw, releases.reproduce),
    *(ledger.audit, ledger.trace),
    *(servers.doctor, servers.ui, servers.serve, servers.watch),
    *(bundles.verify, bundles.transform, bundles.evaluate),
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(ledger.keys, name="keys")


def main() -> None:
    """Entry point. Exit status: 0 done, 1 a mistake in the input or a check that does not hold, 2 wrong use, 3 refused
    by the gate, 130 interrupted."""
    completion.cut_key()
    try:
        app()
    except (InputError, StageFailed) as error:
        echo(f"error: {error}", err=True, fg="red")
        sys.exit(REFUSED if isinstance(error, StageRefused) else 1)
    except OSError as error:
        said = said_by_the_system(error)
        if not said or os.environ.get("RECONDENSE_DEBUG") == "1":
            raise
        echo(f"error: {said}", err=True, fg="red")
        sys.exit(1)
