"""Releases: what is in one, who sees what of it, and what is left when its making is refused, repeated or killed."""

import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from flows.scheduled import release_by_policy
from recondense.cohorts import panel
from recondense.engines.dvc import Pipeline
from recondense.engines.recorder import Recorder
from recondense.errors import InputError
from recondense.files.strict_json import read_json, write_json
from recondense.git import git
from recondense.ledger import Ledger, keys
from recondense.ledger.artifacts import check_artifacts
from recondense.project.params_file import set_params
from recondense.publishing.diff import diff
from recondense.publishing.examine import check_against, examine
from recondense.publishing.outputs import compare_files
from recondense.publishing.ready import check_panel
from recondense.publishing.release import release
from recondense.publishing.reproduce import reproduce
from recondense.publishing.versions import Releases
from recondense.publishing.withdraw import withdraw
from recondense.stages.layout import Layout
from tests.support.paths import REPO
from tests.support.project import Project, commit_all, with_remotes
from tests.support.public import check_public

FOUND_IN_BUNDLES = "data/7_released/alpha"


@dataclass(frozen=True)
class Steward:
    """A project with a candidate of cohort alpha, and beside it both of its remotes."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "project"

    @property
    def public(self) -> Path:
        return self.folder / "public"

    @property
    def published(self) -> Path:
        return self.public / "releases" / "alpha"

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.strip()  # fmt: skip

    def copy(self, folder: Path) -> "Steward":
        shutil.copytree(self.folder, folder, symlinks=True)
        return Steward(folder)

    def do(self, command: Callable[..., Any], *arguments: Any) -> Any:
        with contextlib.chdir(self.root):
            return command(self.root, "alpha", *arguments)

    def record(self) -> None:
        """Run the stages that are not current and record what there is, as `recondense run` does."""
        with contextlib.chdir(self.root):
            pipeline = Pipeline(self.root, "alpha")
            recorder = Recorder(pipeline, Ledger(self.root, "alpha"), {})
            for stage in pipeline.stages:
                recorder.stage(stage, pipeline.run(stage) if pipeline.key(stage) is None else None)

    def new_candidate(self, old: str, new: str) -> None:
        """Change params, and run and record what is then no longer current."""
        params = self.root / "params.yaml"
        params.write_text(params.read_text().replace(old, new, 1))
        self.record()


@pytest.fixture(scope="module")
def steward(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Steward:
    """What every test here begins with; none changes it."""
    made = Steward(tmp_path_factory.mktemp("steward"))
    shutil.copytree(
        finished.root, made.root, symlinks=True, ignore=shutil.ignore_patterns(".recondense", "mlruns", "mlflow.db*")
    )
    with_remotes(made.root)
    return made


@pytest.fixture(scope="module")
def released(steward: Steward, tmp_path_factory: pytest.TempPathFactory) -> Steward:
    """The same after two releases, whose candidates differ in one param."""
    made = steward.copy(tmp_path_factory.mktemp("released") / "steward")
    first = made.do(release)
    made.new_candidate("    release:\n", "    release:\n      min_test_auc: 0.51\n")
    second = made.do(release)
    assert [first["resumed"], second["resumed"]] == [False, False]
    assert [first["version"].split(".")[-1], second["version"].split(".")[-1]] == ["1", "2"]
    return made


@pytest.fixture
def versions(released: Steward) -> list[str]:
    return [row["version"] for row in json.loads((released.published / "index.json").read_text())["releases"]]


def test_a_release_is_a_tag_on_all_that_it_is_made_of_and_leaves_nothing_uncommitted(
    released: Steward, versions: list[str]
) -> None:
    assert released.git("status", "--porcelain") == ""
    assert released.git("tag").split() == [f"release/alpha/{version}" for version in versions]
    assert released.git("cat-file", "-t", f"release/alpha/{versions[0]}") == "tag"
    assert released.git("rev-parse", "HEAD") == released.git("rev-parse", f"release/alpha/{versions[1]}^{{}}")
    ledger = Ledger(released.root, "alpha")
    checks = [*ledger.verify(), *check_artifacts(released.root, "alpha", ledger.entries())]
    assert [check for check in checks if not check.holds] == []
    for version in versions:
        assert f"alpha {version}" in (released.root / FOUND_IN_BUNDLES / version / "README.md").read_text()


def test_nothing_restricted_reaches_the_release_remote(released: Steward, versions: list[str]) -> None:
    ingestion = YAML(typ="safe").load(released.root / "dvc.lock")["stages"]["ingestion@alpha"]
    raw = next(dep["md5"] for dep in ingestion["deps"] if dep["path"].startswith("data/"))
    vault = released.folder / "vault"
    assert (vault / "files/md5" / raw[:2] / raw[2:]).is_file(), "the vault has the raw folder under DVC's hash of it"
    check_public(released.root, released.public, [raw.removesuffix(".dir")])
    assert {path.name for path in released.published.iterdir()} == {*versions, "ledger.jsonl", "index.json"}


def test_anyone_can_read_the_release_remote_and_nobody_else_the_vault_or_the_cache(released: Steward) -> None:
    for path in [released.public, *released.public.rglob("*")]:
        needed = 0o555 if path.is_dir() else 0o444
        assert path.stat().st_mode & needed == needed, path
    for closed in (released.folder / "vault/files", released.root / ".dvc/cache/files"):
        assert not any(path.stat().st_mode & 0o077 for path in [closed, *closed.rglob("*")] if path.is_dir())


def test_a_stranger_gets_a_bundle_by_dvc_or_as_plain_files_and_verifies_it_against_the_published_ledger(
    released: Steward, versions: list[str], tmp_path: Path
) -> None:
    from dvc.repo import Repo

    shutil.move(released.folder / "vault", tmp_path / "vault")  # the stranger has no access
    try:
        path = f"{FOUND_IN_BUNDLES}/{versions[1]}"
        Repo.get(str(released.root), path, out=str(tmp_path / "got"), rev=f"release/alpha/{versions[1]}")
    finally:
        shutil.move(tmp_path / "vault", released.folder / "vault")
    shutil.copytree(released.published / versions[1], tmp_path / "copied")
    ledger = str(released.published / "ledger.jsonl")
    for bundle in (tmp_path / "got", tmp_path / "copied"):
        verified = subprocess.run(
            [sys.executable, "-m", "recondense.cli", "verify", str(bundle), "--ledger", ledger, "--json"],
            cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(REPO)},
        )  # fmt: skip
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert "current" in [check["detail"] for check in json.loads(verified.stdout)["checks"]]
    _, first = check_against(ledger, released.published / versions[0])
    assert f"superseded by {versions[1]}" in [check.detail for check in first]
    _, wrong = check_against(ledger, tmp_path / "got", root_key="0" * 64)
    assert any(check.holds is False for check in wrong)


def test_a_published_ledger_without_one_of_its_lines_is_found_out(released: Steward, tmp_path: Path) -> None:
    lines = (released.published / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    bundle = sorted(released.published.glob("2*"))[-1]
    for left_out in range(len(lines) - 1):
        (tmp_path / "ledger.jsonl").write_bytes(b"".join(lines[:left_out] + lines[left_out + 1 :]))
        _, found = check_against(str(tmp_path / "ledger.jsonl"), bundle)
        assert any(check.holds is False for check in found), left_out


def test_an_unknown_bundle_is_called_unknown(released: Steward) -> None:
    ledger = str(released.published / "ledger.jsonl")
    _, found = check_against(ledger, released.root / FOUND_IN_BUNDLES / "candidate")
    assert any("unknown" in check.detail for check in found if not check.holds)


def test_diff_names_the_changed_param_and_the_commits_between(released: Steward, versions: list[str]) -> None:
    found = released.do(diff, *versions)
    assert [(row["name"], row["old"], row["new"]) for row in found["params"]] == [("release.min_test_auc", None, 0.51)]
    assert [row["name"] for row in found["data"]] == [f"{FOUND_IN_BUNDLES}/candidate"]
    assert found["subjects"] == found["metrics"] == []
    assert len(found["code"]["commits"]) == 2
    with pytest.raises(InputError, match="no release 2001"):
        released.do(diff, "2001.01.1", "candidate")


def test_a_withdrawn_release_says_so_to_whoever_verifies_it(
    released: Steward, versions: list[str], tmp_path: Path
) -> None:
    mine = released.copy(tmp_path / "steward")
    mine.do(withdraw, versions[1], "units of bilirubin were wrong")
    ledger, root = str(mine.published / "ledger.jsonl"), keys.own().fingerprint
    _, found = check_against(ledger, mine.published / versions[1], root)
    assert any("units of bilirubin" in check.detail for check in found if not check.holds)
    assert all(check.holds for check in check_against(ledger, mine.published / versions[0], root)[1])
    listed = json.loads((mine.published / "index.json").read_text())["releases"]
    assert [bool(row["withdrawn"]) for row in listed] == [False, True]
    assert mine.git("status", "--porcelain") == ""
    with pytest.raises(InputError, match="was withdrawn on"):
        mine.do(withdraw, versions[1], "again")


@pytest.mark.slow  # the services tests do it from an object store
def test_a_release_is_reproduced_from_its_tag_and_the_vault_alone(
    released: Steward, versions: list[str], tmp_path: Path
) -> None:
    mine = released.copy(tmp_path / "steward")
    for folder in ("data/1_raw/pbcseq", ".dvc/cache"):
        shutil.rmtree(mine.root / folder)
    found = mine.do(reproduce, versions[0])
    assert {finding.state for finding in found} == {"identical", "same"}
    measured = [key.split(".")[-1] for f in found if f.state == "same" and "manifest" not in f.path for key in f.keys]
    assert all(key.startswith("seconds") for key in measured)
    assert not (mine.root / ".recondense" / "again").exists(), "it held records"


@pytest.mark.slow
def test_raw_records_outside_the_project_are_in_the_vault_and_a_reproduction_needs_nothing_else(
    steward: Steward, tmp_path: Path
) -> None:
    mine = steward.copy(tmp_path / "steward")
    outside = tmp_path / "archive" / "pbcseq"
    outside.parent.mkdir()
    shutil.move(mine.root / "data/1_raw/pbcseq", outside)
    commit_all(mine.root)
    mine.new_candidate("data/1_raw/pbcseq", str(outside))
    made = mine.do(release)
    check_public(mine.root, mine.public, [str(outside.parent)])
    shutil.rmtree(outside)
    shutil.rmtree(mine.root / ".dvc/cache")
    found = mine.do(reproduce, made["version"])
    assert [finding for finding in found if finding.state not in ("identical", "same")] == []
    assert not outside.exists(), "records go into the scratch project, not to where they lay"


def test_commits_and_tags_of_releases_are_signed_where_git_is_told_to_sign(tmp_path: Path) -> None:
    if not shutil.which("ssh-keygen"):
        pytest.skip("no ssh-keygen is installed")
    key, root = tmp_path / "key", tmp_path / "project"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (tmp_path / "signers").write_text(f"steward@localhost {key.with_suffix('.pub').read_text()}")
    root.mkdir()
    git.git(root, "init", "-q")
    settings = {
        "user.name": "steward",
        "user.email": "steward@localhost",
        "gpg.format": "ssh",
        "gpg.ssh.allowedSignersFile": str(tmp_path / "signers"),
        "user.signingKey": str(key),
        "commit.gpgSign": "true",
        "tag.gpgSign": "true",
    }
    for name, value in settings.items():
        git.git(root, "config", name, value)
    git.git(root, "commit", "-qm", "start", "--allow-empty")
    (root / "dvc.lock").write_text("{}")
    commit = git.commit(root, ["dvc.lock"], "what it is made of", git.head(root))
    git.tag(root, "release/alpha/2026.11.1", commit, "alpha 2026.11.1")
    git.git(root, "verify-commit", commit)  # raises where no known key signed
    git.git(root, "verify-tag", "release/alpha/2026.11.1")


def test_what_differs_is_named_by_offset_and_key(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, auc, seconds, byte in ((old, 0.8, 1.0, b"a"), (new, 0.7, 2.0, b"b")):
        folder.mkdir()
        (folder / "metrics.json").write_text(json.dumps({"auc": {"mean": auc}, "seconds": seconds}))
        (folder / "times.json").write_text(json.dumps({"seconds": seconds}))
        (folder / "records.bin").write_bytes(b"x" * 3_000_000 + byte)
    found = {finding.path: finding for finding in compare_files("training", "out", old, new)}
    assert found["out/metrics.json"].keys == ("auc.mean", "seconds")
    assert [found[f"out/{name}"].state for name in ("metrics.json", "times.json")] == ["differs", "same"]
    assert (found["out/records.bin"].state, found["out/records.bin"].offset) == ("differs", 3_000_000)


@contextlib.contextmanager
def changed(path: Path, content: bytes | None) -> Iterator[None]:
    """The file with other content, or none, for a while."""
    before = path.read_bytes() if path.exists() else None
    path.unlink() if content is None else path.write_bytes(content)
    try:
        yield
    finally:
        path.unlink(missing_ok=True) if before is None else path.write_bytes(before)


CONFIG = "[core]\n    remote = {}\n['remote \"vault\"']\n    url = ../../vault\n['remote \"release\"']\n    url = {}\n"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (f"{FOUND_IN_BUNDLES}/candidate/manifest.json", None, "has no candidate to release"),
        (f"{FOUND_IN_BUNDLES}/candidate/README.md", "changed", "not current: release@alpha"),
        ("params.yaml", "more", "not current: "),
        ("Makefile", "changed", "not committed: Makefile"),
        ("notes.txt", "new", "not committed: notes.txt"),
        ("data/ledger/alpha.jsonl", "{}\n", "line 1"),
        (".dvc/config", "", "DVC has no remote 'vault'"),
        (".dvc/config", CONFIG.format("vault", "../../vault/public"), "are one place"),
        (".dvc/config", CONFIG.format("release", "../../public"), "default remote"),
    ],
)
def test_a_release_is_refused_with_what_to_do(steward: Steward, file: str, content: str | None, message: str) -> None:
    path = steward.root / file
    if content == "more":
        content = path.read_text().replace("    release:\n", "    release:\n      min_test_auc: 0.52\n", 1)
    with (
        changed(path, None if content is None else content.encode()),
        pytest.raises(InputError, match=message),
    ):
        steward.do(release)
    assert not steward.git("tag")
    assert not steward.published.exists()


AUDITED = "data/6_audited/alpha/metrics.json"


def by_hand(steward: Steward) -> None:
    """Edit a figure of the audit, let DVC take it for the stage's own, and run what depends on it."""
    audited = read_json(steward.root / AUDITED)
    audited["attacks"]["nearest_record"]["auc"] = 0.5
    write_json(steward.root / AUDITED, audited)
    command = [sys.executable, "-m", "dvc", "commit", "-q", "-f", "privacy@alpha"]
    subprocess.run(command, cwd=steward.root, check=True)
    steward.record()


