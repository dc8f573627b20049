"""The ledger: no byte of it changes unnoticed, no kill tears it, and only admitted keys write."""

import base64
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import string
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from recondense.cli import app
from recondense.engines.recorder import open_ledger
from recondense.errors import InputError
from recondense.ledger import Ledger, keys, origin
from recondense.ledger.artifacts import check_artifacts
from recondense.ledger.entry import TIME_FORMAT, canonical
from recondense.ledger.keys import Key
from recondense.ledger.provenance import opened, provenance, signed
from recondense.ledger.trace import trace
from recondense.ledger.trust import admit, revoke
from recondense.publishing.published import check, published, so_far
from recondense.stages.layout import Layout

Line = dict[str, Any]


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger that is yet to begin, in a git repository of its own, and this user's key outside it."""
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "keys"))
    keys.create()
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "-q")
    return Ledger(root, "alpha")


@pytest.fixture
def told(ledger: Ledger) -> Ledger:
    """Ten entries under two keys, one of them revoked; git remembers all."""
    colleague = Key(Ed25519PrivateKey.generate())
    for seed in range(6):
        ledger.append("condensed", {"stage": "condensation", "params": {"seed": seed, "rate": 0.1}})
    admit(ledger, colleague.public.pem, "colleague.pem")
    ledger.append("audited", {"attacks": ["nearest record"], "note": "é"})
    revoke(ledger, colleague.fingerprint)
    commit(ledger)
    return ledger


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def commit(ledger: Ledger) -> None:
    git(ledger.root, "add", "-A", "data")
    git(ledger.root, "commit", "-qm", "ledger")


def problems(ledger: Ledger, **options: Any) -> list[str]:
    return [f"{check.claim}: {check.detail}" for check in ledger.verify(**options) if not check.holds]


def rows(content: bytes) -> list[Line]:
    return [json.loads(line) for line in content.splitlines()]


def chained(lines: list[Line], key: Key | None = None) -> bytes:
    """``lines`` with every hash right again, and with ``key`` every signature too, as a forger would make them."""
    previous, content = "0" * 64, b""
    for line in lines:
        line = {**line, "previous": previous}
        if key:
            line["key"] = key.fingerprint
            line["signature"] = key.sign(canonical({k: v for k, v in line.items() if k != "signature"}))
        previous = hashlib.sha256(canonical(line)).hexdigest()
        content += canonical(line) + b"\n"
    return content


def test_no_entry_holds_an_e_mail_address_and_one_of_before_still_counts(ledger: Ledger) -> None:
    git(ledger.root, "config", "user.name", "Ada Steward")
    git(ledger.root, "config", "user.email", "ada@hospital.example")
    ledger.append("condensed", {"stage": "condensation"})
    assert b"@" not in ledger.path.read_bytes() and ledger.entries()[-1].actor.name == "Ada Steward"
    key, lines = keys.own(), rows(ledger.path.read_bytes())
    lines[-1]["actor"]["email"] = "ada@hospital.example"
    ledger.path.write_bytes(chained(lines, key))
    assert problems(ledger) == []


def test_one_thousand_random_tamperings_are_all_found_and_none_stops_the_verification(told: Ledger) -> None:
    whole = told.path.read_bytes()
    remembered = origin.remembered(told.root, told.name)
    assert remembered == {"HEAD": whole}
    assert problems(told) == []
    chance = random.Random(0)
    stranger = Key(Ed25519PrivateKey.generate())
    unfound = []
    for number in range(1000):
        kind = list(TAMPERINGS)[number % len(TAMPERINGS)]
        tampered = TAMPERINGS[kind](whole, chance, stranger)
        if tampered == whole:
            continue
        told.path.write_bytes(tampered)
        if not problems(told, remembered=remembered):
            unfound.append((number, kind))
    assert unfound == []


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


