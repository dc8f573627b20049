"""Where things lie: the project's root, and one folder per stage and cohort below ``data/``."""

import sys
from dataclasses import dataclass
from pathlib import Path

from recondense.errors import InputError

STAGE_FOLDERS = {
    "ingestion": "2_ingested",
    "normalisation": "3_normalised",
    "reference": "3_reference",
    "condensation": "4_condensed",
    "shadows": "5_shadows",
    "training": "5_trained",
    "privacy": "6_audited",
    "release": "7_released",
}


def find_root(start: Path | None = None) -> Path:
    """The nearest folder at or above ``start`` (the working directory) with a ``params.yaml`` and a ``dvc.yaml``.

    Raises `InputError` where there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
            return folder
    raise InputError(
        f"{here} is not inside a recondense project (no folder above it holds params.yaml and dvc.yaml): "
        "change into yours, or make one with `recondense init FOLDER`"
    )


def importable(root: Path) -> None:
    """Let the ``tasks`` and ``flows`` of the project at ``root`` be imported, wherever the process began."""
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))


@dataclass(frozen=True)
class Layout:
    """The folders of one cohort in one project."""

    root: Path
    cohort: str

    def folder(self, stage: str) -> Path:
        """The folder that holds what ``stage`` writes for this cohort."""
        folder = self.root / "data" / STAGE_FOLDERS[stage] / self.cohort
        return folder / "candidate" if stage == "release" else folder
