"""Subjects of a cohort, as models see them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recondense.errors import InputError
from recondense.records.cohort import SPLITS, Normalised, Split
from recondense.records.labels import by_class, known, per_class

VALIDATION_PER_CLASS = 250


@dataclass(frozen=True)
class Part:
    """Some subjects of known outcome, say those of one split.

    ``values``: float32 ``(n, n_steps, n_features)``; ``labels``: float32 ``(n,)``, 0 or 1, or ``(n, n_classes)``;
    ``rows``: ``(n,)``, where each subject lies in the normalised cohort.
    """

    values: NDArray[np.float32]
    labels: NDArray[np.float32]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, cohort: Normalised, split: Split) -> "Part":
        """The part of ``cohort`` in ``split``. Raises `InputError` unless it has subjects of each class."""
        rows = np.flatnonzero((cohort.split == SPLITS.index(split)) & known(cohort.labels))
        part = cls(cohort.values[rows], cohort.labels[rows], rows)
        sizes = part.per_class
        if not min(sizes):
            some = f"{sizes[1]} of them with the event" if len(sizes) == 2 else f"{sizes} of the classes in order"
            raise InputError(
                f"the {split} part has {len(rows)} subjects of known outcome, {some}: "
                f"{'both outcomes' if len(sizes) == 2 else 'all classes'} are needed; enlarge this part "
                "(ingestion.split in params.yaml)"
            )
        return part

    @property
    def per_class(self) -> list[int]:
        """How many subjects there are of each class."""
        return per_class(self.labels)

    @property
    def cases(self) -> int | dict[str, int]:
        """How many subjects had the event; of more than two classes, how many are in each: a figure for metrics."""
        sizes = self.per_class
        return sizes[1] if len(sizes) == 2 else {f"class_{place}": size for place, size in enumerate(sizes)}

    def few(self, per_class: int) -> "Part":
        """The first ``per_class`` subjects of each class: AUC needs all classes but not their true shares."""
        chosen = np.concatenate([places[:per_class] for places in by_class(self.labels)])
        return Part(self.values[chosen], self.labels[chosen], self.rows[chosen])

    def joined(self, other: "Part") -> "Part":
        """The subjects of both."""
        return Part(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.rows, other.rows]),
        )
