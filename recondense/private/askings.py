"""Each asking of a cohort's patients has noise of its own, which serves no other sums and no second release.

A rerun before a release repeats its answer: the same records, sums and question since the last release are one asking.
All else begins another, under the next number. So does what another clone or project of the steward's released: an
answer that goes out is marked beside the askings, whatever a ledger knows.

The steward keeps a file an asking, ``askings/COHORT/NUMBER.json`` beside ``noise.key``, of mode 600. What is in it but
the answer, above all whether sums were equal, never leaves.
"""

import contextlib
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recondense.errors import InputError
from recondense.files import secret
from recondense.private.guarantee import Asked
from recondense.private.mechanism import Whole, answered
from recondense.settings import settings, variable
from recondense.stages.history import Event, events
from recondense.stages.layout import Layout

FOLDER = "askings"
AGAIN = variable("asking")  # the number of an asking that is to be repeated, and none begun: set by `reproduce`


@dataclass(frozen=True)
class Answer:
    """Noisy sums ``values``; ``statistics``: SHA-256 of these with the question; ``asked``: None where unrecorded."""

    values: Whole
    statistics: str
    asked: Asked | None = None


# From a question in words, its exact sums (computed only where patients are asked) and the noise's deviation
Answers = Callable[[bytes, Callable[[], Whole], int], Answer]


class Asking(BaseModel):
    """One file. ``since``: the manifest of the release before it. ``nonce``: makes its noise its own, whatever becomes
    of the numbers. ``digest``: keyed, of records, question and sums. ``question``: SHA-256. ``answer``: noisy sums."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=1)
    since: str | None
    nonce: str
    digest: str
    question: str
    answer: tuple[int, ...]

    @property
    def statistics(self) -> str:
        """SHA-256 of the question and its answer."""
        return _statistics(self.question, np.array(self.answer, dtype=np.int64))


def unrecorded(key: bytes) -> Answers:
    """Answers under noise from ``key`` alone, for what is never released: shadows, measurements. A key for each."""

    def answer(question: bytes, sums: Callable[[], Whole], sigma: int) -> Answer:
        values = answered(sums(), sigma, key)
        return Answer(values, _statistics(hashlib.sha256(question).hexdigest(), values))

    return answer


def recorded(layout: Layout, records: bytes, known_key: str | None, reuse: int | None) -> tuple[Answers, str]:
    """Answers about the cohort whose normalised ``records`` have this digest, and the SHA-256 of the noise's key.

    ``known_key``: the SHA-256 that ``noise.key`` must have, in place of the one that the ledger knows. ``reuse``: the
    number of an asking whose answer is given again; no patient has a part in it. Raises `InputError` where the key is
    another, and, when it is called, where an asking that is to be repeated is not there or was another.
    """
    past = events(layout)
    key = secret.noise_key(known_key or _committed(past))
    repeat = settings().asking

    def answer(question: bytes, sums: Callable[[], Whole], sigma: int) -> Answer:
        asked = hashlib.sha256(question).hexdigest()
        if reuse is not None:
            found = _kept(layout.cohort, reuse)
            if found.question != asked:
                raise InputError(
                    f"condensation.reuse: asking {reuse} of {layout.cohort} was another question: set the method's "
                    "options and normalisation as they were then, or take reuse out to ask anew"
                )
            return _answer(layout, past, found, reused=True)
        exact = sums()
        digest = secret.derived(key, b"question", records, question, exact.astype("<i8").tobytes()).hex()
        if repeat:
            found = _kept(layout.cohort, repeat)
            if not hmac.compare_digest(found.digest, digest):
                raise InputError(f"asking {repeat} of {layout.cohort} was of other records: its noise serves no others")
            return _answer(layout, past, found)
        since = _last_release(past)
        same = [
            one
            for one in _all(layout.cohort)
            if (one.since, one.digest) == (since, digest) and served(layout.cohort, one.statistics) is None
        ]
        if same:
            return _answer(layout, past, same[-1])

        def begin(number: int) -> Asking:
            nonce = os.urandom(secret.SIZE)
            noise = secret.derived(key, b"asking", layout.cohort.encode(), str(number).encode(), nonce)
            values = tuple(answered(exact, sigma, noise).tolist())
            return Asking(
                number=number, since=since, nonce=nonce.hex(), digest=digest, question=asked, answer=values
            )  # fmt: skip

        return _answer(layout, past, _begun(layout.cohort, past, begin))

    return answer, secret.commitment(key)


def draws(layout: Layout) -> int:
    """How many sets of answers were asked since the last release, released or not."""
    past = events(layout)
    return len(_drawn(layout, past, _last_release(past)))


def serve(cohort: str, statistics: str, candidate: str) -> None:
    """Mark, before it leaves, that the answer goes out with ``candidate``, the SHA-256 of its manifest, unless it is
    marked already."""
    with contextlib.suppress(FileExistsError):
        secret.create(_mark(cohort, statistics), candidate.encode())


def served(cohort: str, statistics: str) -> str | None:
    """The candidate that the answer went out with first, from any of this steward's projects; None where it did not."""
    content = secret.read(_mark(cohort, statistics))
    return None if content is None else content.decode(errors="replace")


