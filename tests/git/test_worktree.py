"""Whether files are those of the commit, whatever git was told to overlook."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from recondense.bundle.make import code_revision
from recondense.errors import InputError
from recondense.git import git
from recondense.git.worktree import changed, differing
from recondense.ledger.origin import remembered, versions
from recondense.publishing.ready import check_work_tree

RECORDED = "data/6_audited/alpha/metrics.json"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of two packages and a run's file, all committed."""
    root = tmp_path / "project"
    for name in (
        "flows/__init__.py",
        "tasks/__init__.py",
        "recondense/bundle/gate.py",
        "data/6_audited/alpha/metrics.json",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("first = 1\n")
    (root / ".gitignore").write_text("__pycache__/\n.venv/\n")
    said(root, "init", "-q")
    commit(root)
    return root


def said(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path) -> None:
    said(root, "add", "-A")
    said(root, "commit", "-qm", "all")


def assume_unchanged(root: Path) -> str:
    said(root, "update-index", "--assume-unchanged", "recondense/bundle/gate.py")
    (root / "recondense/bundle/gate.py").write_text("other = 1\n")
    return "recondense/bundle/gate.py"


def skip_worktree(root: Path) -> str:
    said(root, "update-index", "--skip-worktree", "recondense/bundle/gate.py")
    (root / "recondense/bundle/gate.py").write_text("other = 1\n")
    return "recondense/bundle/gate.py"


def cleaned_by_a_filter(root: Path) -> str:
    (root / ".git/info/attributes").write_text("gate.py filter=hide\n")
    said(root, "config", "filter.hide.clean", "printf 'first = 1\\n'")
    (root / "recondense/bundle/gate.py").write_text("other = 1\n")
    assert said(root, "diff", "HEAD", "--name-only") == "", "git is deceived"
    return "recondense/bundle/gate.py"


def replaced_object(root: Path) -> str:
    (root / "recondense/bundle/gate.py").write_text("other = 1\n")
    new = said(root, "hash-object", "-w", "recondense/bundle/gate.py")
    said(root, "replace", said(root, "rev-parse", "HEAD:recondense/bundle/gate.py"), new)
    return "recondense/bundle/gate.py"


def monitor_that_sees_nothing(root: Path) -> str:
    hook = root / ".git/sees-nothing"
    hook.write_text("#!/bin/sh\nprintf 'token\\0'\n")
    hook.chmod(0o755)
    said(root, "config", "core.fsmonitor", str(hook))
    said(root, "status")
    (root / "recondense/bundle/gate.py").write_text("other = 1\n")
    return "recondense/bundle/gate.py"


def excluded_module(root: Path) -> str:
    (root / ".git/info/exclude").write_text("helper.py\n")
    (root / "tasks/helper.py").write_text("")
    return "tasks/helper.py"


def folder_that_ignores_itself(root: Path) -> str:
    (root / "flows/extra").mkdir()
    (root / "flows/extra/.gitignore").write_text("*\n")
    (root / "flows/extra/module.py").write_text("")
    return "flows/extra/module.py"


def module_beside_the_packages(root: Path) -> str:
    (root / ".git/info/exclude").write_text("torch.py\n")
    (root / "torch.py").write_text("")
    return "torch.py"


def lost_file(root: Path) -> str:
    (root / "recondense/bundle/gate.py").unlink()
    return "recondense/bundle/gate.py"


def link_in_place_of_a_file(root: Path) -> str:
    path = root / "recondense/bundle/gate.py"
    path.rename(root.parent / "gate.py")
    path.symlink_to(root.parent / "gate.py")
    return "recondense/bundle/gate.py"


def submodule_with_a_change(root: Path) -> str:
    other = root.parent / "other"
    other.mkdir()
    said(other, "init", "-q")
    (other / "module.py").write_text("first = 1\n")
    commit(other)
    said(root, "submodule", "add", "-q", str(other), "tasks/other")
    commit(root)
    assert changed(root) == []
    (root / "tasks/other/module.py").write_text("other = 1\n")
    return "tasks/other/module.py"


HIDDEN = [
    assume_unchanged,
    skip_worktree,
    cleaned_by_a_filter,
    replaced_object,
    monitor_that_sees_nothing,
    excluded_module,
    folder_that_ignores_itself,
    module_beside_the_packages,
    lost_file,
    link_in_place_of_a_file,
    submodule_with_a_change,
]


@pytest.mark.parametrize("hide", HIDDEN, ids=lambda hide: hide.__name__)
def test_changed_code_is_seen_however_it_is_hidden_from_git(project: Path, hide: Any) -> None:
    assert changed(project) == []
    assert versions(project)["dirty"] is code_revision(project)["uncommitted_changes"] is False
    path = hide(project)
    assert path in git.changed(project)
    assert versions(project)["dirty"] is True
    assert code_revision(project)["uncommitted_changes"] is True
    with pytest.raises(InputError, match=f"not committed: .*{Path(path).name}"):
        check_work_tree(project)


def test_what_runs_write_and_notes_do_not_make_the_code_another(project: Path) -> None:
    (project / RECORDED).write_text("{}")
    (project / "notes.txt").write_text("")
    (project / "tasks/__pycache__").mkdir()
    (project / "tasks/__pycache__/gate.cpython-311.pyc").write_text("")
    (project / ".venv").mkdir()
    (project / ".venv/module.py").write_text("")
    assert versions(project)["dirty"] is False
    assert differing(project) == [RECORDED]
    assert git.changed(project) == [RECORDED, "notes.txt"]


def test_what_git_remembers_of_a_file_is_what_was_committed_though_its_object_is_replaced(project: Path) -> None:
    (project / "other").write_text("forged\n")
    forged = said(project, "hash-object", "-w", "other")
    said(project, "replace", said(project, "rev-parse", f"HEAD:{RECORDED}"), forged)
    assert said(project, "show", f"HEAD:{RECORDED}") == "forged", "git is deceived"
    assert remembered(project, RECORDED) == {"HEAD": b"first = 1\n"}
    assert git.content(project, "HEAD", RECORDED) == "first = 1\n"


def test_outside_git_nothing_is_said_of_the_code(tmp_path: Path) -> None:
    assert changed(tmp_path) is None
    assert versions(tmp_path)["dirty"] is None
    assert code_revision(tmp_path) == {"revision": None, "uncommitted_changes": None}
    with pytest.raises(InputError, match="no commit"):
        git.changed(tmp_path)
