"""Commands that compute: the pipeline of one cohort, and comparisons of methods."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from recondense.cli import completion
from recondense.cli.shared import Cohort, echo, project
from recondense.errors import InputError
from recondense.stages.layout import Layout

Server = Annotated[str | None, typer.Option(help="URL of a Prefect API; by default a temporary local one.")]


def run(
    cohort: Cohort,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SECTION.KEY=VALUE",
            help="Change this cohort's params in params.yaml first; repeatable.",
            autocompletion=completion.assignments,
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|local",
            help="Condense shadows on Dask: a scheduler whose workers share this folder, or local processes.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Run what is current, too, where no recorded run made it: dvc repro did.")
    ] = False,
    server: Server = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON: states, MLflow run, bundle, metrics.")] = False,
) -> None:
    """Take a cohort's raw records to a release candidate; what is current is not run again.

    Example: recondense run pbcseq --set condensation.method=kmeans
    """
    root = project()
    from recondense.project.params_file import set_params
    from recondense.project.sections import check_cohort
    from recondense.stages.params import old_words

    if set_:
        set_params(root, cohort, set_)
    check_cohort(root, cohort)
    for text in old_words(root, cohort):
        echo(text, err=True)
    _services(root, [cohort], server, dask)

    from recondense.cli.console import results
    from recondense.engines.runners import runner
    from recondense.files.strict_json import read_json
    from recondense.project.flows import of_project
    from recondense.terminal import say

    task_runner, environment = runner(dask, None)
    recondense = of_project(root, "recondense").recondense
    outcome = recondense.with_options(task_runner=task_runner)(cohort, str(root), environment, again)
    bundle = Layout(root, cohort).folder("release")
    if json_:
        print(json.dumps({**outcome, "bundle": str(bundle), "metrics": read_json(bundle / "metrics.json")}, indent=2))
        return
    say(f"MLflow run {outcome['mlflow_run'] or 'none'}")
    results(Layout(root, cohort))


def sweep(
    cohorts: Annotated[
        list[str],
        typer.Argument(help="Cohorts of params.yaml.", show_default=False, autocompletion=completion.cohorts),
    ],
    methods: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="Condensation methods; by default all there are.",
            autocompletion=completion.methods,
        ),
    ] = None,
    sizes: Annotated[
        str | None, typer.Option(metavar="N,N", help="Records per class; by default each cohort's own.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds of condensation: 0 to this less 1.")] = 3,
    target: Annotated[
        float | None,
        typer.Option(
            min=0.5,
            max=1,
            metavar="SHARE",
            help="Also find the smallest size whose validation AUC is this share of that of all real records.",
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|local",
            help="Compute on Dask: a scheduler whose workers share this folder, or a cluster of local processes.",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Cells at a time; by default one a core.")] = None,
    server: Server = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON: every cell, the figure, the MLflow run.")] = False,
) -> None:
    """Compare condensation methods over sizes and seeds; cells that any earlier sweep computed are not run again.

    Example: recondense sweep pbcseq --methods kmeans,distribution_matching --sizes 1,2,5,10 --target 0.99
    """
    root = project()
    from recondense.project.sections import check_cohort
    from recondense.stages.plugins import names
    from recondense.sweeps.cells import plan

    chosen: dict[str, Any] = {
        "cohorts": list(dict.fromkeys(cohorts)),
        "methods": _listed(methods) if methods else names("recondense.condensation.methods"),
        "sizes": [_whole(size) for size in _listed(sizes)] if sizes else None,
        "seeds": seeds,
    }
    for cohort in chosen["cohorts"]:
        check_cohort(root, cohort)
    plan(root, **chosen)
    _services(root, chosen["cohorts"], server, dask)

    from recondense.cli.console import sweep_results
    from recondense.engines.runners import runner
    from recondense.project.flows import of_project
    from recondense.sweeps.outcomes import grouped, smallest
    from recondense.terminal import say

    task_runner, environment = runner(dask, workers)
    flow = of_project(root, "sweep").sweep
    done = flow.with_options(task_runner=task_runner)(str(root), environment=environment, **chosen)
    outcomes = done.pop("outcomes")
    if json_:
        sizes_found = [
            {"cohort": found_for, "method": method, "records_per_class": group and group.records_per_class}
            for found_for, method, group in (smallest(grouped(outcomes), target) if target else [])
        ]
        rows = {"cells": [outcome.row() for outcome in outcomes], "smallest": sizes_found}
        print(json.dumps({**done, **rows}, indent=2))
    else:
        sweep_results(grouped(outcomes), target)
    say(f"figure {done['figure']}\nMLflow run {done['mlflow_run'] or 'none'}")
    if any(outcome.reason for outcome in outcomes):
        raise typer.Exit(1)


def _services(root: Path, cohorts: Sequence[str], server: str | None, dask: str | None) -> None:
    """What a flow needs before it begins: its settings, and servers that answer. Raises `InputError`."""
    from recondense.diagnostics.preflight import before_running
    from recondense.engines.servers import check_login, start_temporary_server
    from recondense.engines.settings import on_loopback, use_local_services

    use_local_services(root, server)
    before_running(root, cohorts)
    if dask not in (None, "local") and not os.environ.get("PREFECT_API_URL") and not on_loopback(str(dask)):
        raise InputError(
            f"workers at {dask} cannot reach a temporary Prefect server on this machine's loopback: start one that "
            "they reach (the documentation's page 'Operations', 'Servers') and name it with --server"
        )
    if os.environ.get("PREFECT_API_URL"):
        check_login()
    else:
        start_temporary_server(root)


def _listed(text: str) -> list[str]:
    """The different items of a list with commas, in order."""
    return list(dict.fromkeys(filter(None, (item.strip() for item in text.split(",")))))


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise typer.BadParameter(f"--sizes: '{text}' is not a whole number; write them as in --sizes 1,2,5,10")
    return int(text)
