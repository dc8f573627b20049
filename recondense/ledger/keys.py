"""Ed25519 keys: one private key a person, outside every repository; public keys in the ledgers that admit them."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from recondense.errors import InputError
from recondense.files import atomic
from recondense.files.secret import create as write_private
from recondense.files.secret import folder, read

PRIVATE, PUBLIC = "private.pem", "public.pem"


@dataclass(frozen=True)
class PublicKey:
    """A key that signatures are checked with."""

    public: Ed25519PublicKey

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key's SubjectPublicKeyInfo (RFC 8410) in DER, hexadecimal."""
        der = self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()

    @property
    def pem(self) -> str:
        """The key as a PEM file."""
        return self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def admission(self) -> dict[str, str]:
        """The details of the ledger's entry that admits the key."""
        return {"fingerprint": self.fingerprint, "public_key": self.pem}

    def signed(self, message: bytes, signature: str) -> bool:
        """Whether ``signature``, in base64, is this key's over ``message``."""
        try:
            raw = base64.b64decode(signature, validate=True)
            self.public.verify(raw, message)
        except (ValueError, InvalidSignature):
            return False
        return base64.b64encode(raw).decode() == signature  # base64's last character has bits that mean nothing


@dataclass(frozen=True)
class Key:
    """A key to sign with."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        """The half that others may have."""
        return PublicKey(self.private.public_key())

    @property
    def fingerprint(self) -> str:
        """That of the public half."""
        return self.public.fingerprint

    def sign(self, message: bytes) -> str:
        """The Ed25519 signature of ``message``, in base64."""
        return base64.b64encode(self.private.sign(message)).decode()


def own() -> Key | None:
    """This user's key, None where there is none yet. Raises `InputError` where it cannot or must not be used."""
    path = folder() / PRIVATE
    pem = read(path)
    if pem is None:
        return None
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            f"{path} is not a private key in PEM without a password: restore it, or move it away"
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise InputError(f"{path} is not an Ed25519 key: move it away and make one with `recondense keys create`")
    return Key(private)


def create() -> Key:
    """Make this user's key: ``private.pem`` (PKCS8, mode 0600) and ``public.pem``, whole or not at all.

    Raises `FileExistsError` where there is one already, `InputError` where the folder is part of a git work tree.
    """
    place, key = folder(), Key(Ed25519PrivateKey.generate())
    write_private(place / PRIVATE, key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    atomic.write(place / PUBLIC, key.public.pem)
    return key


def read_public(pem: str, where: str) -> PublicKey:
    """The public key in ``pem``; ``where`` it stands, for the message. Raises `InputError`."""
    try:
        public = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(
            f"{where} is not a public key in PEM: give the public.pem of `recondense keys create`"
        ) from error
    if not isinstance(public, Ed25519PublicKey):
        raise InputError(f"{where} is not an Ed25519 key: give the public.pem of `recondense keys create`")
    return PublicKey(public)
