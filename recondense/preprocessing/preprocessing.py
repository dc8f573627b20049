"""From records to tensors and back: everything a recipient needs to put new records on the condensed set's scale.

`Preprocessing` is plain data (``preprocessing.json``). Applying it is one fixed sequence per feature:
mean within each step, of levels the last -> clip -> log1p if ``log`` -> carry forward -> ``fill`` ->
``(x - mean) / std``.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from recondense.errors import InputError
from recondense.files.strict_json import read_json, write_json
from recondense.records.cohort import Variable, classes_of
from recondense.records.condensed import CondensedSet

FORMAT = 1
Scale = Literal["train", "rounded", "public"]
MEAN_WITHIN: dict[Scale, float] = {"train": 0.0, "rounded": 0.5, "public": 2.0}  # half a multiple; a usual range's end


class Feature(BaseModel):
    """One column of the tensors.

    ``source``: "series" (step means of ``variable``), "series_level" (1 where the last value of the categorical series
    ``variable`` in the step is ``level``), "observed" (1 where ``variable`` was measured in the step), "count" (number
    of measurements of any variable in the step), "static" (``variable`` of the subject at every step) or "level" (1
    where the static categorical ``variable`` has level ``level``).
    ``clip`` is in ``unit``; ``fill``, ``mean`` and ``std`` are on the scale after the logarithm, if any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: Literal["series", "series_level", "observed", "count", "static", "level"]
    variable: str = ""
    level: int | None = None
    unit: str = ""
    clip: tuple[float, float] | None = None
    log: bool = False
    fill: float = 0.0
    mean: float = 0.0
    std: float = 1.0


