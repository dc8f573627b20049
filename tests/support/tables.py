"""Small tables of two people, what is declared of them, and what reading makes of both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recondense.cohorts.readers import table
from recondense.errors import InputError
from recondense.records.attrition import Attrition, Notice
from recondense.stages.params import validate
from tests.support.ingestion_fixtures import Reading

Files = Mapping[str, str | bytes]
SOURCE = {"title": "a cohort", "licence": "none, not to be shared"}
VISITS = {"file": "visits.csv", "subject": "id", "time": "day"}
LONG = {"file": "labs.csv", "subject": "id", "time": "day", "variable": "test", "value": "result"}
SUBJECTS = {"file": "subjects.csv", "subject": "id"}
DIED = {"column": "died", "positive": [1], "negative": [0]}
BILI = {"label": "bilirubin", "unit": "mg/dl", "role": "series", "low": 0, "high": 80}
AGE = {"label": "age", "unit": "years", "role": "static", "low": 0, "high": 120}
RULE = {"at": 30, "horizon": 100, "time": "end", "status": "status", "events": ["dead"], "censored": ["alive"]}
PEOPLE = "id,age,died\na,50,1\nb,60,0\n"


def declared(**changes: Any) -> dict[str, Any]:
    """Options of wide visits and a table of subjects; a change of None takes the key out."""
    options = {
        "source": SOURCE,
        "measurements": VISITS,
        "subjects": SUBJECTS,
        "time": {"unit": "days"},
        "outcome": DIED,
        "variables": {"bili": BILI, "age": AGE},
        **changes,
    }
    return {key: value for key, value in options.items() if value is not None}


def read(folder: Path, files: Files | None = None, *, outcome_required: bool = True, **changes: Any) -> Reading:
    """Events, subjects, counts by unit (checked to add up) and rows set aside; what is returned counts as kept."""
    for name, content in (files or {}).items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    attrition = Attrition()
    options = validate(table.Options, declared(**changes), "options")
    events, subjects = table.read(folder, options, attrition, outcome_required=outcome_required)
    attrition.kept("measurements", len(events))
    attrition.kept("subjects", len(subjects))
    attrition.kept("descriptors", 0)
    return events, subjects, attrition.summary(), attrition.rows()


def refused(folder: Path, files: Files | None, **changes: Any) -> str:
    """The text of the `InputError` that reading raises."""
    with pytest.raises(InputError) as caught:
        read(folder, files, **changes)
    return str(caught.value)


def wide(*rows: str) -> str:
    return "\n".join(["id,day,bili", *rows]) + "\n"


def told(folder: Path, files: Files, **changes: Any) -> tuple[list[Notice], pd.DataFrame]:
    """The notices that reading gives, and its events."""
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    attrition = Attrition()
    events, _ = table.read(folder, validate(table.Options, declared(**changes), "options"), attrition)
    return attrition.notices, events
