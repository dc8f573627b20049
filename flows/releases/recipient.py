"""The recipient's side: a bundle against the ledger that its steward published."""

from pathlib import Path

from flows.ledger import Entry
from flows.ledger.artifacts import booked
from flows.ledger.keys import read_public
from flows.ledger.provenance import FILE, opened
from flows.releases.published import check, standing
from tasks.common.checks import Check
from tasks.common.errors import InputError
from tasks.common.hashes import sha256
from tasks.common.records import read_json

SECONDS = 30  # for a server to answer in


def check_against(source: str, bundle: Path, root_key: str | None = None) -> list[Check]:
    """Whether the ledger at ``source`` (a file, or a URL) holds, and whether it knows ``bundle``, or withdrew it.

    ``root_key``: fingerprint of the key that the ledger must begin with. Raises `InputError` where it cannot be read.
    """
    content = _download(source) if "://" in source else _read(Path(source))
    try:
        cohort = str(read_json(bundle / "manifest.json")["cohort"])
    except (ValueError, KeyError, TypeError):
        return [Check("manifest.json names the cohort", False)]
    checks, entries = check(content, cohort, root_key)
    if not all(found.holds for found in checks):
        return checks
    return [
        *checks,
        *standing(entries, sha256(bundle / "manifest.json")),
        *_booked(bundle, entries),
        _provenance(bundle, entries),
    ]


def _booked(bundle: Path, entries: list[Entry]) -> list[Check]:
    """Whether the line about this bundle books what it costs; nothing where no line is about it."""
    manifest = sha256(bundle / "manifest.json")
    own = [e for e in entries if e.event == "released" and e.details.get("manifest") == manifest]
    return [booked(bundle, "this bundle", entry) for entry in own[:1]]


def _provenance(bundle: Path, entries: list[Entry]) -> Check:
    """Whether a key of the ledger signed for the origin of just these files."""
    claim = f"{FILE} is signed, and of these files"
    admitted = [read_public(entry.details["public_key"], FILE) for entry in entries if entry.event == "key admitted"]
    try:
        subjects = opened((bundle / FILE).read_bytes(), admitted)["subject"]
    except FileNotFoundError:
        return Check(claim, False, "it is not there")
    except InputError as error:
        return Check(claim, False, str(error))
    files = {path.name: sha256(path) for path in bundle.iterdir() if path.name not in (FILE, "manifest.json")}
    same = subjects == [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(files.items())]
    return Check(claim, same, "" if same else "it is about other files")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): give ledger.jsonl, or its URL") from error


def _download(url: str) -> bytes:
    """What is at ``url``: HTTP, or whatever else DVC's remotes can be on and is installed."""
    import fsspec
    import httpx

    try:
        if url.startswith(("http://", "https://")):
            return httpx.get(url, follow_redirects=True, timeout=SECONDS).raise_for_status().content
        with fsspec.open(url, "rb") as file:
            return bytes(file.read())
    except (OSError, ValueError, ImportError, httpx.HTTPError, httpx.InvalidURL) as error:
        raise InputError(f"{url} cannot be read ({type(error).__name__}): check the address, or give a file") from error
