"""A file that turned up somewhere: which release is it from?"""

from dataclasses import dataclass, field
from pathlib import Path

from recondense.errors import InputError
from recondense.files.hashes import sha256
from recondense.ledger.artifacts import bundle_files
from recondense.ledger.entry import PASSED, Entry
from recondense.ledger.ledger import Ledger, with_ledger


@dataclass(frozen=True)
class Match:
    """A bundle that some of the files are from.

    ``version``: a release's, or "candidate". ``entry``: the one of the ledger that says so, at ``time``. ``same``: the
    files, and what they are called in the bundle. ``differ``: its files of which another content was found. ``absent``:
    its other files.
    """

    cohort: str
    version: str
    time: str
    entry: int
    same: dict[str, str] = field(default_factory=dict)
    differ: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def trace(root: Path, path: Path) -> tuple[list[Match], list[str]]:
    """Every bundle that a file, or a file anywhere in a folder, is from byte by byte: releases first, then by files.

    Also returns what kept a ledger from being asked: nothing that a broken one says is believed. Raises `InputError`
    where there is no file to trace.
    """
    files = sorted(found for found in (path.rglob("*") if path.is_dir() else [path]) if found.is_file())
    if not files:
        raise InputError(f"{path} holds no file: name a file or a folder that turned up")
    digests = {str(file.relative_to(path)) if path.is_dir() else file.name: sha256(file) for file in files}
    matches, faults = [], []
    for cohort in with_ledger(root):
        try:
            entries = Ledger(root, cohort).entries()
        except InputError as error:
            faults.append(str(error))
            continue
        matches += [_match(entry, digests) for entry in entries if entry.event in (*PASSED, "released")]
    found = [match for match in matches if match.same]
    return sorted(found, key=lambda m: (m.version == "candidate", -len(m.same), m.time)), faults


def _match(entry: Entry, digests: dict[str, str]) -> Match:
    bundle = bundle_files(entry)
    names = {digest: name for name, digest in bundle.items()}
    same = {file: names[digest] for file, digest in digests.items() if digest in names}
    others = {Path(file).name for file in digests if file not in same}
    left = [name for name in bundle if name not in same.values()]
    return Match(
        cohort=entry.cohort,
        version=str(entry.details.get("version", "candidate")),
        time=entry.time,
        entry=entry.n,
        same=same,
        differ=tuple(name for name in left if name in others),
        absent=tuple(name for name in left if name not in others),
    )
