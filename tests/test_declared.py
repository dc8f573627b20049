"""Whatever is imported is declared in pyproject.toml: by the core for the core, by an extra for the rest."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.paths import REPO

DECLARED = tomllib.loads((REPO / "pyproject.toml").read_text())
EXTRAS = DECLARED["project"]["optional-dependencies"]
OF_A_QUERY = "recondense/cohorts/readers/_table/queries.py"  # its one importer says which extra it needs


def asked(lines: list[str]) -> set[str]:
    """Names of the distributions that ``lines`` of pyproject.toml ask for, with those of extras among them."""
    found: set[str] = set()
    for one in map(Requirement, lines):
        found.add(canonicalize_name(one.name))
        if one.name == "recondense":
            found = found.union(*(asked(EXTRAS[extra]) for extra in one.extras))
    return found


CORE = asked(DECLARED["project"]["dependencies"])


@cache
def core_files() -> frozenset[Path]:
    """The files of the packages that import-linter holds to be the core."""
    [contract] = [one for one in DECLARED["tool"]["importlinter"]["contracts"] if "core" in one["name"]]
    places = [REPO / name.replace(".", "/") for name in contract["source_modules"] if name != "tasks"]
    return frozenset(file for place in places for file in (*place.rglob("*.py"), place.with_suffix(".py")))


@cache
def distributions() -> dict[str, set[str]]:
    """By module at the top, which installed distributions hold it."""
    return {name: {canonicalize_name(one) for one in found} for name, found in packages_distributions().items()}


def imported(file: Path) -> Iterator[tuple[str, bool]]:
    """The modules at the top that ``file`` imports, each with whether an extra may be missing there."""
    tree = ast.parse(file.read_text())
    told = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.With) and "needing_extras" in ast.unparse(node.items[0])
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for top in {name.partition(".")[0] for name in names}:
            if top not in sys.stdlib_module_names and not (REPO / top).is_dir():
                yield top, node in told


def undeclared(files: list[Path]) -> list[str]:
    """What ``files`` of the library or of a project import and may not."""
    wrong = []
    for file in files:
        own = file in core_files() or file.parent == REPO / "tasks"
        for top, told in imported(file):
            allowed = CORE if own else CORE | asked(EXTRAS["pipeline"])
            if told or file == REPO / OF_A_QUERY:
                allowed = allowed | asked(["recondense[audio,dask,sql]"])
            if not distributions()[top] & allowed:
                wrong.append(f"{file.relative_to(REPO)} imports {top}")
    return wrong


def test_the_library_imports_only_what_its_core_or_the_extra_of_that_part_declares() -> None:
    files = [path for folder in ("recondense", "tasks", "flows") for path in (REPO / folder).rglob("*.py")]
    assert len(core_files()) > 200 and undeclared(files) == []


def test_what_the_core_declares_is_imported() -> None:
    used = {top for file in (REPO / "recondense").rglob("*.py") for top, _ in imported(file)}
    assert CORE - set().union(*(distributions()[top] for top in used)) == set()


def test_tests_and_benchmarks_import_only_what_the_extra_dev_declares() -> None:
    files = [path for folder in ("tests", "benchmarks") for path in (REPO / folder).rglob("*.py")]
    allowed = CORE | asked(EXTRAS["dev"])
    used = {top for file in files for top, _ in imported(file)}
    assert {top for top in used if not distributions()[top] & allowed} == set()


@pytest.mark.parametrize("engine", ["prefect", "dvc", "mlflow"])
def test_no_engine_is_a_dependency_of_the_core(engine: str) -> None:
    assert engine not in CORE and engine in asked(EXTRAS["pipeline"])
