"""Commands for bundles and their versions."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from recondense.cli import completion
from recondense.cli.shared import Cohort, Json, echo, project
from recondense.stages.layout import find_root

Version = Annotated[
    str,
    typer.Argument(help="A release, as in 2026.11.1.", show_default=False, autocompletion=completion.versions()),
]
Side = Annotated[
    str,
    typer.Argument(
        help="A release, as in 2026.11.1, or 'candidate'.",
        show_default=False,
        autocompletion=completion.versions("candidate"),
    ),
]


def release(cohort: Cohort, json_: Json = False) -> None:
    """Make the candidate a numbered release: records to the vault, bundle to the release remote, a tag in git.

    Audit and bundle are made again first, in a clone, and compared. Interrupted, the same command goes on under the
    same version.

    Example: recondense release pbcseq
    """
    from recondense.diagnostics.preflight import before_releasing
    from recondense.publishing.release import release as make

    before_releasing(root := project())
    made = make(root, cohort)
    if json_:
        print(json.dumps(made, indent=2))
        return
    echo(f"{'finished' if made['resumed'] else 'released'} {cohort} {made['version']}: {made['published']}")
    echo(f"bundle {made['bundle']}, tag {made['tag']}; to share both: git push origin HEAD {made['tag']}")


def releases(
    cohort: Annotated[
        str | None,
        typer.Argument(help="Only this cohort.", show_default=False, autocompletion=completion.cohorts),
    ] = None,
    json_: Json = False,
) -> None:
    """List candidates and releases, and which of these are withdrawn.

    Example: recondense releases pbcseq
    """
    from recondense.cli.console import table
    from recondense.publishing.overview import release_rows

    rows = release_rows(find_root(), cohort)
    if not rows and not json_:
        echo("no bundle yet: `recondense run COHORT` makes one")
        return
    if json_:
        print(json.dumps(rows, indent=2))
        return
    bundles = [row.pop("bundle") for row in rows]
    table([{**row, "created": (row["created"] or "")[:16].replace("T", " ")} for row in rows])
    echo("bundles: " + (", ".join(filter(None, bundles)) or "none is here; `dvc pull` brings them"))


def diff(cohort: Cohort, old: Side, new: Side, json_: Json = False) -> None:
    """Show what changed from one release to another: data, subjects, params, main metrics, privacy, code.

    With --json every metric is shown, of each network and each variant of an attack, with its interval.

    Example: recondense diff pbcseq 2026.11.1 candidate
    """
    from recondense.cli.console import table
    from recondense.publishing.diff import diff as differences
    from recondense.publishing.diff import is_main

    found = differences(project(), cohort, old, new)
    if json_:
        print(json.dumps(found, indent=2))
        return
    code: dict[str, Any] = found.pop("code")
    for part, rows in found.items():
        shown = [row for row in rows if part != "metrics" or is_main(row["name"])]
        of_which = "" if len(shown) == len(rows) else f", of which {len(shown)} main ones (all of them: --json)"
        echo(f"{part}: {len(rows) or 'nothing'} changed{of_which}", bold=True)
        if shown:
            table(shown)
    echo(f"code: {len(code['commits']) or 'no'} commits", bold=True)
    for line in [*code["commits"], *(f"uncommitted: {path}" for path in code["uncommitted"])]:
        echo(f"  {line}")


def compare(
    cohort: Cohort,
    last: Annotated[int, typer.Option(min=0, help="How many runs to show that were not released.")] = 10,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write; by default .recondense/comparisons.")
    ] = None,
    json_: Json = False,
) -> None:
    """Draw a cohort's releases, runs and sweeps side by side, from MLflow: a page, a picture, a table.

    Example: recondense compare pbcseq --out pictures
    """
    from recondense.cli.console import compared
    from recondense.publishing.compare import compare as draw

    root = find_root()
    found = draw(root, cohort, last, out)
    print(json.dumps(found, indent=2)) if json_ else compared(found)


def withdraw(
    cohort: Cohort,
    version: Version,
    reason: Annotated[str, typer.Option(help="One line, which is published: name no patient.", show_default=False)],
    json_: Json = False,
) -> None:
    """Say publicly that a release must no longer be used. For a patient who withdraws, see withdrawn.txt in README.

    Example: recondense withdraw pbcseq 2026.11.1 --reason "units of bilirubin were wrong"
    """
    from recondense.publishing.withdraw import withdraw as take_back

    done = take_back(project(), cohort, version, reason)
    print(json.dumps(done, indent=2)) if json_ else echo(f"withdrawn: {cohort} {version} ({done['reason']})")


def reproduce(cohort: Cohort, version: Version, json_: Json = False) -> None:
    """Make a release again from its tag and the vault, and compare every output; exit status 1 where one differs.

    Example: recondense reproduce pbcseq 2026.11.1
    """
    from recondense.publishing.reproduce import reproduce as make_again

    found = make_again(project(), cohort, version)
    same = all(finding.state != "differs" for finding in found)
    if json_:
        print(json.dumps({"reproduced": same, "files": [vars(finding) for finding in found]}, indent=2))
    else:
        for finding in found:
            where = f"from byte {finding.offset}" if finding.offset is not None else ""
            names = f": {', '.join(finding.keys)}" if finding.keys else ""
            colour = {"identical": "green", "same": "green"}.get(finding.state, "red")
            said = "same but for the run" if finding.state == "same" else finding.state
            echo(said, fg=colour, nl=False)
            echo(f" {finding.path} {where}{names}".rstrip())
        echo("reproduced" if same else "not reproduced: what differs is listed above")
    if not same:
        raise typer.Exit(1)
