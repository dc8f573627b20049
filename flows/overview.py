"""What there is: cohorts and bundles."""

from pathlib import Path
from typing import Any

from tasks.common import params
from tasks.common.errors import InputError
from tasks.common.layout import STAGE_FOLDERS, Layout
from tasks.common.records import read_json


def cohort_rows(root: Path) -> list[dict[str, Any]]:
    """One row per cohort: its data set, raw folder, whether that is there, and the last stage that left results."""
    rows = []
    for name, sections in params.read(root).items():
        ingestion = sections.get("ingestion", {})
        raw = root / str(ingestion.get("raw", ""))
        done = [stage for stage in STAGE_FOLDERS if (Layout(root, name).folder(stage) / "metrics.json").exists()]
        rows.append(
            {
                "cohort": name,
                "data set": ingestion.get("dataset"),
                "raw records": str(ingestion.get("raw")),
                "raw found": "yes" if raw.is_dir() and any(p.name != "README.md" for p in raw.iterdir()) else "no",
                "method": sections.get("condensation", {}).get("method"),
                "reached": done[-1] if done else None,
            }
        )
    return rows


def release_rows(root: Path, cohort: str | None = None) -> list[dict[str, Any]]:
    """One row per bundle in data/7_released. Raises `InputError` for a cohort that params.yaml does not have."""
    known = params.read(root)
    if cohort is not None and cohort not in known:
        raise InputError(f"params.yaml has no cohort '{cohort}'; it has: {', '.join(sorted(known))}")
    rows = []
    for manifest in sorted((root / "data" / STAGE_FOLDERS["release"]).glob("[!.]*/[!.]*/manifest.json")):
        bundle = manifest.parent
        if cohort in (None, bundle.parent.name):
            content, metrics = read_json(manifest), read_json(bundle / "metrics.json")
            auc = metrics["test_auc"]["condensed"]
            rows.append(
                {
                    "cohort": content["cohort"],
                    "version": bundle.name,
                    "created": content["created"],
                    "method": metrics["condensed"]["method"],
                    "records": sum(metrics["condensed"]["records_per_class"]),
                    "test AUC": f"{auc['mean']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})",
                    "bundle": str(bundle.relative_to(root)),
                }
            )
    return rows
