"""The three forms that records take between stages, and the files that hold them.

Every file is Parquet, safetensors or JSON: formats that can be opened without running code from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from safetensors.numpy import load_file, save_file

from recondense.files.strict_json import Strict, read_json, write_json
from recondense.records.labels import hard, known

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
Below = Literal["limit", "half", "aside"]


class Variable(Strict):
    """What one variable means: its public, data-independent description.

    ``kind``: "numeric", "binary" (0 or 1) or "categorical" (one of ``levels``, stored as the level's index).
    ``role``: "series" (measured over time, in events), "static" (once a subject, a column of subjects) or "outcome":
    what is predicted, declared where it has more than two ``levels``, its classes.
    ``low`` and ``high`` bound what is physically plausible, in ``unit``; values beyond are set aside at ingestion.
    ``skewed``: spread over orders of magnitude, so that scaling works on its logarithm.
    ``usual``: between which two values most such patients are known to lie, in ``unit``, from the literature and not
    from the cohort: what a public scale is made of.
    ``positive``, ``negative``: the levels that a binary variable was read from, by default 1 and 0; with ``positive``
    alone every other level is negative. ``below``: what a value below a limit of measurement counts as, see
    `recondense.records.cells.number`.
    """

    name: str
    label: str
    unit: str = ""
    role: Literal["series", "static", "outcome"]
    kind: Literal["numeric", "binary", "categorical"] = "numeric"
    levels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    skewed: bool = False
    usual: tuple[float, float] | None = None
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    below: Below = "limit"


def outcome(classes: tuple[str, ...]) -> Variable:
    """The declaration of an outcome of more than two ``classes``, whose names they are."""
    return Variable(name="outcome", label="outcome", role="outcome", kind="categorical", levels=classes)


def classes_of(variables: Sequence[Variable]) -> tuple[str, ...]:
    """The names of the outcome's classes, where there are more than two; else none."""
    return next((variable.levels for variable in variables if variable.role == "outcome"), ())


@dataclass(frozen=True)
class Ingested:
    """A cohort as it was recorded, cleaned of what cannot be used.

    ``events``: columns ``subject_id`` (string), ``hours`` (float, since the subject's time zero), ``variable``
    (string), ``value`` (float, in the variable's unit), sorted by subject and time.
    ``subjects``: one row a subject, unique ``subject_id`` (string), ``outcome`` (float, the number of its class, NaN
    where unknown), ``split`` (one of `SPLITS`), where a patient may be several subjects ``patient`` (string,
    equal for those), then one float column per static variable (NaN where unknown).
    """

    events: pd.DataFrame
    subjects: pd.DataFrame
    variables: tuple[Variable, ...]

    @property
    def labels(self) -> NDArray[np.float32]:
        """The outcomes as `recondense.records.labels` has them."""
        outcome = self.subjects["outcome"].to_numpy(dtype=np.float32)
        return hard(outcome, len(classes_of(self.variables)) or 2)

    def prevalence(self) -> dict[str, Any]:
        """The share of subjects with the outcome by split; of more than two classes, by split and class."""
        classes, outcome, split = classes_of(self.variables), self.subjects["outcome"], self.subjects["split"]
        of_class = {name: (outcome == place).groupby(split).mean() for place, name in enumerate(classes)}
        mean = outcome.groupby(split).mean()
        return {
            part: {name: round(float(share[part]), 6) for name, share in of_class.items()}
            if classes
            else round(float(mean[part]), 6)
            for part in SPLITS
        }

    def save(self, folder: Path) -> None:
        """Write ``events.parquet``, ``subjects.parquet`` and ``variables.json`` into ``folder``."""
        self.events.to_parquet(folder / "events.parquet", index=False, compression="zstd")
        self.subjects.to_parquet(folder / "subjects.parquet", index=False)
        write_json(folder / "variables.json", [variable.model_dump() for variable in self.variables])

    @classmethod
    def load(cls, folder: Path) -> "Ingested":
        """Read what `save` wrote."""
        events, subjects = (pd.read_parquet(folder / f"{name}.parquet") for name in ("events", "subjects"))
        return cls(events, subjects, tuple(map(Variable.model_validate, read_json(folder / "variables.json"))))


def texts(codes: NDArray[Any], words: Any) -> Any:
    """The word of each code, ``(n_codes,)``: each text is made once, however often it is repeated."""
    return pd.Series(words, dtype="str").array.take(codes)


def as_events(subject_id: ArrayLike, hours: ArrayLike, variable: ArrayLike, value: ArrayLike) -> pd.DataFrame:
    """The frame ``events`` of `Ingested` from its columns."""
    events = pd.DataFrame({"subject_id": subject_id, "hours": hours, "variable": variable, "value": value})
    return events.astype({"subject_id": "str", "hours": float, "variable": "str", "value": float})


@dataclass(frozen=True)
class Normalised:
    """A cohort as tensors: what networks are trained on.

    ``values``: float32 ``(n_subjects, n_steps, n_features)``, scaled, no gaps.
    ``observed``: bool, same shape; False where a value was carried forward or imputed.
    ``labels``: float32 ``(n_subjects,)``, 0 or 1, or ``(n_subjects, n_classes)``, NaN where unknown: hard labels of
    `recondense.records.labels`.
    ``split``: uint8 ``(n_subjects,)``, an index into `SPLITS`.
    ``patient``: uint32 ``(n_subjects,)``, equal for subjects that are one patient; None where each is another.
    """

    values: NDArray[np.float32]
    observed: NDArray[np.bool_]
    labels: NDArray[np.float32]
    split: NDArray[np.uint8]
    patient: NDArray[np.uint32] | None = None

    def part(self, split: Split) -> "Normalised":
        """Only the subjects of one split, in their order."""
        return self.only(self.split == SPLITS.index(split))

    def labelled(self) -> "Normalised":
        """Only the subjects whose outcome is known."""
        return self.only(known(self.labels))

    def first_of_each_patient(self) -> "Normalised":
        """Only the first subject of each patient, in their order."""
        if self.patient is None:
            return self
        chosen = np.zeros(len(self.labels), dtype=bool)
        chosen[np.unique(self.patient, return_index=True)[1]] = True
        return self.only(chosen)

    def only(self, chosen: NDArray[Any]) -> "Normalised":
        """Only the ``chosen`` subjects: a mask, or their places."""
        patient = None if self.patient is None else self.patient[chosen]
        return Normalised(self.values[chosen], self.observed[chosen], self.labels[chosen], self.split[chosen], patient)

    def save(self, path: Path) -> None:
        """Write one safetensors file."""
        arrays = {
            "values": np.ascontiguousarray(self.values, dtype=np.float32),
            "observed": np.ascontiguousarray(self.observed, dtype=np.bool_),
            "labels": np.ascontiguousarray(self.labels, dtype=np.float32),
            "split": np.ascontiguousarray(self.split, dtype=np.uint8),
        }
        if self.patient is not None:
            arrays["patient"] = np.ascontiguousarray(self.patient, dtype=np.uint32)
        save_file(arrays, path)

    @classmethod
    def load(cls, path: Path) -> "Normalised":
        """Read what `save` wrote."""
        return cls(**load_file(path))
