"""`recondense upgrade`: a project's files and software.yaml brought to the installed version, her edits kept.

Keys of params.yaml get their names of now. Each other file is merged from three: hers, the template's of now, and the
template's that it came from (`BASE`). Where both changed the same lines, hers stays, the new one lies beside it as
FILE.new, and software.yaml waits, so that no stage runs half upgraded. Every step can be repeated: a killed upgrade is
finished by the next.
"""

import difflib
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from recondense.errors import InputError
from recondense.files import atomic
from recondense.git import git
from recondense.project import template
from recondense.project.init import BASE
from recondense.project.params_file import in_words_of_now
from recondense.stages import software
from recondense.stages.layout import STAGE_FOLDERS
from recondense.stages.params import read
from recondense.stages.renamed import old_names

NEW = ".new"


@dataclass(frozen=True)
class Merged:
    """One file of a project: what it says, what it came from, what the template says now, and what it is to say.

    None: there is no such file; of ``after`` also: it cannot be merged, and ``why`` says so.
    """

    name: str
    mine: str | None
    base: str | None
    new: str | None
    after: str | None
    why: str = ""

    def diff(self) -> str:
        """What changes in the project's file, as a unified diff."""
        before, after = (self.mine or "").splitlines(True), (self.new if self.why else self.after or "") or ""
        name = f"{self.name}{NEW}" if self.why else self.name
        return "".join(difflib.unified_diff(before, after.splitlines(True), self.name, name))


@dataclass(frozen=True)
class Plan:
    """What an upgrade would do. ``again``: by cohort, the stages that run other code than before, of those that ran."""

    was: str | None
    version: str
    files: list[Merged]
    again: dict[str, list[str]]
    digests_change: bool

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.files) or self.digests_change

    def summary(self) -> dict[str, Any]:
        """The same, for JSON."""
        changes = {file.name: file.why or "merged" for file in self.files}
        return {"from": self.was, "to": self.version, "files": changes, "runs_again": self.again}


def plan(root: Path) -> Plan:
    """What upgrading the project at ``root`` to the installed version would change. Raises `InputError`."""
    waiting = sorted(name for name in template.kept() if (root / f"{name}{NEW}").exists())
    if waiting:
        raise InputError(
            f"{waiting[0]}{NEW} waits: bring its changes into {waiting[0]}, delete {waiting[0]}{NEW}, then try again"
        )
    files = [] if template.is_of(root) else [file for file in map(_of(root), _names(root)) if _differs(file)]
    if params := _params(root):
        files.append(params)
    there = _named(root)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for name in ("tasks", "flows", "dvc.yaml"):
            if (root / name).exists():
                (shutil.copytree if (root / name).is_dir() else shutil.copyfile)(root / name, scratch / name)
        for file in files:
            if file.name.startswith(("tasks/", "flows/", "dvc.yaml")) and not file.why:
                _write(scratch, file.name, file.after)
        installed = software.installed(scratch)
        again = _again(root, there, installed, scratch / "dvc.yaml")
    return Plan(there.get("version"), version("recondense"), files, again, there != installed)


def upgrade(root: Path, plan: Plan) -> None:
    """Do what ``plan`` says. Raises `InputError`, after all else is done, where a file could not be merged."""
    for file in plan.files:
        if file.why:
            _write(root, f"{file.name}{NEW}", file.new)
        elif file.after != file.mine:
            _write(root, file.name, file.after)
        if file.name != template.PARAMS:  # which is hers alone
            _write(root, f"{BASE}/{file.name}", file.new)
    if stuck := [file for file in plan.files if file.why]:
        told = "".join(f"\n{file.name}: {file.why}" for file in stuck)
        raise InputError(
            f"these files could not be merged, and are as they were:{told}\nFor each, bring the changes of FILE{NEW} "
            f"into yours and delete FILE{NEW}. Then `recondense upgrade` finishes"
        )
    software.write(root)


def _names(root: Path) -> list[str]:
    """All files of the template of now, and of the one that the project came from."""
    base = root / BASE
    before = [path.relative_to(base).as_posix() for path in base.rglob("*") if path.is_file()]
    return sorted({*template.kept(), *before})


def _of(root: Path) -> Any:
    now = template.kept()
    return lambda name: _merge(
        name, _text(root / name), _text(root / BASE / name), _text(now[name]) if name in now else None
    )


def _params(root: Path) -> Merged | None:
    """Her params.yaml, where it has keys by the names of before: each by its name of now."""
    before, after = _text(root / template.PARAMS), in_words_of_now(root)
    return Merged(template.PARAMS, before, before, after, after) if after != before else None


def _differs(file: Merged) -> bool:
    return bool(file.why) or file.after != file.mine or file.base != file.new


def _merge(name: str, mine: str | None, base: str | None, new: str | None) -> Merged:
    if mine in (base, new, None):  # never edited, or edited as the template was, or lost
        return Merged(name, mine, base, new, new)
    if base == new:
        return Merged(name, mine, base, new, mine)
    if new is None:
        return Merged(name, mine, base, new, mine)  # no longer of the template, and edited: it is hers alone
    if base is None:
        return Merged(name, mine, base, new, None, "it is not known which version yours came from")
    after = git.merged(mine or "", base, new)
    why = "" if after is not None else "you and the new version changed the same lines"
    return Merged(name, mine, base, new, after, why)


def _text(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8") if path.is_file() else None


def _write(root: Path, name: str, text: str | None) -> None:
    path = root / name
    if text is None:
        path.unlink(missing_ok=True)
        return
    atomic.write(path, text)


def _named(root: Path) -> dict[str, Any]:
    """What software.yaml says; nothing where it is missing or cannot be read."""
    try:
        return software.named(root)
    except InputError:
        return {}


def _again(root: Path, there: dict[str, Any], installed: dict[str, Any], pipeline: Path) -> dict[str, list[str]]:
    """By cohort, the stages whose code, entry in dvc.yaml or names of params change, of those that dvc.lock has."""
    before, after = (_yaml(path).get("stages", {}) for path in (root / "dvc.yaml", pipeline))
    ran, written = _yaml(root / "dvc.lock").get("stages", {}), _yaml(root / template.PARAMS)["cohorts"]
    found = {}
    for cohort, sections in read(root).items():
        stale, new_names = [], {section for section, _, _ in old_names(written[cohort])}
        for stage in STAGE_FOLDERS:
            keys = [("stages", stage)]
            if stage in software.CHOSEN:
                kind, section, key = software.CHOSEN[stage]
                keys.append((kind, str((sections.get(section) or {}).get(key))))
            same = all(there.get(kind, {}).get(name) == installed[kind].get(name) for kind, name in keys)
            same = same and stage not in new_names
            if f"{stage}@{cohort}" in ran and not (same and before.get(stage) == after.get(stage)):
                stale.append(stage)
        if stale:
            found[cohort] = stale
    return found


def _yaml(path: Path) -> dict[str, Any]:
    return (YAML(typ="safe").load(path) or {}) if path.is_file() else {}
