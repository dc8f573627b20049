"""The house keeps its plan: arrows run one way, by strings too, and no package is most of it."""

import ast
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import REPO

LIBRARY = REPO / "recondense"
FAMILIES = (
    "recondense.cohorts.readers",
    "recondense.condensation.methods",
    "recondense.models.networks",
    "recondense.privacy.attacks",
)


def layers() -> list[list[str]]:
    """Packages by layer, the highest first, as import-linter is told."""
    contracts = tomllib.loads((REPO / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    found = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[name.strip() for name in layer.split("|")] for layer in found]


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(REPO).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def named_in_strings(path: Path) -> set[str]:
    """Modules of the library that ``path`` names in a string, as whoever imports them by name does."""
    strings = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
    found = {text for text in strings if isinstance(text, str) and text.startswith("recondense.")}
    return {text for text in found if (REPO / text.replace(".", "/")).with_suffix(".py").is_file() or text in FAMILIES}


def test_modules_that_are_imported_by_name_lie_below_too() -> None:
    height = {name: -level for level, several in enumerate(layers()) for name in several}
    told = 0
    for module, path in modules():
        package = ".".join(module.split(".")[:2])
        for other in named_in_strings(path):
            below = ".".join(other.split(".")[:2])
            if package == "recondense" or below == package or package == "recondense.stages":  # a registry of names
                continue
            told += 1
            assert height[below] < height[package], f"{module} names {other}, which lies above it"
    assert told


def test_every_package_has_its_layer() -> None:
    packages = {".".join(module.split(".")[:2]) for module, _ in modules()} - {"recondense"}
    assert packages <= {name for several in layers() for name in several}


def test_no_package_is_a_quarter_of_the_code() -> None:
    lines = Counter[str]()
    for module, path in modules():
        lines[".".join(module.split(".")[:2])] += len(path.read_text().splitlines())
    name, most = lines.most_common(1)[0]
    assert most < lines.total() / 4, f"{name} has {most} of {lines.total()} lines"
