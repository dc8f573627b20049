"""What the benchmarks share: a header that says on what they ran, the cohort's tensor, and one way to score a set."""

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from ruamel.yaml import YAML

from recondense.models import trial
from recondense.models.part import Part
from recondense.models.recipe import TrainingParams
from recondense.records.cohort import Ingested, Normalised, Split
from recondense.records.condensed import CondensedSet
from recondense.settings import settings
from recondense.stages.layout import Layout
from recondense.stages.params import block
from recondense.stages.renamed import VERSION
from tasks.ingestion import ingestion
from tasks.normalisation import normalisation

ROOT = Path(__file__).resolve().parents[1]
DATA = settings().data or ROOT.parent / "shared" / "data"
OUT = ROOT / "docs" / "results"
PACKAGES = ("torch", "numpy", "scikit-learn")


def header(**more: str) -> dict[str, str]:
    """Print, and return, on what this runs, when, and ``more`` that its figures hang on."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{_processor()}, {os.cpu_count()} cores"
    about = {
        "hardware": device,
        "threads": str(torch.get_num_threads()),
        "versions": ", ".join(
            [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)]
        ),
        "started": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        **more,
    }
    print("\n".join(f"{name}: {value}" for name, value in about.items()), flush=True)
    return about


def counts(parts: Mapping[str, Part]) -> str:
    """How many patients each of ``parts`` has, in words."""
    return ", ".join(f"{len(part.labels)} {split}" for split, part in parts.items())


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()


def tensor(cohort: str, changes: Mapping[str, dict[str, Any]] | None = None) -> Normalised:
    """The normalised cohort, made from its raw records as the pipeline makes it, with params.yaml's params and
    ``changes`` to its sections."""
    with tempfile.TemporaryDirectory() as scratch:
        layout = project(cohort, Path(scratch), changes=changes)
        ingestion(layout)
        normalisation(layout)
        return Normalised.load(layout.folder("normalisation") / "normalised.safetensors")


def ingested(cohort: str) -> Ingested:
    """The cohort as it was recorded."""
    with tempfile.TemporaryDirectory() as scratch:
        layout = project(cohort, Path(scratch))
        ingestion(layout)
        return Ingested.load(layout.folder("ingestion"))


def project(
    cohort: str, folder: Path, shared: str | None = None, changes: Mapping[str, dict[str, Any]] | None = None
) -> Layout:
    """A project in ``folder`` of one cohort and its params in params.yaml, with ``changes`` to its sections.

    Raw records are read from the cohort's folder here, or where that is empty from ``shared``, by default of the same
    name, below ``RECONDENSE_DATA``.
    """
    params = block(ROOT, cohort)
    for section, values in (changes or {}).items():
        params[section] |= values
    raw = ROOT / params["ingestion"]["raw"]
    if not any(path.name != "README.md" for path in raw.iterdir()):
        raw = DATA / (shared or raw.name)
    params["ingestion"]["raw"] = str(raw)
    layout = Layout(folder, cohort)
    (layout.root / "dvc.yaml").touch()
    YAML(typ="safe").dump({"version": VERSION, "cohorts": {cohort: params}}, layout.root / "params.yaml")
    return layout


def scored(
    sets: Mapping[str, trial.TrainingSet],
    parts: Mapping[str, Part],
    networks: tuple[str, ...] | str = "all",
    bootstrap: int = 1000,
) -> dict[str, Any]:
    """`Results.summary` of models trained on each of ``sets``."""
    params = TrainingParams.model_validate({"networks": networks, "bootstrap": bootstrap})
    held_out = parts["validation"], parts["test"]
    return trial.run(sets, params, *held_out).summary(*held_out, bootstrap)


def fixed(records: CondensedSet) -> Callable[[int], CondensedSet]:
    """The same records for every seed."""
    return lambda seed: records


def digest(records: Normalised) -> str:
    """A short digest of a tensor, so that figures of different tensors are not put into one table."""
    return hashlib.sha256(np.ascontiguousarray(records.values).tobytes()).hexdigest()[:12]


def headers(rows: Iterable[Mapping[str, Any]]) -> str:
    """The `header` that each of ``rows`` keeps as ``measured``, a Markdown list, those that are alike once."""
    each = dict.fromkeys("; ".join(row["measured"].values()) for row in rows)
    return "\n".join(f"- {about}" for about in each)


def read(path: Path) -> dict[str, Any]:
    """A benchmark's earlier results, or none."""
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def parts_of(cohort: Normalised) -> dict[str, Part]:
    """The records of each split."""
    return {split: Part.of(cohort, split) for split in get_args(Split)}
