"""A bundle that somebody rewrote, in part or throughout, and who signed for what: `recondense verify`."""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tarfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from typer.testing import CliRunner

from recondense.bundle.contents import Contents
from recondense.bundle.documents import write_documents
from recondense.bundle.gate import check as check_gate
from recondense.bundle.make import SIGNATURE, STEWARD, write_version
from recondense.bundle.params import Params
from recondense.bundle.scripts import SCRIPTS, SHIPPED
from recondense.bundle.verify import verify
from recondense.checks import Check
from recondense.cli import app
from recondense.errors import InputError
from recondense.files.hashes import sha256
from recondense.ledger import Ledger, keys
from recondense.ledger.keys import Key
from recondense.ledger.provenance import FILE, provenance, signed
from recondense.ledger.trust import admit
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.private.guarantee import Guarantee
from recondense.publishing import examine as examining
from recondense.publishing.examine import Examination, examine
from recondense.publishing.published import check, published, so_far
from recondense.publishing.signature import sign
from recondense.records.condensed import CondensedSet
from recondense.results.public import Public
from recondense.results.releases import Earlier
from recondense.stages.layout import Layout
from recondense.stages.params import validate
from tests.support.paths import BUNDLE_OF_FORMAT_2

VERSION = "2026.11.1"
HISTORY = [
    {
        "version": "2026.10.1", "released": "2026-10-02T03:04:05.000000Z", "manifest": "00", "withdrawn": None,
        "figures": {"test_auc": {"mean": 0.71, "low": 0.6, "high": 0.8}, "attack": None},
        "privacy": {"epsilon": None, "cumulative_epsilon": None},
    }
]  # fmt: skip


@pytest.fixture
def candidate(small: Layout, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small.folder("release"), tmp_path / "candidate"))


