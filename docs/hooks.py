"""Pages that are made from the code when the site is built, so that they cannot differ from it."""

import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer.main
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.cli import get_docs_for_click

from recondense.cli import app
from recondense.project.sections import MODELS
from recondense.settings import Settings, variable
from recondense.stages.params import StageParams

ROOT = Path(__file__).resolve().parents[1]
DECISIONS = ROOT / "docs/decisions"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put what is made from the code where a page asks for it."""
    marks = {
        "command line": command_line,
        "params": params,
        "settings": settings,
        "layers": layers,
        "decisions": decisions,
    }
    for mark, made in marks.items():
        if f"<!-- {mark} -->" in markdown:
            markdown = markdown.replace(f"<!-- {mark} -->", made())
    return markdown


def decisions() -> str:
    """One line a decision, by day, the newest first: the title of its page."""
    days: dict[str, list[str]] = {}
    for page in sorted(DECISIONS.glob("[0-9]*.md"), reverse=True):
        title, day = page.read_text(encoding="utf-8").splitlines()[:2]
        days.setdefault(day, []).append(f"- {page.name[:4]} [{title.removeprefix('# ')}]({page.name})")
    return "\n".join(f"## {day}\n\n" + "\n".join(lines) + "\n" for day, lines in days.items())


def layers() -> str:
    """The packages in the order in which they may import each other, as pyproject.toml's contract has them, with what
    each is for."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (order,) = [contract["layers"] for contract in contracts["contracts"] if contract["type"] == "layers"]
    lines = ["| may import those below | is for |", "|---|---|"]
    for layer in order:
        for name in layer.split(" | "):
            text = inspect.getdoc(importlib.import_module(name.strip())) or ""
            lines.append(f"| `{name.strip()}` | {' '.join(text.split(chr(10) * 2)[0].split())} |")
    return "\n".join(lines)


def command_line() -> str:
    """Every command with its arguments and options, as `--help` has them; in lists with whole sentences."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="recondense")
    made = get_docs_for_click(obj=command, ctx=context, name="recondense", indent=1)
    said = dict(_said(command))
    made = re.sub(r"^\* `([\w-]+)`: .*\.\.\.$", lambda found: f"* `{found[1]}`: {said[found[1]]}", made, flags=re.M)
    return re.sub(r"^Example: (.*)$", r"**Example**:\n\n```console\n$ \1\n```", made, flags=re.M)


def _said(command: Any) -> Iterator[tuple[str, str]]:
    """The first paragraph of each command's help, by its name."""
    for name, inner in command.commands.items():
        yield name, " ".join((inner.help or "").split("\n\n")[0].split())
        if hasattr(inner, "commands"):
            yield from _said(inner)


def params() -> str:
    """Every section of params.yaml: each key, its type and default, and what its model says."""
    return "\n".join(
        line for section, module in MODELS.items() for line in _section(section, importlib.import_module(module).Params)
    )


def settings() -> str:
    """Every variable of the environment that recondense reads."""
    rows = [
        f"| `{variable(name)}` | {_type(field.annotation)} | `{_plain(field.default)}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | type | default | meaning |", "|---|---|---|---|", *rows])


def _section(name: str, model: type[BaseModel], level: int = 2) -> Iterator[str]:
    bases = [each for each in model.__mro__ if issubclass(each, BaseModel) and each not in (StageParams, BaseModel)]
    yield "\n\n".join([f"\n{'#' * level} {name}", *(inspect.cleandoc(each.__doc__ or "") for each in bases), ""])
    if model.model_fields:
        yield "| key | type | default |\n|---|---|---|"
    for key, field in model.model_fields.items():
        default = "required" if field.is_required() else f"`{_plain(field.get_default(call_default_factory=True))}`"
        yield f"| `{key}` | {_type(field.annotation)} | {default} |"
    for key, field in model.model_fields.items():
        for inner in (several := _models(field.annotation)):
            kind = inner.model_fields.get("kind")  # what tells the several models of one key apart
            which = f", kind: {get_args(kind.annotation)[0]}" if kind and len(several) > 1 else ""
            yield from _section(f"{name}.{key}{which}", inner, min(level + 1, 4))


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return list(dict.fromkeys(model for part in get_args(annotation) for model in _models(part)))


def _type(annotation: Any) -> str:
    """What a value may be, in words of params.yaml rather than of Python.

    >>> from typing import Literal
    >>> _type(float | None), _type(Literal["auto", "cpu"]), _type(tuple[float, float]), _type(dict[str, Any])
    ('number or null', 'auto or cpu', 'list of number, number', 'section')
    """
    kind, parts = get_origin(annotation), [part for part in get_args(annotation) if not isinstance(part, FieldInfo)]
    if kind in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_type, parts)))
    if kind is Literal:
        return " or ".join(map(str, parts))
    if kind is Annotated:
        return _type(parts[0])
    if kind in (tuple, list):
        return f"list of {', '.join(_type(part) for part in parts if part is not Ellipsis)}"
    if kind is dict or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return "section"
    words = {
        int: "whole number",
        float: "number",
        str: "text",
        bool: "true or false",
        type(None): "null",
        Any: "any",
        Path: "path",
    }
    return words.get(annotation, str(getattr(annotation, "__name__", annotation)))


def _plain(value: Any) -> str:
    if isinstance(value, BaseModel):
        return "its defaults"
    words = {None: "null", True: "true", False: "false", "": "''"}
    if isinstance(value, bool | None | str) and value in words:
        return words[value]
    return ", ".join(map(str, value)) or "[]" if isinstance(value, tuple | list) else str(value).replace("|", "\\|")
