"""A condensed set, and the file that holds it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

SUM_TOLERANCE = 1e-4  # of single precision, and of many classes


@dataclass(frozen=True)
class CondensedSet:
    """Synthetic records on the normalised scale, in place of a cohort.

    ``values``: float32 ``(n_records, n_steps, n_features)``.
    ``labels``: float32 in [0, 1], ``(n_records,)``, or ``(n_records, n_classes)`` in rows that sum to 1; between
    the ends lie soft labels, risks. See `recondense.records.labels`.
    """

    values: NDArray[np.float32]
    labels: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Raise `ValueError` where the arrays do not fit each other, or hold a value that is not finite."""
        shaped = self.labels.ndim == 1 or (self.labels.ndim == 2 and self.labels.shape[1] > 2)
        if self.values.ndim != 3 or not shaped or len(self.labels) != len(self.values):
            raise ValueError(f"values {self.values.shape} and labels {self.labels.shape} do not fit each other")
        if not self.values.size:  # else a file of a few bytes could have any number of steps
            raise ValueError("a condensed set holds at least one value")
        if not (np.isfinite(self.values).all() and np.isfinite(self.labels).all()):
            raise ValueError("a condensed set must be finite throughout")
        if self.labels.size and (self.labels.min() < 0 or self.labels.max() > 1):
            raise ValueError("labels lie outside [0, 1]")
        if self.labels.ndim == 2 and not np.allclose(self.labels.sum(axis=1), 1, atol=SUM_TOLERANCE):
            raise ValueError("labels do not sum to 1 over the classes")

    def save(self, path: Path) -> None:
        """Write one safetensors file with ``values`` and ``labels``."""
        arrays = {"values": self.values, "labels": self.labels}
        save_file({name: np.ascontiguousarray(one, dtype=np.float32) for name, one in arrays.items()}, path)

    @classmethod
    def load(cls, path: Path) -> "CondensedSet":
        """Read what `save` wrote."""
        return cls(**load_file(path))