def _flip(content: bytes, chance: random.Random, _: Key) -> bytes:
    changed = bytearray(content)
    for place in chance.sample(range(len(content)), chance.choice([1, 1, 2, 9])):
        changed[place] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _drop(content: bytes, chance: random.Random, _: Key) -> bytes:
    lines = _lines(content)
    del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def _swap(content: bytes, chance: random.Random, _: Key) -> bytes:
    lines = _lines(content)
    a, b = chance.sample(range(len(lines)), 2)
    lines[a], lines[b] = lines[b], lines[a]
    return b"".join(lines)


def _repeat(content: bytes, chance: random.Random, _: Key) -> bytes:
    lines = _lines(content)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
    return b"".join(lines)


JUNK = (
    b"\n",
    b"{}\n",
    b"[]\n",
    b"null\n",
    b"\xff\xfe\n",
    b'{"n":1e999}\n',
    b'{"n":NaN}\n',
    b'"\\ud800"\n',
    b"\r",
    b" ",
    b"\0",
)
HEAVY_JUNK = (b"[" * 9999 + b"\n", b"9" * 5000 + b"\n")


def _insert(content: bytes, chance: random.Random, _: Key) -> bytes:
    place = chance.choice([0, len(content), chance.randrange(len(content))])
    return content[:place] + chance.choice([*JUNK, *HEAVY_JUNK, chance.randbytes(80)]) + content[place:]


def _edit(content: bytes, chance: random.Random, stranger: Key) -> bytes:
    """One field changed and every hash made right again, but not the signature."""
    lines = rows(content)
    line = chance.choice(lines)
    field = chance.choice(sorted(line))
    line[field] = chance.choice([None, 7, "x", {}, {"a": [[]] * 3}, [], True, stranger.fingerprint, line["time"]])
    return chained(lines)


def _resign(content: bytes, chance: random.Random, stranger: Key) -> bytes:
    """From some line on everything is a stranger's, perhaps admitted by himself, perhaps under the owner's name."""
    lines = rows(content)
    start = chance.randrange(1, len(lines))
    for line in lines[start:]:
        line["details"]["note"] = "better"
    lines[start] |= chance.choice([{}, {"event": "key admitted", "details": stranger.public.admission}])
    mine = rows(chained(lines, stranger))[start:]
    if chance.random() < 0.5:
        mine = [line | {"key": lines[0]["key"]} for line in mine]
    return chained([*lines[:start], *mine])


def _move_time(content: bytes, chance: random.Random, _: Key) -> bytes:
    lines = rows(content)
    line = chance.choice(lines)
    line["time"] = chance.choice(
        ["2020-01-01T00:00:00.000000Z", "2999-12-31T23:59:59.999999Z", "2026-13-01T00:00:00.000000Z"]
    )
    return chained(lines)


def _truncate(content: bytes, chance: random.Random, _: Key) -> bytes:
    return content[: chance.choice([chance.randrange(len(content)), len(b"".join(_lines(content)[:-1]))])]


def _rewrite_with_the_key(content: bytes, chance: random.Random, _: Key) -> bytes:
    """What the owner of the key can do: another history without fault. Only git remembers the first one."""
    lines = rows(content)
    chance.choice(lines[1:])["actor"] = {"name": "somebody else", "email": None}
    owner = keys.own()
    assert owner
    return chained(lines, owner)


TAMPERINGS: dict[str, Callable[[bytes, random.Random, Key], bytes]] = {
    function.__name__: function
    for function in (
        _flip,
        _drop,
        _swap,
        _repeat,
        _insert,
        _edit,
        _resign,
        _move_time,
        _truncate,
        _rewrite_with_the_key,
    )
}


