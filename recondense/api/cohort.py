"""A cohort as tensors, from records that a reader knows or from arrays of one's own."""

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from recondense.cohorts.params import Params as IngestionParams
from recondense.cohorts.read import ingest
from recondense.cohorts.split import RandomSplit
from recondense.errors import InputError
from recondense.preprocessing.fit import columns, fitted_to
from recondense.preprocessing.normalise import normalise
from recondense.preprocessing.params import Params as NormalisationParams
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records import labels as of_classes
from recondense.records.attrition import most_first
from recondense.records.cohort import SPLITS, Ingested, Normalised, Split, Variable, outcome
from recondense.records.condensed import CondensedSet
from recondense.stages.params import validate

N_STEPS = 24  # into which the time that subjects are measured is cut, where nothing else is asked for
SPLIT = {"kind": "random", "validation": 0.2, "test": 0.3, "stratified": True}


class Cohort:
    """Subjects as tensors on one scale, each in the split "train", "validation" or "test".

    ``values``: ``(n, n_steps, n_features)``, or ``(n, n_features)`` for one step; numbers in whatever units, NaN where
    nothing was measured. They are put on the scale of the train split as the pipeline's normalisation does it: clipped
    to its 0.5 and 99.5 percentiles, the last value carried forward, then the median, mean 0 and deviation 1.
    ``labels``: ``(n,)``, 0 or 1, or names of three classes or more; NaN or None where unknown.
    ``split``: the name of each subject's split, or the fraction that is held out for validation, and as much for the
    test, drawn by patient. ``patient``: ``(n,)``, equal for subjects that are one patient. ``features``: their names.
    Raises `InputError` where these do not fit each other, or a split lacks a class.

    Whatever the source, ``normalised`` holds the tensors, ``preprocessing`` the scale, and ``counts`` what came in, was
    kept and set aside.
    """

    normalised: Normalised
    preprocessing: Preprocessing
    counts: Mapping[str, Mapping[str, object]]

    def __init__(
        self,
        values: ArrayLike,
        labels: ArrayLike,
        split: float | Sequence[str] | NDArray[np.str_] = 0.2,
        *,
        patient: ArrayLike | None = None,
        features: Sequence[str] | None = None,
        seed: int = 0,
    ) -> None:
        raw = numbers(values, "values")
        known, classes = to_labels(labels, len(raw))
        patients = np.arange(len(raw)) if patient is None else _patients(patient, len(raw))
        splits = _splits(split, known, patients, seed)
        names = [f"feature_{place}" for place in range(raw.shape[2])] if features is None else list(features)
        if len(names) != raw.shape[2] or len(set(names)) != len(names):
            raise InputError(f"features: give {raw.shape[2]} names, one for each feature, each another")
        variables = tuple(Variable(name=name, label=name, role="series") for name in names)
        params = NormalisationParams(step_hours=1, n_steps=raw.shape[1], missingness="none")
        empty = Preprocessing(
            step_hours=params.step_hours,
            n_steps=params.n_steps,
            carry_forward=params.carry_forward,
            variables=(*variables, *([outcome(classes)] if classes else [])),
            features=tuple(columns(variables, params)),
            scale=params.scale,
        )
        self.preprocessing = fitted_to(empty, raw[splits == SPLITS.index("train")], params)
        scaled, observed = self.preprocessing.scaled(raw)
        own = None if patient is None else patients.astype(np.uint32)
        self.normalised = Normalised(scaled, observed, known, splits, own)
        self.counts = {"subjects": {"in": len(raw), "kept": len(raw), "set_aside": {}}}
        _check_splits(self.normalised)

    @classmethod
    def of(
        cls, normalised: Normalised, preprocessing: Preprocessing, counts: Mapping[str, Mapping[str, object]]
    ) -> "Cohort":
        """From tensors that are on their scale already."""
        cohort = cls.__new__(cls)
        cohort.normalised, cohort.preprocessing, cohort.counts = normalised, preprocessing, counts
        return cohort

    @property
    def values(self) -> NDArray[np.float32]:
        """Scaled and without gaps, ``(n, n_steps, n_features)``."""
        return self.normalised.values

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Where ``values`` were measured, of the same shape."""
        return self.normalised.observed

    @property
    def labels(self) -> NDArray[np.float32]:
        """``(n,)``, 0 or 1, or ``(n, n_classes)``; NaN where unknown."""
        return self.normalised.labels

    @property
    def split(self) -> NDArray[np.str_]:
        """The name of each subject's split, ``(n,)``."""
        return np.array(SPLITS)[self.normalised.split]

    @property
    def features(self) -> list[str]:
        """Their names, in the order of ``values``."""
        return [feature.name for feature in self.preprocessing.features]

    def part(self, split: Split) -> "Cohort":
        """Only the subjects of one split."""
        return Cohort.of(self.normalised.part(split), self.preprocessing, self.counts)

    def clinical(self, condensed: CondensedSet) -> pd.DataFrame:
        """Condensed records in the units that the cohort came in: one row a record, step and feature."""
        return self.preprocessing.clinical(condensed)

    def __len__(self) -> int:
        return len(self.normalised.labels)

    def __repr__(self) -> str:
        _, steps, features = self.values.shape
        sizes = ", ".join(f"{name} {int((self.split == name).sum())}" for name in SPLITS)
        return f"Cohort of {len(self)} subjects ({sizes}): {steps} steps, {features} features"


