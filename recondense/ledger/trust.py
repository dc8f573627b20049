"""Who may sign: admitting another person's key, and ending one."""

from pathlib import Path

from recondense.errors import InputError
from recondense.ledger.entry import Entry
from recondense.ledger.keys import read_public
from recondense.ledger.ledger import Ledger, with_ledger


def admit(ledger: Ledger, pem: str, where: str) -> Entry:
    """Let the public key in ``pem`` (which stands in ``where``) sign from the next line on. Raises `InputError`."""
    key = read_public(pem, where)
    if key.fingerprint in ledger.admitted():
        raise InputError(f"{ledger.name} admits {key.fingerprint} already")
    return ledger.append("key admitted", key.admission)


def revoke(ledger: Ledger, fingerprint: str) -> Entry:
    """End a key: what it signed stays valid, it signs no more. Raises `InputError`."""
    admitted = ledger.admitted()
    if fingerprint not in admitted:
        raise InputError(
            f"{ledger.name} does not admit {fingerprint}; it admits: {', '.join(admitted) or 'nobody yet'}"
        )
    if len(admitted) == 1:
        raise InputError(
            f"{ledger.name} admits no other key: admit one first, or nobody could ever write into it again"
        )
    return ledger.append("key revoked", {"fingerprint": fingerprint})


def key_rows(root: Path, own: str | None) -> list[dict[str, str]]:
    """One row per cohort and key that was ever admitted; ``own``: this user's fingerprint. Raises `InputError`."""
    rows = []
    for cohort in with_ledger(root):
        ledger = Ledger(root, cohort)
        states = dict.fromkeys(ledger.admitted(), "admitted")
        for entry in ledger.entries():
            if entry.event == "key admitted":
                key = str(entry.details["fingerprint"])
                state = states.get(key, "revoked") + (", yours" if key == own else "")
                since = f"{entry.time} by {entry.actor.name}"
                rows.append({"cohort": ledger.cohort, "key": key, "state": state, "admitted": since})
    return rows
