"""Which record files can be used: readable, named for the record they hold, and the only one of that record."""

import hashlib
import zlib
from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from recondense.cohorts.parsed import Arrays, Parsed
from recondense.cohorts.readers._physionet2012.files import RecordFile
from recondense.cohorts.readers._physionet2012.lines import Lines, pack, parse, unpack
from recondense.cohorts.readers._physionet2012.variables import PARAMETERS, RECORD_ID
from recondense.progress import track

HEADER = b"Time,Parameter,Value\n"
NO_HEADER = "no header line Time,Parameter,Value"


def examine(files: list[RecordFile], parsed: Parsed) -> tuple[pd.DataFrame, Lines]:
    """One row a file (``file``, ``record``, and ``reason`` why it can't be used, or ""), and the lines of all files.

    Files without a record's name, empty ones and those that are no plain text have no lines.
    """
    reasons = [_fault(file) for file in files]
    bodies = [
        file.content.removeprefix(HEADER) if reason in ("", NO_HEADER) else b""
        for file, reason in zip(files, reasons, strict=True)
    ]
    batches = track(list(_batches(bodies)), "batches of records")
    lines = unpack([_parsed(files[batch], bodies[batch], parsed) for batch in batches])
    names, ids = [file.name for file in files], [file.record for file in files]
    records = pd.DataFrame({"file": names, "record": ids, "reason": reasons}, dtype="str")
    _refuse_misnamed(records, lines)
    _refuse_duplicates(records, files)
    return records, lines


def _batches(bodies: list[bytes]) -> Iterator[slice]:
    """Runs of some 256 files. One ends wherever a file's CRC says so, whatever files are before and after it, and so a
    new file or a changed one makes another batch of its neighbours alone."""
    ends = [place for place, body in enumerate(bodies, start=1) if zlib.crc32(body) % 256 == 255]
    edges = [0, *ends, len(bodies)]
    yield from (slice(first, last) for first, last in pairwise(edges) if first < last)


def _parsed(files: list[RecordFile], bodies: list[bytes], parsed: Parsed) -> Arrays:
    """The lines of one batch, packed."""

    def subjects(lines: Arrays) -> set[str]:
        stated = lines["value"][lines["parameter"] == RECORD_ID]
        return {file.record for file in files} | {f"{record:.0f}" for record in stated}

    content = b"".join(hashlib.sha256(body).digest() for body in bodies)
    return parsed.once(content, "lines of records", lambda: pack(parse(bodies, PARAMETERS), len(bodies)), subjects)


def refuse(records: pd.DataFrame, chosen: "pd.Series[bool]", reason: str) -> None:
    """Give ``reason`` to the ``chosen`` records that have none yet."""
    records.loc[chosen & (records["reason"] == ""), "reason"] = reason


def _fault(file: RecordFile) -> str:
    if not file.record:
        return "file name is not a record number"
    if not file.content.strip():
        return "empty file"
    if not file.content.isascii() or b"\0" in file.content:
        return "not plain text"
    return "" if file.content.startswith(HEADER) else NO_HEADER


def _refuse_misnamed(records: pd.DataFrame, lines: Lines) -> None:
    stated = (lines.parameter == RECORD_ID) & (lines.fault == 0)
    named = pd.to_numeric(records["record"], errors="coerce").to_numpy(dtype=float)
    differs = stated & (lines.value != named[lines.record])
    place = records.index.to_series()
    refuse(records, ~place.isin(lines.record[stated]), "no RecordID line")
    refuse(records, place.isin(lines.record[differs]), "RecordID differs from the file name")


def _refuse_duplicates(records: pd.DataFrame, files: list[RecordFile]) -> None:
    """Of files with one id and one content the first is used; where contents differ, none can be trusted."""
    usable = records[records["reason"] == ""]
    for _, group in usable[usable.duplicated("record", keep=False)].groupby("record"):
        if len({files[place].content for place in group.index}) == 1:
            records.loc[group.index[1:], "reason"] = "duplicate record"
        else:
            records.loc[group.index, "reason"] = "contradicting records with one id"
