"""What the ledger records: which run made what dvc.lock has of a stage, and who answers for it."""

import hashlib
import json
from pathlib import Path

import pytest

from recondense.engines.recorder import check_override
from recondense.errors import InputError
from recondense.git import git
from recondense.ledger import Ledger, keys
from recondense.ledger.artifacts import check_stages, evidence, ran
from recondense.publishing.ready import check_signed
from recondense.publishing.release import answers_for
from recondense.stages.layout import Layout

METRICS = "data/6_audited/alpha/metrics.json"


def lock(root: Path, content: str, read: str = "r") -> dict[str, dict[str, object]]:
    """Write what a stage made, and dvc.lock as DVC would after it; returns what an entry keeps of that."""
    (root / METRICS).parent.mkdir(parents=True, exist_ok=True)
    (root / METRICS).write_text(content)
    digest = hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()
    stage = {
        "deps": [{"path": "recondense/privacy", "hash": "md5", "md5": read}],
        "outs": [{"path": METRICS, "hash": "md5", "md5": digest}],
    }
    (root / "dvc.lock").write_text(json.dumps({"stages": {"privacy@alpha": stage}}))
    return evidence(stage)


def said(ledger: Ledger) -> str:
    (check,) = check_stages(ledger.root, "alpha", ledger.entries())
    return "" if check.holds else check.detail


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "keys"))
    keys.create()
    return Ledger(tmp_path / "project", "alpha")


def test_what_no_flow_ran_is_not_taken_for_a_recorded_run(ledger: Ledger) -> None:
    made = {"stage": "privacy", "ran": True, **lock(ledger.root, "made")}
    assert "no entry is about it" in said(ledger)
    ledger.append("audited", made)
    assert said(ledger) == ""

    edited = lock(ledger.root, "edited by hand")
    assert "dvc.lock has other outputs than entry 1" in said(ledger)
    ledger.append("audited", {"stage": "privacy", "ran": False, **edited})
    assert "no recorded run made it" in said(ledger)
    assert "--again" in said(ledger)
    assert not ran(ledger.entries(), "privacy", edited)

    lock(ledger.root, "made", read="other code")
    assert "dvc.lock has other inputs" in said(ledger), "the same figures of other inputs are another run's"


def test_what_a_recorded_run_made_counts_again_once_it_is_checked_out_again(ledger: Ledger) -> None:
    first = lock(ledger.root, "first")
    ledger.append("audited", {"stage": "privacy", "ran": True, **first})
    ledger.append("audited", {"stage": "privacy", "ran": True, **lock(ledger.root, "second")})
    lock(ledger.root, "first")
    assert said(ledger) == ""
    (ledger.root / METRICS).write_text("edited")
    assert said(ledger) == "changed since: metrics.json"


def test_who_overrides_the_gate_is_who_signs_the_ledger(ledger: Ledger) -> None:
    layout = Layout(ledger.root, "alpha")
    override = {"by": "Ada Lovelace", "reason": "the board agreed to it, since nobody is at risk"}
    ledger.root.mkdir()
    (ledger.root / "params.yaml").write_text(json.dumps({"cohorts": {"alpha": {"release": {"override": override}}}}))
    git.git(ledger.root, "init", "-q")
    git.git(ledger.root, "config", "user.name", "Charles Babbage")
    with pytest.raises(InputError, match=r"'Ada Lovelace', but .* signed by 'Charles Babbage'"):
        check_override(layout)
    details = {"stage": "release", "override": override}
    with pytest.raises(InputError, match="in the name of 'Ada Lovelace', but 'Charles Babbage' signed"):
        check_signed(ledger.append("gate overridden", details))

    git.git(ledger.root, "config", "user.name", "Ada Lovelace")
    check_override(layout)
    passed = ledger.append("gate overridden", details)
    check_signed(passed)
    key = keys.own()
    assert key
    assert answers_for(passed) == {"by": "Ada Lovelace", "key": key.fingerprint}
