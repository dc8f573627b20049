"""Pages that are made from the code when the site is built, so that they cannot differ from it."""

import importlib
from collections.abc import Iterator
from typing import Any, get_args

import typer.main
from pydantic import BaseModel
from typer.cli import get_docs_for_click

from flows.cli import app
from tasks.common.layout import STAGE_FOLDERS
from tasks.common.params import SIDE_SECTIONS


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the command line's and the params' reference where a page asks for it."""
    for mark, made in (("<!-- command line -->", command_line), ("<!-- params -->", params)):
        if mark in markdown:
            markdown = markdown.replace(mark, made())
    return markdown


def command_line() -> str:
    """Every command with its arguments and options, as `--help` has them."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="recondense")
    return get_docs_for_click(obj=command, ctx=context, name="recondense", indent=1)


def params() -> str:
    """Every section of params.yaml: each key, its type and default, and what its model says."""
    return "\n".join(
        line
        for section in (*STAGE_FOLDERS, *SIDE_SECTIONS)
        for line in _section(section, importlib.import_module(f"tasks.{section}.params").Params)
    )


def _section(name: str, model: type[BaseModel], level: int = 2) -> Iterator[str]:
    yield f"\n{'#' * level} {name}\n\n{(model.__doc__ or '').strip()}\n"
    if model.model_fields:
        yield "| key | type | default |\n|---|---|---|"
    for key, field in model.model_fields.items():
        default = "required" if field.is_required() else f"`{_plain(field.get_default(call_default_factory=True))}`"
        yield f"| `{key}` | `{_type(field.annotation)}` | {default} |"
    for key, field in model.model_fields.items():
        for inner in _models(field.annotation):
            yield from _section(f"{name}.{key}: {inner.__name__}" if level > 2 else f"{name}.{key}", inner, level + 1)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return list(dict.fromkeys(model for part in get_args(annotation) for model in _models(part)))


def _type(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
    return text.replace("typing.", "").replace("|", "or").split("[FieldInfo")[0]


def _plain(value: Any) -> str:
    return str(value.model_dump() if isinstance(value, BaseModel) else value).replace("|", "\\|")
