"""What may lie on the remote that anyone can read."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tests.support.project import SENTINELS

RESTRICTED = (
    "1_raw",
    "2_ingested",
    "3_normalised",
    "3_reference",
    "4_condensed",
    "5_shadows",
    "5_trained",
    "6_audited",
)


def check_public(root: Path, public: Path, secrets: Sequence[str] = ()) -> None:
    """Assert that ``public``, a copy of the release remote of the project at ``root``, holds bundles and nothing else.

    No restricted file, no planted value, no hash of a restricted file and none of ``secrets``.
    """
    allowed = {path.read_bytes() for path in (root / "data" / "7_released").rglob("*") if path.is_file()}
    restricted = [
        path
        for stage in RESTRICTED
        for path in (root / "data" / stage).rglob("*")
        if path.is_file() and path.read_bytes() not in allowed
    ]
    assert len(restricted) > 10
    contents = {path.read_bytes() for path in restricted}
    hashes = [hashlib.new(kind, content).hexdigest() for content in contents for kind in ("md5", "sha256")]
    published = [path for path in public.rglob("*") if path.is_file()]
    assert published
    for path in published:
        content = path.read_bytes()
        text = f"{path} ".encode() + content
        assert content not in contents, path
        assert not [sentinel for sentinel in SENTINELS if sentinel.encode() in text], path
        if path.suffix != ".dir":
            kept = (content in allowed, path.name in ("ledger.jsonl", "index.json"))
            assert any(kept), f"{path} is nothing that a release publishes"
        told = [secret for secret in (*hashes, *secrets) if secret.encode() in text]
        assert told == [], f"{path} tells the hash of a restricted file"
