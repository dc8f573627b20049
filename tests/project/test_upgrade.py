"""`recondense upgrade`: the new version comes in, her edits stay, and what runs again is said before."""

import io
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from recondense.cli import projects
from recondense.errors import InputError
from recondense.files.strict_json import parse_json
from recondense.project import template, upgrade
from recondense.project.follow import follow
from recondense.project.init import BASE, init
from recondense.stages import software
from tests.support.paths import REPO
from tests.support.project import Project, commit_all

NEW_VERSION = "99.1.0"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init(tmp_path / "icu", ["pbcseq"])
    return tmp_path / "icu"


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The template of a newer version, for a test to change."""
    return packed(tmp_path / "newer", monkeypatch)


def packed(folder: Path, monkeypatch: pytest.MonkeyPatch | None = None) -> Path:
    """The template as a wheel has it, in ``folder``; with ``monkeypatch``, as that of a new version."""
    for name, path in template.files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    if monkeypatch:
        monkeypatch.setattr(template, "PACKED", folder)
        for module in (software, upgrade):
            monkeypatch.setattr(module, "version", lambda _: NEW_VERSION)
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, path
    path.write_text(text.replace(old, new, 1))


def bring(root: Path) -> upgrade.Plan:
    found = upgrade.plan(root)
    upgrade.upgrade(root, found)
    return found


def test_a_project_at_the_installed_version_has_nothing_to_do(root: Path) -> None:
    assert not upgrade.plan(root).needed


def test_what_she_edited_stays_and_what_changed_elsewhere_comes(root: Path, newer: Path) -> None:
    edit(root / "flows/recondense.py", "RETRY_SECONDS = [10.0, 60.0]", "RETRY_SECONDS = [1.0]")
    edit(newer / "flows/recondense.py", '    return {"states": states', '    # new\n    return {"states": states')
    edit(newer / "prefect.yaml", "name: recondense\n", "name: recondense-new\n")
    (newer / "flows/extra.py").write_text('"""New."""\n')
    (newer / "flows/watch.py").unlink()
    (root / "flows/sweep.py").unlink()  # lost: an upgrade brings it back
    (root / "flows/hers.py").write_text('"""Hers alone."""\n')
    bring(root)
    text = (root / "flows/recondense.py").read_text()
    assert "RETRY_SECONDS = [1.0]" in text and "    # new\n" in text
    assert "name: recondense-new" in (root / "prefect.yaml").read_text()
    assert {path.name for path in (root / "flows").glob("*.py")} == {
        *("__init__.py", "recondense.py", "scheduled.py", "shadows.py", "sweep.py", "extra.py", "hers.py")
    }
    assert {path.name for path in (root / BASE / "flows").glob("*.py")} == {p.name for p in newer.glob("flows/*.py")}
    assert software.named(root)["version"] == NEW_VERSION
    assert not upgrade.plan(root).needed


def test_the_same_lines_changed_twice_are_hers_until_she_has_merged_them(root: Path, newer: Path) -> None:
    edit(root / "flows/recondense.py", "RETRY_SECONDS = [10.0, 60.0]", "RETRY_SECONDS = [1.0]")
    edit(newer / "flows/recondense.py", "RETRY_SECONDS = [10.0, 60.0]", "RETRY_SECONDS = [5.0]")
    edit(newer / "prefect.yaml", "name: recondense\n", "name: recondense-new\n")
    hers = (root / "flows/recondense.py").read_bytes()
    with pytest.raises(InputError, match=r"flows/recondense.py: you and the new version changed the same lines"):
        bring(root)
    assert (root / "flows/recondense.py").read_bytes() == hers
    assert (root / "flows/recondense.py.new").read_text() == (newer / "flows/recondense.py").read_text()
    assert "recondense-new" in (root / "prefect.yaml").read_text(), "what can be merged is"
    assert software.named(root)["version"] != NEW_VERSION, "no stage runs half upgraded"
    with pytest.raises(InputError, match=r"flows/recondense.py.new waits"):
        upgrade.plan(root)
    (root / "flows/recondense.py.new").unlink()
    assert bring(root).files == []
    assert software.named(root)["version"] == NEW_VERSION and (root / "flows/recondense.py").read_bytes() == hers


def test_of_a_project_whose_origin_is_not_known_only_what_is_equal_is_taken_over(root: Path, newer: Path) -> None:
    shutil.rmtree(root / BASE)
    edit(root / "dvc.yaml", "python -m tasks ingestion", "nice python -m tasks ingestion")
    with pytest.raises(InputError, match=r"\ndvc.yaml: it is not known which version yours came from\n"):
        bring(root)
    (root / "dvc.yaml.new").unlink()
    bring(root)
    assert "nice python" in (root / "dvc.yaml").read_text() and (root / BASE / "dvc.yaml").exists()


def test_an_upgrade_that_was_killed_is_finished_by_the_next(
    root: Path, newer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("flows/recondense.py", "flows/sweep.py", "prefect.yaml"):
        (newer / name).write_text((newer / name).read_text() + "# new\n")
    edit(root / "flows/sweep.py", '"""', '"""Mine. ')
    written: list[str] = []
    write = upgrade._write

    def killed(root: Path, name: str, text: str | None) -> None:
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(name)
        write(root, name, text)

    planned = upgrade.plan(root)
    monkeypatch.setattr(upgrade, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        upgrade.upgrade(root, planned)
    monkeypatch.setattr(upgrade, "_write", write)
    assert software.named(root)["version"] != NEW_VERSION
    bring(root)
    assert all((root / name).read_text().endswith("# new\n") for name in ("flows/recondense.py", "prefect.yaml"))
    assert (root / "flows/sweep.py").read_text().startswith('"""Mine. ')
    assert not upgrade.plan(root).needed