def test_an_audit_that_was_edited_by_hand_is_not_released_nor_under_an_entry_which_says_that_a_flow_ran(
    steward: Steward, tmp_path: Path
) -> None:
    mine = steward.copy(tmp_path / "steward")
    by_hand(mine)
    ledger = Ledger(mine.root, "alpha")
    with pytest.raises(InputError, match=r"no recorded run made it.*recondense run alpha --again"):
        mine.do(release)
    failed = [check.claim for check in check_artifacts(mine.root, "alpha", ledger.entries()) if not check.holds]
    assert failed == ["privacy@alpha"]
    with contextlib.chdir(mine.root):
        pipeline = Pipeline(mine.root, "alpha")
        recorder = Recorder(pipeline, ledger, {})
        assert [name for name in pipeline.stages if not recorder.ran(name)] == ["privacy@alpha"], "what --again runs"

    edited = next(entry for entry in reversed(ledger.entries()) if entry.details.get("stage") == "privacy")
    ledger.append("audited", {**edited.details, "ran": True})  # by an insider whose key is admitted
    said = re.escape(f"privacy comes out otherwise: {AUDITED} (attacks.nearest_record.auc)")
    with pytest.raises(InputError, match=said):
        mine.do(release)
    assert not mine.published.exists()
    assert not (mine.root / ".recondense" / "again").exists(), "it held records"


