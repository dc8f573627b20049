"""Subjects of a cohort, as models see them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.common.errors import InputError
from tasks.common.records import SPLITS, Normalised, Split

VALIDATION_PER_CLASS = 250


@dataclass(frozen=True)
class Part:
    """Some subjects of known outcome, say those of one split.

    ``values``: float32 ``(n, n_steps, n_features)``; ``labels``: float32 ``(n,)``, 0 or 1; ``rows``: ``(n,)``, where
    each subject lies in the normalised cohort.
    """

    values: NDArray[np.float32]
    labels: NDArray[np.float32]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, cohort: Normalised, split: Split) -> "Part":
        """The part of ``cohort`` in ``split``. Raises `InputError` unless it has subjects of both outcomes."""
        rows = np.flatnonzero((cohort.split == SPLITS.index(split)) & ~np.isnan(cohort.labels))
        part = cls(cohort.values[rows], cohort.labels[rows], rows)
        if not 0 < part.cases < len(rows):
            raise InputError(
                f"the {split} part has {len(rows)} subjects of known outcome, {part.cases} of them with the event: "
                "both outcomes are needed; enlarge this part (ingestion.split in params.yaml)"
            )
        return part

    @property
    def cases(self) -> int:
        """How many subjects had the event."""
        return int(self.labels.sum())

    def few(self, per_class: int) -> "Part":
        """The first ``per_class`` subjects of each class: AUC needs both classes but not their true shares."""
        chosen = np.concatenate([np.flatnonzero(self.labels == label)[:per_class] for label in (0, 1)])
        return Part(self.values[chosen], self.labels[chosen], self.rows[chosen])

    def joined(self, other: "Part") -> "Part":
        """The subjects of both."""
        return Part(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.rows, other.rows]),
        )
