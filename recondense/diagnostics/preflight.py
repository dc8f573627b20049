"""What of `recondense doctor` a command asks before its work: only what it needs, and what takes about a second."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from recondense.diagnostics.project import LET_READ, unreadable
from recondense.diagnostics.services import remote
from recondense.probes.finding import Finding, Found, check
from recondense.probes.servers import servers
from recondense.probes.state import check_state, folders


def before_inspecting(root: Path, cohort: str) -> None:
    """Raise `InputError`, a line a fault, where ``cohort`` could not be read or its result not be written."""
    check([*folders(root), *raw_files(root, [cohort])])


def before_running(root: Path, cohorts: Sequence[str]) -> None:
    """Raise `InputError`, a line a fault, where a run of ``cohorts`` could not read, write or report.

    Call once the environment says which servers to report to.
    """
    check_state(root)
    check([*servers(), *raw_files(root, cohorts)])


def before_releasing(root: Path) -> None:
    """Raise `InputError`, a line a fault, where a release could not write, or a remote takes no files."""
    check_state(root)
    check([*remote(root, "vault"), *remote(root, "release")])


def before_reading(raw: Path) -> None:
    """Raise `InputError` where this user cannot read all files of a recipient's folder ``raw``."""
    if closed := unreadable(raw, str(raw)):
        check([Finding("fault", closed, LET_READ)])


def raw_files(root: Path, cohorts: Sequence[str]) -> Found:
    """What this user cannot read of the raw folders of ``cohorts``."""
    from recondense.engines.dvc import raw_folder  # and with it DVC, which others here do without

    for cohort in cohorts:
        raw = raw_folder(root, cohort)
        if closed := unreadable(raw, str(raw.relative_to(root) if raw.is_relative_to(root) else raw)):
            yield Finding("fault", f"{cohort}: {closed}", LET_READ)


def still_wrong(root: Path) -> Iterator[str]:
    """What now is in the way of any command: why one may have failed whose error says nothing of it."""
    for look in (folders(root), servers()):
        yield from (f"{one.found}: {one.next}" for one in look if one.level == "fault")