def test_an_input_that_was_altered_in_dvcs_cache_is_found_before_anything_is_made_of_it(
    steward: Steward, tmp_path: Path
) -> None:
    mine = steward.copy(tmp_path / "steward")
    with contextlib.chdir(mine.root):
        pipeline = Pipeline(mine.root, "alpha")
        digest = next(out.hash_info.value for out in pipeline.stage("condensation@alpha").outs if out.use_cache)
        cached = pipeline.cached(digest)
    assert cached
    cached.chmod(0o644)
    cached.write_bytes(cached.read_bytes()[::-1])
    with pytest.raises(InputError, match="not current: condensation@alpha"):
        mine.do(release)
    assert not mine.published.exists()


def test_a_candidate_is_released_once(released: Steward, versions: list[str]) -> None:
    with pytest.raises(InputError, match=f"already released, as alpha {versions[1]}"):
        released.do(release)


def test_a_release_is_refused_where_the_panels_of_earlier_ones_are_lost_or_altered(
    released: Steward, versions: list[str], tmp_path: Path
) -> None:
    mine = released.copy(tmp_path / "steward")
    releases, panels = Releases(mine.root, "alpha"), panel.load(mine.root, "alpha")
    assert panels
    assert list(panels.releases) == versions
    mine.do(lambda *_: check_panel(releases))
    first, second = panels.releases.values()
    assert first.splits == second.splits
    fewer = second.model_copy(update={"splits": {**second.splits, "test": second.splits["test"][1:]}})
    panel.save(mine.root, "alpha", versions[1], fewer)
    with pytest.raises(InputError, match=f"is not as alpha {versions[1]} left it: restore it from git"):
        check_panel(releases)
    other = panel.Panels(key=panels.key, releases={versions[0]: first}).model_dump_json()
    (mine.root / panel.place("alpha")).write_text(other)
    with pytest.raises(InputError, match=f"is not as alpha {versions[1]} left it"):
        check_panel(releases)


