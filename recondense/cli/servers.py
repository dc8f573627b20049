"""Commands for runs that nobody has to start, and for the servers and the machine that they need."""

import json
from pathlib import Path
from typing import Annotated

import typer

from recondense.cli import completion
from recondense.cli.shared import Json, project
from recondense.errors import InputError
from recondense.stages.layout import find_root

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
    from recondense.project.flows import of_project
    from recondense.terminal import say

    say(f"serving {', '.join(chosen)}: '{cron}' {timezone}, and whenever raw records change (Ctrl-C stops)")
    of_project(root, "watch").serve_forever(root, chosen, cron, timezone, poll)


def watch(cohorts: Cohorts = None, poll: Poll = 60, server: Server = None) -> None:
    """Only tell a Prefect server when raw records change, for deployments that a work pool runs (prefect.yaml).

    Example: recondense watch pbcseq --server http://127.0.0.1:4200
    """
    root, chosen = _prepare(cohorts, server)
    from recondense.project.flows import of_project
    from recondense.terminal import say

    flow = of_project(root, "watch")
    flow.check_deployed(chosen)
    say(f"watching the raw records of {', '.join(chosen)} (Ctrl-C stops)")
    flow.watch_forever(root, chosen, poll)


def ui(
    prefect_port: Annotated[int, typer.Option(help="Port of Prefect's pages.")] = 4200,
    mlflow_port: Annotated[int, typer.Option(help="Port of MLflow's pages.")] = 5000,
) -> None:
    """Serve Prefect's and MLflow's pages on loopback until interrupted.

    Example: recondense ui --prefect-port 4200 --mlflow-port 5000
    """
    from recondense.engines.servers import serve_pages
    from recondense.probes.state import check_state

    check_state(root := find_root())
    serve_pages(root, prefect_port, mlflow_port)


def doctor(
    server: Server = None,
    json_: Json = False,
) -> None:
    """Look for what would stop a run, a release or a schedule on this machine; exit status 1 where something must be
    mended.

    Machine, packages, GPU, git, keys, DVC and its remotes, cohorts, and the servers of Prefect and MLflow, each within
    a time limit. Into each remote a few bytes are written, and removed again.

    Example: recondense doctor --server http://127.0.0.1:4200
    """
    from recondense.cli.console import findings
    from recondense.diagnostics import examine

    found = examine(find_root(), server)
    sound = all(one.level != "fault" for several in found.values() for one in several)
    if json_:
        rows = [{"about": about, **vars(one)} for about, several in found.items() for one in several]
        print(json.dumps({"sound": sound, "findings": rows}, indent=2))
    else:
        findings(found)
    if not sound:
        raise typer.Exit(1)


def _prepare(cohorts: list[str] | None, server: str | None) -> tuple[Path, list[str]]:
    """The project and its chosen cohorts, once all is known to be in order."""
    from recondense.diagnostics.preflight import before_running
    from recondense.engines.settings import use_local_services
    from recondense.publishing.overview import cohort_rows

    root = project()
    chosen = cohorts or [row.cohort for row in cohort_rows(root) if row.found == "yes"]
    if not chosen:
        raise InputError("no cohort of params.yaml has raw records: see data/1_raw/*/README.md")
    use_local_services(root, server)
    from recondense.engines.servers import check_server
    from recondense.project.flows import of_project

    of_project(root, "watch").check_cohorts(root, chosen)
    before_running(root, chosen)
    check_server()
    return root, chosen
