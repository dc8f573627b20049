"""The rules that hold from one line of a ledger to the next, and the name of each way to break them."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from recondense.errors import InputError
from recondense.ledger.entry import CLOCK_CORRECTED, NOTHING_BEFORE, TIME_FORMAT, Entry, Malformed, parse
from recondense.ledger.keys import PublicKey, read_public

CLOCKS_DIFFER = timedelta(minutes=5)  # as much as two machines' clocks may, before a time counts as wrong


@dataclass
class Chain:
    """What is known after some of the first lines of a cohort's ledger.

    ``n``: the next entry's number. ``previous``: the hash of the last line. ``time``: the latest
    since the clock was last corrected. ``keys``: every
    key that was ever admitted, by fingerprint; ``revoked``: the number of the entry that revoked one.
    ``root``: the fingerprint that the first line must admit, where the reader knows it. ``entries``: those lines that
    are entries at all, believed or not.
    """

    cohort: str
    root: str | None = None
    n: int = 0
    previous: str = NOTHING_BEFORE
    time: str = ""
    keys: dict[str, PublicKey] = field(default_factory=dict)
    revoked: dict[str, int] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def admits(self, fingerprint: str) -> bool:
        """Whether the next line may be signed by this key."""
        return fingerprint in self.keys and fingerprint not in self.revoked

    @property
    def ahead(self) -> Entry | None:
        """The first entry whose time is yet to come, by the clock here, and that no correction of the clock follows."""
        limit = (datetime.now(UTC) + CLOCKS_DIFFER).strftime(TIME_FORMAT)
        found: Entry | None = None
        for entry in self.entries:
            if entry.event == CLOCK_CORRECTED:
                found = None
            if found is None and entry.time > limit:
                found = entry
        return found

    def copy(self) -> "Chain":
        """The same state, to go on from separately."""
        return replace(self, keys=dict(self.keys), revoked=dict(self.revoked), entries=list(self.entries))

    def follow(self, line: bytes) -> list[str]:
        """Take in the next line of the file (without its end), whatever it is; returns all that is wrong with it.

        After a wrong line the rules go on from what stands in it, so that one fault is not every later line's. Only a
        line without fault admits or revokes a key.
        """
        try:
            entry = parse(line)
        except Malformed as error:
            wrong = [str(error)]
            self.n += 1
        else:
            wrong = [*self._place(entry), *self._time(entry), *self._signature(entry)]
            if not wrong:
                wrong = self._keys(entry)
            if entry.n == 0 and self.root not in (None, entry.key):
                wrong.append(f"wrong root key: the ledger begins with {entry.key}")
            corrected = entry.event == CLOCK_CORRECTED and not wrong
            self.n, self.time = entry.n + 1, entry.time if corrected else max(self.time, entry.time)
            self.entries.append(entry)
        self.previous = hashlib.sha256(line).hexdigest()
        return wrong

    def _place(self, entry: Entry) -> list[str]:
        wrong = []
        if entry.cohort != self.cohort:
            wrong.append(f"wrong cohort: it belongs to another ledger than {self.cohort}'s")
        if entry.n > self.n:
            wrong.append(f"dropped: before it the entries {self.n} to {entry.n - 1} are missing")
        elif entry.n < self.n:
            wrong.append(f"reordered or repeated: entry {entry.n} stands where {self.n} belongs")
        elif entry.previous != self.previous:
            wrong.append("broken: the line before it is not the one that it was written after")
        return wrong

    def _time(self, entry: Entry) -> list[str]:
        """Times never go back, unless a signed line says that the clock before it was ahead, and of what time."""
        try:
            datetime.strptime(entry.time, TIME_FORMAT)
        except ValueError:
            return ["altered: its time is no time"]
        if entry.event == CLOCK_CORRECTED:
            ahead = str(entry.details.get("ahead"))
            return [] if entry.time < ahead >= self.time else ["not a correction: the clock before it was not ahead"]
        if entry.time < self.time:
            return [f"back-dated: {entry.time} is before the entry before it, {self.time}"]
        return []

    def _signature(self, entry: Entry) -> list[str]:
        key = self.keys.get(entry.key)
        if not self.keys and entry.n == 0:  # the root of trust: it brings its own key
            try:
                key = subject(entry)
            except InputError:
                return ["no root: the first line admits no key"]
            if key.fingerprint != entry.key:
                return ["no root: the first line admits another key than the one that signed it"]
        if key is None:
            return [f"unknown key: {entry.key} was not admitted"]
        if entry.key in self.revoked:
            return [f"revoked key: {entry.key} was revoked by entry {self.revoked[entry.key]}"]
        return [] if key.signed(entry.unsigned, entry.signature) else ["altered: the signature is of other content"]

    def _keys(self, entry: Entry) -> list[str]:
        """Let a line of trust take effect."""
        try:
            if entry.event == "key admitted":
                key = subject(entry)
                self.keys[key.fingerprint] = key
                self.revoked.pop(key.fingerprint, None)
            elif entry.event == "key revoked":
                self.revoked[str(entry.details.get("fingerprint"))] = entry.n
        except InputError:
            return ["not an entry: it admits a key that it does not hold"]
        return []


def subject(entry: Entry) -> PublicKey:
    """The key that a ``key admitted`` entry admits. Raises `InputError` where it holds none."""
    key = read_public(str(entry.details.get("public_key")), "details.public_key")
    if entry.event != "key admitted" or entry.details.get("fingerprint") != key.fingerprint:
        raise InputError("details.fingerprint is not that of details.public_key")
    return key
