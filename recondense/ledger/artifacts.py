"""What the entries say of files, against the files: is everything still what it was?"""

import hashlib
import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from recondense.bundle.make import local, without_local_paths
from recondense.checks import Check
from recondense.files.hashes import sha256
from recondense.files.strict_json import read_json
from recondense.ledger.entry import Entry
from recondense.ledger.spending import differs
from recondense.stages.layout import STAGE_FOLDERS, Layout


def evidence(locked: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What an entry keeps of a stage's part of dvc.lock, as JSON that names no machine.

    ``inputs`` and ``outputs``: DVC's hashes by path. ``params``: by name.
    """
    found = {
        "inputs": {dep["path"]: dep[dep["hash"]] for dep in locked.get("deps", [])},
        "outputs": {out["path"]: out[out["hash"]] for out in locked.get("outs", [])},
        "params": {name: value for file in locked.get("params", {}).values() for name, value in file.items()},
    }
    return portable(found)


def portable(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """``found`` as it comes back from JSON, with no path of this machine in it."""
    plain = json.loads(json.dumps(without_local_paths(found), default=str))
    return {part: {local(name): value for name, value in plain[part].items()} for part in plain}


def check_artifacts(root: Path, cohort: str, entries: list[Entry]) -> list[Check]:
    """Whether the stages' results, the candidate and the releases are what the last entries about them say.

    What is not in this checkout at all cannot be judged and is no fault: DVC may bring it back.
    """
    candidates = _about(entries, "release")
    released = {str(e.details.get("version")): e for e in entries if e.event in ("released", "withdrawn")}
    checks = check_stages(root, cohort, entries)
    if candidates:
        checks.append(_bundle(Layout(root, cohort).folder("release"), "candidate", candidates[-1]))
    folder = root / "data" / STAGE_FOLDERS["release"] / cohort
    for version, entry in released.items():
        if entry.event == "released":
            checks.append(_bundle(folder / version, f"release {version}", entry))
            if (folder / version / "metrics.json").is_file():
                checks.append(booked(folder / version, f"release {version}", entry))
    for found in sorted(path for path in folder.glob("[0-9]*") if path.is_dir()):
        if found.name not in released:
            checks.append(Check(f"release {found.name}", False, "no entry says that it was released"))
    return checks


def check_stages(root: Path, cohort: str, entries: list[Entry]) -> list[Check]:
    """Whether what dvc.lock and the disk have of each stage is what a recorded run of a flow made of the same inputs.

    Nothing is said of a stage that was never run.
    """
    locked = _locked(root)
    said = {stage: _about(entries, stage) for stage in STAGE_FOLDERS}
    return [
        _stage(root, f"{stage}@{cohort}", evidence(locked.get(f"{stage}@{cohort}") or {}), about)
        for stage, about in said.items()
        if about or f"{stage}@{cohort}" in locked
    ]


def ran(entries: list[Entry], stage: str, found: dict[str, dict[str, Any]]) -> bool:
    """Whether a flow ran ``stage`` and recorded that ``found`` came of it, which `evidence` took from dvc.lock."""
    return any(entry.details.get("ran") is True and _says(entry, found) for entry in _about(entries, stage))


def _about(entries: list[Entry], stage: str) -> list[Entry]:
    return [entry for entry in entries if entry.details.get("stage") == stage and "outputs" in entry.details]


def _says(entry: Entry, found: dict[str, dict[str, Any]]) -> bool:
    return all(entry.details.get(part) == content for part, content in found.items())


def _stage(root: Path, stage: str, found: dict[str, dict[str, Any]], entries: list[Entry]) -> Check:
    """Whether a recorded run made ``found``, and every file of it is still the same."""
    cohort = stage.split("@")[1]
    if not any(_says(entry, found) for entry in entries):
        last = entries[-1] if entries else None
        other = [part for part, content in found.items() if last and content != last.details.get(part)]
        than = f"dvc.lock has other {' and '.join(other)} than entry {last.n}" if last else "no entry is about it"
        return Check(stage, False, f"{than}: `recondense run {cohort}` records what was done since")
    if not ran(entries, stage.split("@")[0], found):
        mend = f"`recondense run {cohort} --again` makes it in a flow"
        return Check(stage, False, f"no recorded run made it: it is the work of `dvc repro`, or of a hand. {mend}")
    entry = next(entry for entry in reversed(entries) if _says(entry, found))
    outputs = {root / name: digest for name, digest in found["outputs"].items()}
    here = {path: digest for path, digest in outputs.items() if path.is_file()}
    changed = [path.name for path, digest in here.items() if _md5(path) != digest]
    claim = f"{stage} is as entry {entry.n} says"
    if changed:
        return Check(claim, False, f"changed since: {', '.join(changed)}")
    missing = sum(not path.exists() for path in outputs)
    return Check(claim, True, f"{missing} files are not here" if missing else "")


def _locked(root: Path) -> dict[str, Any]:
    try:
        stages = YAML(typ="safe").load(root / "dvc.lock")["stages"]
    except (OSError, YAMLError, KeyError, TypeError):
        return {}
    return stages if isinstance(stages, dict) else {}


def _bundle(folder: Path, name: str, entry: Entry) -> Check:
    """Whether every file of a bundle has the hash that ``entry`` states, and no file is there beside them."""
    claim = f"{name} is as entry {entry.n} says"
    if not folder.is_dir():
        return Check(claim, True, "it is not here")
    wrong = [file for file, digest in bundle_files(entry).items() if not _same(folder / file, digest)]
    extra = sorted({path.name for path in folder.iterdir()} - set(bundle_files(entry)))
    said = [f"changed or lost: {', '.join(wrong)}"] if wrong else []
    return Check(claim, not (wrong or extra), "; ".join([*said, *(f"not of it: {file}" for file in extra)]))


def booked(folder: Path, name: str, entry: Entry) -> Check:
    """Whether the ``released`` line books the cost in differential privacy that the bundle itself states."""
    claim = f"{name} costs the epsilon that its ledger books"
    try:
        wrong = differs(entry.details.get("privacy"), read_json(folder / "metrics.json")["privacy"].get("guarantee"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Check(claim, False, "metrics.json does not say what it costs")
    return Check(claim, wrong is None, wrong or "")


def bundle_files(entry: Entry) -> dict[str, str]:
    """The SHA-256 of each file of the bundle that a ``gate passed`` or ``released`` entry is about."""
    files = entry.details.get("files")
    listed = {str(name): str(digest) for name, digest in files.items()} if isinstance(files, dict) else {}
    return {**listed, "manifest.json": str(entry.details.get("manifest"))}


def _same(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
