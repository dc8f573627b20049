"""JSON that somebody else wrote: of limited size and depth, with finite numbers, and each key named once."""

import json
from pathlib import Path
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict

from recondense.errors import InputError
from recondense.files import atomic

MOST_BYTES = 16 * 2**20  # in memory a list of empty lists takes twenty times as much
DEEPEST = 64


class Strict(BaseModel):
    """What a file holds: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Unreadable(InputError, ValueError):
    """A file that holds no JSON, or more than is read."""


def read_json(path: Path) -> Any:
    """What one JSON file in UTF-8 holds. Raises `Unreadable` and `OSError`."""
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    try:
        return parse_json(content)
    except ValueError as error:
        raise Unreadable(f"{path} is no JSON that can be read ({error}): get it again from where it comes") from error


def parse_json(content: bytes) -> Any:
    """What ``content`` holds. Raises `ValueError`, which quotes nothing of it."""
    if len(content) > MOST_BYTES:
        raise ValueError(f"over {MOST_BYTES:,} bytes of JSON")
    try:
        found = json.loads(
            content.decode(), parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_each_once
        )
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error
    level = [found]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in _within(one)]
        if not level:
            return found
    raise ValueError(f"JSON nested over {DEEPEST} levels")


def _within(one: Any) -> Any:
    if isinstance(one, dict):
        return one.values()
    return one if isinstance(one, list) else ()


def _no_number(_: str) -> NoReturn:
    raise ValueError("JSON has neither NaN nor infinity")


def _finite(text: str) -> float:
    found = float(text)
    return found if abs(found) != float("inf") else _no_number(text)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a JSON object names one of its keys twice")
    return content


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON, whole or not at all.

    NaN and infinity are refused (`ValueError`), since JSON has neither.
    """
    atomic.write(path, json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
