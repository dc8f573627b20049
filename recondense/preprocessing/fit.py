"""Make a cohort's `Preprocessing`: fitted on the train split, or from what is public of its variables."""

from collections.abc import Sequence
from itertools import chain, count
from typing import Literal

import numpy as np
import pandas as pd

from recondense.preprocessing.params import Params
from recondense.preprocessing.preprocessing import Feature, Preprocessing
from recondense.preprocessing.public import on_public_scale
from recondense.records.cohort import Ingested, Variable

OF_VARIABLES = ("series", "static")  # sources whose feature has the name of its variable


def fit(ingested: Ingested, params: Params) -> Preprocessing:
    """The preprocessing of a cohort: clip bounds, fills, means and deviations taken from train subjects alone, as they
    are or `rounded`, or with ``scale: public`` from nobody. Raises `InputError` where that lacks a declaration."""
    empty = Preprocessing(
        step_hours=params.step_hours,
        n_steps=params.n_steps,
        carry_forward=params.carry_forward,
        variables=ingested.variables,
        features=tuple(columns(ingested.variables, params)),
        scale=params.scale,
        bounded=True,
    )
    if params.scale == "public":
        return on_public_scale(empty)
    train = ingested.subjects[ingested.subjects["split"] == "train"]
    events = ingested.events[ingested.events["subject_id"].isin(train["subject_id"])]
    return fitted_to(empty, empty.raw(events, train), params)


def fitted_to(empty: Preprocessing, raw: np.ndarray, params: Params) -> Preprocessing:
    """``empty`` with clip bounds, fills, means and deviations of ``raw``, what `Preprocessing.raw` gives of train
    subjects; rounded where ``params`` ask for it."""
    fitted = [_fitted(empty, feature, raw[:, :, index], params) for index, feature in enumerate(empty.features)]
    if params.scale == "rounded":
        fitted = [rounded(feature) for feature in fitted]
    return empty.model_copy(update={"features": tuple(fitted)})


def columns(variables: tuple[Variable, ...], params: Params) -> list[Feature]:
    """The features that ``variables`` give rise to, in order: series, missingness, statics. Each has a name of its own,
    whatever the variables and levels are called."""
    series = [variable for variable in variables if variable.role == "series"]
    features = []
    for v in series:
        if v.kind == "categorical":
            features += _levels(v, "series_level")
        else:
            features.append(Feature(name=v.name, source="series", variable=v.name, unit=v.unit, log=v.skewed))
    if params.missingness == "count" and series:
        features.append(Feature(name="n_measurements", source="count", unit="measurements"))
    if params.missingness == "mask":
        features += [Feature(name=f"{v.name}_observed", source="observed", variable=v.name) for v in series]
    for v in variables:
        if v.role == "static" and v.kind == "categorical":
            features += _levels(v, "level")
        elif v.role == "static":
            features.append(Feature(name=v.name, source="static", variable=v.name, unit=v.unit, log=v.skewed))
    return _with_own_names(features)


def _with_own_names(features: Sequence[Feature]) -> list[Feature]:
    """``features``, of which one that is named like another before it is told apart by its source and a number.

    A variable may be called as the feature of another is: ``pulse_observed``, ``rhythm=AF``.
    """
    taken = {feature.name for feature in features if feature.source in OF_VARIABLES}  # these keep their names
    found = []
    for feature in features:
        name = feature.name
        if feature.source not in OF_VARIABLES:
            others = (f"{name} ({feature.source} {number})" for number in count(1))
            name = next(one for one in chain([name], others) if one not in taken)
            taken.add(name)
        found.append(feature.model_copy(update={"name": name}))
    return found


def _levels(v: Variable, source: Literal["series_level", "level"]) -> list[Feature]:
    named = ((index, f"{v.name}={level}") for index, level in enumerate(v.levels))
    return [Feature(name=name, source=source, variable=v.name, level=index) for index, name in named]


def _fitted(empty: Preprocessing, feature: Feature, raw: np.ndarray, params: Params) -> Feature:
    known = raw[~np.isnan(raw)]
    if known.size == 0:
        return feature  # never measured in the train split: constant zero on the scale, for everyone
    if (feature.source == "series" and set(np.unique(known)) - {0.0, 1.0}) or feature.log:
        low, high = np.quantile(known, params.clip_quantiles)
        feature = feature.model_copy(update={"clip": (float(low), float(high))})
    known = empty.transformed(feature, known)
    # A level or an indicator that is not known is not there; anything else is at its most usual
    fill = 0.0 if feature.source in ("level", "observed") else float(np.median(known))
    feature = feature.model_copy(update={"fill": fill})
    column = empty.filled(feature, empty.transformed(feature, raw))
    std = float(column.std())
    return feature.model_copy(update={"mean": float(column.mean()), "std": std if std > 1e-8 else 1.0})


def rounded(feature: Feature) -> Feature:
    """``feature`` with its deviation at the nearest power of four, and the rest at multiples of that, bounds away from
    each other: so few numbers that one patient in some hundred seldom moves any.

    >>> rounded(Feature(name="pulse", source="series", clip=(37.0, 141.0), fill=85.0, mean=86.3, std=17.1))
    ... # doctest: +NORMALIZE_WHITESPACE
    Feature(name='pulse', source='series', variable='', level=None, unit='', clip=(32.0, 144.0), log=False, fill=80.0,
            mean=80.0, std=16.0)
    """
    std = float(4.0 ** np.round(np.log2(feature.std) / 2))
    fill, mean = (np.round(np.array([feature.fill, feature.mean]) / std) * std).tolist()
    clip = feature.clip
    if clip is not None:
        low, high = Preprocessing.transformed(feature, np.array(clip)) / std
        low, high = Preprocessing.untransformed(feature, np.array([np.floor(low), np.ceil(high)]) * std)
        clip = (float(low), float(high))
    return feature.model_copy(update={"clip": clip, "fill": fill, "mean": mean, "std": std})


def outside_steps(preprocessing: Preprocessing, events: pd.DataFrame) -> int:
    """How many events fall outside every step, and so have no part in the tensors."""
    return int((preprocessing.step_of(events["hours"].to_numpy(dtype=float)) < 0).sum())
