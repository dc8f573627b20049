"""A scale from what is known of such patients beforehand, so that it tells nothing of these."""

import numpy as np

from recondense.errors import InputError
from recondense.preprocessing.preprocessing import MEAN_WITHIN, Feature, Preprocessing
from recondense.records.cohort import Variable

USUAL = 2 * MEAN_WITHIN["public"]  # standard deviations from end to end of what is usual: 95 % of a normal distribution
CLIP = 3.0  # standard deviations
WIDE = 5.0  # how many times the lower end the upper one is, where a scale is better logarithmic


def on_public_scale(empty: Preprocessing) -> Preprocessing:
    """``empty`` with every feature scaled by what is declared of its variable. Raises `InputError` where nothing is.

    A numeric variable's mean is the middle of what is ``usual`` (or else plausible), and fills what was not measured.
    Of levels each is as likely as the others, of a binary variable both values. In a step half of the series at the
    most are taken to be measured.
    """
    known = {variable.name: variable for variable in empty.variables}
    n_series = sum(variable.role == "series" for variable in empty.variables)
    scaled = [_scaled(feature, known.get(feature.variable), n_series) for feature in empty.features]
    return empty.model_copy(update={"features": tuple(scaled)})


def _scaled(feature: Feature, variable: Variable | None, n_series: int) -> Feature:
    if variable is None:  # the count of measurements
        return feature.model_copy(update={"mean": n_series / 4, "std": n_series / 8})
    if feature.source in ("series_level", "level"):
        share = 1 / len(variable.levels)
        fill = share if feature.source == "series_level" else 0.0
        return feature.model_copy(update={"mean": share, "std": float(np.sqrt(share * (1 - share))), "fill": fill})
    if feature.source == "observed" or variable.kind == "binary":
        fill = 0.0 if feature.source == "observed" else 0.5
        return feature.model_copy(update={"mean": 0.5, "std": 0.5, "fill": fill})
    low, high = _usual(variable)
    feature = feature.model_copy(update={"log": feature.log or (low > 0 and high / low > WIDE)})
    ends = Preprocessing.transformed(feature, np.array([low, high]))
    mean, std = float(ends.mean()), float(ends[1] - ends[0]) / USUAL
    clip = Preprocessing.untransformed(feature, np.array([mean - CLIP * std, mean + CLIP * std]))
    return feature.model_copy(update={"clip": (float(clip[0]), float(clip[1])), "fill": mean, "mean": mean, "std": std})


def _usual(variable: Variable) -> tuple[float, float]:
    if variable.usual is not None:
        return variable.usual
    if variable.low is None or variable.high is None:
        raise InputError(
            f"normalisation.scale is public, but of '{variable.name}' nothing is declared: give its 'usual' range, "
            "from the literature and not from these patients"
        )
    return variable.low, variable.high
