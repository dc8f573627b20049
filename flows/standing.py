"""How a cohort stands beside its last candidate: who came, who went, how old it is, what was spent."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from flows.ledger import Ledger
from flows.pipeline import Pipeline
from tasks.common.layout import Layout
from tasks.common.records import read_json
from tasks.schedule.policy import Standing


def standing(layout: Layout, pipeline: Pipeline, ledger: Ledger) -> Standing:
    """For a cohort whose ingestion is current. Subjects are compared by id, and only counted."""
    now = _subjects(layout.folder("ingestion") / "subjects.parquet")
    manifest = layout.folder("release") / "manifest.json"
    spent = epsilon_spent(ledger)
    if not manifest.is_file():
        return Standing(len(now), 0, None, spent)
    candidate = read_json(manifest)
    age = datetime.now(UTC) - datetime.fromisoformat(candidate["created"])
    kept = pipeline.cached(_hash_of_subjects(layout, candidate["pipeline"]))
    if kept is None:  # `dvc gc` took it: there is no telling, and so nothing that speaks for waiting
        return Standing(None, None, age.total_seconds() / 3600, spent)
    then = _subjects(kept)
    return Standing(len(now - then), len(then - now), age.total_seconds() / 3600, spent)


def epsilon_spent(ledger: Ledger) -> float | None:
    """Epsilon of all condensations in the ledger, None where one of them gave no guarantee."""
    spent: float | None = 0.0
    for entry in ledger.entries():
        if entry.event == "condensed":
            spent = entry.details["privacy"]["cumulative_epsilon"]
    return spent


def _subjects(path: Path) -> frozenset[str]:
    return frozenset(pd.read_parquet(path, columns=["subject_id"])["subject_id"].astype("str"))


def _hash_of_subjects(layout: Layout, pipeline: dict[str, Any]) -> str:
    """DVC's hash of the subjects that a candidate was made from, by its manifest."""
    path = (layout.folder("ingestion") / "subjects.parquet").relative_to(layout.root).as_posix()
    outs = pipeline[f"ingestion@{layout.cohort}"]["outs"]
    return next(str(out["md5"]) for out in outs if out["path"] == path)
