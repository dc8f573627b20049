"""How a bundle came to be, in the form that supply-chain tools read: a signed in-toto statement with SLSA provenance.

Statement: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md. Predicate: https://slsa.dev/provenance/v1.
Envelope: https://github.com/secure-systems-lab/dsse.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import Error as EnvelopeError
from securesystemslib.signer import CryptoSigner, SSlibKey

from recondense.errors import InputError
from recondense.files.strict_json import parse_json
from recondense.ledger.entry import PASSED, Entry, canonical
from recondense.ledger.keys import Key, PublicKey

FILE = "provenance.intoto.jsonl"
PAYLOAD = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:recondense:pipeline:1"  # `recondense run COHORT` with `params` as the cohort's block of params.yaml


def provenance(entries: list[Entry], files: dict[str, str]) -> dict[str, Any]:
    """The statement that ``files`` (SHA-256 by name) are the bundle of the last ``gate passed`` among ``entries``.

    The builder is whoever holds the key that signed that entry. Dependencies are what the stages read and did not make,
    raw data and code, by DVC's hashes, and the code's git commit. Raises `InputError` where nothing passed the gate.
    """
    passed = next((entry for entry in reversed(entries) if entry.event in PASSED), None)
    if passed is None:
        raise InputError("the ledger holds no bundle that the gate let pass: `recondense run COHORT` first")
    stages = {e.details["stage"]: e.details for e in entries[: passed.n + 1] if "outputs" in e.details}
    made = {path for details in stages.values() for path in details["outputs"]}
    read = {path: digest for details in stages.values() for path, digest in details["inputs"].items()}
    commit = passed.versions.get("commit")
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(files.items())],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"cohort": passed.cohort, "params": passed.details["params"]},
                "resolvedDependencies": [
                    *([{"uri": "git+file:.", "digest": {"gitCommit": commit}}] if commit else []),
                    *(
                        {"uri": f"dvc:{quote(path)}", "digest": {"dvc": digest}}
                        for path, digest in sorted(read.items())
                        if path not in made
                    ),
                ],
            },
            "runDetails": {
                "builder": {
                    "id": f"urn:recondense:key:{passed.key}",
                    "version": {name: value for name, value in passed.versions.items() if isinstance(value, str)},
                },
                "metadata": {"invocationId": passed.details.get("prefect_flow_run"), "finishedOn": passed.time},
                "byproducts": [{"name": f"entry {passed.n} of the ledger", "digest": {"sha256": passed.hash}}],
            },
        },
    }


def signed(statement: dict[str, Any], key: Key) -> bytes:
    """The statement in an envelope that ``key`` signed: the one line of `FILE`."""
    envelope = Envelope(canonical(statement), PAYLOAD, {})
    envelope.sign(CryptoSigner(key.private, _envelope_key(key.public)))
    return canonical(envelope.to_dict()) + b"\n"


def opened(line: bytes, keys: Iterable[PublicKey]) -> dict[str, Any]:
    """The statement in an envelope that one of ``keys`` signed. Raises `InputError` where none did, whatever it is."""
    try:
        envelope = Envelope.from_dict(parse_json(line))
        envelope.verify([_envelope_key(key) for key in keys], 1)
        statement = parse_json(envelope.payload)
        kinds = (envelope.payload_type, statement["_type"], statement["predicateType"])
    except (EnvelopeError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{FILE} is not signed by a key that is admitted, or is damaged") from error
    if kinds != (PAYLOAD, STATEMENT, PREDICATE):
        raise InputError(f"{FILE} holds another kind of statement than SLSA provenance 1")
    return dict(statement)


def _envelope_key(key: PublicKey) -> SSlibKey:
    return SSlibKey.from_crypto(key.public, keyid=key.fingerprint)
