"""Commands for raw records: what there is, where to get it, what it looks like."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from recondense.cli.shared import Cohort, Json, echo, project
from recondense.errors import InputError
from recondense.stages.layout import find_root
from recondense.stages.params import NO_COHORT


def cohorts(json_: Json = False) -> None:
    """List the cohorts of params.yaml: where their raw records are, how far each has come, what was noticed of them.

    Example: recondense cohorts
    """
    from recondense.cli.console import table
    from recondense.publishing.overview import cohort_rows

    rows = [row.as_json() for row in cohort_rows(find_root())]
    if json_:
        print(json.dumps(rows, indent=2))
        return
    if not rows:
        echo(NO_COHORT)
        return
    table([{**row, "notices": len(row["notices"]) or None} for row in rows])
    for row in rows:
        for text in row["notices"]:
            echo(f"{row['cohort']}: {text}")


def new_cohort(
    name: Annotated[str, typer.Argument(help="A name for the cohort: a-z, 0-9, '-' and '_'.", show_default=False)],
    from_: Annotated[
        Path, typer.Option("--from", metavar="PATH", help="A folder with tables or a MEDS data set, or one file.")
    ],
    outcome: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The outcome's column (of MEDS: its labels), else guessed.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of patients' or stays' ids, else guessed.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of the times of measurements, else guessed.")
    ] = None,
    day_first: Annotated[
        bool | None,
        typer.Option("--day-first/--month-first", help="How dates of numbers are written, else guessed."),
    ] = None,
    json_: Json = False,
) -> None:
    """Look at your own tables and write a commented block for them into params.yaml, for you to check.

    Example: recondense new-cohort icu --from data/1_raw/icu
    """
    from recondense.project.params_file import add_cohort
    from recondense.wizard import propose
    from recondense.wizard.block import block

    root = find_root()
    found = propose(root, name, from_, outcome, subject=subject, time=time, day_first=day_first)
    add_cohort(root, name, block(name, found))
    if json_:
        said = {"said": found.said, "check": found.check, "left_out": found.left_out}
        print(json.dumps({"cohort": name, "variables": list(found.variables), **said}, indent=2))
        return
    for heading, lines in (("guessed", found.said), ("CHECK", found.check), ("left out", found.left_out)):
        for line in lines:
            echo(f"{heading}: {line}")
    echo(f"written: cohort {name} in params.yaml, {len(found.variables)} variables. All of it is a guess: check it,")
    echo(f"state licence, units and ranges, and look at what it gives with: recondense inspect {name}")


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
    from recondense.cli.console import table
    from recondense.project.fetch import fetch_cohort, what_to_fetch
    from recondense.terminal import say

    root = project()
    downloads, source, folder = what_to_fetch(root, cohort)
    say(f"{source.title}\nlicence: {source.licence}\ncite: {source.citation}")
    say(f"from {from_ or downloads.base} into {folder}")
    if not accept_licence and not (sys.stdin.isatty() and typer.confirm("Do you accept the licence?", err=True)):
        raise InputError(f"the licence is not accepted: read it at {source.url}, then add --accept-licence")
    rows = [row.as_json() for row in fetch_cohort(root, cohort, from_)]
    print(json.dumps(rows, indent=2)) if json_ else table(rows)


def inspect(
    cohort: Cohort,
    json_: Json = False,
) -> None:
    """Show what a cohort holds and what looks wrong with it: on the terminal and, in pictures, as an HTML page.

    What was declared and not found; suspicious units and numbers, leakage, ids, duplicates; counts, attrition,
    missingness, percentiles. Both are for the steward's eyes: they sum up real records.

    Example: recondense inspect pbcseq
    """
    root = project()
    from recondense.diagnostics.preflight import before_inspecting

    before_inspecting(root, cohort)
    from recondense.project.inspect import inspect as look
    from recondense.project.inspect import show

    found = look(root, cohort)
    print(json.dumps(found.as_json(), indent=2)) if json_ else show(found)