def test_each_kind_of_tampering_is_named_at_its_line(told: Ledger) -> None:
    whole = told.path.read_bytes()
    lines, content = _lines(whole), rows(whole)
    owner, stranger = keys.own(), Key(Ed25519PrivateKey.generate())
    assert owner

    def edited(place: int, **fields: Any) -> list[Line]:
        return [line | fields if number == place else line for number, line in enumerate(content)]

    def at(place: int, line: bytes) -> bytes:
        return b"".join([*lines[:place], line, *lines[place + 1 :]])

    # A signature in base64 ends in four bits that mean nothing: another character there decodes to the same bytes
    signature = content[9]["signature"]
    others = [f"{signature[:-3]}{character}==" for character in string.ascii_letters + string.digits + "+/"]
    loose = next(o for o in others if o != signature and base64.b64decode(o) == base64.b64decode(signature))
    cases = {
        "line 4: altered": at(3, lines[3].replace(b"condensation", b"condensatiom")),
        "line 5: broken": at(3, lines[3].replace(b"condensation", b"condensatiom")),
        "line 10: altered": at(9, canonical(content[9] | {"signature": loose}) + b"\n"),
        "line 3: dropped": b"".join([*lines[:2], *lines[3:]]),
        "line 4: reordered": b"".join([*lines[:2], lines[3], lines[2], *lines[4:]]),
        "line 6: back-dated": chained(edited(5, time=content[2]["time"]), owner),
        "line 7: time in the future": chained(edited(6, time="2999-01-01T00:00:00.000000Z"), owner),
        "line 2: wrong cohort": chained(edited(1, cohort="beta"), owner),
        "line 2: unknown key": b"".join([lines[0], *_lines(chained(content, stranger))[1:]]),
        "line 1: no root": chained(edited(0, event="ingested"), owner),
        "line 8: not canonical": at(7, lines[7].replace(b'":"', b'": "', 1)),
        "line 9: duplicate keys": at(8, lines[8].replace(b'"n":8', b'"n":8,"n":8')),
        "line 8: torn, or not JSON": at(7, lines[7][:40] + b"\n"),
        "line 9: torn": whole[:-20].rsplit(b"\n", 2)[0] + b"\n" + lines[8][:30],
        "line 10: truncated": b"".join(lines[:9]),
        "line 2: rewritten": chained(edited(1, details={"seed": 9}), owner),
    }
    for named, tampered in cases.items():
        told.path.write_bytes(tampered)
        found = problems(told)
        assert any(problem.startswith(named) for problem in found), (named, found)
    told.path.write_bytes(whole)
    assert problems(told, root_key=owner.fingerprint) == []
    [problem] = problems(told, root_key=stranger.fingerprint)
    assert problem.startswith("line 1: wrong root key")


