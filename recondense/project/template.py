"""The template of a project: in a wheel a folder beside this file, in a clone the clone's own files.

pyproject.toml says which files of the clone make it up, and the wheel is built from the same list.
"""

import re
import tomllib
from pathlib import Path

from recondense.errors import InputError

PACKED = Path(__file__).parent / "template"
CLONE = Path(__file__).parents[2]
PARAMS, RAW = "params.yaml", "data/1_raw/"  # examples of cohorts: `recondense init` takes from them, an upgrade nothing


def files() -> dict[str, Path]:
    """Every file of the template, by its path in a project."""
    if PACKED.is_dir():
        return dict(sorted((path.relative_to(PACKED).as_posix(), path) for path in _below(PACKED)))
    build = tomllib.loads((CLONE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    listed = build["targets"]["wheel"]["force-include"]
    found = [path for name in listed for path in _below(CLONE / name)]
    return dict(sorted((path.relative_to(CLONE).as_posix(), path) for path in found))


def _below(place: Path) -> list[Path]:
    """``place`` where it is a file, else the files below it that are not Python's own."""
    paths = [place] if place.is_file() else place.rglob("*")
    return [path for path in paths if path.is_file() and "__pycache__" not in path.parts]


def kept() -> dict[str, Path]:
    """The files that `recondense upgrade` brings to the installed version, by their path in a project."""
    return {name: path for name, path in files().items() if name != PARAMS and not name.startswith(RAW)}


def start_of_params() -> str:
    """params.yaml with no cohort."""
    head, _ = _params()
    return f"{head}cohorts: {{}}\n"


def example(cohort: str) -> tuple[str, dict[str, Path]]:
    """The block of an example ``cohort`` as it stands in params.yaml, and the files of its raw folder by their path.

    Raises `InputError` where there is none such.
    """
    _, body = _params()
    blocks = {match[1]: text for text in body.split("\n\n") if (match := re.search(r"^  (\w+):$", text, re.MULTILINE))}
    if cohort not in blocks:
        raise InputError(f"there is no example '{cohort}'; choose one of: {', '.join(blocks)}")
    raw = {name: path for name, path in files().items() if name.startswith(f"{RAW}{cohort}/")}
    return blocks[cohort].strip("\n") + "\n", raw


def _params() -> tuple[str, str]:
    """The template's params.yaml: what is above its cohorts, and they."""
    head, _, body = files()[PARAMS].read_text(encoding="utf-8").partition("cohorts:\n")
    return head, body


def is_of(root: Path) -> bool:
    """Whether the project at ``root`` is the clone whose own files are the template."""
    return not PACKED.is_dir() and root.resolve() == CLONE
