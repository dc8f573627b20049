"""`recondense init`: a project that git has whole, or nothing."""

import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from recondense.diagnostics.machine import gpu, packages
from recondense.diagnostics.project import cohorts, dvc_stages, signing
from recondense.errors import InputError
from recondense.files.strict_json import parse_json
from recondense.project import init as project
from recondense.project import template
from recondense.project.init import BASE, init
from recondense.project.params_file import add_cohort
from recondense.stages import params, software
from tests.support.paths import REPO
from tests.support.project import Project


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture(autouse=True)
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests, git knows her."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "somebody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@localhost")


def test_a_project_has_the_template_a_readme_and_no_file_that_git_lacks(tmp_path: Path) -> None:
    init(tmp_path / "icu")
    committed = set(git(tmp_path / "icu", "ls-files").split())
    own = {"README.md", "params.yaml", "software.yaml", ".dvc/config"}
    assert committed == own | set(template.kept()) | {f"{BASE}/{name}" for name in template.kept()}
    assert git(tmp_path / "icu", "status", "--porcelain") == ""
    assert (tmp_path / "icu/tasks/privacy.py").read_bytes() == (REPO / "tasks/privacy.py").read_bytes()
    assert software.named(tmp_path / "icu") == software.installed(tmp_path / "icu")
    assert [path.name for path in tmp_path.iterdir()] == ["icu"], "nothing is left beside it"


def test_a_folder_that_holds_anything_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty: name a new folder"):
        init(tmp_path)
    with pytest.raises(InputError, match="is a file"):
        init(tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_repository_with_a_commit_is_refused_though_its_work_tree_is_empty(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "start")
    with pytest.raises(InputError, match="is not empty"):
        init(tmp_path)


def test_an_empty_repository_is_filled_and_keeps_its_settings(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "records")
    init(tmp_path)
    assert git(tmp_path, "branch", "--show-current").strip() == "records"
    assert git(tmp_path, "status", "--porcelain") == ""


def test_what_fails_in_between_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "-q")
    hook = repository / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(InputError, match="git commit: no"):
        init(repository)
    assert [path.name for path in repository.iterdir()] == [".git"]

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(project.software, "write", full)
    with pytest.raises(OSError, match="No space"):
        init(tmp_path / "icu")
    assert [path.name for path in tmp_path.iterdir()] == ["repository"]


def test_a_user_whom_git_does_not_know_is_given_a_name_and_told_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL"):
        monkeypatch.delenv(f"GIT_{name}")
    (tmp_path / "place").mkdir()
    done = Project(tmp_path / "place", {"GIT_CONFIG_GLOBAL": "/dev/null", "HOME": str(tmp_path)}).call(
        "recondense.cli", "init", "icu"
    )
    who = git(tmp_path / "place/icu", "log", "--format=%cn").strip()
    assert f"git knew no name of yours, and says {who} here" in done.stdout


@pytest.mark.parametrize("cohort", sorted(params.read(REPO)))
def test_an_example_is_the_block_of_this_repository(cohort: str, tmp_path: Path) -> None:
    block, raw = template.example(cohort)
    (tmp_path / "params.yaml").write_text(template.start_of_params())
    add_cohort(tmp_path, cohort, block)
    assert params.read(tmp_path) == {cohort: params.read(REPO)[cohort]}
    assert f"data/1_raw/{cohort}/README.md" in raw


def test_an_unknown_example_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no example 'pbc'; choose one of: pbcseq, physionet2012"):
        init(tmp_path / "icu", ["pbc"])
    assert list(tmp_path.iterdir()) == []


def test_a_project_without_a_cohort_works_and_says_how_to_get_one(tmp_path: Path) -> None:
    init(tmp_path / "icu")
    here = Project(tmp_path / "icu")
    assert "recondense new-cohort NAME" in here.call("recondense.cli", "cohorts").stdout
    assert parse_json(here.call("recondense.cli", "cohorts", "--json").stdout.encode()) == []
    refused = here.call("recondense.cli", "run", "ward", check=False)
    assert refused.returncode == 1 and "params.yaml has no cohort yet" in refused.stderr
    assert here.status() == {}
    for look in (packages, gpu, signing, dvc_stages, cohorts):
        assert [found for found in look(here.root) if found.level == "fault"] == []


def test_the_first_cohort_takes_the_place_of_none(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(template.start_of_params())
    block, _ = template.example("pbcseq")
    add_cohort(tmp_path, "pbcseq", block)
    text = (tmp_path / "params.yaml").read_text()
    assert "cohorts: {}" not in text and text.startswith("# What a user edits")
    assert list(YAML(typ="safe").load(text)["cohorts"]) == ["pbcseq"]
