"""What a shell offers at a press of Tab: read from params.yaml and the names of files, since nobody waits for that."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import typer

METHOD = "condensation.method"
CUT = "_RECONDENSE_COMPLETE_VALUE"
METHODS = Path(__file__).parents[2] / "recondense/condensation/methods"


def cohorts(incomplete: str) -> list[str]:
    """The cohorts of params.yaml."""
    return _starting(_cohorts(), incomplete)


def methods(incomplete: str) -> list[str]:
    """Condensation methods, for a list with commas: what is before the last comma stands."""
    before, comma, last = incomplete.rpartition(",")
    chosen = before.split(",")
    return [f"{before}{comma}{name}" for name in _starting(_methods(), last) if name not in chosen]


def assignments(incomplete: str) -> list[str]:
    """What ``--set`` is most often given: a condensation method. Where the shell has cut off the key, its values."""
    key = "" if os.environ.get(CUT) else f"{METHOD}="
    return _starting([key + name for name in _methods()], incomplete)


def versions(*others: str) -> Callable[[typer.Context, str], list[str]]:
    """Releases of the cohort on the line, and ``others``."""

    def offer(context: typer.Context, incomplete: str) -> list[str]:
        root = _root()
        folder = root / "data/7_released" / str(context.params.get("cohort")) if root else None
        found = sorted(path.stem for path in folder.glob("[0-9]*.dvc")) if folder else []
        return _starting([*found, *others], incomplete)

    return offer


def cut_key() -> None:
    """Before typer reads them, mend the words of bash, to which ``--set condensation.method=km`` is three: it replaces
    only what follows the sign, so that is all that typer is told of."""
    if os.environ.get("_RECONDENSE_COMPLETE") != "complete_bash":
        return
    words = os.environ["COMP_WORDS"].split("\n")[: int(os.environ["COMP_CWORD"]) + 1]
    if words[-1] == "=":
        words.append("")
    if words[-3:-1] == [METHOD, "="]:
        words[-3:-1] = []
        os.environ |= {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1), CUT: "1"}


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _methods() -> list[str]:
    return sorted(path.stem for path in METHODS.glob("[!_]*.py"))


def _root() -> Path | None:
    from recondense.errors import InputError
    from recondense.stages.layout import find_root

    try:
        return find_root()
    except InputError:
        return None


def _cohorts() -> list[str]:
    from recondense.errors import InputError
    from recondense.stages import params

    root = _root()
    try:
        return sorted(params.read(root)) if root else []
    except (InputError, OSError):
        return []
