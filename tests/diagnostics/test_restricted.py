"""Nothing restricted can be committed, by git itself in a project of its own; `doctor` says where it was."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from recondense.diagnostics.restricted import restricted
from recondense.project.fetch import Imports
from recondense.stages.layout import STAGE_FOLDERS
from recondense.unattended.inbox import fingerprint
from tests.support.project import QUICK, make_project

FOLDERS = ("1_raw", *dict.fromkeys(STAGE_FOLDERS.values()))
PLACES = ("top.csv", ".hidden.csv", "icu/visits.csv", "icu/.DS_Store", "icu/deep/er/visits.csv", "icu/README.md.csv",
          "icu/x.dvc/visits.csv", "icu/metrics.json/visits.csv", "pbcseq/other.csv", "pbcseq/deep/README.md/a.csv",
          "mimic3/.cache/visits.csv")  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("restricted") / "project", {"pbcseq": QUICK}).root


@pytest.fixture
def project(made: Path) -> Path:
    """The project as it was committed, whatever the last test put there."""
    said(made, "reset", "-q", "--hard", said(made, "rev-list", "--max-parents=0", "HEAD").strip())
    said(made, "clean", "-qxdff", "data")
    return made


def said(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    return subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("id,died\n1,0\n")


def added(root: Path) -> list[str]:
    """What `git add` of everything, unforced, would commit."""
    said(root, "add", "-A")
    return said(root, "diff", "--cached", "--name-only").split()


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_at_any_depth_of_a_restricted_folder_is_not_added(project: Path, folder: str) -> None:
    for place in PLACES:
        write(project / "data" / folder / place)
    assert added(project) == []


def test_links_to_records_are_not_added(project: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/visits.csv")
    (project / "data/1_raw/linked").symlink_to(tmp_path / "elsewhere")
    (project / "data/1_raw/visits.csv").symlink_to(tmp_path / "elsewhere/visits.csv")
    (project / "data/1_raw/icu").mkdir()
    (project / "data/1_raw/icu/inner").symlink_to(tmp_path / "elsewhere")
    assert added(project) == []


def test_a_gitignore_among_raw_files_cannot_open_its_folder(project: Path) -> None:
    for place in ("icu", "icu/deep"):
        write(project / "data/1_raw" / place / "visits.csv")
        (project / "data/1_raw" / place / ".gitignore").write_text("!*\n!*/\n")
    assert added(project) == []
    assert [one.level for one in restricted(project)] == ["ok"]


def test_doctor_says_so_where_git_has_a_restricted_file_and_tells_the_embedded_records_apart(project: Path) -> None:
    write(project / "data/1_raw/icu/4711.csv")
    write(project / "data/5_trained/icu/predictions.parquet")
    said(project, "add", "-f", "data/1_raw/icu/4711.csv", "data/5_trained/icu/predictions.parquet")
    (found,) = restricted(project)
    assert found.level == "fault" and "2 files in data/1_raw/icu, data/5_trained/icu" in found.found
    assert "4711" not in found.found and "git rm --cached" in found.next
    assert "pbcseq" not in found.found


def test_doctor_says_so_where_a_gitignore_opens_a_folder_that_git_looks_into(project: Path) -> None:
    write(project / "data/1_raw/mimic3/ADMISSIONS.csv")
    (project / "data/1_raw/mimic3/.gitignore").write_text("!*\n")
    (found,) = restricted(project)
    assert found.level == "fault" and "2 files in data/1_raw/mimic3" in found.found
    assert "delete the .gitignore" in found.next


def test_what_git_is_to_have_is_still_added(project: Path) -> None:
    kept = ["data/1_raw/pbcseq/pbcseq.csv", "data/1_raw/mimic3/README.md", "data/1_raw/mimic3/A.csv.gz.dvc",
            "data/6_audited/icu/metrics.json", "data/7_released/icu/1.0.dvc", "data/ledger/icu.jsonl"]  # fmt: skip
    for name in kept:
        write(project / name)
    assert added(project) == sorted(kept)
    assert [one.level for one in restricted(project)] == ["ok"]


@pytest.mark.parametrize("name", ["icu", "my icu [2026]"])
def test_a_fetch_opens_its_folder_to_the_record_of_the_import_alone(project: Path, name: str) -> None:
    folder = project / "data/1_raw" / name
    for file in ("set-a.tar.gz", "set-a.tar.gz.dvc", "other.csv", "deep/visits.csv"):
        write(folder / file)
    imports = Imports(project)
    imports._open(folder / "set-a.tar.gz")
    imports._open(folder / "set-a.tar.gz")
    said(project, "add", "-A")
    listed = said(project, "diff", "--cached", "--name-only", "-z").split("\0")
    assert list(filter(None, listed)) == ["data/.gitignore", f"data/1_raw/{name}/set-a.tar.gz.dvc"]
    assert (project / "data/.gitignore").read_text().count("!/1_raw/") == 10


def test_hidden_files_change_neither_what_dvc_nor_what_the_watcher_sees_of_records(project: Path) -> None:
    raw = project / "data/1_raw/pbcseq"
    repo: Any = Repo(str(project))
    ignore = repo.dvcignore

    def seen() -> tuple[str, list[str]]:
        walked = ignore.walk(repo.fs, str(raw))
        return fingerprint(raw), sorted(name for _, _, names in walked for name in names)

    before = seen()
    assert before[1] == ["README.md", "pbcseq.csv"]
    for name in (".DS_Store", "._pbcseq.csv", ".cache/huggingface/x", ".gitignore"):
        write(raw / name)
    assert seen() == before