def test_a_release_remote_that_was_moved_without_what_it_held_lists_nothing(
    released: Steward, versions: list[str], tmp_path: Path
) -> None:
    shutil.move(released.published, tmp_path / "kept")
    try:
        with pytest.raises(InputError, match=f"lacks alpha .*{versions[1]}, which the ledger lists"):
            released.do(release)
        assert not (released.published / "index.json").exists()
    finally:
        shutil.rmtree(released.published, ignore_errors=True)
        shutil.move(tmp_path / "kept", released.published)


def test_a_withdrawal_is_published_even_where_the_remote_lacks_another_release(
    released: Steward, versions: list[str], tmp_path: Path
) -> None:
    made = released.copy(tmp_path / "steward")
    shutil.rmtree(made.published / versions[0])
    made.do(withdraw, versions[1], "units were wrong")
    listed = {
        row["version"]: row["withdrawn"] for row in json.loads((made.published / "index.json").read_text())["releases"]
    }
    assert listed[versions[1]]["reason"] == "units were wrong"


def test_a_policy_releases_what_is_not_out_yet_and_nothing_twice(steward: Steward, tmp_path: Path) -> None:
    made = steward.copy(tmp_path / "steward")

    def by_policy(root: Path, cohort: str) -> list[str]:
        return release_by_policy(Layout(root, cohort))

    assert made.do(by_policy) == [], "no policy asks for it"
    set_params(made.root, "alpha", ["schedule.release=true"])
    (said,) = made.do(by_policy)
    listed = json.loads((made.published / "index.json").read_text())["releases"]
    assert [f"released {row['version']}" for row in listed] == [said]
    assert made.do(by_policy) == []


