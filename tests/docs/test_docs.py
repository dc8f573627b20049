"""What README, SECURITY and docs name is there: files, tests, commands with their options."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from recondense.cli import app
from tests.support.paths import REPO

PAGES = [REPO / "README.md", REPO / "SECURITY.md", *sorted((REPO / "docs").rglob("*.md"))]
OF_NOW = [page for page in PAGES if page.name != "decisions.md"]  # which names what there was on its days
THREATS = REPO / "docs/explanation/threat-model.md"
LEAST = 20  # rows of the threat model, each a promise
NAMED = re.compile(r"`((?:tests|tasks|flows|benchmarks|docs)/[\w./-]*|test_\w+\.py)`")
COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ )*recondense (.+?)(?:\s{2,}#.*)?$", re.MULTILINE)


def test_file(name: str) -> Path:
    """The file of tests that is called ``name``, in whichever folder; a path where nothing is, if there is none."""
    return next((REPO / "tests").rglob(name), REPO / "tests" / name)


def names(page: Path) -> str:
    return str(page.relative_to(REPO))


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = sorted(set(NAMED.findall(page.read_text())))
    assert [name for name in named if not (REPO / name if "/" in name else test_file(name)).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_link_between_pages_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text().replace("\n", " "))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", OF_NOW, ids=names)
def test_every_command_that_a_page_shows_exists_with_its_options(page: Path) -> None:
    shown = page.read_text().replace("\\\n", " ")
    lines = COMMAND.findall("".join(shown.split("```")[1::2]))
    lines += re.findall(r"`recondense ([^`]+)`", "".join(shown.split("```")[::2]).replace("\n", " "))
    for line in lines:
        wrong = not_understood(line.split(" && ")[0])
        assert not wrong, f"`recondense {line}`: {wrong}"


def not_understood(line: str) -> list[str]:
    """The command in ``line`` that there is not, or those of its options."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(line, comments=True)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return words[:1]
        command, words = command.commands[words[0]], words[1:]
    known = {option for param in command.params for option in param.opts}
    return [word for word in words if word.startswith("--") and word.split("=")[0] not in known]


def test_every_promise_of_the_threat_model_names_a_check_and_a_test_that_are_there() -> None:
    rows = [line.split(" | ") for line in THREATS.read_text().splitlines() if line.startswith("| ")]
    promises = [row for row in rows if len(row) == 3 and row[0] != "| promise"]
    assert len(promises) > LEAST
    for earlier, (promise, checked, test) in zip([("", "", ""), *promises], promises, strict=False):
        assert "`" in checked or (checked == "the same" and "`" in earlier[1]), promise
        assert "`test_" in test or (test.startswith("the same") and "`test_" in earlier[2]), promise
        file = None
        for name, suffix in re.findall(r"`(test_\w+)(\.py)?`", test):
            if suffix:
                file = test_file(f"{name}.py")
                assert file.exists(), f"{promise}: no {name}.py there"
            else:
                assert file is not None and f"def {name}(" in file.read_text(), f"{promise}: no {name} there"
