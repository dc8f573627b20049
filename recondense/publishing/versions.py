"""Which releases a cohort has, and what state each is in: read from git's tags, the ledger and DVC's files alone."""

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from recondense.errors import InputError
from recondense.files.lock import turn
from recondense.git import git
from recondense.ledger import Entry, Ledger
from recondense.stages.layout import STAGE_FOLDERS
from recondense.stages.params import block

FORM = re.compile(r"(\d{4})\.(\d{2})\.([1-9]\d*)")


@dataclass(frozen=True, order=True)
class Version:
    """``YYYY.MM.N``; ordered by time.

    >>> Version.parse("2026.11.10") > Version.parse("2026.11.9")
    True
    """

    year: int
    month: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Version":
        """The version that ``text`` names. Raises `InputError`."""
        found = FORM.fullmatch(text)
        if not found or not 1 <= int(found[2]) <= 12:
            raise InputError(f"'{text}' is no version: write YYYY.MM.N, as in 2026.11.1")
        return cls(*map(int, found.groups()))

    def __str__(self) -> str:
        return f"{self.year:04}.{self.month:02}.{self.number}"


class Releases:
    """The releases of ``cohort`` in the project at ``root``. Raises `InputError` for a cohort params.yaml lacks."""

    def __init__(self, root: Path, cohort: str) -> None:
        block(root, cohort)
        self.root = root
        self.cohort = cohort
        self.ledger = Ledger(root, cohort)
        self.place = f"data/{STAGE_FOLDERS['release']}/{cohort}"

    def path(self, version: Version) -> str:
        """The folder of a version's bundle, from the root; its DVC file is beside it, with the ending ``.dvc``."""
        return f"{self.place}/{version}"

    def tag(self, version: Version) -> str:
        """The name of its tag in git."""
        return f"release/{self.cohort}/{version}"

    def tagged(self) -> dict[Version, str]:
        """The commit of each finished version, oldest first."""
        found = git.tagged(self.root, f"release/{self.cohort}")
        return dict(sorted((Version.parse(name), commit) for name, commit in found.items() if FORM.fullmatch(name)))

    def released(self) -> dict[Version, Entry]:
        """The ledger's entry of each version, oldest first. Raises `InputError` for a broken ledger."""
        return _by_version(self.ledger.entries(), "released")

    def of_candidate(self, manifest: str) -> Version | None:
        """The version that the candidate whose manifest has the SHA-256 ``manifest`` was released as."""
        return next((v for v, entry in self.released().items() if entry.details.get("candidate") == manifest), None)

    def withdrawn(self) -> dict[Version, Entry]:
        """The ledger's entry of each withdrawal. Raises `InputError` for a broken ledger."""
        return _by_version(self.ledger.entries(), "withdrawn")

    def begun(self) -> list[Version]:
        """Versions whose DVC file is there, oldest first: all that were ever begun in this work tree or its history."""
        names = [path.name.removesuffix(".dvc") for path in (self.root / self.place).glob("*.dvc")]
        return sorted(Version.parse(name) for name in names if FORM.fullmatch(name))

    def upcoming(self) -> Version:
        """The version that a release made now has: one that was begun and not finished, else the next of this month."""
        finished = self.tagged()
        open_ = [version for version in self.begun() if version not in finished]
        if open_:
            return open_[-1]
        now = datetime.now(UTC)
        taken = [v.number for v in {*finished, *self.released()} if (v.year, v.month) == (now.year, now.month)]
        return Version(now.year, now.month, max(taken, default=0) + 1)

    def commit(self, version: Version) -> str:
        """The commit that a finished version's tag points to. Raises `InputError` where there is none."""
        finished = self.tagged()
        if version not in finished:
            known = ", ".join(map(str, finished)) or "none yet"
            raise InputError(
                f"{self.cohort} has no release {version}; it has: {known}. Where it was made elsewhere: "
                "`git pull`, `git fetch --tags`"
            )
        return finished[version]


def in_turn(root: Path) -> AbstractContextManager[None]:
    """All that makes commits and tags in this project takes turns: one release or withdrawal at a time."""
    return turn(root, "releases", "another release or withdrawal")


def _by_version(entries: list[Entry], event: str) -> dict[Version, Entry]:
    return {Version.parse(str(entry.details["version"])): entry for entry in entries if entry.event == event}