def test_twenty_attempts_at_once_make_one_release(steward: Steward, tmp_path: Path) -> None:
    mine = steward.copy(tmp_path / "steward")
    ends = attempts(mine, "at-once", "20")
    assert sorted(end.split(":")[0] for end in ends) == ["refused"] * 19 + ["released"]
    assert all("already released" in end for end in ends if end.startswith("refused"))
    assert_whole(mine)


def kill_and_rerun(steward: Steward, folder: Path, moment: int) -> None:
    """Kill a release before its ``moment``-th act upon the world, do it again, and look at what there is."""
    mine = steward.copy(folder)
    attempts(mine, "killed", str(moment))
    under_way = [path.name.removesuffix(".dvc") for path in (mine.root / FOUND_IN_BUNDLES).glob("*.dvc")]
    (again,) = attempts(mine, "at-once", "1")
    assert again.startswith("released") or "already released" in again, again  # the kill may come after the index
    assert_whole(mine, under_way)
    shutil.rmtree(folder)


@pytest.mark.slow
def test_a_release_that_is_killed_is_finished_by_the_next_under_the_same_version(
    steward: Steward, tmp_path: Path
) -> None:
    (whole,) = attempts(steward.copy(tmp_path / "whole"), "at-once", "1")
    acts = int(whole.split()[-2])
    for moment in (random.randint(1, acts), random.randint(acts * 3 // 4, acts)):  # by then it becomes public
        kill_and_rerun(steward, tmp_path / str(moment), moment)


@pytest.mark.slow
def test_a_release_that_is_killed_at_any_of_fifty_moments_is_finished_by_the_next(
    steward: Steward, tmp_path: Path
) -> None:
    (whole,) = attempts(steward.copy(tmp_path / "whole"), "at-once", "1")
    acts = int(whole.split()[-2])
    for moment in range(1, acts, acts // 50):
        kill_and_rerun(steward, tmp_path / str(moment), moment)


def attempts(steward: Steward, *how: str) -> list[str]:
    """What `tests/support/attempts.py` says of its attempts at a release."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.attempts", str(steward.root), *how],
        cwd=REPO, capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    return done.stdout.splitlines()


def assert_whole(steward: Steward, versions: list[str] | None = None) -> None:
    """One release is there, in git, in the ledger and in public; and it is one of ``versions``, where there are any."""
    listed = json.loads((steward.published / "index.json").read_text())["releases"]
    assert len(listed) == 1
    version = listed[0]["version"]
    assert version in (versions or [version])
    assert steward.git("tag").split() == [f"release/alpha/{version}"]
    assert steward.git("status", "--porcelain") == ""
    ledger = Ledger(steward.root, "alpha")
    assert [entry.details["version"] for entry in ledger.entries() if entry.event == "released"] == [version]
    checks = [*ledger.verify(), *check_artifacts(steward.root, "alpha", ledger.entries())]
    ledger_file = str(steward.published / "ledger.jsonl")
    checks += examine(steward.published / version, ledger_file, keys.own().fingerprint).checks
    assert [check for check in checks if not check.holds] == []