def person(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Key:
    """Somebody with a key of their own, who works from here on."""
    monkeypatch.setenv("RECONDENSE_KEYS", str(folder / "keys"))
    return keys.create()


def release(candidate: Path, folder: Path, key: Key) -> tuple[Path, Path]:
    """A release of ``candidate`` as ``key``'s owner makes it: the bundle, and the published ledger."""
    root = folder / "project"
    root.mkdir(parents=True)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    ledger, bundle = Ledger(root, "small"), folder / "bundle"
    ledger.append("gate passed", {"stage": "release", "inputs": {}, "outputs": {}, "params": {}})
    bundle.mkdir()
    origin = lambda files: {FILE: signed(provenance(ledger.entries(), files), key)}  # noqa: E731
    write_version(candidate, bundle, VERSION, origin, HISTORY)
    sign(bundle, key)
    ledger.append(
        "released",
        {"version": VERSION, "manifest": sha256(bundle / "manifest.json"), "published": so_far(ledger.entries())},
    )
    (folder / "ledger.jsonl").write_bytes(published(ledger.entries()))
    return bundle, folder / "ledger.jsonl"


@pytest.fixture
def steward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Key:
    return person(tmp_path / "steward", monkeypatch)


@pytest.fixture
def released(candidate: Path, tmp_path: Path, steward: Key) -> tuple[Path, Path]:
    return release(candidate, tmp_path / "steward", steward)


def relist(bundle: Path) -> None:
    """Make the manifest agree with whatever the folder holds now."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    beside = ("manifest.json", SIGNATURE, STEWARD)
    manifest["files"] = {path.name: sha256(path) for path in sorted(bundle.iterdir()) if path.name not in beside}
    (bundle / "manifest.json").write_text(json.dumps(manifest, indent=2))


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}, indent=2))


def wrong(found: Examination | list[Check]) -> list[str]:
    checks = found.checks if isinstance(found, Examination) else found
    return [f"{check.claim}: {check.detail}" for check in checks if check.holds is False]


def test_without_a_key_a_bundle_is_called_consistent_and_no_more(candidate: Path, tmp_path: Path, steward: Key) -> None:
    found = examine(candidate)
    assert wrong(found) == [] and found.signed_by is None and found.ask is None
    assert found.said.startswith("consistent; nobody's signature was checked: it carries none")
    bundle, _ = release(candidate, tmp_path / "steward", steward)
    found = examine(bundle)
    assert wrong(found) == [] and all(check.holds for check in found.checks) and found.signed_by is None
    assert "consistent; nobody's signature was checked" in found.said and steward.fingerprint in found.said
    told = json.loads(CliRunner().invoke(app, ["verify", str(bundle), "--json"]).stdout)
    assert (told["holds"], told["signed_by"], told["ask_for"]) == (True, None, steward.fingerprint)
    assert "scores" in told["only_stated"]
    said = CliRunner().invoke(app, ["verify", str(bundle)]).stdout.splitlines()
    assert "nobody's signature was checked" in said[-1] and "not recomputed" in said[-2]


def test_a_release_is_signed_and_its_key_vouches_for_all_of_it(
    released: tuple[Path, Path], steward: Key, tmp_path: Path
) -> None:
    bundle, ledger = released
    pem = tmp_path / "steward/keys/public.pem"
    for key in (steward.fingerprint, steward.fingerprint.upper(), str(pem)):
        for where in (None, str(ledger)):
            found = examine(bundle, where, key)
            assert [check for check in found.checks if not check.holds] == []
            assert found.signed_by == steward.fingerprint and steward.fingerprint in found.said
    public = load_pem_public_key((bundle / STEWARD).read_bytes())
    assert isinstance(public, Ed25519PublicKey)
    public.verify((bundle / SIGNATURE).read_bytes(), (bundle / "manifest.json").read_bytes())
    with pytest.raises(InputError, match="neither a fingerprint"):
        examine(bundle, None, "not a key")


def test_a_release_is_for_anyone_to_read_its_signature_too(released: tuple[Path, Path]) -> None:
    assert {
        path.name: path.stat().st_mode & 0o777 for path in released[0].iterdir() if path.stat().st_mode & 0o4 == 0
    } == {}


def test_the_key_that_came_with_the_bundle_vouches_for_nothing(
    released: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(released[0])
    for given in (str(released[0] / STEWARD), STEWARD):
        with pytest.raises(InputError, match="came with the bundle"):
            examine(released[0], None, given)


def test_a_colleague_s_release_is_said_to_be_the_colleague_s(
    released: tuple[Path, Path], steward: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(tmp_path / "steward/project", "small")
    colleague = person(tmp_path / "colleague", monkeypatch)
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "steward/keys"))
    admit(ledger, colleague.public.pem, "colleague.pem")
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "colleague/keys"))
    bundle = tmp_path / "second"
    bundle.mkdir()
    origin = lambda files: {FILE: signed(provenance(ledger.entries(), files), colleague)}  # noqa: E731
    write_version(tmp_path / "candidate", bundle, "2026.12.1", origin, HISTORY)
    sign(bundle, colleague)
    told = {"version": "2026.12.1", "manifest": sha256(bundle / "manifest.json"), "published": so_far(ledger.entries())}
    ledger.append("released", told)
    (tmp_path / "ledger.jsonl").write_bytes(published(ledger.entries()))
    found = examine(bundle, str(tmp_path / "ledger.jsonl"), steward.fingerprint)
    assert found.signed_by == colleague.fingerprint, wrong(found)
    assert f"the key {colleague.fingerprint}, whom the ledger of {steward.fingerprint} admits, signed" in found.said


def test_a_ledger_without_a_key_is_never_trusted_silently(released: tuple[Path, Path], steward: Key) -> None:
    bundle, ledger = released
    found = examine(bundle, str(ledger))
    assert wrong(found) == [] and found.signed_by is None and found.ask == steward.fingerprint
    assert [check.holds for check in found.checks if "first key is the steward's" in check.claim] == [None]
    assert "nobody's signature was checked" in found.said


def test_a_rewritten_page_is_found_though_the_manifest_agrees(candidate: Path) -> None:
    for name in (
        "report.html",
        "README.md",
        "DATASHEET.md",
        "LICENSE",
        "CITATION.cff",
        "croissant.json",
        "dictionary.csv",
    ):
        original = (candidate / name).read_bytes()
        (candidate / name).write_bytes(original + b"<!-- -->\n")
        relist(candidate)
        found = examine(candidate)
        assert any(name in said and "another text" in said for said in wrong(found)), name
        assert found.said == "do not use this bundle"
        (candidate / name).write_bytes(original)


def test_a_rewritten_score_is_found_where_the_pages_still_say_the_true_one(candidate: Path) -> None:
    metrics = json.loads((candidate / "metrics.json").read_text())
    metrics["test_auc"]["condensed"]["mean"] = 0.99
    (candidate / "metrics.json").write_text(json.dumps(metrics))
    relist(candidate)
    assert wrong(examine(candidate))


@pytest.mark.parametrize("stated_format", [2, 3])
def test_foreign_code_is_never_called_fine(candidate: Path, stated_format: int) -> None:
    (candidate / "quickstart.py").write_text("import os\nos.system('echo owned')\n")
    edit(candidate / "manifest.json", format=stated_format)
    relist(candidate)
    assert any(
        "quickstart.py is a program of recondense: code of somebody else" in said for said in wrong(examine(candidate))
    )


def test_the_programs_that_go_into_bundles_now_are_among_those_that_ever_did() -> None:
    for script in SCRIPTS:
        assert SHIPPED[script.name][-1] == sha256(script), f"add the SHA-256 of {script.name} to SHIPPED"


def test_a_bundle_rewritten_throughout_is_consistent_and_only_the_signature_tells(
    released: tuple[Path, Path], steward: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, ledger = released
    condensed, metrics = (
        CondensedSet.load(bundle / "condensed.safetensors"),
        json.loads((bundle / "metrics.json").read_text()),
    )
    forged = CondensedSet(condensed.values, condensed.labels[::-1])  # labels
    forged.save(bundle / "condensed.safetensors")
    Preprocessing.load(bundle / "preprocessing.json").clinical(forged).to_parquet(
        bundle / "condensed.parquet", index=False
    )
    metrics["test_auc"]["condensed"] |= {"mean": 0.95, "low": 0.93, "high": 0.97}  # scores
    (bundle / "metrics.json").write_text(json.dumps(metrics))
    with_gate_restated(bundle)
    earlier = tuple(Earlier.read(one, "history") for one in HISTORY)
    write_documents(bundle, Contents.load(bundle, "small", VERSION, earlier))  # pages
    relist(bundle)
    assert any("is not the signature" in said for said in wrong(examine(bundle)))
    author = person(tmp_path / "author", monkeypatch)
    sign(bundle, author)
    found = examine(bundle)
    assert wrong(found) == [], "whoever makes everything up agrees with himself"
    assert found.signed_by is None and found.ask == author.fingerprint and "nobody's signature" in found.said
    assert any("key that you were told" in said for said in wrong(examine(bundle, None, steward.fingerprint)))
    assert any("unknown" in said for said in wrong(examine(bundle, str(ledger), steward.fingerprint)))


def with_gate_restated(bundle: Path) -> None:
    """Let the stated outcome of the gate be the one that follows from the figures as they are now."""
    metrics = Public.load(bundle / "metrics.json")
    outcomes = check_gate(metrics, validate(Params, dict(metrics.limits), "limits"))
    edit(bundle / "metrics.json", gate=[outcome.as_json() for outcome in outcomes])


def test_an_author_s_own_ledger_does_not_vouch_for_the_author(
    candidate: Path, tmp_path: Path, steward: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = person(tmp_path / "author", monkeypatch)
    bundle, ledger = release(candidate, tmp_path / "author", author)
    found = examine(bundle, str(ledger))
    assert wrong(found) == [] and found.signed_by is None
    assert "nobody's signature was checked" in found.said and author.fingerprint in found.said
    assert any("wrong root key" in said for said in wrong(examine(bundle, str(ledger), steward.fingerprint)))


@pytest.mark.parametrize("gone", [(SIGNATURE,), (STEWARD,), (SIGNATURE, STEWARD)])
def test_a_signature_that_is_taken_off_is_missed(
    released: tuple[Path, Path], steward: Key, gone: tuple[str, ...]
) -> None:
    for name in gone:
        (released[0] / name).unlink()
    assert wrong(examine(released[0], None, steward.fingerprint))


def test_a_signature_is_of_the_manifest_s_very_bytes_and_of_no_other_key(
    released: tuple[Path, Path], steward: Key
) -> None:
    bundle, _ = released
    whole = (bundle / "manifest.json").read_bytes()
    (bundle / "manifest.json").write_bytes(whole + b" ")
    assert any("is not the signature" in said for said in wrong(examine(bundle)))
    (bundle / "manifest.json").write_bytes(whole)
    other = Key(Ed25519PrivateKey.generate())
    (bundle / SIGNATURE).write_bytes(base64.b64decode(other.sign(whole)))
    assert any("is not the signature" in said for said in wrong(examine(bundle, None, steward.fingerprint)))
    (bundle / STEWARD).write_text("not a key")
    assert wrong(examine(bundle))


def test_documents_of_other_code_cannot_be_judged_and_are_not_said_to_hold(candidate: Path, steward: Key) -> None:
    manifest = json.loads((candidate / "manifest.json").read_text())
    edit(candidate / "manifest.json", documents={**manifest["documents"], "writer": "0" * 64})
    assert [check for check in verify(candidate) if not check.holds] == [], (
        "what can be made again is judged all the same"
    )
    (candidate / "report.html").write_text("<h1>Approved by everybody</h1>")
    relist(candidate)
    (open_,) = [check for check in verify(candidate) if not check.holds]
    assert open_.holds is None and "written by other code" in open_.detail and "report.html" in open_.detail
    assert "consistent, as far as could be judged; nobody's signature was checked" in examine(candidate).said
    sign(candidate, steward)
    assert "is as that key signed it" in examine(candidate, None, steward.fingerprint).said


def test_a_bundle_of_the_format_before_verifies_as_it_did_and_is_told_apart(candidate: Path, tmp_path: Path) -> None:
    with tarfile.open(BUNDLE_OF_FORMAT_2) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    found = examine(tmp_path / "old/plain")
    assert wrong(found) == [] and [check.holds for check in found.checks].count(None) == 1
    assert "author's word" in next(check.detail for check in found.checks if check.holds is None)
    manifest = json.loads((candidate / "manifest.json").read_text())
    del manifest["documents"]
    (candidate / "manifest.json").write_text(json.dumps(manifest))
    assert any("cannot be recomputed" in said for said in wrong(examine(candidate))), "format 3 has to say it"


def test_the_history_that_a_page_shows_is_in_the_manifest(released: tuple[Path, Path]) -> None:
    bundle, _ = released
    assert "2026.10.1" in (bundle / "report.html").read_text()
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["documents"]["history"] = []
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    assert any("another text: report.html" in check.detail for check in verify(bundle))


@pytest.mark.parametrize("name", ["metrics.json", "recipe.json", "preprocessing.json", "manifest.json"])
def test_a_nested_file_is_a_failed_check_and_no_traceback(candidate: Path, name: str) -> None:
    (candidate / name).write_bytes(b"[" * 200_000)
    if name != "manifest.json":
        relist(candidate)
    assert wrong(examine(candidate))


def late(*_: Any) -> None:
    raise AssertionError("it waits for somebody to write into the pipe")


@pytest.mark.parametrize("name", [SIGNATURE, STEWARD, "manifest.json", "metrics.json"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(released: tuple[Path, Path], name: str) -> None:
    bundle, _ = released
    (bundle / name).unlink()
    os.mkfifo(bundle / name)
    signal.signal(signal.SIGALRM, late)
    signal.alarm(10)
    try:
        assert wrong(examine(bundle))
    except InputError as error:
        assert "holds no manifest.json" in str(error)
    finally:
        signal.alarm(0)


@pytest.mark.parametrize("name", ["x" * 5000, "..", "/etc/passwd", "a\0b", "\ud800", "manifest.json", ""])
def test_a_name_that_no_file_can_have_is_a_failed_check(candidate: Path, name: str) -> None:
    manifest = json.loads((candidate / "manifest.json").read_text())
    edit(candidate / "manifest.json", files={**manifest["files"], name: "0" * 64})
    assert any("not a plain file of this folder" in said for said in wrong(examine(candidate)))


def test_a_guarantee_of_many_queries_or_groups_is_refused_and_not_accounted_for_hours() -> None:
    one = {"name": "n", "what": "patients", "values": 1, "sensitivity": 1, "sigma": 4}
    stated = {
        "mechanism": "m", "delta": 1e-5, "epsilon": 1, "groups": {}, "queries": [one], "statistics": "0" * 64,
        "counts": [20.0], "outside": [],
    }  # fmt: skip
    Guarantee.model_validate(stated)
    for many in ({"queries": [one] * 10_000}, {"groups": {size: 1.0 for size in range(1, 1000)}}):
        with pytest.raises(ValueError, match="at most"):
            Guarantee.model_validate({**stated, **many})


def test_a_long_name_that_every_row_repeats_is_not_written_out(
    candidate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preprocessing = json.loads((candidate / "preprocessing.json").read_text())
    preprocessing["features"][0]["unit"] = "x" * 100_000
    (candidate / "preprocessing.json").write_text(json.dumps(preprocessing))
    relist(candidate)
    monkeypatch.setattr("recondense.bundle.verify.share_of_memory", lambda: 20 * 2**20)
    tracemalloc.start()
    said = wrong(verify(candidate))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert any("more memory than is here" in one for one in said), said
    assert peak < 50 * 2**20


def test_a_condensed_parquet_that_unpacks_to_more_than_its_records_is_not_unpacked(candidate: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    names = pyarrow.parquet.read_schema(candidate / "condensed.parquet").names
    table = pa.table({name: pa.array(np.zeros(30_000_000, np.int8)) for name in names})
    pyarrow.parquet.write_table(table, candidate / "condensed.parquet")
    relist(candidate)
    before = pa.total_allocated_bytes()
    assert any("clinical units" in said for said in wrong(examine(candidate)))
    assert pa.total_allocated_bytes() - before < 50_000_000


def test_a_published_ledger_of_thousands_of_lines_is_read_in_seconds(tmp_path: Path, steward: Key) -> None:
    (tmp_path / "project").mkdir()
    first = Ledger(tmp_path / "project", "small").append("withdrawn", {})
    lines, previous, before = b"", "0" * 64, hashlib.sha256()
    for n in range(4000):
        so_far = {"through": n - 1, "sha256": before.hexdigest()}
        event = {"event": "withdrawn", "details": {"version": f"2026.1.{n}", "published": so_far}}
        event = event if n else {"event": "key admitted", "details": steward.public.admission}
        entry = first.model_copy(update={"n": n, "previous": previous, **event})
        entry = entry.model_copy(update={"signature": steward.sign(entry.unsigned)})
        lines, previous = lines + entry.line + b"\n", entry.hash
        before.update(entry.line + b"\n")
    began = time.monotonic()
    checks, entries = check(lines, "small")
    assert len(entries) == 4000 and [found.holds for found in checks] == [True]
    assert time.monotonic() - began < 15, "two seconds where no line is read twice, minutes where all are"
    left_out = lines.replace(entries[7].line + b"\n", b"")
    assert any(found.holds is False for found in check(left_out, "small")[0])


class Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/round"):
            self.send_response(302)
            self.send_header("Location", "/round")
            self.end_headers()
            return
        self.send_response(200)
        if self.path == "/packed":
            self.send_header("Content-Encoding", "gzip, gzip")
        self.end_headers()
        with_end = 200 if self.path == "/slow" else 3000
        for _ in range(with_end):
            try:
                self.wfile.write(b"x" * (1 if self.path == "/slow" else 2**16))
                self.wfile.flush()
            except OSError:
                return
            if self.path == "/slow":
                time.sleep(0.05)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "said"),
    [("/endless", "over 64 MB"), ("/slow", "took over"), ("/round", "cannot be read"), ("/packed", "sent compressed")],
)
def test_a_ledger_s_server_cannot_hold_or_fill_the_recipient(
    candidate: Path, address: str, path: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if path == "/slow":
        monkeypatch.setattr(examining, "IN_ALL", 0.5)
    began = time.monotonic()
    with pytest.raises(InputError, match=said):
        examine(candidate, f"{address}{path}")
    assert time.monotonic() - began < 10


def test_a_ledger_s_file_is_read_within_the_same_limit(
    candidate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examining, "LARGEST", 1000)
    (tmp_path / "ledger.jsonl").write_bytes(b"x" * 5000)
    with pytest.raises(InputError, match="which no published ledger is"):
        examine(candidate, str(tmp_path / "ledger.jsonl"))