def test_a_ledger_of_anything_is_shown_beside_what_is_wrong_with_it(
    told: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(told.root)
    (told.root / "dvc.yaml").touch()
    (told.root / "params.yaml").write_text(f"cohorts: {{{told.cohort}: {{}}}}")
    lines = rows(told.path.read_bytes())
    for privacy in (None, "none", {}, {"epsilon": "\x1b[2J", "cumulative_epsilon": []}):
        lines[-1] |= {"event": "released", "details": {"privacy": privacy, "stage": 3, "reasons": {}}}
        told.path.write_bytes(chained(lines))
        done = CliRunner().invoke(app, ["audit", told.cohort])
        assert done.exit_code == 1 and "FAIL" in done.stdout and "\x1b[2J" not in done.stdout, done.exception


def test_a_release_tag_remembers_what_a_later_history_of_git_no_longer_has(told: Ledger) -> None:
    git(told.root, "tag", "release/alpha/2026.11.0")
    shorter = b"".join(_lines(told.path.read_bytes())[:-2])
    told.path.write_bytes(shorter)
    git(told.root, "commit", "-qam", "shorter", "--amend")
    assert problems(told) == ["line 9: truncated: git has another or more lines at release/alpha/2026.11.0"]
    with pytest.raises(InputError, match="line 9: truncated"):
        told.check_admission()


def test_nothing_is_appended_to_a_ledger_that_does_not_hold(told: Ledger) -> None:
    broken = told.path.read_bytes().replace(b'"seed":3', b'"seed":4')
    told.path.write_bytes(broken)
    with pytest.raises(InputError, match="line 5: altered"):
        told.append("condensed", {})
    assert told.path.read_bytes() == broken


def _append_for_ever(ledger: Ledger) -> None:
    while True:
        ledger.append("nothing new", {"filling": "x" * 2000})


def test_a_ledger_whose_writer_is_killed_at_any_moment_holds_and_goes_on(ledger: Ledger) -> None:
    chance = random.Random(0)
    lengths = list[int]()
    while len(lengths) < 20 or (lengths[-1] <= 5 and len(lengths) < 400):  # a busy machine may let few begin
        writer = multiprocessing.get_context("fork").Process(target=_append_for_ever, args=(ledger,))
        writer.start()
        time.sleep(chance.uniform(0.02, 0.35))
        assert writer.pid
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        if ledger.path.exists():
            assert problems(ledger) == []
        lengths.append(len(ledger.entries()))
    assert lengths == sorted(lengths)
    assert lengths[-1] > 5
    ledger.append("nothing new", {})
    assert [path.name for path in ledger.path.parent.iterdir()] == ["alpha.jsonl"], "what a killed writer left is gone"


def _append_three(root: Path, who: int) -> None:
    for number in range(3):
        Ledger(root, "alpha").append("nothing new", {"who": who, "number": number})


def test_eight_processes_that_append_at_once_lose_nothing(ledger: Ledger) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_append_three, args=(ledger.root, who)) for who in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 8
    assert problems(ledger) == []
    found = [(entry.details["who"], entry.details["number"]) for entry in ledger.entries()[1:]]
    assert sorted(found) == [(who, number) for who in range(8) for number in range(3)]


def test_only_admitted_keys_write_and_a_run_by_anybody_else_ends_before_it_begins(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append("ingested", {})
    mine = keys.own()
    before = ledger.path.read_bytes()
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "colleague"))
    with pytest.raises(InputError, match="recondense keys admit alpha"):
        open_ledger(Layout(ledger.root, "alpha"))
    colleague = keys.own()
    assert colleague, "a user without a key was given one"
    assert mine
    with pytest.raises(InputError, match="does not admit your key"):
        ledger.append("ingested", {})
    assert ledger.path.read_bytes() == before
    public = (tmp_path / "colleague" / "public.pem").read_text()
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "keys"))
    admit(ledger, public, "public.pem")
    with pytest.raises(InputError, match="already"):
        admit(ledger, public, "public.pem")
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "colleague"))
    assert open_ledger(Layout(ledger.root, "alpha")).append("normalised", {}).key == colleague.fingerprint
    revoke(ledger, mine.fingerprint)
    with pytest.raises(InputError, match="no other key"):
        revoke(ledger, colleague.fingerprint)
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "keys"))
    with pytest.raises(InputError, match="does not admit your key"):
        ledger.append("ingested", {})
    assert problems(ledger) == []


def test_a_private_key_is_for_its_owner_alone_and_never_inside_a_repository(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "keys" / "private.pem"
    assert private.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in private.parent.iterdir() if path.name.startswith(".")] == []
    with pytest.raises(FileExistsError):
        keys.create()
    private.chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        ledger.append("ingested", {})
    private.write_bytes(b"no key")
    private.chmod(0o600)
    with pytest.raises(InputError, match="not a private key"):
        ledger.append("ingested", {})
    monkeypatch.setenv("RECONDENSE_KEYS", str(ledger.root / "deep" / "keys"))
    with pytest.raises(InputError, match="git work tree"):
        keys.create()
    assert not (ledger.root / "deep").exists()


def test_a_clock_that_is_a_little_late_does_not_back_date_and_one_that_is_very_late_is_refused(ledger: Ledger) -> None:
    ledger.append("ingested", {})
    for minutes, kept in ((1, True), (4, True), (9, False)):
        last = written_ahead(ledger, timedelta(minutes=minutes))
        if kept:
            assert ledger.append("normalised", {}).time == last
        else:
            with pytest.raises(InputError, match="time in the future"):
                ledger.append("normalised", {})


