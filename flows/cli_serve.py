"""Commands for runs that nobody has to start."""

import os
from pathlib import Path
from typing import Annotated

import typer

from flows import completion
from tasks.common.errors import InputError
from tasks.common.layout import find_root

Cohorts = Annotated[
    list[str] | None,
    typer.Argument(
        help="Cohorts of params.yaml; by default all whose raw records are there.",
        show_default=False,
        autocompletion=completion.cohorts,
    ),
]
Poll = Annotated[float, typer.Option(min=1, help="Seconds between two looks at the raw folders.")]
Server = Annotated[str | None, typer.Option(help="URL of a Prefect API; by default PREFECT_API_URL.")]


def register(app: typer.Typer) -> None:
    """Put the commands of this module into ``app``."""
    for command in (serve, watch):
        app.command()(command)


def serve(
    cohorts: Cohorts = None,
    cron: Annotated[str, typer.Option(help="When to look for changes, as five cron fields.")] = "0 3 * * *",
    timezone: Annotated[str, typer.Option(help="The time zone that --cron is in.")] = "UTC",
    poll: Poll = 60,
    server: Server = None,
) -> None:
    """Recondense cohorts on a schedule, and when their raw records change, until interrupted.

    Needs a Prefect server: `recondense ui` starts one. A cohort's `schedule` section says what its runs wait for.

    Example: recondense serve pbcseq --cron "0 3 * * *" --timezone Europe/Berlin --server http://127.0.0.1:4200
    """
    root, chosen = _prepare(cohorts, server)
    from flows.console import say
    from flows.watch import serve_forever

    say(f"serving {', '.join(chosen)}: '{cron}' {timezone}, and whenever raw records change (Ctrl-C stops)")
    serve_forever(root, chosen, cron, timezone, poll)


def watch(cohorts: Cohorts = None, poll: Poll = 60, server: Server = None) -> None:
    """Only tell a Prefect server when raw records change, for deployments that a work pool runs (prefect.yaml).

    Example: recondense watch pbcseq --server http://127.0.0.1:4200
    """
    root, chosen = _prepare(cohorts, server)
    from flows.console import say
    from flows.watch import check_deployed, watch_forever

    check_deployed(chosen)
    say(f"watching the raw records of {', '.join(chosen)} (Ctrl-C stops)")
    watch_forever(root, chosen, poll)


def _prepare(cohorts: list[str] | None, server: str | None) -> tuple[Path, list[str]]:
    """The project and its chosen cohorts, once all is known to be in order."""
    from flows.overview import cohort_rows
    from flows.settings import use_local_services

    root = find_root()
    os.chdir(root)
    chosen = cohorts or [row["cohort"] for row in cohort_rows(root) if row["raw found"] == "yes"]
    if not chosen:
        raise InputError("no cohort of params.yaml has raw records: see data/1_raw/*/README.md")
    use_local_services(root, server)
    from flows.watch import check_cohorts, check_server

    check_cohorts(root, chosen)
    check_server()
    return root, chosen