def read_cohort(
    dataset: str,
    raw: str | Path,
    *,
    options: Mapping[str, Any] | None = None,
    split: Mapping[str, Any] | None = None,
    step_hours: float | None = None,
    n_steps: int | None = None,
    normalisation: Mapping[str, Any] | None = None,
    most_lost: float = 0.1,
    accept: Sequence[str] = (),
) -> Cohort:
    """The cohort in the folder ``raw``, read by the reader ``dataset``: "table", "meds", "physionet2012", ...

    ``options``: what the reader lets you decide, as params.yaml has it under ``ingestion.options``. ``split``: as under
    ``ingestion.split``; by default 20 % are held out for validation and 30 % for the test, by patient. ``step_hours``
    and ``n_steps`` cut time; by default 24 steps span what is measured. ``normalisation``: more of what params.yaml has
    under that name. What needs your eye is told as a warning; see ``most_lost`` and ``accept`` in params.yaml's
    ``ingestion``. Raises `InputError` naming the key, or file and column, and the mend.
    """
    asked = {
        "dataset": dataset,
        "raw": str(Path(raw).resolve()),
        "split": dict(split or SPLIT),
        "options": dict(options or {}),
        "most_lost": most_lost,
        "accept": tuple(accept),
    }
    params = validate(IngestionParams, asked, "read_cohort")
    ingested, attrition = ingest(Path(), params)
    for notice in most_first(attrition.notices):
        warnings.warn(notice.text, stacklevel=2)
    span = params.span_hours()
    grid = {**_grid(ingested, span, step_hours, n_steps), **(normalisation or {})}
    scale = validate(NormalisationParams, grid, "read_cohort.normalisation")
    if span is not None:
        scale.check_span(span)
    return Cohort.of(*normalise(ingested, scale), attrition.summary())


def numbers(values: ArrayLike, what: str) -> NDArray[np.float64]:
    """``values`` as ``(n, n_steps, n_features)``, NaN for a gap. Raises `InputError` where they are of another form."""
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: give numbers alone, and NaN where nothing was measured") from error
    if found.ndim == 2:
        found = found[:, None, :]
    if found.ndim != 3 or not found.size:
        raise InputError(
            f"{what} have the shape {np.shape(values)}: give (records, steps, features), or (records, features), "
            "none of them 0"
        )
    if np.isinf(found).any():
        raise InputError(
            f"{what}: {int(np.isinf(found).sum())} numbers are infinite: write NaN where none was measured"
        )
    return found


