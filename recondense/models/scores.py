"""How good predicted risks are: discrimination and calibration, with bootstrap intervals over test subjects.

Every figure is computed on many resamples at once: ``weights`` ``(n_resamples, n)`` says how often each subject was
drawn, and the result is ``(n_resamples,)``.

Labels and risks have the forms of `recondense.records.labels`. Of more than two classes AUC and area under precision
and recall are means over the classes, each against all others (macro, one versus rest); the Brier score is summed over
the classes (Brier 1950); and the calibration error is that of the most likely class.
"""

from collections.abc import Callable, Collection, Mapping
from functools import wraps

import numpy as np
from numpy.typing import NDArray

from recondense.errors import InputError
from recondense.records.labels import Labels, likeliest, n_classes, probabilities
from recondense.results.base import Interval
from recondense.results.scores import Score

Array = NDArray[np.float64]
Function = Callable[[Labels, Array, Array], Array]
ByNetwork = Mapping[str, Array]
CALIBRATION_BINS = 10


def _each_against_the_rest(score: Function) -> Function:
    """``score``, a binary one, as its mean over the classes where there are more than two."""

    @wraps(score)
    def macro(labels: Labels, risks: Array, weights: Array) -> Array:
        if n_classes(risks) == 2:
            return score(labels, risks, weights)
        of_class = [score(*column, weights) for column in zip(labels.T, risks.T, strict=True)]
        mean: Array = np.mean(of_class, axis=0)
        return mean

    return macro


@_each_against_the_rest
def auc(labels: Labels, risks: Array, weights: Array) -> Array:
    """Area under the ROC curve: the chance that a case is ranked above a non-case, ties counting one half.

    >>> auc(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]), np.ones((1, 4)))
    array([0.875])
    """
    order = np.argsort(risks, kind="stable")
    ranked, is_case, drawn = risks[order], labels[order] == 1, weights[:, order]
    before = _running_sum(drawn * ~is_case)
    below = before[:, np.searchsorted(ranked, ranked[is_case], side="left")]
    up_to = before[:, np.searchsorted(ranked, ranked[is_case], side="right")]
    cases = drawn[:, is_case]
    chance: Array = (cases * (below + up_to)).sum(1) / (2 * cases.sum(1) * before[:, -1])
    return chance


@_each_against_the_rest
def auprc(labels: Labels, risks: Array, weights: Array) -> Array:
    """Average precision, scikit-learn's area under the precision-recall curve.

    >>> auprc(np.array([0.0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4]), np.ones((1, 4)))
    array([0.83333333])
    """
    order = np.argsort(-risks, kind="stable")
    ranked, is_case, drawn = -risks[order], labels[order] == 1, weights[:, order]
    reached = np.searchsorted(ranked, ranked[is_case], side="right")
    found, flagged = _running_sum(drawn * is_case)[:, reached], _running_sum(drawn)[:, reached]
    cases = drawn[:, is_case]
    # Where nobody was drawn up to a case, that case was not drawn either, and its precision does not count.
    precision: Array = (cases * found / np.maximum(flagged, 1)).sum(1) / cases.sum(1)
    return precision


def brier(labels: Labels, risks: Array, weights: Array) -> Array:
    """Mean squared difference between risk and outcome, summed over classes where there are more than two.

    >>> brier(np.array([0.0, 1]), np.array([0.5, 0.9]), np.ones((1, 2)))
    array([0.13])
    """
    squared = (risks - labels) ** 2
    result: Array = weights @ (squared if squared.ndim == 1 else squared.sum(1)) / weights.sum(1)
    return result


def calibration_error(labels: Labels, risks: Array, weights: Array) -> Array:
    """Expected calibration error: mean over subjects of \\|mean risk - event rate\\| of their bin (Naeini et al. 2015).

    Bins are the tenths of ``risks`` as given, of equal size to within one subject; resamples keep them. Of more than
    two classes the risk is that of each subject's most likely one, and the event that it is the subject's own.

    >>> calibration_error(np.array([0.0, 1]), np.array([0.2, 0.9]), np.ones((1, 2)))
    array([0.15])
    """
    error: Array = np.abs(_gaps(labels, risks, weights)).sum(1)
    return error


def calibration_noise(labels: Labels, risks: Array, weights: Array) -> Array:
    """How far the gaps of a resample lie from those of the sample itself, the first of ``weights``, summed over bins.

    A sum of absolute values is drawn upwards by noise, in the sample as in each resample, so resamples lie above the
    sample, which lies above the truth. But by the triangle inequality no calibration error is further from its estimate
    than this sum is, of the sample's gaps from the true ones.

    >>> calibration_noise(np.array([0.0, 1]), np.array([0.2, 0.9]), np.array([[1.0, 1], [2, 0]])).round(3).tolist()
    [0.0, 0.15]
    """
    gaps = _gaps(labels, risks, weights)
    noise: Array = np.abs(gaps - gaps[0]).sum(1)
    return noise