def written_ahead(ledger: Ledger, by: timedelta) -> str:
    """As if the clock had been ahead ``by`` so much when the last entry was written; returns its time."""
    owner = keys.own()
    assert owner
    lines = rows(ledger.path.read_bytes())
    lines[-1]["time"] = (datetime.now(UTC) + by).strftime(TIME_FORMAT)
    ledger.path.write_bytes(chained(lines, owner))
    return str(lines[-1]["time"])


def test_a_run_with_the_clock_a_year_ahead_is_set_right_by_one_command_that_the_ledger_keeps(ledger: Ledger) -> None:
    ledger.append("gate passed", {})
    ledger.append("released", {"version": "1", "published": so_far(ledger.entries())})
    last = written_ahead(ledger, timedelta(days=366))
    with pytest.raises(InputError, match="recondense keys correct-clock alpha"):
        ledger.check_admission()
    assert problems(ledger) == [f"line 3: time in the future: {last}, or the clock here is late"]
    assert not all(found.holds for found in check(published(ledger.entries()), "alpha")[0]), "a recipient is told, too"

    corrected = ledger.correct_clock()
    assert corrected.details == {"ahead": last, "entries": [2, 2]}
    assert corrected.time < last
    assert corrected.time < ledger.append("ingested", {}).time < last, "times go on from the right clock"
    ledger.check_admission()
    assert problems(ledger) == []
    assert "entry 3 corrects the clock" in [found.claim for found in ledger.verify()]
    of_recipients, _ = check(published(ledger.entries()), "alpha")
    assert all(found.holds for found in of_recipients) and "entry 3 corrects the clock" in str(of_recipients)
    with pytest.raises(InputError, match="nothing is to correct"):
        ledger.correct_clock()


def test_no_entry_goes_back_in_time_but_by_a_correction_that_says_from_when(ledger: Ledger) -> None:
    for event in ("ingested", "normalised", "condensed", "trained"):
        ledger.append(event, {})
    owner, content = keys.own(), rows(ledger.path.read_bytes())
    assert owner
    earlier, later = content[0]["time"], (datetime.now(UTC) + timedelta(days=1)).strftime(TIME_FORMAT)
    for details, named in (
        ({"ahead": content[1]["time"]}, "line 4: not a correction"),  # less than the ledger had reached
        ({"ahead": earlier}, "line 4: not a correction"),
        ({}, "line 5: back-dated"),
        ({"ahead": later}, None),  # it is said, signed, and shown
    ):
        lines = [*content[:3], {**content[3], "event": "clock corrected", "time": earlier, "details": details}]
        lines += [{**content[4], "time": earlier}]
        if not details:
            lines[3] = content[3]
        ledger.path.write_bytes(chained(lines, owner))
        found = problems(ledger)
        assert any(problem.startswith(named) for problem in found) if named else not found, (named, found)


def bundle(folder: Path, **content: str) -> dict[str, Any]:
    """A folder with these files and a manifest; returns the details of an entry about it."""
    folder.mkdir(parents=True)
    for name, text in {**content, "manifest": json.dumps(content)}.items():
        (folder / f"{name}.json").write_text(text)
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    return {"manifest": digests.pop("manifest.json"), "files": digests}


