"""Shadow condensations, as they go from the stage that makes them to the audit that attacks with them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from recondense.records.condensed import CondensedSet


@dataclass(frozen=True)
class ShadowSets:
    """Condensed sets of known subjects, each as it might have been released.

    ``values``: float32 ``(count, n_records, n_steps, n_features)``. ``labels``: float32 ``(count, n_records)``, or
    ``(count, n_records, n_classes)``. ``members``: bool ``(count, n_subjects)``, who each was condensed from, of the
    labelled subjects in the order of the normalised cohort.
    """

    values: NDArray[np.float32]
    labels: NDArray[np.float32]
    members: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)

    def sets(self) -> list[CondensedSet]:
        """The condensed sets, in their order."""
        return [CondensedSet(values, labels) for values, labels in zip(self.values, self.labels, strict=True)]

    def save(self, path: Path) -> None:
        """Write one safetensors file."""
        save_file({name: np.ascontiguousarray(array) for name, array in vars(self).items()}, path)

    @classmethod
    def load(cls, path: Path) -> "ShadowSets":
        """Read what `save` wrote."""
        return cls(**load_file(path))
