"""Releases with a guarantee from the raw file to a recipient: what each costs, and that noise is new in each."""

import contextlib
import copy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recondense.engines.dvc import Pipeline
from recondense.engines.process import StageRefused
from recondense.engines.recorder import Recorder
from recondense.errors import InputError
from recondense.files.strict_json import read_json
from recondense.git import git
from recondense.ledger import Ledger, keys
from recondense.ledger.artifacts import check_artifacts
from recondense.project.params_file import set_params
from recondense.publishing.examine import check_against
from recondense.publishing.release import release
from recondense.publishing.reproduce import reproduce
from tests.support.condensing import FAST
from tests.support.project import QUICK, commit_all, make_project, with_remotes

WHO = "A Tester"  # who overrides the gate, and so signs
PRIVATE: dict[str, Any] = copy.deepcopy(QUICK) | {
    "normalisation": {**QUICK["normalisation"], "scale": "public"},
    "condensation": {
        **QUICK["condensation"],
        "method": "private_statistics",
        "records_per_class": 2,
        "steps": 2,
        "options": {"private_statistics": {**FAST["private_statistics"], "epsilon": 3}},
    },
    "privacy": {"attacks": ["nearest_record"]},
    "release": {"override": {"by": WHO, "reason": "so few patients with so much noise pass no gate"}},
    "schedule": {"budget": 20},
}
PRIVATE["ingestion"]["split"] = {"kind": "hashed", "validation": 0.2, "test": 0.3}


def run(root: Path) -> list[str]:
    """What `recondense run --again` does with stages and ledger; returns the gate's reasons where it refuses."""
    git.git(root, "config", "user.name", WHO)
    with contextlib.chdir(root):
        pipeline = Pipeline(root, "alpha")
        recorder = Recorder(pipeline, Ledger(root, "alpha"), {})
        for stage in pipeline.stages:
            try:
                stale = pipeline.key(stage) is None or not recorder.ran(stage)
                recorder.stage(stage, pipeline.run(stage) if stale else None)
            except StageRefused as refusal:
                recorder.refused(stage, refusal)
                return refusal.reasons
    return []


def released(root: Path) -> tuple[Path, dict[str, Any]]:
    """A release of the candidate: its folder among the published, and its line in the ledger."""
    with contextlib.chdir(root):
        made = release(root, "alpha")
    return root.parent / "public/releases/alpha" / made["version"], Ledger(root, "alpha").entries()[-1].details


@pytest.mark.slow
def test_a_release_costs_what_it_states_and_the_next_is_asked_anew_though_no_train_patient_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "keys"))
    keys.create()
    root = make_project(tmp_path / "steward/project", {"alpha": PRIVATE}).root
    with_remotes(root)
    assert run(root) == []

    # A weaker question is refused by the gate; the candidate before comes back by git and DVC, the ledger goes on
    commit_all(root)
    set_params(root, "alpha", ["condensation.options.private_statistics.epsilon=0.1", "release.override=null"])
    assert run(root)
    git.git(root, "checkout", "HEAD", "--", "params.yaml", "dvc.lock", "data/*metrics.json")
    commit_all(root)
    with contextlib.chdir(root):
        Pipeline(root, "alpha").repo.checkout(force=True)
        with pytest.raises(InputError, match=r"2 sets of answers were asked since the last release.* states 1"):
            release(root, "alpha")  # the candidate does not say that there was another
        Pipeline(root, "alpha").run("condensation@alpha")  # as `dvc repro --force` would
    assert run(root) == []
    first, booked = released(root)
    stated = read_json(first / "metrics.json")["privacy"]["guarantee"]
    assert stated["asked"] == {"number": 1, "draws": 2, "reused": False}
    assert booked["privacy"]["epsilon"] == booked["privacy"]["cumulative_epsilon"] == stated["epsilon"] > 2.9

    with contextlib.chdir(root), pytest.raises(InputError, match="already released"):
        release(root, "alpha")

    # A test patient withdraws: no sum over train patients changes, and all of the answers do
    subjects = pd.read_parquet(root / "data/2_ingested/alpha/subjects.parquet")
    gone = subjects.loc[subjects["split"] == "test", "subject_id"].iloc[0]
    (root / "data/1_raw/pbcseq/withdrawn.txt").write_text(f"{gone}\n")
    assert run(root) == []
    second, booked = released(root)
    assert (first / "condensed.safetensors").read_bytes() != (second / "condensed.safetensors").read_bytes()
    assert booked["privacy"]["asked"] == {"number": 3, "draws": 1, "reused": False}
    assert booked["privacy"]["cumulative_epsilon"] > stated["epsilon"]

    ledger = Ledger(root, "alpha")
    checks = [*ledger.verify(), *check_artifacts(root, "alpha", ledger.entries())]
    for bundle in (first, second):
        checks += check_against(str(bundle.parent / "ledger.jsonl"), bundle)[1]
    assert [check for check in checks if check.holds is False] == []  # nobody vouched for the ledger's first key

    # Made again from its tag, the first is what it was: its own answers, and nobody asked
    with contextlib.chdir(root):
        found = reproduce(root, "alpha", first.name)
    assert [finding for finding in found if finding.state == "differs"] == []
    assert len(list((tmp_path / "keys/askings/alpha").glob("*.json"))) == 3
