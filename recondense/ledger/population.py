"""Cohorts whose records are of the same patients, so that their releases spend one budget.

They are those that read the same raw folder or one within it, or the same files, now or in any run that a ledger has;
and those that declare the same ``schedule.population``. Other records of the same patients are told by nothing but that
declaration.
"""

from pathlib import Path

from recondense.ledger.entry import Entry
from recondense.ledger.ledger import Ledger, with_ledger
from recondense.stages.params import read


def entries_of_population(root: Path, cohort: str) -> list[Entry]:
    """Every entry of the ledgers of ``cohort`` and of all that share its patients. Raises `InputError` for a broken
    one: what it has spent cannot be told."""
    blocks = read(root)
    ledgers = {name: Ledger(root, name).entries() for name in {cohort, *with_ledger(root), *blocks}}
    marks = {name: _marks(root, name, blocks.get(name), entries) for name, entries in ledgers.items()}
    return [entry for name in _joined(cohort, marks) for entry in ledgers[name]]


def _joined(cohort: str, marks: dict[str, set[Path | str]]) -> list[str]:
    """``cohort``, and every name that shares a mark with it or with one that does."""
    found = [cohort]
    for name in found:
        found += [other for other in sorted(marks) if other not in found and _share(marks[name], marks[other])]
    return found


def _share(one: set[Path | str], other: set[Path | str]) -> bool:
    if any(isinstance(mark, str) for mark in one & other):
        return True
    folders, others = ([mark for mark in marks if isinstance(mark, Path)] for marks in (one, other))
    return any(a.is_relative_to(b) or b.is_relative_to(a) for a in folders for b in others)


def _marks(root: Path, name: str, block: object, entries: list[Entry]) -> set[Path | str]:
    """What tells whose records a cohort has: folders; digests of what was in them; the population that is declared."""
    params = block if isinstance(block, dict) else {}
    reads = [entry.details for entry in entries if entry.details.get("stage") == "ingestion"]
    parts = [params.get("ingestion"), *(one.get("params", {}).get(f"cohorts.{name}.ingestion") for one in reads)]
    raws = {str(part.get("raw")) for part in parts if isinstance(part, dict)}
    digests = {f"records {digest}" for one in reads for path, digest in one["inputs"].items() if path[:6] != "tasks/"}
    population = (params.get("schedule") or {}).get("population")
    return {
        *((root / raw).resolve() for raw in raws if not raw.startswith("<local>")),  # a ledger names no such place
        *digests,
        *([f"population {population}"] if population else []),
    }