def to_labels(labels: ArrayLike, n: int) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """The labels of ``n`` records as `recondense.records.labels` has them, and the names of more than two classes."""
    column = pd.Series(np.asarray(labels, dtype=object)) if np.ndim(labels) == 1 else None
    if column is None or len(column) != n:
        raise InputError(f"labels have the shape {np.shape(labels)}: give one for each of {n} records")
    known = column.dropna()
    is_number = known.map(lambda one: isinstance(one, bool | int | float | np.number | np.bool_)).all()
    known = known.astype(float if is_number else "str")
    levels: list[Any] = sorted(set(known))
    if levels == [0, 1]:
        return known.reindex(column.index).to_numpy(dtype=np.float32), ()
    if len(levels) < 3:
        raise InputError(
            f"labels have {len(levels)} different values: write 1 where the event was and 0 where it was not (both are "
            "needed), or give the classes, of three or more"
        )
    if len(levels) > max(3, math.isqrt(n)):
        raise InputError(f"labels have {len(levels)} classes among {n} records: give 0 and 1, or a few classes")
    place = known.map({level: place for place, level in enumerate(levels)}).reindex(column.index).astype(float)
    names = tuple(f"{level:g}" if isinstance(level, float) else str(level) for level in levels)
    return of_classes.hard(place.to_numpy(), len(levels)), names


def _patients(patient: ArrayLike, n: int) -> NDArray[np.intp]:
    if np.shape(patient) != (n,):
        raise InputError(f"patient has the shape {np.shape(patient)}: give one for each of {n} records")
    codes: NDArray[np.intp] = pd.factorize(np.asarray(patient))[0]
    if (codes < 0).any():
        raise InputError(f"patient: {int((codes < 0).sum())} records have none: say whose each record is")
    return codes


def _splits(split: Any, labels: NDArray[np.float32], patient: NDArray[np.intp], seed: int) -> NDArray[np.uint8]:
    """An index into `SPLITS` for each record."""
    if isinstance(split, float):
        rule = {"kind": "random", "seed": seed, "validation": split, "test": split, "stratified": True}
        drawn = validate(RandomSplit, rule, "split")
        class_ = np.where(of_classes.known(labels), of_classes.likeliest(np.nan_to_num(labels)), -1)
        several = pd.Series(class_).groupby(patient).max().to_numpy()
        names = drawn.assign([str(one) for one in range(len(several))], several)[patient]
    else:
        names = np.asarray(split)
    if names.shape != patient.shape or not np.isin(names, SPLITS).all():
        raise InputError(f"split: give a fraction, or one of {', '.join(SPLITS)} for each of {len(patient)} records")
    found = np.select([names == name for name in SPLITS], range(len(SPLITS))).astype(np.uint8)
    if int((pd.Series(found).groupby(patient).nunique() > 1).sum()):
        raise InputError("split: some patients are in several splits: give all records of a patient one")
    return found


def _check_splits(cohort: Normalised) -> None:
    for name in SPLITS:
        sizes = of_classes.per_class(cohort.part(name).labels)
        if not min(sizes):
            raise InputError(
                f"the {name} split has no record of one of the {len(sizes)} classes ({sizes} in order): each split "
                "needs some of each; give more records, or another split"
            )


def _grid(
    ingested: Ingested, span: float | None, step_hours: float | None, n_steps: int | None
) -> dict[str, float | int]:
    """Steps that span what is measured, as far as they are not given."""
    if span is None:
        span = float(ingested.events["hours"].max()) if len(ingested.events) else 0.0
    if n_steps is None:
        n_steps = (N_STEPS if step_hours is None else max(1, math.ceil(span / step_hours))) if span else 1
    return {"step_hours": step_hours or span / n_steps or 1.0, "n_steps": n_steps}
