"""How two files, or two folders of files, differ.

What measures the run itself cannot come out the same twice: how long a stage took, when a bundle was written, under
which MLflow run and on which commit. A JSON file that differs in nothing else counts as the same, and says in what it
differs.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from recondense.engines.named import dotted, flat

CHUNK = 1 << 20  # bytes
OF_THE_RUN = ("seconds", "created", "mlflow_run")  # how the last parts of names begin
OF_THE_CODE = "code."  # the release's commit takes what the run had not committed


@dataclass(frozen=True)
class ComparedOutput:
    """One file made by ``stage``, and whether it came out again.

    ``state``: "identical"; "same" for a JSON file that differs only in what measures the run; or "differs".
    ``offset``: of the first byte that differs, from 0. ``keys``: the names in a JSON file whose values differ.
    """

    stage: str
    path: str
    state: str
    offset: int | None = None
    keys: tuple[str, ...] = ()


def compare_files(stage: str, path: str, old: Path, new: Path) -> list[ComparedOutput]:
    """Compare ``old`` with ``new``, both called ``path``: files, or folders of files."""
    if not old.is_dir():
        return [_file(stage, path, old, new)]
    names = {file.relative_to(place).as_posix() for place in (old, new) for file in place.rglob("*") if file.is_file()}
    found = {name: _file(stage, f"{path}/{name}", old / name, new / name) for name in sorted(names)}
    if "manifest.json" in found:
        found["manifest.json"] = _manifest(found)
    return list(found.values())


def _file(stage: str, path: str, old: Path, new: Path) -> ComparedOutput:
    if not (old.is_file() and new.is_file()):
        return ComparedOutput(stage, path, "differs", 0)
    offset = first_difference(old, new)
    if offset is None:
        return ComparedOutput(stage, path, "identical")
    keys = _keys(old, new) if path.endswith(".json") else ()
    same = bool(keys) and all(of_the_run(key) for key in keys)
    return ComparedOutput(stage, path, "same" if same else "differs", offset, keys)


def _manifest(found: dict[str, ComparedOutput]) -> ComparedOutput:
    """A manifest also names the commit, and the hashes of files that may differ in what measures the run."""
    own = found["manifest.json"]
    excused = {dotted("files", name) for name, finding in found.items() if finding.state == "same"}
    left = [key for key in own.keys if key not in excused and not key.startswith(OF_THE_CODE) and not of_the_run(key)]
    return ComparedOutput(own.stage, own.path, "differs" if left else "same", own.offset, own.keys) if own.keys else own


def of_the_run(key: str) -> bool:
    """Whether the value under ``key``, a dotted name, measures the run and cannot come out the same twice."""
    return key.split(".")[-1].startswith(OF_THE_RUN)


def first_difference(old: Path, new: Path) -> int | None:
    """The offset of the first byte in which two files differ, None where they are equal."""
    with old.open("rb") as one, new.open("rb") as other:
        offset = 0
        while True:
            first, second = one.read(CHUNK), other.read(CHUNK)
            if first != second:
                pairs = enumerate(zip(first, second, strict=False))
                return offset + next((i for i, (a, b) in pairs if a != b), min(len(first), len(second)))
            if not first:
                return None
            offset += len(first)


def _keys(old: Path, new: Path) -> tuple[str, ...]:
    try:
        before, after = (dict(flat(json.loads(path.read_bytes()))) for path in (old, new))
    except (ValueError, AttributeError):  # not JSON, or no object
        return ()
    return tuple(key for key in dict.fromkeys([*before, *after]) if before.get(key) != after.get(key))
