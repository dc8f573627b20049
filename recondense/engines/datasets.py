"""What a run read, as MLflow's data sets: name, place in the project and DVC's hash. No row, no schema, no profile."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from mlflow.data.dataset_source import DatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import DatasetInput, InputTag

from recondense.stages.layout import STAGE_FOLDERS

NAMES = {
    "events.parquet": "ingested events",
    "subjects.parquet": "ingested subjects",
    "normalised.safetensors": "normalised records",
    "condensed.safetensors": "condensed set",
    "shadows.safetensors": "shadows",
}
RAW = "raw records"  # a folder of its own for each cohort, whatever it is called
NOT_RAW = ("tasks/", *(f"data/{folder}/" for folder in STAGE_FOLDERS.values()))


class DvcSource(DatasetSource):  # type: ignore[misc]  # MLflow is untyped
    """A path that dvc.lock follows. The hash beside it, in DVC's cache or a remote of the steward's, is the content."""

    def __init__(self, path: str) -> None:
        self.path = path

    @staticmethod
    def _get_source_type() -> str:
        return "dvc"

    def load(self, dst_path: str | None = None) -> str:
        """Not from here: `git checkout` of the run's commit, then `dvc checkout`, bring the data back."""
        raise NotImplementedError(f"check out the run's commit, then `dvc checkout {self.path}`")

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return False

    @classmethod
    def _resolve(cls, raw_source: Any) -> "DvcSource":
        return cls(str(raw_source))

    def to_dict(self) -> dict[str, str]:
        """The path, from the project's root."""
        return {"path": self.path}

    @classmethod
    def from_dict(cls, source_dict: dict[str, str]) -> "DvcSource":
        """The inverse of `to_dict`."""
        return cls(source_dict["path"])


def inputs(cohort: str, read: Mapping[str, str], context: str) -> list[Any]:
    """MLflow's inputs of a run that ``read`` these paths of the project, each with DVC's hash, for ``context``.

    Code, settings and metrics among the paths are no data sets.
    """
    found = []
    for path, digest in read.items():
        name = NAMES.get(PurePath(path).name) or (None if path.startswith(NOT_RAW) else RAW)
        if name:
            dataset = MetaDataset(DvcSource(path), name=f"{cohort}: {name}", digest=digest)
            tags = [InputTag(key="mlflow.data.context", value=context)]
            found.append(DatasetInput(dataset=dataset._to_mlflow_entity(), tags=tags))
    return found
