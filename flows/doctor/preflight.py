"""What of `recondense doctor` a command asks before its work: only what it needs, and what takes about a second."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from flows.doctor.finding import Finding, Found, check
from flows.doctor.project import LET_READ, unreadable
from flows.doctor.services import servers
from flows.doctor.state import check_state, folders
from flows.pipeline import raw_folder


def before_inspecting(root: Path, cohort: str) -> None:
    """Raise `InputError`, a line a fault, where ``cohort`` could not be read or its result not be written."""
    check([*folders(root), *raw_files(root, [cohort])])


def before_running(root: Path, cohorts: Sequence[str]) -> None:
    """Raise `InputError`, a line a fault, where a run of ``cohorts`` could not read, write or report.

    Call once the environment says which servers to report to.
    """
    check_state(root)
    check([*servers(), *raw_files(root, cohorts)])


def raw_files(root: Path, cohorts: Sequence[str]) -> Found:
    """What this user cannot read of the raw folders of ``cohorts``."""
    for cohort in cohorts:
        raw = raw_folder(root, cohort)
        if closed := unreadable(raw, str(raw.relative_to(root) if raw.is_relative_to(root) else raw)):
            yield Finding("fault", f"{cohort}: {closed}", LET_READ)


def still_wrong(root: Path) -> Iterator[str]:
    """What now is in the way of any command: why one may have failed whose error says nothing of it."""
    for look in (folders(root), servers()):
        yield from (f"{one.found}: {one.next}" for one in look if one.level == "fault")
