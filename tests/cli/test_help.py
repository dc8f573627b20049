"""What a command says of itself, and what the shell completes: by the words that a shell really hands over."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from recondense.cli import app
from tests.support.paths import REPO

RECONDENSE = Path(sys.executable).with_name("recondense")
# They print results for as long as they run, to whoever watches
WITHOUT_JSON = {"ui", "serve", "watch"}


def commands() -> list[tuple[str, ...]]:
    top = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return [
        (name, *inner)
        for name, command in top.items()
        if not command.hidden
        for inner in ([(each,) for each in command.commands] if hasattr(command, "commands") else [()])
    ]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_shows_an_example_of_itself_and_can_print_json(command: tuple[str, ...]) -> None:
    found = typer.main.get_command(app)
    for name in command:
        found = found.commands[name]  # type: ignore[attr-defined]
    assert re.search(rf"Example: recondense {' '.join(command)}\b", found.help or "")
    options = {option for param in found.params for option in param.opts}
    assert ("--json" in options) != (command[0] in WITHOUT_JSON)
    example = re.search(r"Example: (.*)", found.help or "")
    assert example
    assert {word for word in example[1].split() if word.startswith("--")} <= options, "the example's options exist"


def test_help_is_there_before_anything_heavy_is_imported() -> None:
    script = (
        "import sys; from recondense.cli import app\n"
        "try: app(['run', '--help'])\n"
        "except SystemExit: print({'torch', 'prefect', 'mlflow', 'dvc', 'pandas', 'numpy'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", script], cwd=REPO, capture_output=True, text=True, check=True).stdout
    assert "Example: recondense run" in said
    assert said.splitlines()[-1] == "set()"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["recondense", "rep"], ["reproduce"]),
        (["recondense", "keys", "re"], ["revoke"]),
        (["recondense", "run", "pb"], ["pbcseq"]),
        (["recondense", "serve", "pbcseq", "mimic3_"], ["mimic3_demo"]),
        (["recondense", "evaluate", "BUNDLE", "--cohort", "pb"], ["pbcseq"]),
        (["recondense", "sweep", "pbcseq", "--methods", "kmeans,k"], []),
        (["recondense", "sweep", "pbcseq", "--methods", "kmeans,un"], ["kmeans,unrolled"]),
        (["recondense", "run", "pbcseq", "--set", "condensation.method", "=", "un"], ["unrolled"]),
        (["recondense", "diff", "pbcseq", "c"], ["candidate"]),
    ],
    ids=lambda words: " ".join(words[1:]),
)
def test_bash_completes_commands_cohorts_methods_and_releases(words: list[str], offered: list[str]) -> None:
    """Through the script that `recondense --show-completion` prints, with the words as readline splits them."""
    script = """
        source <(_RECONDENSE_COMPLETE=source_bash recondense)
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _recondense_completion recondense
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    environment = {**os.environ, "PATH": f"{RECONDENSE.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words], cwd=REPO, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == offered, done.stderr


def test_completion_outside_a_project_is_silent(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "_RECONDENSE_COMPLETE": "complete_bash",
        "COMP_WORDS": "recondense\nrun\np",
        "COMP_CWORD": "2",
    }
    done = subprocess.run([RECONDENSE], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
