"""The file: reading, appending, verifying."""

from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

from recondense.checks import Check
from recondense.errors import InputError
from recondense.files import atomic, lock, secret
from recondense.ledger import keys, origin
from recondense.ledger.chain import Chain
from recondense.ledger.entry import CLOCK_CORRECTED, EVENTS, TIME_FORMAT, Entry
from recondense.ledger.keys import Key, PublicKey
from recondense.stages.history import FOLDER
from recondense.stages.params import check_cohort_name


def with_ledger(root: Path) -> list[str]:
    """The cohorts that have a ledger in the project at ``root``, by the names of the files."""
    return [path.stem for path in sorted((root / FOLDER).glob("[!.]*.jsonl"))]


def ahead_of_this_clock(entry: Entry) -> str:
    """What is wrong with an entry whose time is yet to come."""
    return f"time in the future: {entry.time}, or the clock here is late"


def corrections(entries: list[Entry]) -> list[Check]:
    """A line for each time that times went back, for whoever reads them."""
    return [
        Check(f"entry {entry.n} corrects the clock", True, f"from {entry.details.get('ahead')} back to {entry.time}")
        for entry in entries
        if entry.event == CLOCK_CORRECTED
    ]


class Ledger:
    """The ledger of ``cohort`` in the project at ``root``. It begins with its first append."""

    def __init__(self, root: Path, cohort: str) -> None:
        check_cohort_name(cohort)
        self.root = root
        self.cohort = cohort
        self.name = f"{FOLDER}/{cohort}.jsonl"
        self.path = root / self.name
        self._seen = b""  # what an earlier append of this process has followed already, and what it led to
        self._chain = Chain(cohort)

    def entries(self) -> list[Entry]:
        """Every entry, oldest first; none where there is no ledger yet. Raises `InputError` for a broken one."""
        return self._follow(self._read()).entries

    def readable(self) -> list[Entry]:
        """Every line that is an entry at all, believed or not: for showing a ledger that may be broken."""
        chain = Chain(self.cohort)
        for line in self._read().split(b"\n"):
            chain.follow(line)
        return chain.entries

    def head(self) -> str:
        """The hash of the last line; 64 zeros where there is none. Raises `InputError` for a broken ledger."""
        return self._follow(self._read()).previous

    def append(self, event: str, details: dict[str, Any]) -> Entry:
        """Sign and write one entry; the first one is preceded by one that admits this user's key.

        Whole or not at all, however the process ends, and in turn with other processes. Raises `InputError` where the
        ledger is broken or does not admit this user's key; `ValueError` for an unknown event, or details beyond JSON.
        """
        if event not in EVENTS:
            raise ValueError(f"no event '{event}': it must be one of {', '.join(EVENTS)}")
        with lock.turn(self.root, f"ledger-{self.cohort}", f"another entry of {self.name}"):
            content = self._read()
            chain, key = self._writable(content, correcting=event == CLOCK_CORRECTED)
            root = b"" if chain.n else self._next(chain, key, "key admitted", key.public.admission)
            line = self._next(chain, key, event, details)
            self._write(content + root + line)
            self._seen, self._chain = content + root + line, chain
        return chain.entries[-1]

    def correct_clock(self) -> Entry:
        """Record that the clock which wrote the last entries was ahead, and that times go on from the clock here.

        Raises `InputError` where no entry is ahead of it, and as `append` does.
        """
        chain = self._follow(self._read())
        first = chain.ahead
        if first is None:
            raise InputError(f"{self.name} has no entry that is ahead of this machine's clock: nothing is to correct")
        return self.append(CLOCK_CORRECTED, {"ahead": chain.time, "entries": [first.n, chain.entries[-1].n]})

    def check_admission(self) -> None:
        """Raise `InputError` where `verify` finds fault, or this user may not append; says how to be admitted."""
        self._writable(content := self._read())
        compared = self._compare(content, origin.remembered(self.root, self.name))
        problems = [check for check in compared if not check.holds]
        if problems:
            self._hold(problems[0].claim, [problems[0].detail])

    def admitted(self) -> dict[str, PublicKey]:
        """The keys that may sign now, by fingerprint. Raises `InputError` for a broken ledger."""
        chain = self._follow(self._read())
        return {fingerprint: key for fingerprint, key in chain.keys.items() if chain.admits(fingerprint)}

    def verify(self, root_key: str | None = None, remembered: dict[str, bytes] | None = None) -> list[Check]:
        """Follow every line from the first, then compare with what git remembers; whatever the bytes are.

        ``root_key``: fingerprint of the key that the first line must admit. ``remembered``: earlier versions of the
        file, by name, in place of git's. Returns one failed check a problem, named by its line's number from 1.
        """
        content = self._read()
        chain = Chain(self.cohort, root_key)
        *lines, rest = content.split(b"\n")
        problems = [
            Check(f"line {number}", False, wrong)
            for number, line in enumerate(lines, start=1)
            for wrong in chain.follow(line)
        ]
        if rest or not lines:
            problems.append(
                Check(f"line {len(lines) + 1}", False, "torn: the last line has no end" if rest else "absent")
            )
        if first := chain.ahead:
            problems.append(Check(f"line {first.n + 1}", False, ahead_of_this_clock(first)))
        whole = Check(f"{self.name}: {len(lines)} lines, each signed and in its place", True)
        if remembered is None:
            remembered = origin.remembered(self.root, self.name)
        return [*(problems or [whole, *corrections(chain.entries)]), *self._compare(content, remembered)]

    @staticmethod
    def _compare(content: bytes, remembered: dict[str, bytes]) -> list[Check]:
        """Whether each version of ``remembered`` is how the file still begins: what nobody can see in the file."""
        if not remembered:
            return [
                Check("git remembers no earlier version", True, "until it is committed, lines can be cut off its end")
            ]
        problems = []
        lines = content.splitlines(keepends=True)
        for name, earlier in remembered.items():
            pairs = enumerate(zip_longest(earlier.splitlines(keepends=True), lines), start=1)
            lost = next((number for number, (then, now) in pairs if then not in (None, now)), None)
            if lost:
                how = "truncated" if lost > len(lines) else "rewritten"
                problems.append(Check(f"line {lost}", False, f"{how}: git has another or more lines at {name}"))
        return problems or [Check(f"it continues every version that git remembers ({len(remembered)})", True)]

    def _next(self, chain: Chain, key: Key, event: str, details: dict[str, Any]) -> bytes:
        """The line of a new entry, with its end; ``chain`` has followed it."""
        now = datetime.now(UTC).strftime(TIME_FORMAT)
        unsigned = Entry(
            n=chain.n,
            time=now if event == CLOCK_CORRECTED else max(now, chain.time),  # where this clock is a little late
            cohort=self.cohort,
            event=event,
            actor=origin.actor(self.root),
            details=details,
            versions=origin.versions(self.root),
            previous=chain.previous,
            key=key.fingerprint,
            signature="",
        )
        line = unsigned.model_copy(update={"signature": key.sign(unsigned.unsigned)}).line
        wrong = chain.follow(line)
        if wrong:
            raise ValueError(f"an entry of {event} that would break the ledger: {'; '.join(wrong)}")
        return line + b"\n"

    def _writable(self, content: bytes, correcting: bool = False) -> tuple[Chain, Key]:
        """The state after ``content``, and this user's key, which may sign what comes next.

        An entry that is ahead of the clock here stops all but ``correcting`` it: one of the two clocks is wrong.
        """
        chain = self._follow(content)
        if (first := chain.ahead) and not correcting:
            raise InputError(
                f"{self.name}, line {first.n + 1}: {ahead_of_this_clock(first)}. If this clock is late, mend it; if it "
                f"is right, `recondense keys correct-clock {self.cohort}` records that the other one was ahead"
            )
        key = keys.own()
        if key is None:
            raise InputError(f"{secret.folder()} holds no key to sign with: make one with `recondense keys create`")
        if chain.n and not chain.admits(key.fingerprint):
            raise InputError(
                f"{self.name} does not admit your key {key.fingerprint}: give {secret.folder() / keys.PUBLIC} to "
                f"someone whose key it admits, who runs `recondense keys admit {self.cohort} FILE`"
            )
        return chain, key

    def _follow(self, content: bytes) -> Chain:
        """The state after ``content``; only what is new is followed. Raises `InputError` at the first fault."""
        if not content.startswith(self._seen):
            self._seen, self._chain = b"", Chain(self.cohort)
        chain = self._chain.copy()
        before = self._seen.count(b"\n")
        *lines, rest = content[len(self._seen) :].split(b"\n")
        for number, line in enumerate(lines, start=before + 1):
            self._hold(f"line {number}", chain.follow(line))
        if rest:
            self._hold(f"line {before + len(lines) + 1}", ["torn: the last line has no end"])
        self._seen, self._chain = content, chain
        return chain.copy()

    def _hold(self, place: str, wrong: list[str]) -> None:
        if wrong:
            raise InputError(
                f"{self.name}, {place}: {wrong[0]}. `recondense ledger {self.cohort}` says all that is wrong; "
                "restore the file from git, nothing is written to a ledger that does not hold"
            )

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise InputError(f"{self.name} cannot be read ({error.strerror}): restore it from git") from error

    def _write(self, content: bytes) -> None:
        """Replace the file: on disk before it is in place. What a killed append left is swept up."""
        atomic.sweep(self.path)
        atomic.write(self.path, content)