class Preprocessing(BaseModel):
    """How one cohort's records become tensors. ``variables``: what is measured; ``features``: the columns; ``scale``:
    whether these were fitted to the train split, were so and then rounded, or come from what is public of the
    variables. ``bounded``: whether values in clinical units are kept within what is possible; in bundles that do not
    say so they are not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    step_hours: float
    n_steps: int
    carry_forward: bool
    variables: tuple[Variable, ...]
    features: tuple[Feature, ...]
    scale: Scale = "train"
    bounded: bool = False

    @property
    def mean_within(self) -> float:
        """So many deviations at most lie between a feature's mean and that of the train patients; of a public scale,
        where what was declared usual is usual in these."""
        return MEAN_WITHIN[self.scale]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the outcome's classes, in the order of labels; none where it is binary."""
        return classes_of(self.variables)

    def save(self, path: Path) -> None:
        """Write ``preprocessing.json``."""
        write_json(path, self.model_dump())

    @classmethod
    def load(cls, path: Path) -> "Preprocessing":
        """Read ``preprocessing.json``. Raises `InputError` where it is not one of this format."""
        try:
            found = cls.model_validate(read_json(path))
        except (OSError, ValueError, ValidationError) as error:
            raise InputError(f"{path} is not a preprocessing.json of format {FORMAT}: get the bundle again") from error
        if found.format != FORMAT:
            raise InputError(f"{path} has format {found.format}; this version of recondense reads format {FORMAT}")
        return found

    def apply(self, events: pd.DataFrame, subjects: pd.DataFrame) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Tensors of ``subjects`` (rows in their order): ``values`` float32 and ``observed`` bool, both
        ``(n_subjects, n_steps, n_features)``. Events outside the steps, or of unknown variables, have no effect."""
        return self.scaled(self.raw(events, subjects))

    def scaled(self, raw: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The same of what `raw` gives: ``(n_subjects, n_steps, n_features)`` in clinical units, NaN for a gap."""
        observed = ~np.isnan(raw)
        scaled = np.empty(raw.shape, dtype=np.float32)
        for index, feature in enumerate(self.features):
            column = self.filled(feature, self.transformed(feature, raw[:, :, index]))
            scaled[:, :, index] = (column - feature.mean) / feature.std
        return scaled, observed

    def raw(self, events: pd.DataFrame, subjects: pd.DataFrame) -> NDArray[np.float64]:
        """Step means in clinical units, and levels, ``(n_subjects, n_steps, n_features)``; NaN where not measured."""
        series = [variable for variable in self.variables if variable.role == "series"]
        names = [variable.name for variable in series]
        shape = (len(subjects), self.n_steps, len(names))
        subject = pd.Index(subjects["subject_id"]).get_indexer(pd.Index(events["subject_id"]))
        variable = pd.Index(names).get_indexer(pd.Index(events["variable"]))
        hours = events["hours"].to_numpy(dtype=float)
        step = self.step_of(hours)
        inside = (subject >= 0) & (variable >= 0) & (step >= 0)
        cell = np.ravel_multi_index((subject[inside], step[inside], variable[inside]), shape)
        counts = np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)
        weights = events["value"].to_numpy(dtype=float)[inside]
        sums = np.bincount(cell, weights=weights, minlength=int(np.prod(shape))).reshape(shape)
        in_step = np.divide(sums, counts, out=np.full(shape, np.nan), where=counts > 0)
        categorical = [names.index(v.name) for v in series if v.kind == "categorical"]
        levels = np.flatnonzero(np.isin(variable[inside], categorical))
        levels = levels[np.argsort(hours[inside][levels], kind="stable")]
        in_step.reshape(-1)[cell[levels]] = weights[levels]  # of several for one cell the last stays

        result = np.empty((*shape[:2], len(self.features)))
        for index, feature in enumerate(self.features):
            if feature.source == "count":
                result[:, :, index] = counts.sum(axis=2)
            elif feature.source == "series":
                result[:, :, index] = in_step[:, :, names.index(feature.variable)]
            elif feature.source == "series_level":
                level = in_step[:, :, names.index(feature.variable)]
                result[:, :, index] = np.where(np.isnan(level), np.nan, level == feature.level)
            elif feature.source == "observed":
                result[:, :, index] = counts[:, :, names.index(feature.variable)] > 0
            else:
                result[:, :, index] = self._static(feature, subjects)[:, None]
        return result

    def share_observed(self, observed: NDArray[np.bool_]) -> dict[str, float]:
        """Of each series variable, at which share of subjects and steps it is in ``observed``, as `apply` gives it."""
        # All levels of a variable are observed at the same steps
        series = {f.variable: index for index, f in enumerate(self.features) if f.source.startswith("series")}
        return {name: round(float(observed[:, :, index].mean()), 4) for name, index in series.items()}

    def step_of(self, hours: NDArray[np.float64]) -> NDArray[np.int64]:
        """The step each time falls in, -1 where none: steps are half-open, but the end of the last one belongs to it.

        >>> Preprocessing(step_hours=1, n_steps=2, carry_forward=True, variables=(), features=()).step_of(
        ...     np.array([-0.5, 0.0, 0.9, 1.0, 2.0, 2.1])).tolist()
        [-1, 0, 0, 1, 1, -1]
        """
        step = np.floor(hours / self.step_hours).astype(np.int64)
        step = np.where(hours == self.step_hours * self.n_steps, self.n_steps - 1, step)
        return np.where((step >= 0) & (step < self.n_steps), step, -1)

    @staticmethod
    def _static(feature: Feature, subjects: pd.DataFrame) -> NDArray[np.float64]:
        if feature.variable not in subjects.columns:
            return np.full(len(subjects), np.nan)
        column = subjects[feature.variable].to_numpy(dtype=float)
        if feature.source == "static":
            return column
        return np.where(np.isnan(column), np.nan, (column == feature.level).astype(float))

    @staticmethod
    def transformed(feature: Feature, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Clip and take the logarithm; NaN stays NaN."""
        if feature.clip is not None:
            column = np.clip(column, *feature.clip)
        return np.log1p(column) if feature.log else column

    @staticmethod
    def untransformed(feature: Feature, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the logarithm back."""
        return np.expm1(column) if feature.log else column

    def filled(self, feature: Feature, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Carry each subject's last value forward, then put ``fill`` where there is none yet; no NaN is left.

        >>> p = Preprocessing(step_hours=1, n_steps=4, carry_forward=True, variables=(), features=())
        >>> p.filled(Feature(name="x", source="series", fill=9), np.array([[np.nan, 1, np.nan, 2]])).tolist()
        [[9.0, 1.0, 1.0, 2.0]]
        """
        if self.carry_forward:
            last = np.maximum.accumulate(np.where(np.isnan(column), 0, np.arange(column.shape[1])), axis=1)
            column = np.take_along_axis(column, last, axis=1)
        return np.where(np.isnan(column), feature.fill, column)

    def in_units(self, values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Scaled values ``(..., n_features)`` in clinical units; NaN stays NaN."""
        result: NDArray[np.float64] = values.astype(np.float64)
        for index, feature in enumerate(self.features):
            column = self.untransformed(feature, result[..., index] * feature.std + feature.mean)
            result[..., index] = np.clip(column, *self.possible(feature)) if self.bounded else column
        return result

    def possible(self, feature: Feature) -> tuple[float, float]:
        """The least and the greatest value of ``feature`` in clinical units: of a level or a binary variable 0 and 1,
        between which lie shares."""
        if feature.source == "count":
            return 0.0, np.inf
        variable = next((v for v in self.variables if v.name == feature.variable), None)
        if variable is None:
            return -np.inf, np.inf
        if feature.source in ("series_level", "observed", "level") or variable.kind == "binary":
            return 0.0, 1.0
        return -np.inf if variable.low is None else variable.low, np.inf if variable.high is None else variable.high

    def clinical(self, condensed: CondensedSet) -> pd.DataFrame:
        """The condensed records in clinical units, long: ``record, label, step, from_hours, to_hours, feature, unit,
        value``, one row per record, step and feature. Of more than two classes each has a column of its own in place of
        ``label``: ``label_`` and its name."""
        n_records, n_steps, n_features = condensed.values.shape
        step = np.tile(np.repeat(np.arange(n_steps), n_features), n_records)
        return pd.DataFrame(
            {
                "record": np.repeat(np.arange(n_records), n_steps * n_features),
                **self._labels(condensed.labels, n_steps * n_features),
                "step": step,
                "from_hours": step * self.step_hours,
                "to_hours": (step + 1) * self.step_hours,
                "feature": np.tile([feature.name for feature in self.features], n_records * n_steps),
                "unit": np.tile([feature.unit for feature in self.features], n_records * n_steps),
                "value": self.in_units(condensed.values).reshape(-1),
            }
        )

    def _labels(self, labels: NDArray[np.float32], times: int) -> dict[str, NDArray[np.float32]]:
        names = [f"label_{name}" for name in self.classes] or ["label"]
        columns = labels.reshape(len(labels), -1).T
        return {name: np.repeat(column, times) for name, column in zip(names, columns, strict=True)}
