"""The command line. Heavy packages are imported by the commands that need them."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from flows import cli_ledger, cli_releases, cli_serve, completion
from flows.arguments import Cohort, Json
from tasks.common.errors import REFUSED, InputError
from tasks.common.layout import Layout, find_root

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_show_locals=False,  # a traceback must not print records
    help="Share what a patient cohort teaches without sharing who is in it.",
)

Bundle = Annotated[Path, typer.Argument(help="The folder of a bundle.", show_default=False)]


def main() -> None:
    """Entry point. Exit status: 0 done, 1 a mistake in the input or a check that does not hold, 2 wrong use, 3 refused
    by the gate, 130 interrupted."""
    completion.cut_key()
    try:
        app()
    except InputError as error:
        typer.secho(f"error: {error}", err=True, fg="red")
        sys.exit(1)
    except RuntimeError as error:
        if "ephemeral Prefect API server" not in str(error):
            raise
        mend = "let other programs end (`recondense doctor` looks), or name a server that runs: --server URL"
        typer.secho(f"error: Prefect's temporary server did not start in time: {mend}", err=True, fg="red")
        sys.exit(1)


@app.command()
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
    server: Annotated[str | None, typer.Option(help="URL of a Prefect API; by default a temporary local one.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON: states, MLflow run, bundle, metrics.")] = False,
) -> None:
    """Take a cohort's raw records to a release candidate; what is current is not run again.

    Example: recondense run pbcseq --set condensation.method=kmeans
    """
    from flows.settings import use_local_services

    root = find_root()
    os.chdir(root)
    from flows.params_file import set_params
    from tasks.common.params import check_cohort

    if set_:
        set_params(root, cohort, set_)
    check_cohort(root, cohort)
    use_local_services(root, server)

    from flows.child import StageFailed, StageRefused
    from flows.console import results, say
    from flows.recondense import recondense
    from flows.runners import runner
    from tasks.common.records import read_json

    try:
        with runner(dask, None) as (task_runner, environment):
            outcome = recondense.with_options(task_runner=task_runner)(cohort, str(root), environment)
    except StageFailed as error:
        typer.secho(f"error: {error}", err=True, fg="red")
        raise typer.Exit(REFUSED if isinstance(error, StageRefused) else 1) from error
    bundle = Layout(root, cohort).folder("release")
    if json_:
        print(json.dumps({**outcome, "bundle": str(bundle), "metrics": read_json(bundle / "metrics.json")}, indent=2))
        return
    say(f"MLflow run {outcome['mlflow_run']}")
    results(Layout(root, cohort))


@app.command()
def inspect(
    cohort: Cohort,
    json_: Json = False,
) -> None:
    """Show what a cohort holds and what looks wrong with it: on the terminal and, in pictures, as an HTML page.

    Counts, attrition, missingness, prevalence, percentiles; suspicious units, leakage, ids, duplicates. Both are for
    the steward's eyes: they sum up real records.

    Example: recondense inspect pbcseq
    """
    root = find_root()
    os.chdir(root)
    from flows.child import StageFailed
    from flows.inspection import inspect as look
    from flows.inspection import show

    try:
        found = look(root, cohort)
    except StageFailed as error:
        typer.secho(f"error: {error}", err=True, fg="red")
        raise typer.Exit(1) from error
    print(json.dumps(found, indent=2)) if json_ else show(found)


@app.command()
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
    server: Annotated[str | None, typer.Option(help="URL of a Prefect API; by default a temporary local one.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON: every cell, the figure, the MLflow run.")] = False,
) -> None:
    """Compare condensation methods over sizes and seeds; cells that any earlier sweep computed are not run again.

    Example: recondense sweep pbcseq --methods kmeans,distribution_matching --sizes 1,2,5,10 --target 0.99
    """
    from flows.settings import use_local_services

    root = find_root()
    os.chdir(root)
    from flows.cells import plan
    from tasks.common.plugins import names

    chosen: dict[str, Any] = {
        "cohorts": list(dict.fromkeys(cohorts)),
        "methods": _listed(methods) if methods else names("tasks.condensation.methods"),
        "sizes": [_whole(size) for size in _listed(sizes)] if sizes else None,
        "seeds": seeds,
    }
    plan(root, **chosen)
    use_local_services(root, server)

    from flows.console import say, sweep_results
    from flows.outcomes import grouped, smallest
    from flows.runners import runner
    from flows.sweep import sweep as flow

    with runner(dask, workers) as (task_runner, environment):
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
    say(f"figure {done['figure']}\nMLflow run {done['mlflow_run']}")
    if any(outcome.reason for outcome in outcomes):
        raise typer.Exit(1)


@app.command()
def fetch(
    cohort: Cohort,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="URL", help="A mirror with the same files; by default the provider.")
    ] = None,
    accept_licence: Annotated[bool, typer.Option("--accept-licence", help="You have read the licence.")] = False,
    json_: Json = False,
) -> None:
    """Download a cohort's raw files into its folder; what is there is checked, what changed upstream is replaced.

    Example: recondense fetch physionet2012 --accept-licence
    """
    from flows.console import say, table
    from flows.fetch import fetch_cohort, what_to_fetch

    root = find_root()
    os.chdir(root)
    downloads, source, folder = what_to_fetch(root, cohort)
    say(f"{source.title}\nlicence: {source.licence}\ncite: {source.citation}")
    say(f"from {from_ or downloads.base} into {folder}")
    if not accept_licence and not (sys.stdin.isatty() and typer.confirm("Do you accept the licence?", err=True)):
        raise InputError(f"the licence is not accepted: read it at {source.url}, then add --accept-licence")
    rows = fetch_cohort(root, cohort, from_)
    print(json.dumps(rows, indent=2)) if json_ else table(rows)


@app.command()
def cohorts(json_: Json = False) -> None:
    """List the cohorts of params.yaml: where their raw records are, and how far each has come.

    Example: recondense cohorts
    """
    from flows.console import table
    from flows.overview import cohort_rows

    rows = cohort_rows(find_root())
    print(json.dumps(rows, indent=2)) if json_ else table(rows)


@app.command()
def doctor(
    server: Annotated[str | None, typer.Option(help="URL of a Prefect API; by default PREFECT_API_URL.")] = None,
    json_: Json = False,
) -> None:
    """Look for what would stop a run, a release or a schedule on this machine; exit status 1 where something must be
    mended.

    Machine, packages, GPU, git, keys, DVC and its remotes, cohorts, and the servers of Prefect and MLflow, each within
    a time limit. Into each remote a few bytes are written, and removed again.

    Example: recondense doctor --server http://127.0.0.1:4200
    """
    from flows.console import findings
    from flows.doctor import examine

    found = examine(find_root(), server)
    sound = all(one.level != "fault" for several in found.values() for one in several)
    if json_:
        rows = [{"about": about, **vars(one)} for about, several in found.items() for one in several]
        print(json.dumps({"sound": sound, "findings": rows}, indent=2))
    else:
        findings(found)
    if not sound:
        raise typer.Exit(1)


@app.command()
def new_cohort(
    name: Annotated[str, typer.Argument(help="A name for the cohort: a-z, 0-9, '-' and '_'.", show_default=False)],
    from_: Annotated[Path, typer.Option("--from", metavar="PATH", help="A folder with one or two tables, or a file.")],
    outcome: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The outcome's column, by default guessed.")
    ] = None,
    json_: Json = False,
) -> None:
    """Look at your own CSV or Parquet tables and write a commented block for them into params.yaml, for you to check.

    Example: recondense new-cohort icu --from data/1_raw/icu
    """
    from flows.params_file import add_cohort
    from tasks.ingestion.block import block
    from tasks.ingestion.propose import propose

    root = find_root()
    found = propose(root, name, from_, outcome)
    add_cohort(root, name, block(name, found))
    if json_:
        said = {"cohort": name, "variables": list(found.variables), "said": found.said, "left_out": found.left_out}
        print(json.dumps(said, indent=2))
        return
    for line in [*found.said, *(f"left out: {one}" for one in found.left_out)]:
        typer.echo(line)
    typer.echo(
        f"written: cohort {name} in params.yaml, {len(found.variables)} variables. All of it is a guess: check it,"
    )
    typer.echo(f"state licence, units and ranges, and try it with: python -m tasks ingestion {name}")


@app.command()
def transform(
    bundle: Bundle,
    cohort: Annotated[
        str,
        typer.Option(
            help="How to read the raw records: a cohort of params.yaml, or the bundle's own.",
            autocompletion=completion.cohorts,
        ),
    ],
    raw: Annotated[Path, typer.Option(help="The folder with the new raw records.", exists=True)],
    out: Annotated[Path, typer.Option(help="The safetensors file to write.")],
    json_: Json = False,
) -> None:
    """Map new raw records onto a bundle's scale: values, observed, subject_ids, and labels where known.

    Example: recondense transform BUNDLE --cohort physionet2012 --raw MY_RECORDS --out mine.safetensors
    """
    from flows.transform import transform as map_records

    counts = map_records(bundle, cohort, raw, out)
    if json_:
        print(json.dumps({"counts": counts, "out": str(out)}, indent=2))
        return
    for unit, count in counts.items():
        aside = ", ".join(f"{reason} {n}" for reason, n in count["set_aside"].items()) or "none"
        typer.echo(f"{unit}: {count['in']} in, {count['kept']} kept, set aside: {aside}")
    typer.echo(f"written: {out}")


@app.command()
def evaluate(
    bundle: Bundle,
    cohort: Annotated[
        str,
        typer.Option(
            help="How to read the records: a cohort of params.yaml, or the bundle's own.",
            autocompletion=completion.cohorts,
        ),
    ],
    raw: Annotated[Path, typer.Option(help="The folder with the records.", exists=True)],
    mapping: Annotated[
        Path | None,
        typer.Option(help="YAML: your variable -> the bundle's, as `glu: {to: Glucose, factor: 18.016}`.", exists=True),
    ] = None,
    recalibrate: Annotated[
        int | None, typer.Option(metavar="N", help="Also refit slope and intercept on N random labelled records.")
    ] = None,
    json_: Json = False,
) -> None:
    """Score a bundle's models on a cohort of your own, and say in what it differs from the bundle's.

    Example: recondense evaluate BUNDLE --cohort icu --raw MY_RECORDS --mapping names.yaml --recalibrate 200
    """
    from flows.evaluate import evaluate as score
    from flows.evaluate import show

    found = score(bundle, cohort, raw, mapping, recalibrate)
    print(json.dumps(found, indent=2)) if json_ else show(found)


@app.command()
def ui(
    prefect_port: Annotated[int, typer.Option(help="Port of Prefect's pages.")] = 4200,
    mlflow_port: Annotated[int, typer.Option(help="Port of MLflow's pages.")] = 5000,
) -> None:
    """Serve Prefect's and MLflow's pages on loopback until interrupted.

    Example: recondense ui --prefect-port 4200 --mlflow-port 5000
    """
    from flows.servers import serve_pages

    serve_pages(find_root(), prefect_port, mlflow_port)


def _listed(text: str) -> list[str]:
    """The different items of a list with commas, in order."""
    return list(dict.fromkeys(filter(None, (item.strip() for item in text.split(",")))))


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise typer.BadParameter(f"--sizes: '{text}' is not a whole number; write them as in --sizes 1,2,5,10")
    return int(text)


for module in (cli_ledger, cli_releases, cli_serve):
    module.register(app)

if __name__ == "__main__":
    main()
