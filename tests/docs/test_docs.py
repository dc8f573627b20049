"""What README, docs and the pages beside them name is there: files, tests, commands with their options, figures."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
from ruamel.yaml import YAML

from recondense.cli import app
from tests.support.paths import REPO

DOCS = REPO / "docs"
README = REPO / "README.md"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
PAGES = [*sorted(REPO.glob("[A-Z]*.md")), *sorted(DOCS.rglob("*.md"))]
# Decisions and changes name what there was on their days
OF_NOW = [page for page in PAGES if page not in DECISIONS and page.name != "CHANGELOG.md"]
THREATS = DOCS / "board/threat-model.md"
LEAST = 20  # rows of the threat model, each a promise
NAMED = re.compile(r"`((?:recondense|tests|tasks|flows|benchmarks|docs)/[\w./-]*|test_\w+\.py)`")
COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ )*recondense (.+?)(?:\s{2,}#.*)?$", re.MULTILINE)
FIGURE = re.compile(r"(?<![\d.])\.\d\d\d?\b")
IN_A_MESSAGE = re.compile(r"documentation's page '([^']+)'(?:, '([^']+)')?")
MOST_LINES, WIDEST = 120, 125  # of README, and of its prose


def of_tests(name: str) -> Path:
    """The file of tests that is called ``name``, in whichever folder; a path where nothing is, if there is none."""
    return next((REPO / "tests").rglob(name), REPO / "tests" / name)


def in_navigation() -> dict[str, Path]:
    """The pages of the site's navigation, by title."""
    text = (REPO / "mkdocs.yml").read_text(encoding="utf-8")
    found: dict[str, Path] = {}
    pending = YAML(typ="safe").load(text)["nav"]
    while pending:
        entry = pending.pop()
        title, value = next(iter(entry.items())) if isinstance(entry, dict) else (entry, entry)
        if isinstance(value, list):
            pending += value
        else:
            found[title] = DOCS / value
    return found


def names(page: Path) -> str:
    return str(page.relative_to(REPO))


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = sorted(set(NAMED.findall(page.read_text())))
    assert [name for name in named if not (REPO / name if "/" in name else of_tests(name)).exists()] == []


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
                file = of_tests(f"{name}.py")
                assert file.exists(), f"{promise}: no {name}.py there"
            else:
                assert file is not None and f"def {name}(" in file.read_text(), f"{promise}: no {name} there"


def test_the_readme_is_a_page_of_short_lines() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MOST_LINES
    assert [line for line in lines if len(line) > WIDEST and not line.startswith("|")] == []


def test_every_figure_of_the_readme_stands_in_the_results() -> None:
    results = " ".join(page.read_text(encoding="utf-8") for page in (DOCS / "results").glob("*.md"))
    figures = FIGURE.findall(README.read_text(encoding="utf-8"))
    assert len(figures) > LEAST
    assert [figure for figure in figures if not re.search(rf"(?<!\d)0?\{figure}\b", results)] == []


def test_every_page_is_in_the_navigation_or_is_a_decision() -> None:
    known = {*in_navigation().values(), *DECISIONS}
    assert [page for page in sorted(DOCS.rglob("*.md")) if page not in known] == []


def test_decisions_are_numbered_without_a_gap_and_say_their_day() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    days = []
    for page in DECISIONS:
        title, day, empty, *text = page.read_text(encoding="utf-8").splitlines()
        assert title.startswith("# ") and empty == "" and "".join(text), page.name
        days.append(day)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in days) and days == sorted(days)


def test_every_page_of_the_documentation_that_a_message_names_is_there() -> None:
    titles = in_navigation()
    named: list[tuple[str, str, str]] = []
    for file in (file for folder in ("recondense", "tasks", "flows") for file in sorted((REPO / folder).rglob("*.py"))):
        whole = " ".join(re.sub(r'"\s+f?"', "", file.read_text(encoding="utf-8")).split())
        named += [(file.name, title, heading) for title, heading in IN_A_MESSAGE.findall(whole)]
    assert len(named) >= 7
    for name, title, heading in named:
        assert title in titles, f"{name}: no page '{title}'"
        text = titles[title].read_text(encoding="utf-8")
        assert not heading or re.search(rf"^#+ {re.escape(heading)}$", text, re.MULTILINE), f"{name}: no '{heading}'"
