"""What of a cohort's ledger strangers see, and how they check it.

Published are the lines, whole, that admit and revoke keys or correct the clock, and those of releases and withdrawals,
whose details are public by themselves. All other lines stay with the steward: they hold hashes of restricted files, and
whoever holds all but one line of such a file (who is in a withdrawal list, say) could find that line by trying. The
`previous` of a published line commits to those before it all the same, and gives nothing away: a line ends in a
signature that nobody can guess.

So that no published line can be left out unnoticed, a release and a withdrawal carry in ``details.published`` the hash
of all lines published before it. What cannot be seen in the file is that its end is missing.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from recondense.checks import Check
from recondense.ledger.chain import Chain
from recondense.ledger.entry import CLOCK_CORRECTED, Entry
from recondense.ledger.ledger import ahead_of_this_clock, corrections

VERSIONED = ("released", "withdrawn")
PUBLIC = ("key admitted", "key revoked", CLOCK_CORRECTED, *VERSIONED)


def digest(lines: bytes) -> str:
    """What stands for published lines in `so_far` and in the index: their SHA-256, hexadecimal."""
    return hashlib.sha256(lines).hexdigest()


def published(entries: Iterable[Entry], through: int | None = None) -> bytes:
    """The published ledger: the public lines of ``entries``, those up to number ``through``."""
    chosen = (entry for entry in entries if entry.event in PUBLIC and (through is None or entry.n <= through))
    return b"".join(entry.line + b"\n" for entry in chosen)


def so_far(entries: list[Entry]) -> dict[str, Any]:
    """The ``details.published`` of the next release or withdrawal.

    A key that is admitted between this and that line is not covered by it, hence ``through``.
    """
    through = entries[-1].n if entries else -1
    return {"through": through, "sha256": digest(published(entries, through))}


def listing(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Every release, oldest first: version, time, hash of its manifest, when and why it was withdrawn, its figures (as
    `recondense.bundle.releases.summary` has them), and what it and all up to it cost in differential privacy."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        version = str(entry.details.get("version"))
        if entry.event == "released":
            found[version] = {
                "version": version,
                "released": entry.time,
                "manifest": entry.details.get("manifest"),
                "withdrawn": None,
                "figures": entry.details.get("figures"),
                "privacy": {key: _privacy(entry).get(key) for key in ("epsilon", "cumulative_epsilon")},
            }
        elif entry.event == "withdrawn" and version in found:
            found[version]["withdrawn"] = {"time": entry.time, "reason": entry.details.get("reason")}
    return list(found.values())


def _privacy(entry: Entry) -> dict[str, Any]:
    """What the line says of it; a published ledger may hold anything."""
    found = entry.details.get("privacy")
    return found if isinstance(found, dict) else {}


@dataclass
class PublishedChain(Chain):
    """The rules of the published lines: as of the ledger's, but numbers may be left out, and `so_far` must agree.

    ``digests``: after each line, its entry's number and `digest` of all up to it, so that no line is read twice.
    """

    digests: list[tuple[int, str]] = field(default_factory=list)
    _running: Any = field(default_factory=hashlib.sha256)

    def follow(self, line: bytes) -> list[str]:
        """As `Chain.follow`."""
        wrong, known = super().follow(line), len(self.digests)
        if len(self.entries) > known:
            self._running.update(line + b"\n")
            self.digests.append((self.entries[-1].n, self._running.hexdigest()))
        return wrong

    def _place(self, entry: Entry) -> list[str]:
        wrong = []
        if entry.cohort != self.cohort:
            wrong.append(f"wrong cohort: it belongs to another ledger than {self.cohort}'s")
        if entry.n < self.n:
            wrong.append(f"reordered or repeated: entry {entry.n} stands after {self.n - 1}")
        return [*wrong, *self._left_out(entry)]

    def _left_out(self, entry: Entry) -> list[str]:
        if entry.event not in VERSIONED:
            return [] if entry.event in PUBLIC else ["not a published event"]
        stated = entry.details.get("published")
        through = stated.get("through") if isinstance(stated, dict) else None
        if isinstance(through, int) and stated == {"through": through, "sha256": self._digest(through)}:
            return []
        return ["dropped or altered: the lines before it are not those that were published when it was written"]

    def _digest(self, through: int) -> str:
        """Of the lines up to number ``through``; where they are out of order, that is what is wrong with them."""
        place = bisect_right(self.digests, through, key=lambda known: known[0])
        return self.digests[place - 1][1] if place else digest(b"")


def check(content: bytes, cohort: str, root_key: str | None = None) -> tuple[list[Check], list[Entry]]:
    """Follow a published ledger, whatever its bytes are; one failed check a problem, or one that holds; the entries.

    ``root_key``: fingerprint of the key that the first line must admit.
    """
    chain, problems = PublishedChain(cohort, root_key), list[Check]()
    *lines, rest = content.split(b"\n")
    for number, line in enumerate(lines, start=1):
        problems += [Check(f"published ledger, line {number}", False, wrong) for wrong in chain.follow(line)]
    if rest or not lines:
        problems.append(Check("published ledger", False, "torn: its last line has no end" if rest else "no line"))
    if first := chain.ahead:
        problems.append(Check(f"published ledger, entry {first.n}", False, ahead_of_this_clock(first)))
    whole = Check(f"the published ledger holds: {len(lines)} lines, signed and in order", True)
    return problems or [whole, *corrections(chain.entries)], chain.entries


def release_checks(entries: list[Entry], manifest: str) -> list[Check]:
    """What the ledger says of the bundle whose manifest has the hash ``manifest``."""
    releases = listing(entries)
    own = next((release for release in releases if release["manifest"] == manifest), None)
    if own is None:
        return [Check("the ledger names this bundle as a release", False, "unknown: no release has this manifest")]
    checks = [Check("the ledger names this bundle as a release", True, own["version"])]
    if own["withdrawn"]:
        said = f"withdrawn on {own['withdrawn']['time'][:10]}: {own['withdrawn']['reason']}"
        return [*checks, Check("it is not withdrawn", False, said)]
    current = [release["version"] for release in releases if not release["withdrawn"]][-1]
    place = "current" if current == own["version"] else f"superseded by {current}"
    return [*checks, Check("it is not withdrawn", True, place)]