def _answer(layout: Layout, past: list[Event], asking: Asking, reused: bool = False) -> Answer:
    since = _last_release(past) if reused else asking.since
    asked = Asked(number=asking.number, draws=len(_drawn(layout, past, since)), reused=reused)
    return Answer(np.array(asking.answer, dtype=np.int64), asking.statistics, asked)


def _drawn(layout: Layout, past: list[Event], since: str | None) -> set[str]:
    """The ``statistics`` of every asking between the release ``since`` and the next, by the ledger and the files."""
    found, within = {one.statistics for one in _all(layout.cohort) if one.since == since}, since is None
    for event in past:
        if event.name == "released":
            within = event.details.get("manifest") == since
        elif within and event.name == "condensed":
            stated = event.details.get("privacy") or {}
            if stated.get("asked") and not stated["asked"]["reused"]:
                found.add(str(stated["statistics"]))
    return found


def _begun(cohort: str, past: list[Event], begin: Callable[[int], Asking]) -> Asking:
    """The next asking, kept: under a number above all that the ledger or a file knows."""
    stated = [(event.details.get("privacy") or {}).get("asked") for event in past]
    numbers = [one["number"] for one in stated if one] + [one.number for one in _all(cohort)]
    number = max(numbers, default=0)
    while True:
        number += 1
        asking = begin(number)
        try:
            secret.create(_path(cohort, number), asking.model_dump_json().encode())
        except FileExistsError:  # another run was faster
            continue
        return asking


def _kept(cohort: str, number: int) -> Asking:
    found = _read(_path(cohort, number))
    if found is None:
        raise InputError(
            f"{_path(cohort, number)} is not there: it holds what asking {number} of {cohort} answered, and only the "
            "steward who asked has it"
        )
    return found


def _all(cohort: str) -> list[Asking]:
    """Every asking that is kept, in order."""
    paths = [path for path in _path(cohort, 0).parent.glob("*.json") if path.stem.isdecimal()]
    found = [_read(path) for path in sorted(paths, key=lambda path: int(path.stem))]
    return [one for one in found if one is not None]


def _read(path: Path) -> Asking | None:
    content = secret.read(path)
    try:
        return None if content is None else Asking.model_validate(json.loads(content))
    except (ValueError, ValidationError) as error:
        raise InputError(f"{path} is damaged: restore it, or move it away, to ask anew") from error


def _path(cohort: str, number: int) -> Path:
    return secret.folder() / FOLDER / cohort / f"{number}.json"


def _mark(cohort: str, statistics: str) -> Path:
    return secret.folder() / FOLDER / cohort / f"{statistics}.served"


def _last_release(past: list[Event]) -> str | None:
    return next((str(event.details.get("manifest")) for event in reversed(past) if event.name == "released"), None)


def _committed(past: list[Event]) -> str | None:
    """The SHA-256 of the noise's key that the ledger has of the last condensation with a guarantee."""
    return next((str(event.details["noise_key"]) for event in reversed(past) if event.details.get("noise_key")), None)


def _statistics(question: str, values: Whole) -> str:
    return hashlib.sha256(question.encode() + values.astype("<i8").tobytes()).hexdigest()