def test_a_file_that_turns_up_is_traced_to_its_releases_and_a_changed_one_to_none(
    ledger: Ledger, tmp_path: Path
) -> None:
    released = ledger.root / "data" / "7_released" / "alpha"
    first = bundle(released / "2026.11.0", values="1 2 3", recipe="one")
    second = bundle(released / "2026.11.1", values="4 5 6", recipe="one")
    ledger.append("gate passed", {"stage": "release", **first})
    ledger.append("released", {"version": "2026.11.0", **first})
    ledger.append("released", {"version": "2026.11.1", **second})

    stray = tmp_path / "from a mail.bin"
    shutil.copy(released / "2026.11.0" / "values.json", stray)
    found, faults = trace(ledger.root, stray)
    assert [(match.cohort, match.version, match.entry) for match in found] == [
        ("alpha", "2026.11.0", 2),
        ("alpha", "candidate", 1),
    ]
    assert found[0].same == {"from a mail.bin": "values.json"}
    assert faults == []
    stray.write_text("1 2 3 ")
    assert trace(ledger.root, stray) == ([], [])

    folder = tmp_path / "somewhere"
    shutil.copytree(released / "2026.11.1", folder / "deep")
    (folder / "deep" / "values.json").write_text("4 5 7")
    found, _ = trace(ledger.root, folder)
    assert [match.version for match in found] == ["2026.11.1", "2026.11.0", "candidate"]
    assert found[0].same == {"deep/manifest.json": "manifest.json", "deep/recipe.json": "recipe.json"}
    assert (found[0].differ, found[0].absent) == (("values.json",), ())

    checked = {check.claim: check for check in check_artifacts(ledger.root, "alpha", ledger.entries())}
    assert all(check.holds for check in checked.values())
    (released / "2026.11.0" / "values.json").write_text("1 2 4")
    (released / "2026.11.1" / "extra.json").write_text("")
    (released / "2026.11.2").mkdir()
    failed = [
        check.claim + check.detail
        for check in check_artifacts(ledger.root, "alpha", ledger.entries())
        if not check.holds
    ]
    assert [words in claim for words, claim in zip(("values.json", "extra.json", "no entry"), failed, strict=True)] == [
        True
    ] * 3

    ledger.path.write_bytes(ledger.path.read_bytes().replace(b"2026.11.0", b"2026.11.9"))
    found, faults = trace(ledger.root, folder)
    assert found == []
    assert "line 3: altered" in faults[0]


def test_provenance_is_a_slsa_statement_in_an_envelope_that_others_can_check(ledger: Ledger) -> None:
    raw = {"inputs": {"data/1_raw/a b": "e3.dir"}, "outputs": {"x": "1"}}
    ledger.append("ingested", {"stage": "ingestion", **raw})
    read = {"inputs": {"x": "1", "recondense/bundle": "f4.dir"}, "outputs": {"y": "2"}, "params": {"cohorts.alpha": {}}}
    ledger.append("gate passed", {"stage": "release", **read, "prefect_flow_run": "run"})
    statement = provenance(ledger.entries(), {"values.json": "ab" * 32})
    owner = keys.own()
    assert owner
    line = signed(statement, owner)
    assert opened(line, [Key(Ed25519PrivateKey.generate()).public, owner.public]) == statement
    assert statement["subject"] == [{"name": "values.json", "digest": {"sha256": "ab" * 32}}]
    built = statement["predicate"]["buildDefinition"]
    assert {"uri": "dvc:data/1_raw/a%20b", "digest": {"dvc": "e3.dir"}} in built["resolvedDependencies"]
    assert "dvc:x" not in [one["uri"] for one in built["resolvedDependencies"]], "what a stage made is no dependency"

    envelope = json.loads(line)  # the envelope's signature, recomputed from the DSSE specification
    payload = base64.b64decode(envelope["payload"])
    kind = b"application/vnd.in-toto+json"
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    owner.public.public.verify(base64.b64decode(envelope["signatures"][0]["sig"]), message)

    changed = envelope | {"payload": base64.b64encode(payload.replace(b"alpha", b"alphb")).decode()}
    for bad in (
        json.dumps(changed).encode(),
        line[:50],
        b"[]",
        b"\xff",
        b'{"payload":1,"payloadType":2,"signatures":3}',
    ):
        with pytest.raises(InputError, match="not signed"):
            opened(bad, [owner.public])
    with pytest.raises(InputError, match="not signed"):
        opened(line, [Key(Ed25519PrivateKey.generate()).public])
