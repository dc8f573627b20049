"""The comparison of what stages wrote before and after a change of the code."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.stage_digests import digest, verdict

MANIFEST = {"created": "2026-12-01", "code": {"revision": None}, "environment": {}, "documents": {}, "format": 3}


def files(folder: Path, **changes: Any) -> dict[str, Any]:
    """What a run leaves of a metrics file, a manifest and a table, with other content where ``changes`` say so."""
    folder.mkdir()
    content = {"metrics": {"auc": 0.8, "seconds": 1.0}, "manifest": MANIFEST, "table": "a,b", **changes}
    for name, value in content.items():
        path = folder / (f"{name}.csv" if isinstance(value, str) else f"{name}.json")
        path.write_text(value if isinstance(value, str) else json.dumps(value))
    return {"ended": "done", "files": {path.name: digest(path) for path in folder.iterdir()}}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "equal"),
        ({"manifest": {**MANIFEST, "created": "2026-12-02", "environment": {"numpy": "3"}}}, "equal"),
        ({"manifest": {**MANIFEST, "format": 4}}, "differs: manifest.json (format)"),
        ({"metrics": {"auc": 0.9, "seconds": 1.0}}, "differs: metrics.json (auc, bytes)"),
        ({"metrics": {"seconds": 1.0, "auc": 0.8}}, "differs: metrics.json (bytes)"),
        ({"table": "a,c", "more": "x"}, "differs: more.csv (only now), table.csv"),
    ],
)
def test_what_differs_is_told_by_file_and_key(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    assert verdict(files(tmp_path / "before"), files(tmp_path / "now", **changes)) == told


def test_a_refusal_for_other_reasons_is_told_and_so_is_one_that_was_none(tmp_path: Path) -> None:
    before: dict[str, Any] = {"ended": "refused", "why": "1", "files": {}}
    assert verdict(before, {**before, "why": "2"}) == "differs: why"
    assert verdict(before, files(tmp_path / "now")) == "refused before, done now"
