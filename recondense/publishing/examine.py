"""The recipient's side: is a bundle consistent, what does the ledger that its steward published say, who signed?"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from recondense.bundle.make import SIGNATURE, STEWARD
from recondense.bundle.verify import verify
from recondense.checks import Check
from recondense.errors import InputError
from recondense.files.hashes import sha256
from recondense.files.strict_json import MOST_BYTES, read_json
from recondense.ledger import Entry
from recondense.ledger.artifacts import booked
from recondense.ledger.keys import PublicKey, read_public
from recondense.ledger.provenance import FILE, opened
from recondense.publishing.published import check, release_checks
from recondense.publishing.signature import check_signature, fingerprint, signer

SECONDS = 30  # for a server to answer in
IN_ALL = 120  # seconds for the whole ledger
LARGEST = 64 * 2**20  # bytes of a published ledger: some twenty thousand releases
REDIRECTS = 5
BESIDE = (FILE, SIGNATURE, STEWARD, "manifest.json")  # what provenance is not about, since it is made later


@dataclass(frozen=True)
class Examination:
    """What a recipient may know of a bundle. ``told``: the fingerprint that she named. ``signed_by``: of the key that
    signed all, where it is that one, or the ledger that begins with that one admits it. ``ask``: what the bundle or the
    ledger names, which says nothing until the steward has confirmed it."""

    checks: list[Check]
    signed_by: str | None
    ask: str | None
    told: str | None = None

    @property
    def holds(self) -> bool:
        """Whether no check failed; some may not have been possible."""
        return all(found.holds is not False for found in self.checks)

    @property
    def said(self) -> str:
        """The last line."""
        if not self.holds:
            return "do not use this bundle"
        open_ = any(found.holds is None for found in self.checks)
        if self.signed_by:
            rest = "; what could not be judged here is as that key signed it" if open_ else ""
            by = f", whom the ledger of {self.told} admits," if self.told != self.signed_by else ""
            return f"the bundle is what the holder of the key {self.signed_by}{by} signed{rest}"
        consistent = "consistent, as far as could be judged" if open_ else "consistent"
        if self.ask is None:
            return f"{consistent}; nobody's signature was checked: it carries none, so anybody may have written it"
        return (
            f"{consistent}; nobody's signature was checked: ask the steward, by another way than you got the bundle, "
            f"whether this is their key, then add --key {self.ask}"
        )


def examine(bundle: Path, ledger: str | None = None, key: str | None = None) -> Examination:
    """All checks of ``bundle``, those of the published ledger too where there is one; ``key``: a fingerprint or a file.

    Raises `InputError` where there is no bundle, or ledger or key cannot be read.
    """
    told, checks = key and fingerprint(key, bundle), verify(bundle)
    if any(found.holds is False for found in checks):
        return Examination(checks, None, None)
    if ledger:
        entries, found = check_against(ledger, bundle, told)
        checks += found
        ask = entries[0].key if entries else None
        own = _released(bundle, entries)
        by = own.key if own else None
    else:
        by = told
        found = check_signature(bundle, told)
        checks += found
        ask = _named(bundle) if all(one.holds for one in found) else None
    good = all(found.holds is not False for found in checks)
    return Examination(checks, by if good and told else None, ask, told)


def check_against(source: str, bundle: Path, root_key: str | None = None) -> tuple[list[Entry], list[Check]]:
    """The entries of the ledger at ``source`` (a file, or a URL), whether it holds, knows ``bundle``, or withdrew it.

    ``root_key``: fingerprint of the key that the ledger must begin with. Raises `InputError` where it cannot be read.
    """
    content = _within(_download(source) if "://" in source else _read(Path(source)), source)
    try:
        cohort = str(read_json(bundle / "manifest.json")["cohort"])
    except (ValueError, KeyError, TypeError):
        return [], [Check("manifest.json names the cohort", False)]
    checks, entries = check(content, cohort, root_key)
    if not all(found.holds for found in checks):
        return entries, checks
    if root_key is None:
        checks += [Check("the ledger's first key is the steward's", None, f"nobody vouched for {entries[0].key}")]
    admitted = [read_public(entry.details["public_key"], FILE) for entry in entries if entry.event == "key admitted"]
    signed = check_signature(bundle, root_key, {key.fingerprint: key for key in admitted})
    return entries, [
        *checks,
        *release_checks(entries, sha256(bundle / "manifest.json")),
        *_booked(bundle, entries),
        *signed,
        _provenance(bundle, admitted),
    ]


def _booked(bundle: Path, entries: list[Entry]) -> list[Check]:
    """Whether the line about this bundle books what it costs; nothing where no line is about it."""
    entry = _released(bundle, entries)
    return [booked(bundle, "this bundle", entry)] if entry else []


def _released(bundle: Path, entries: list[Entry]) -> Entry | None:
    """The line that released this bundle, whose key signed for it."""
    manifest = sha256(bundle / "manifest.json")
    return next((e for e in entries if e.event == "released" and e.details.get("manifest") == manifest), None)


def _named(bundle: Path) -> str | None:
    key = signer(bundle)
    return key.fingerprint if key else None


def _provenance(bundle: Path, admitted: list[PublicKey]) -> Check:
    """Whether a key of the ledger signed for the origin of just these files."""
    claim = f"{FILE} is signed, and of these files"
    try:
        subjects = opened(_start(bundle / FILE), admitted)["subject"]
    except FileNotFoundError:
        return Check(claim, False, "it is not there")
    except InputError as error:
        return Check(claim, False, str(error))
    files = {path.name: sha256(path) for path in bundle.iterdir() if path.name not in BESIDE}
    same = subjects == [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(files.items())]
    return Check(claim, same, "" if same else "it is about other files")


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)  # more of it is refused there


def _within(parts: Iterable[bytes], source: str) -> bytes:
    """``parts`` in one, as far as they are allowed to go. Raises `InputError`."""
    content, began = bytearray(), time.monotonic()
    for part in parts:
        content += part
        if len(content) > LARGEST:
            raise InputError(f"{source} is over {LARGEST >> 20} MB, which no published ledger is: check the address")
        if time.monotonic() - began > IN_ALL:
            raise InputError(f"{source} took over {IN_ALL} s: try again, or download it and give the file")
    return bytes(content)


def _read(path: Path) -> Iterable[bytes]:
    try:
        with path.open("rb") as file:
            yield file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): give ledger.jsonl, or its URL") from error


def _download(url: str) -> Iterable[bytes]:
    """What is at ``url``, piece by piece: HTTP, or whatever else DVC's remotes can be on and is installed."""
    import fsspec
    import httpx

    try:
        if url.startswith(("http://", "https://")):
            with (
                httpx.Client(follow_redirects=True, max_redirects=REDIRECTS, timeout=SECONDS) as client,
                client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
            ):
                answer.raise_for_status()
                if answer.headers.get("Content-Encoding", "identity") != "identity":
                    raise InputError(f"{url} is sent compressed, though that was not asked for: give a file")
                yield from answer.iter_raw()
        else:
            with fsspec.open(url, "rb") as file:
                while part := file.read(2**20):
                    yield bytes(part)
    except (OSError, ValueError, ImportError, httpx.HTTPError, httpx.InvalidURL) as error:
        raise InputError(f"{url} cannot be read ({type(error).__name__}): check the address, or give a file") from error