def _gaps(labels: Labels, risks: Array, weights: Array) -> Array:
    """Mean risk less event rate of each bin, times its share of subjects, ``(n_resamples, n_bins)``."""
    if n_classes(risks) > 2:
        top = likeliest(risks)[:, None]
        labels, risks = np.take_along_axis(labels, top, axis=1)[:, 0], np.take_along_axis(risks, top, axis=1)[:, 0]
    rank = np.empty(len(risks), dtype=np.int64)
    rank[np.argsort(risks, kind="stable")] = np.arange(len(risks))
    in_bin = np.eye(CALIBRATION_BINS)[rank * CALIBRATION_BINS // len(risks)]
    gaps: Array = weights @ (in_bin * (risks - labels)[:, None]) / weights.sum(1, keepdims=True)
    return gaps


SCORES: dict[str, Function] = {
    "auc": auc,
    "auprc": auprc,
    "brier": brier,
    "calibration_error": calibration_error,
}
NOISES: dict[str, Function] = {"calibration_error": calibration_noise}  # of scores that noise draws to one side


def single_auc(labels: Labels, risks: Array) -> float:
    """The AUC of the sample itself."""
    return float(auc(labels, risks, np.ones((1, len(labels))))[0])


def resample(labels: Labels, n_resamples: int, seed: int) -> Array:
    """Weights ``(1 + n_resamples, n)``: first the sample itself, then draws with replacement that hold each class.

    Raises `InputError` where a class is missing in ``labels``, since it can then not be ranked.
    """
    of_class = probabilities(labels).astype(np.float64)
    if not of_class.sum(0).all():
        found = "all have the same outcome" if len(of_class.T) == 2 else "some class is missing"
        raise InputError(
            f"of {len(labels)} test subjects {found}, so no AUC exists: "
            "enlarge the test part or change the split (ingestion.split in params.yaml)"
        )
    generator = np.random.default_rng(seed)
    share = np.full(len(labels), 1 / len(labels))
    drawn = generator.multinomial(len(labels), share, size=n_resamples).astype(np.float64)
    usable = drawn[(drawn @ of_class > 0).all(axis=1)]
    return np.concatenate([np.ones((1, len(labels))), usable])


def score(labels: Labels, risks: Mapping[str, Array], weights: Array, mean_over: Collection[str]) -> dict[str, Score]:
    """Every score of `SCORES`, by its name.

    ``risks``: ``(n_seeds, n)`` a network, or ``(n_seeds, n, n_classes)``; ``weights`` from `resample`. A network's
    score is the mean over its seeds, the overall score the mean over the networks of ``mean_over`` (the mean of AUCs,
    not the AUC of mean risks). ``low`` and ``high`` are the 2.5 and 97.5 percentiles over the same resamples for all,
    so that they hold for means; of a calibration error see `_interval`.
    """
    result = {}
    for name, function in SCORES.items():
        values, noise = (
            {network: np.mean([each(labels, run, weights) for run in runs], axis=0) for network, runs in risks.items()}
            for each in (function, NOISES.get(name, _none))
        )

        def of(networks: Collection[str], values: ByNetwork = values, noise: ByNetwork = noise) -> Interval:
            return _interval(*(np.mean([each[network] for network in networks], axis=0) for each in (values, noise)))

        chosen = [network for network in risks if network in mean_over]
        result[name] = Score(**dict(of(chosen)), by_network={network: of([network]) for network in risks})
    return result


def _none(labels: Labels, risks: Array, weights: Array) -> Array:
    return np.zeros(len(weights))


def _interval(values: Array, noise: Array) -> Interval:
    """The first of ``values`` with the percentiles of the others.

    Where noise draws a score upwards, the sample lies above the truth by at most the sample's ``noise``: the lower end
    is as far below the sample as the noise of resamples reaches. The sample lies no further below the truth than
    resamples lie below their mean.
    """
    low, high = np.quantile(values[1:], [0.025, 0.975])
    if noise.any():
        low, high = max(0.0, values[0] - np.quantile(noise[1:], 0.975)), values[0] + values[1:].mean() - low
    return Interval(mean=round(float(values[0]), 5), low=round(float(low), 5), high=round(float(high), 5))


def _running_sum(values: Array) -> Array:
    """Sums of the first 0, 1, ..., n columns, ``(n_resamples, n + 1)``."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
