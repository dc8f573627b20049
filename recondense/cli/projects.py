"""Commands for a project as a whole: make one, bring it to the installed version."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from recondense.cli.shared import echo, project
from recondense.errors import InputError


def init(
    folder: Annotated[Path, typer.Argument(help="A new folder, or an empty one.", show_default=False)],
    example: Annotated[
        list[str] | None,
        typer.Option(metavar="COHORT", help="Also take this cohort of recondense's own, such as pbcseq; repeatable."),
    ] = None,
) -> None:
    """Make a project: a folder with stages, flows and params.yaml, under git, for DVC.

    Example: recondense init icu
    """
    from recondense.project.init import init as make

    name = make(folder, example or [])
    echo(f"made: {folder}, a project of recondense {version('recondense')}")
    if name:
        echo(
            f"git knew no name of yours, and says {name} here: git config user.name NAME, git config user.email ADDRESS"
        )
    begin = f"recondense run {example[0]}" if example else "recondense new-cohort NAME --from FOLDER"
    echo(f"next: {begin}" if folder.resolve() == Path.cwd() else f"next: cd {folder} && {begin}")


def upgrade(
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
) -> None:
    """Bring a project to the installed version: show what changes and which stages will run again, keep your edits.

    Example: recondense upgrade --dry-run
    """
    root = project()
    from recondense.project.upgrade import plan
    from recondense.project.upgrade import upgrade as bring

    found = plan(root)
    if not found.needed:
        echo(f"nothing to do: the project is at recondense {found.version}")
        return
    for file in found.files:
        if text := file.diff():
            echo(text)
        if file.why:
            echo(f"{file.name}: cannot be merged, since {file.why}; it stays, and the new one is put beside it\n")
    echo(f"from recondense {found.was or '(not known which)'} to {found.version}")
    for cohort, stages in found.again.items():
        echo(f"{cohort}: {', '.join(stages)} will run again, and what follows from them where their results change")
    if not found.again:
        echo("no stage that ran will run again")
    if dry_run:
        return
    if not yes and not (sys.stdin.isatty() and typer.confirm("Do it?", err=True)):
        raise InputError("nothing was changed: add --yes to do it")
    bring(root, found)
    echo("done: look at it with `git diff`, then commit")