def test_nothing_is_changed_before_she_has_agreed(
    root: Path, newer: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(newer / "prefect.yaml", "name: recondense\n", "name: recondense-new\n")
    monkeypatch.chdir(root)
    projects.upgrade(dry_run=True)
    shown = capsys.readouterr().out
    assert "-name: recondense\n+name: recondense-new\n" in shown and f"to {NEW_VERSION}" in shown
    projects.upgrade(dry_run=True, json_=True)
    told = parse_json(capsys.readouterr().out.encode())
    assert told["to"] == NEW_VERSION and told["files"] == {"prefect.yaml": "merged"} and told["runs_again"] == {}
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))  # no terminal
    with pytest.raises(InputError, match="nothing was changed: add --yes to do it"):
        projects.upgrade()
    assert "recondense-new" not in (root / "prefect.yaml").read_text()
    assert software.named(root)["version"] != NEW_VERSION
    projects.upgrade(yes=True)
    projects.upgrade()
    assert "nothing to do" in capsys.readouterr().out


def test_no_run_begins_on_a_version_that_the_project_is_not_at(
    root: Path, newer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recondense.project.follow.version", lambda _: NEW_VERSION)
    with pytest.raises(InputError, match=rf"recondense {NEW_VERSION} is installed, .* `recondense upgrade`"):
        follow(root)
    bring(root)
    follow(root)


def test_a_new_version_stales_exactly_the_stages_whose_code_changed(root: Path, tmp_path: Path) -> None:
    """In a project without sources: DVC says so after the upgrade, and the upgrade before it."""
    as_if_run(root)
    here = Project(root, {"PYTHONPATH": str(new_library(tmp_path / "library"))})
    assert here.status() == {}
    commit_all(root)
    shown = here.call("recondense.cli", "upgrade", "--dry-run").stdout
    assert "pbcseq: condensation, shadows will run again, and what follows from them" in shown
    here.call("recondense.cli", "upgrade", "--yes")
    assert set(here.status()) == {"condensation@pbcseq", "shadows@pbcseq"}


def as_if_run(root: Path) -> None:
    """Let DVC take made-up outputs for those of every stage of pbcseq."""
    for stage in YAML(typ="safe").load(root / "dvc.yaml")["stages"].values():
        for out in [*stage["do"].get("outs", []), *stage["do"].get("metrics", [])]:
            path = root / next(iter(out)).replace("${key}", "pbcseq")
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.name == "candidate":
                path.mkdir()
                path = path / "manifest.json"
            path.write_text("{}")
    Project(root).call("dvc", "commit", "--force", "--quiet")


def new_library(folder: Path) -> Path:
    """A newer recondense, in which the method of pbcseq has one constant more, and other code only other words."""
    shutil.copytree(REPO / "recondense", folder / "recondense", ignore=shutil.ignore_patterns("__pycache__"))
    packed(folder / "recondense/project/template")
    about = folder / f"recondense-{NEW_VERSION}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.4\nName: recondense\nVersion: {NEW_VERSION}\n")
    for name, text in (
        ("condensation/methods/unrolled.py", "\nOF_THE_NEW_VERSION = 1\n"),
        ("models/fit.py", "\n# another word\n"),
        ("privacy/audit.py", "\n# another word\n"),
        ("progress.py", "\nOF_THE_NEW_VERSION = 1\n"),
        ("wizard/words.py", "\nOF_THE_NEW_VERSION = 1\n"),
        ("bundle/report.html.jinja", "\n"),
    ):
        with (folder / "recondense" / name).open("a") as file:
            file.write(text)
    return folder


def test_keys_of_params_get_their_names_of_now_and_comments_stay(root: Path) -> None:
    path = root / "params.yaml"
    edit(path, "version: 2", "version: 1")
    edit(path, "    training: {}\n", "    training: {control_seeds: 2}   # two draws\n")
    (root / "dvc.lock").write_text("stages: {training@pbcseq: {}, privacy@pbcseq: {}}\n")
    found = bring(root)
    assert [file.name for file in found.files] == ["params.yaml"] and found.again == {"pbcseq": ["training"]}
    (line,) = [line for line in path.read_text().splitlines() if "# two draws" in line]
    assert line.split("#")[0].strip() == "training: {baseline_seeds: 2}"
    assert not upgrade.plan(root).needed
