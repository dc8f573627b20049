"""Write the bundle: the files a recipient gets."""

import platform
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

from ruamel.yaml import YAML

from recondense.bundle.contents import Contents
from recondense.bundle.documents import write_documents, writer
from recondense.files.hashes import sha256
from recondense.files.strict_json import read_json, write_json
from recondense.git.worktree import differing, head
from recondense.models.recipe import Recipes
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.condensed import CondensedSet
from recondense.results.public import Public
from recondense.results.releases import Earlier
from recondense.settings import settings
from recondense.stages.layout import STAGE_FOLDERS, Layout
from recondense.stages.params import block

# 1 had a README.md and no other document; of 2 the gate's outcome was in sentences, and nobody had signed
FORMAT = 3
SIGNATURE, STEWARD = "manifest.json.sig", "steward.pem"  # of a release, beside the manifest that lists all else
PATHS = ("raw", "path")  # keys: of params.yaml, and of dvc.lock
PACKAGES = ("recondense", "torch", "numpy", "pandas", "pyarrow", "scikit-learn")


def write_bundle(
    folder: Path,
    layout: Layout,
    condensed: CondensedSet,
    recipes: Recipes,
    preprocessing: Preprocessing,
    metrics: Public,
) -> None:
    """Write every file of the bundle into the empty ``folder``; the manifest, which lists the others, last."""
    condensed.save(folder / "condensed.safetensors")
    preprocessing.clinical(condensed).to_parquet(folder / "condensed.parquet", index=False)
    recipes.save(folder / "recipe.json")
    preprocessing.save(folder / "preprocessing.json")
    write_json(folder / "metrics.json", metrics.as_json())
    params = {name: section for name, section in block(layout.root, layout.cohort).items() if name in STAGE_FOLDERS}
    write_documents(folder, Contents(layout.cohort, condensed, recipes, preprocessing, metrics))
    write_json(
        folder / "manifest.json",
        {
            "format": FORMAT,
            "cohort": layout.cohort,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "code": code_revision(layout.root),
            "params": without_local_paths(params),
            "pipeline": without_local_paths(pipeline_state(layout)),
            "mlflow_run": settings().mlflow_run,
            "environment": {
                "python": platform.python_version(),
                "machine": platform.machine(),
                **{name: version(name) for name in PACKAGES},
            },
            "documents": _written_from(),
            "files": _hashes(folder),
        },
    )
    for_anyone(folder)


def write_version(
    candidate: Path,
    folder: Path,
    version: str,
    documents: Callable[[dict[str, str]], dict[str, bytes]],
    history: Sequence[dict[str, Any]] = (),
    spent: float | None = None,
    override: dict[str, str] | None = None,
) -> None:
    """Make the bundle in ``candidate`` release ``version``, in the empty ``folder``; equal arguments give equal bytes.

    Manifest and documents state the version; ``history`` is what `Earlier` is read from, ``spent`` as in `Contents`.
    ``documents`` gives, for the SHA-256 of the bundle's files by name, further files about these. The manifest also
    keeps the hash of the candidate's, so that the two are known to be one thing, and ``override``: the name, and the
    fingerprint of the key, of who answers for it against the gate.
    """
    manifest = read_json(candidate / "manifest.json")
    for name in manifest["files"]:
        shutil.copyfile(candidate / name, folder / name)
    before = tuple(Earlier.read(release, "the ledger's listing of releases") for release in history)
    write_documents(folder, Contents.load(folder, manifest["cohort"], version, before, spent))
    for name, content in documents(_hashes(folder)).items():
        (folder / name).write_bytes(content)
    stated = {
        "version": version,
        "candidate": sha256(candidate / "manifest.json"),
        "documents": _written_from(history, spent),
        "files": _hashes(folder),
    }
    answers = {"override": override} if override else {}
    write_json(folder / "manifest.json", {**manifest, **stated, **answers})
    for_anyone(folder)


def for_anyone(folder: Path) -> None:
    """Let everybody read the bundle in ``folder``; all else that is written here is for its owner alone."""
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)


def _written_from(history: Sequence[dict[str, Any]] = (), spent: float | None = None) -> dict[str, Any]:
    """What documents are written from that no other file of the bundle holds, so that anyone can write them again."""
    return {"writer": writer(), "history": list(history), "spent": spent}


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path) for path in sorted(folder.iterdir())}


def code_revision(root: Path) -> dict[str, Any]:
    """The git commit the code was at, and whether the files differed from it; nulls outside a git checkout."""
    changed = differing(root)
    return {
        "revision": head(root),
        "uncommitted_changes": None if changed is None else bool(changed),
    }


def pipeline_state(layout: Layout) -> dict[str, Any]:
    """This cohort's entries of dvc.lock, by stage: what the earlier stages read and wrote, with the hashes of code.

    Hashes and sizes of data stay with the steward, in dvc.lock and the ledger: whoever holds all but one line of a
    file, such as who is in a withdrawal list, could find that line by trying.
    """
    path = layout.root / "dvc.lock"
    stages = YAML(typ="safe").load(path).get("stages", {}) if path.exists() else {}
    names = [f"{name}@{layout.cohort}" for name in STAGE_FOLDERS if name != "release"]
    return {name: _without_data_hashes(stages[name]) for name in names if name in stages}


def _without_data_hashes(stage: dict[str, Any]) -> dict[str, Any]:
    cut: dict[str, Any] = {
        kind: [item if str(item["path"]).startswith("tasks/") else {"path": item["path"]} for item in stage[kind]]
        for kind in ("deps", "outs")
        if kind in stage
    }
    return {**stage, **cut}


def without_local_paths(content: Any) -> Any:
    """The same content, with every path that leaves the project cut to its last part: a bundle names no machine.

    A path is what stands under `PATHS`: a label, a unit or a level may begin as a path does.

    >>> without_local_paths({"raw": "/home/somebody/icu", "n": 1, "unit": "/min", "missing": [".."]})
    {'raw': '<local>/icu', 'n': 1, 'unit': '/min', 'missing': ['..']}
    """
    if isinstance(content, dict):
        return {
            key: local(value) if key in PATHS and isinstance(value, str) else without_local_paths(value)
            for key, value in content.items()
        }
    return [without_local_paths(item) for item in content] if isinstance(content, list) else content


def local(path: str) -> str:
    """``path``, cut to its last part where it leaves the project.

    >>> local("../icu"), local("data/1_raw/icu")
    ('<local>/icu', 'data/1_raw/icu')
    """
    leaves = PurePath(path).is_absolute() or path.startswith(("..", "~"))
    return f"<local>/{PurePath(path).name}" if leaves else path
