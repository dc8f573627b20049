"""Raw files from where their provider publishes them: resumed after a cut, checked, put in place whole."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from recondense.cohorts.readers import Downloads
from recondense.errors import InputError
from recondense.files import atomic
from recondense.files.hashes import sha256
from recondense.progress import track

ATTEMPTS = 3
CHUNK = 1 << 16  # bytes; a cut loses what has come of one
TIMEOUT = httpx.Timeout(60, connect=30)  # seconds without any byte
CHECKSUM = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(?:\./)?(.+)")


@dataclass(frozen=True)
class Fetched:
    """What became of one file. ``size`` in bytes. ``hashed``: its provider publishes a hash, and it is the file's.

    ``state``: "current" (what was there is what is published), "downloaded", or "replaced" (something else was there).
    ``etag``: the server's mark of this version, "" where it gives none.
    """

    name: str
    url: str
    state: Literal["current", "downloaded", "replaced"]
    size: int
    hashed: bool
    etag: str


@dataclass(frozen=True)
class Remote:
    """A file on a server. ``size`` is None, ``etag`` and ``modified`` are "", where the server does not say."""

    url: str
    size: int | None
    etag: str
    modified: str

    @property
    def validator(self) -> str:
        """What tells this version from another, byte for byte; "" where nothing does: then nothing can be resumed."""
        return self.modified if self.etag.startswith("W/") or not self.etag else self.etag


def fetch(
    downloads: Downloads, folder: Path, mirror: str | None = None, known: Mapping[str, str] | None = None
) -> Iterator[Fetched]:
    """Bring the files into ``folder``, one an item; from ``mirror``, where one is given, in place of the provider.

    A file is current if it has the published hash; where none is published, if its name's ETag in ``known`` is still
    the server's. A download goes to a hidden file beside it, whose rest is fetched next time if it is cut; once size
    and hash are right, it takes the old file's place. Raises `InputError`, and then the old file is as it was.
    """
    base = (mirror or downloads.base).rstrip("/") + "/"
    if not re.match(r"https?://[^/]", base):
        raise InputError(
            f"'{mirror}' is not an address to download from: write one that begins with https:// or http://"
        )
    # No compression on the way: the bytes that are resumed must be the file's own
    with httpx.Client(follow_redirects=True, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"}) as client:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            hashes = _published_hashes(client, base + downloads.checksums)
            for name in downloads.names:
                yield _fetch_one(client, base + name, folder / name, hashes.get(name), (known or {}).get(name, ""))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise InputError(
                f"cannot download from {base}: {error or type(error).__name__}; try again later"
            ) from error
        except OSError as error:
            raise InputError(f"cannot read or write in {folder}: {error.strerror}") from error


def _published_hashes(client: httpx.Client, url: str) -> dict[str, str]:
    response = client.get(url)
    if response.status_code == httpx.codes.NOT_FOUND:
        return {}
    _check(response, url)
    found = [CHECKSUM.fullmatch(line.strip()) for line in response.text.splitlines()]
    return {match[2]: match[1].lower() for match in found if match}


def _fetch_one(client: httpx.Client, url: str, target: Path, expected: str | None, known: str) -> Fetched:
    remote = _head(client, url)
    there = target.is_file()
    if there and _is_current(target, remote, expected, known):
        return Fetched(target.name, url, "current", target.stat().st_size, expected is not None, remote.etag)
    version = hashlib.sha256(repr(remote).encode()).hexdigest()[:12]
    partial = target.with_name(f".{target.name}.{version}.partial")
    for stale in target.parent.glob(f".{target.name}.*.partial"):
        if stale != partial or not remote.validator:
            stale.unlink()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _download(client, remote, partial)
            break
        except httpx.TransportError as error:
            if attempt == ATTEMPTS:
                got = partial.stat().st_size if partial.is_file() else 0
                raise InputError(
                    f"the connection to {url} was cut after {got} of {remote.size or 'an unknown number of'} bytes: "
                    "run the same command again" + (", it goes on from there" if got and remote.validator else "")
                ) from error
    size = partial.stat().st_size
    if remote.size not in (None, size):
        partial.unlink()
        raise InputError(f"{url} gave {size} bytes, not the {remote.size} it announced: {target.name} is as it was")
    if expected and sha256(partial) != expected:
        partial.unlink()
        raise InputError(
            f"{url} is not the file that its provider published (another SHA-256): {target.name} is as it was; "
            "try again, and tell the server's owner if it stays so"
        )
    atomic.put(partial, target)
    return Fetched(target.name, url, "replaced" if there else "downloaded", size, expected is not None, remote.etag)


def _is_current(target: Path, remote: Remote, expected: str | None, known: str) -> bool:
    if remote.size not in (None, target.stat().st_size):
        return False
    return sha256(target) == expected if expected else bool(known) and known == remote.etag


def _head(client: httpx.Client, url: str) -> Remote:
    response = client.head(url)
    _check(response, url)
    headers = response.headers
    length = headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else None
    return Remote(url, size, headers.get("ETag", ""), headers.get("Last-Modified", ""))


def _download(client: httpx.Client, remote: Remote, partial: Path) -> None:
    """Append to ``partial`` what is still missing; from the start where the server can't go on from the middle."""
    have = partial.stat().st_size if partial.is_file() else 0
    if not remote.validator:
        have = 0
    if have and have == remote.size:
        return
    headers = {"Range": f"bytes={have}-", "If-Range": remote.validator} if have else {}
    with client.stream("GET", remote.url, headers=headers) as response:
        goes_on = response.status_code == httpx.codes.PARTIAL_CONTENT
        if goes_on and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise InputError(f"{remote.url} gave another part than the one asked for: try again later")
        _check(response, remote.url)
        if response.headers.get("ETag", remote.etag) != remote.etag:
            raise InputError(f"{remote.url} changed just now: run the same command again")
        left = None if remote.size is None else -(-(remote.size - (have if goes_on else 0)) // CHUNK)
        with partial.open("ab" if goes_on else "wb") as stream:
            for chunk in track(response.iter_raw(CHUNK), remote.url.rsplit("/", 1)[-1], left):
                stream.write(chunk)


def _check(response: httpx.Response, url: str) -> None:
    if not response.is_success:
        raise InputError(f"{url} cannot be downloaded: the server answered {response.status_code}")
