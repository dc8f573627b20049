"""What a cohort's ledger says of earlier runs: all that a stage may know of it.

Signatures are checked where the ledger is written and where a release is made (`recondense.ledger`), not here.
"""

import json
from dataclasses import dataclass
from typing import Any

from recondense.errors import InputError
from recondense.stages.layout import Layout

FOLDER = "data/ledger"


@dataclass(frozen=True)
class Event:
    """One line: its number, what happened, and the details that the ledger has of it."""

    n: int
    name: str
    details: dict[str, Any]


def events(layout: Layout) -> list[Event]:
    """Every event of the cohort, oldest first; none before its first. Raises `InputError` for a line that is none."""
    path = layout.root / FOLDER / f"{layout.cohort}.jsonl"
    lines = path.read_bytes().splitlines() if path.exists() else []
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            found.append(Event(int(entry["n"]), str(entry["event"]), dict(entry["details"])))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(
                f"{FOLDER}/{path.name}, line {number} is no entry of a ledger: restore the file from git"
            ) from error
    return found
