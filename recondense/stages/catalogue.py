"""The catalogue: every file that stages hand on, who makes it, and who may see it. Its ending says which form it has.

dvc.yaml names the same files: a test compares the two.
"""

from dataclasses import dataclass
from pathlib import Path

from recondense.stages.layout import STAGE_FOLDERS, Layout
from recondense.stages.tiers import Tier


@dataclass(frozen=True)
class Artefact:
    """``file``: its name in the folder of the ``stage`` that makes it. ``cached``: whether DVC keeps it; git has the
    others."""

    stage: str
    file: str
    tier: Tier = Tier.RESTRICTED
    cached: bool = True

    def path(self, layout: Layout) -> Path:
        """Where it lies for a cohort."""
        return layout.folder(self.stage) / self.file


EVENTS = Artefact("ingestion", "events.parquet")
SUBJECTS = Artefact("ingestion", "subjects.parquet")
VARIABLES = Artefact("ingestion", "variables.json")
SET_ASIDE = Artefact("ingestion", "set_aside.parquet")
NOTICES = Artefact("ingestion", "notices.json")
SOURCE = Artefact("ingestion", "source.json")
TARGET = Artefact("ingestion", "target.json")
NORMALISED = Artefact("normalisation", "normalised.safetensors")
PREPROCESSING = Artefact("normalisation", "preprocessing.json")
REAL_PREDICTIONS = Artefact("reference", "predictions.parquet")
REAL_CURVES = Artefact("reference", "curves.parquet")
CONDENSED = Artefact("condensation", "condensed.safetensors")
RECIPE = Artefact("condensation", "recipe.json")
HISTORY = Artefact("condensation", "history.parquet")
SHADOWS = Artefact("shadows", "shadows.safetensors")
PREDICTIONS = Artefact("training", "predictions.parquet")
CURVES = Artefact("training", "curves.parquet")
BUNDLE = Artefact("release", "", Tier.PUBLIC)  # a folder; its files are listed in its manifest
OTHERS = {"privacy": Tier.AGGREGATE, "release": Tier.PUBLIC}
METRICS = {
    name: Artefact(name, "metrics.json", OTHERS.get(name, Tier.RESTRICTED), cached=False) for name in STAGE_FOLDERS
}
MADE = (
    EVENTS, SUBJECTS, VARIABLES, SET_ASIDE, NOTICES, SOURCE, TARGET, NORMALISED, PREPROCESSING, REAL_PREDICTIONS,
    REAL_CURVES, CONDENSED, RECIPE, HISTORY, SHADOWS, PREDICTIONS, CURVES, BUNDLE,
    *(metrics for name, metrics in METRICS.items() if name != "release"),  # a bundle holds its own
)  # fmt: skip
