"""Whether a raw folder changed and has come to rest, by names, sizes and times; DVC then says by content."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from recondense.files.folders import visible

PATIENCE = 60  # looks at a folder before it is given up as never at rest


def fingerprint(folder: Path) -> str:
    """A digest of every file's path, size and time of change below ``folder``; of a missing folder, of nothing.

    What is hidden is no record: .dvcignore says the same to DVC.
    """
    lines = []
    for path in visible(folder, folder.rglob("*")):
        try:
            found = path.stat()
        except FileNotFoundError:  # taken away, or renamed, while we look: the next look sees it as it then is
            continue
        if path.is_file():
            lines.append(f"{path.relative_to(folder)}\0{found.st_size}\0{found.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


@dataclass
class Inbox:
    """What a watcher remembers of a raw folder."""

    seen: str | None = None
    settled: str | None = None

    def ripe(self, found: str) -> bool:
        """Whether ``found``, the fingerprint now, is that of the last look as well, and not one dealt with before."""
        quiet = found == self.seen
        self.seen = found
        return quiet and found != self.settled

    def settle(self) -> None:
        """What was last seen has been dealt with."""
        self.settled = self.seen


def at_rest(folder: Path, seconds: float) -> bool:
    """Wait until two looks, ``seconds`` apart, find the same; False where `PATIENCE` looks never did."""
    inbox = Inbox()
    inbox.ripe(fingerprint(folder))
    for _ in range(PATIENCE):
        time.sleep(seconds)
        if inbox.ripe(fingerprint(folder)):
            return True
    return False
