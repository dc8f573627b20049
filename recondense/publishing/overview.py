"""What there is: cohorts and bundles."""

from pathlib import Path
from typing import Any

from recondense.bundle.phrases import interval
from recondense.cohorts.notices import of_cohort, refusal, still_in
from recondense.errors import InputError
from recondense.files.folders import visible
from recondense.files.strict_json import read_json
from recondense.publishing.versions import Releases
from recondense.results.public import Stated
from recondense.stages import params
from recondense.stages.layout import STAGE_FOLDERS, Layout


def cohort_rows(root: Path) -> list[dict[str, Any]]:
    """One row per cohort: its data set, raw folder, whether that is there, the last stage whose results lie here, and
    what its ingestion noticed."""
    rows = []
    for name, sections in params.read(root).items():
        ingestion = sections.get("ingestion", {})
        raw = root / str(ingestion.get("raw", ""))
        done = [stage for stage in STAGE_FOLDERS if _left(Layout(root, name), stage)]
        rows.append(
            {
                "cohort": name,
                "data set": ingestion.get("dataset"),
                "raw records": str(ingestion.get("raw")),
                "raw found": "yes" if any(p.name != "README.md" for p in visible(raw, raw.glob("*"))) else "no",
                "method": sections.get("condensation", {}).get("method"),
                "reached": done[-1] if done else None,
                "notices": _notices(Layout(root, name)),
            }
        )
    return rows


def _left(layout: Layout, stage: str) -> bool:
    """Whether the results of ``stage`` lie here. An audit leaves metrics alone: it lies where what it is of does."""
    audited = lies_in(layout.folder("training")) if stage == "privacy" else lies_in(layout.folder(stage))
    return audited and (layout.folder(stage) / "metrics.json").is_file()


def lies_in(folder: Path) -> bool:
    """Whether a stage's results, or a bundle, lie in ``folder``: more than the metrics, which git keeps by themselves.

    A clone has the metrics of stages that never ran in it. A bundle is one that has its manifest.
    """
    names = {path.name for path in folder.glob("[!.]*")}
    other = "manifest.json" in names if folder.parent.parent.name == STAGE_FOLDERS["release"] else len(names) > 1
    return "metrics.json" in names and other


def _notices(layout: Layout) -> list[str]:
    try:
        newer = list(still_in(layout))
    except InputError as error:  # one block that is not valid hides no other
        newer = [str(error)]
    refused = [why] if (why := refusal(layout)) else []
    renamed = params.old_words(layout.root, layout.cohort)
    return [*refused, *newer, *renamed, *(notice.text for notice in of_cohort(layout))]


def release_rows(root: Path, cohort: str | None = None) -> list[dict[str, Any]]:
    """One row per candidate and release, also of releases whose bundle is not in data/7_released here.

    ``state``: candidate, current, superseded, withdrawn; or unfinished, where `recondense release` has yet to end.
    Raises `InputError` for a cohort that params.yaml does not have.
    """
    known = params.read(root)
    if cohort is not None and cohort not in known:
        raise InputError(f"params.yaml has no cohort '{cohort}'; it has: {', '.join(sorted(known))}")
    chosen = [name for name in sorted(known) if cohort in (None, name)]
    return [row for name in chosen for row in _rows(Releases(root, name))]


def _rows(releases: Releases) -> list[dict[str, Any]]:
    tagged, withdrawn = releases.tagged(), releases.withdrawn()
    standing = [version for version in tagged if version not in withdrawn]
    states = {"candidate": "candidate"} | {
        str(version): "withdrawn" if version in withdrawn else "current" if version == standing[-1] else "superseded"
        for version in tagged
    }
    place = releases.root / releases.place
    present = sorted(folder.name for folder in place.glob("[!.]*") if lies_in(folder))
    return [
        {
            "cohort": releases.cohort,
            "version": name,
            "state": states.get(name, "unfinished"),
            **_figures(place / name),
            "bundle": f"{releases.place}/{name}" if name in present else None,
        }
        for name in dict.fromkeys([*map(str, tagged), *present])
    ]


def _figures(bundle: Path) -> dict[str, Any]:
    """What a bundle states of itself; nulls where it is not here."""
    if not lies_in(bundle):
        return dict.fromkeys(("created", "method", "records", "test AUC"))
    stated = Stated.load(bundle / "metrics.json")
    return {
        "created": read_json(bundle / "manifest.json")["created"],
        "method": stated.condensed.method,
        "records": sum(stated.condensed.records_per_class),
        "test AUC": interval(stated.test_auc["condensed"]),
    }
