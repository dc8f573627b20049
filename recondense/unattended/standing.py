"""How a cohort stands beside its last candidate: who came, who went, how old it is, what was spent."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from recondense.engines.dvc import Pipeline
from recondense.ledger import Entry, Ledger
from recondense.ledger.entry import PASSED, TIME_FORMAT
from recondense.ledger.population import entries_of_population
from recondense.ledger.spending import spent as spent_by_releases
from recondense.stages.catalogue import SUBJECTS
from recondense.stages.layout import Layout
from recondense.unattended.policy import Standing


def standing(layout: Layout, pipeline: Pipeline, ledger: Ledger) -> Standing:
    """For a cohort whose ingestion is current. Subjects are compared by id, and only counted."""
    entries = ledger.entries()
    subjects = SUBJECTS.path(layout)
    now, spent = _subjects(subjects), epsilon_spent(entries, entries_of_population(layout.root, layout.cohort))
    passed, digest = last_candidate(entries, subjects.relative_to(layout.root).as_posix())
    if passed is None:
        return Standing(len(now), 0, None, spent)
    age = (datetime.now(UTC) - passed).total_seconds() / 3600
    hours = age if age >= 0 else None  # a clock that was ahead wrote it: nothing that speaks for waiting
    kept = pipeline.cached(digest) if digest else None
    if kept is None:  # `dvc gc` took it: there is no telling, and so nothing that speaks for waiting
        return Standing(None, None, hours, spent)
    then = _subjects(kept)
    return Standing(len(now - then), len(then - now), hours, spent)


def last_candidate(entries: Sequence[Entry], subjects: str) -> tuple[datetime | None, str | None]:
    """When the gate last passed, and DVC's hash of the file ``subjects`` then. No bundle states the hash."""
    passed, digest, ingested = None, None, None
    for entry in entries:
        if entry.event == "ingested":
            ingested = entry.details["outputs"].get(subjects)
        elif entry.event in PASSED:
            passed, digest = datetime.strptime(entry.time, TIME_FORMAT).replace(tzinfo=UTC), ingested
    return passed, digest


def epsilon_spent(entries: Sequence[Entry], population: Sequence[Entry]) -> float | None:
    """Epsilon of all releases of the ``population``, None where one of them, or the cohort's last condensed set by its
    own ``entries``, gives no guarantee."""
    condensed = [entry.details["privacy"]["epsilon"] for entry in entries if entry.event == "condensed"]
    return None if condensed and condensed[-1] is None else spent_by_releases(population)


def _subjects(path: Path) -> frozenset[str]:
    return frozenset(pd.read_parquet(path, columns=["subject_id"])["subject_id"].astype("str"))
