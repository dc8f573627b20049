"""One line of a ledger: what it holds, and the only bytes in which it may stand."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

EVENTS = (
    "key admitted",
    "key revoked",
    "clock corrected",
    "ingested",
    "normalised",
    "condensed",
    "trained",
    "audited",
    "gate passed",
    "gate refused",
    "gate overridden",
    "nothing new",
    "held back",
    "released",
    "withdrawn",
    "downloaded",
)
NO_GUARANTEE = {"epsilon": None, "delta": None, "cumulative_epsilon": None}  # ``details.privacy`` of what gives none
CLOCK_CORRECTED = "clock corrected"  # ``details.ahead``: the time that the clock before it had reached
PASSED = ("gate passed", "gate overridden")  # what makes a candidate
NOTHING_BEFORE = "0" * 64  # in place of a hash, in the first line
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"  # of fixed width, so that times compare as text

LONGEST = 4 * 2**20  # bytes of a line: a thousand times the usual ones

_Hash = Field(pattern=r"^[0-9a-f]{64}$")


class Malformed(ValueError):
    """Bytes that are not a line of a ledger; the message says why and quotes none of them."""


class Actor(BaseModel):
    """Who says that they did it: a name of their choice; the entry's ``key`` proves who. ``email`` is None since lines
    are published; in older ones it is as git knew it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str | None
    email: str | None


class Entry(BaseModel):
    """One event of a cohort.

    ``n``: its number, from 0. ``time``: UTC, with microseconds. ``details``: hashes, params and counts of the event, as
    JSON. ``versions``: of the software, and the git commit of the code. ``previous``: `hash` of the entry before.
    ``key``: fingerprint of the key that signed. ``signature``: base64, Ed25519 over `unsigned`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    n: int = Field(ge=0)
    time: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
    cohort: str
    event: str
    actor: Actor
    details: dict[str, Any]
    versions: dict[str, str | bool | None]
    previous: str = _Hash
    key: str = _Hash
    signature: str

    @property
    def line(self) -> bytes:
        """The entry as it stands in the file, without the line's end."""
        return canonical(self.model_dump())

    @property
    def unsigned(self) -> bytes:
        """What the signature is over: the line without its signature."""
        return canonical(self.model_dump(exclude={"signature"}))

    @property
    def hash(self) -> str:
        """SHA-256 of `line`, hexadecimal."""
        return hashlib.sha256(self.line).hexdigest()


def canonical(content: dict[str, Any]) -> bytes:
    """``content`` as JSON in UTF-8 with sorted keys and no spaces. Raises `ValueError` for what JSON does not have.

    >>> canonical({"b": 1.5, "a": [None, "é"]}).decode()
    '{"a":[null,"é"],"b":1.5}'
    """
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()  # fmt: skip


def parse(line: bytes) -> Entry:
    """The entry that stands in ``line`` (without the line's end), in exactly these bytes. Raises `Malformed`."""
    if len(line) > LONGEST:
        raise Malformed("longer than any entry")
    try:
        content = json.loads(line.decode(), object_pairs_hook=_without_duplicates)
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed("torn, or not JSON in UTF-8") from error
    try:
        entry = Entry.model_validate(content)
        same = entry.line == line
    except ValidationError as error:
        places = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}
        named = ", ".join(sorted(places & set(Entry.model_fields))) or "fields"
        raise Malformed(f"not an entry: {named} missing, unknown or of another form") from error
    except (ValueError, RecursionError) as error:
        raise Malformed("not an entry: it holds what no entry is written with") from error
    if not same:
        raise Malformed("not canonical: the same content stands in other bytes than it was written in")
    return entry


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise Malformed("duplicate keys: a JSON object names one of its keys twice")
    return content
