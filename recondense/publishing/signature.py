"""A release's own signature: Ed25519 over the bytes of its manifest, which holds the hash of every other file.

It is 64 bytes beside the manifest, with the public key, so that any program can check it:

    openssl pkeyutl -verify -rawin -pubin -inkey steward.pem -in manifest.json -sigfile manifest.json.sig

That somebody signed says nothing until the recipient knows from elsewhere whose the key is.
"""

import base64
import re
from collections.abc import Mapping
from pathlib import Path

from recondense.bundle.make import SIGNATURE, STEWARD, for_anyone
from recondense.checks import Check
from recondense.errors import InputError
from recondense.ledger.keys import Key, PublicKey, read_public

SIZE = 64  # of an Ed25519 signature (RFC 8032)
LARGEST = 4096  # of a public key in PEM, by far


def sign(bundle: Path, key: Key) -> None:
    """Sign the manifest in ``bundle``, and put the public key beside it."""
    (bundle / SIGNATURE).write_bytes(base64.b64decode(key.sign((bundle / "manifest.json").read_bytes())))
    (bundle / STEWARD).write_text(key.public.pem, encoding="ascii")
    for_anyone(bundle)


def signer(bundle: Path) -> PublicKey | None:
    """The key that signed the manifest, whoever's it is; None where nobody signed. Raises `InputError`."""
    try:
        signature, pem = (_small(bundle / name) for name in (SIGNATURE, STEWARD))
    except FileNotFoundError as error:
        if (bundle / SIGNATURE).exists() or (bundle / STEWARD).exists():
            raise InputError(f"of {SIGNATURE} and {STEWARD} one is missing") from error
        return None
    key = read_public(pem.decode("ascii", errors="replace"), STEWARD)
    if len(signature) != SIZE or not key.signed(
        (bundle / "manifest.json").read_bytes(), base64.b64encode(signature).decode()
    ):
        raise InputError(f"{SIGNATURE} is not the signature of {STEWARD} over manifest.json")
    return key


def check_signature(
    bundle: Path, told: str | None = None, admitted: Mapping[str, PublicKey] | None = None
) -> list[Check]:
    """Whether the signature, where there is one, is one; and whose.

    ``told``: the fingerprint that the recipient had from the steward. ``admitted``: keys of a ledger that holds, one of
    which has to have signed; then ``told`` is of the ledger's first line, and is checked there.
    """
    claim = "manifest.json is signed"
    try:
        key = signer(bundle)
    except (InputError, OSError) as error:
        return [Check(claim, False, str(error))]
    if key is None:
        asked = told is not None and admitted is None
        return [Check(claim, False, "it is not: add --ledger, in which releases are signed for")] if asked else []
    if admitted is not None:
        return [Check(f"{claim} by a key of the ledger", key.fingerprint in admitted, key.fingerprint)]
    if told is not None:
        return [Check(f"{claim} by the key that you were told", key.fingerprint == told, key.fingerprint)]
    return [Check(f"{claim} by the key beside it", True, key.fingerprint)]


def fingerprint(given: str, bundle: Path) -> str:
    """``given`` itself, or the fingerprint of the public key in the file that it names, which the ``bundle`` must not
    have brought along. Raises `InputError`."""
    if re.fullmatch("[0-9a-f]{64}", given.lower()):
        return given.lower()
    if Path(given).resolve().is_relative_to(bundle.resolve()):
        raise InputError(
            f"--key {given} came with the bundle, so its author chose it: ask the steward for the fingerprint"
        )
    try:
        return read_public(_small(Path(given)).decode("ascii", errors="replace"), given).fingerprint
    except OSError as error:
        raise InputError(f"--key {given}: neither a fingerprint, 64 digits and letters, nor a public.pem") from error


def _small(path: Path) -> bytes:
    if path.exists() and not path.is_file():  # a pipe would be waited for, for good
        raise InputError(f"{path.name} is no file")
    with path.open("rb") as file:
        return file.read(LARGEST)
