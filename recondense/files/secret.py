"""The steward's own secrets: where they lie, and the one that noise is drawn from.

Noise that an outsider could draw again is no noise, so it cannot come from a seed in params.yaml. It comes from a key
that stays with the steward, through a pseudo-random function of the asking, never of what it is added to
(`recondense.private.askings`).
"""

import contextlib
import hashlib
import hmac
import os
import stat
from pathlib import Path

from recondense.errors import InputError
from recondense.files import atomic
from recondense.settings import settings

NOISE = "noise.key"
SIZE = 32


def folder() -> Path:
    """Where this user's keys are: $RECONDENSE_KEYS, or ``~/.config/recondense/keys``."""
    chosen = settings().keys
    return chosen.expanduser() if chosen else Path.home() / ".config" / "recondense" / "keys"


def read(path: Path) -> bytes | None:
    """The content of a file that only its owner may read, None where there is none. Raises `InputError`."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): make it your own file, of mode 600") from error
    if os.name == "posix" and mode & 0o077:
        raise InputError(f"{path} is open to other users (mode {mode:o}): chmod 600 {path}")
    return content


def create(path: Path, content: bytes) -> None:
    """Write a file of mode 0600, whole or not at all, in a folder of mode 0700 that is made where there is none.

    Raises `FileExistsError` where there is one already, `InputError` where the folder is part of a git work tree.
    """
    place = path.parent
    inside = next((p for p in (place.absolute(), *place.absolute().parents) if (p / ".git").exists()), None)
    if inside:
        raise InputError(
            f"{place} is inside the git work tree {inside}, where a private key does not belong: "
            "set RECONDENSE_KEYS to a folder outside"
        )
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic.write(path, content, mode=0o600, new=True)


def noise_key(known: str | None = None) -> bytes:
    """This user's key for noise, whose `commitment` must be ``known``; made where that is None and there is none yet.

    Raises `InputError` where it cannot be used, is another or is missing.
    """
    path = folder() / NOISE
    if not path.exists() and known is None:
        with contextlib.suppress(FileExistsError):  # another run was faster
            create(path, os.urandom(SIZE))
    key = read(path)
    if key is not None and len(key) != SIZE:
        raise InputError(f"{path} is not a key of {SIZE} bytes: restore it")
    if key is None or (known is not None and commitment(key) != known):
        state = "is missing" if key is None else "is not the key that earlier noise came from"
        raise InputError(
            f"{path} {state} (SHA-256 {str(known)[:12]}...): restore it. Where it is lost, make another (`umask 077; "
            f"head -c {SIZE} /dev/urandom > {path}`) and set condensation.noise_key to its SHA-256 (`sha256sum`); the "
            "ledger then says that it changed"
        )
    return key


def commitment(key: bytes) -> str:
    """What the ledger says of a key without telling it: SHA-256, hexadecimal."""
    return hashlib.sha256(key).hexdigest()


def derived(key: bytes, *context: bytes) -> bytes:
    """A key of 32 bytes for one ``context`` (HMAC-SHA256, RFC 2104); other contexts tell nothing of it."""
    message = b"".join(len(part).to_bytes(8, "big") + part for part in context)
    return hmac.digest(key, message, hashlib.sha256)
