"""A cohort drawn from noisy statistics: normal summaries, made records, with the risks of a linear rule.

Nothing here looks at a patient, so it costs no privacy (post-processing, Dwork and Roth 2014, proposition 2.1). How
much of the statistics is noise is known, and used: class means are drawn together by as much (James and Stein 1961),
of the covariance only what stands out of noise is kept, and the rule is Fisher's with a ridge of the noise's size.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from recondense.private.statistics import Floats, Statistics
from recondense.records.cohort import Normalised
from recondense.records.labels import from_probabilities, hard

LEAST_SHARE = 0.05  # of the distance between class means that is kept however noisy they are
LEAST_VARIANCE = 0.05  # of a feature, on the scale of values
WANDERING = 0.5  # deviation of a series about the line between its windows, on the scale of values
PERSISTENCE = 0.9  # of that from one step to the next
TRAIN = 0.8  # of the cohort; the rest is its validation split


@dataclass(frozen=True)
class Drawn:
    """A cohort, and of each record the risk on the scale of balanced classes, of the shape of labels."""

    cohort: Normalised
    risks: Floats


def drawn(statistics: Statistics, n_records: int, n_steps: int, seed: int) -> Drawn:
    """``n_records`` of ``n_steps``. Labels are drawn by the rule's risks, with classes as frequent as they are."""
    rng = np.random.default_rng(seed)
    shares, means = class_shares(statistics), class_means(statistics)
    spread = covariance(statistics)
    classes = rng.choice(len(shares), n_records, p=shares)
    summaries = means[classes] + rng.standard_normal((n_records, len(spread))) @ np.linalg.cholesky(spread).T
    weights, offsets = rule(statistics, means, spread)
    logits = summaries @ weights + offsets
    odds = softmax(logits + np.log(shares), axis=1).cumsum(axis=1)
    labels = hard((rng.random((n_records, 1)) > odds[:, :-1]).sum(axis=1), len(shares))
    lines = records(summaries.reshape(n_records, statistics.plan.windows, -1), n_steps)
    values = (lines + wandering(lines.shape, statistics.plan.windows, rng)).astype(np.float32)
    split = (np.arange(n_records) >= TRAIN * n_records).astype(np.uint8)
    cohort = Normalised(values, np.ones(values.shape, bool), labels, split)
    return Drawn(cohort, from_probabilities(softmax(logits, axis=1)))


def class_shares(statistics: Statistics) -> Floats:
    """The share of each class, ``(n_classes,)``; none is less than a tenth of an even share."""
    counts = _counts(statistics)
    counts = np.maximum(counts, 0.1 * counts.sum() / len(counts))
    result: Floats = counts / counts.sum()
    return result


def class_means(statistics: Statistics) -> Floats:
    """The mean summary of each class, ``(n_classes, size)``."""
    counts = _counts(statistics)
    overall = statistics.sums.sum(axis=0) / counts.sum()
    apart = statistics.sums / counts[:, None] - overall
    of_noise = (statistics.noise[0] / counts) ** 2 * apart.shape[1]  # the squared length that noise alone would have
    kept = np.maximum(LEAST_SHARE, 1 - of_noise / np.maximum((apart**2).sum(axis=1), 1e-12))
    result: Floats = overall + kept[:, None] * apart
    return result


def covariance(statistics: Statistics) -> Floats:
    """Of summaries within a class, the same for all, ``(size, size)``: directions whose variance stands out of the
    noise keep what is theirs (Donoho, Gavish and Johnstone 2018), and all others share the rest evenly."""
    values, vectors, edge = _spectrum(statistics)
    stands_out = values > edge
    own = np.where(stands_out, (values + np.sqrt(np.maximum(values**2 - edge**2, 0))) / 2, 0)
    rest = max((values.sum() - own.sum()) / max(int((~stands_out).sum()), 1), LEAST_VARIANCE)
    result: Floats = (vectors * np.maximum(own, rest)) @ vectors.T
    return result


def rule(statistics: Statistics, means: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Weights ``(size, n_classes)`` and offsets ``(n_classes,)`` of the logits of classes that are equally frequent.

    ``means`` and ``spread``: of `class_means` and `covariance`. The ridge, as large as the noise's own eigenvalues,
    makes the weights too short: they are stretched until logits differ between classes by as much as they vary within
    one, which is what makes Fisher's risks true.
    """
    middle = means.mean(axis=0)
    apart = means - middle
    weights = np.linalg.solve(spread + _spectrum(statistics)[2] * np.eye(len(spread)), apart.T)
    weights *= np.trace(apart @ weights) / max(float(np.trace(weights.T @ spread @ weights)), 1e-12)
    return weights, -((middle + apart / 2) * weights.T).sum(axis=1)


def records(summaries: Floats, n_steps: int) -> Floats:
    """``(n, n_steps, n_features)``, straight from window to window of ``summaries`` ``(n, windows, n_features)``."""
    windows = summaries.shape[1]
    middles = [steps.mean() for steps in np.array_split(np.arange(n_steps), windows)]
    place = np.interp(np.arange(n_steps), middles, np.arange(windows))
    before = np.minimum(place.astype(int), max(windows - 2, 0))
    share = (place - before)[None, :, None]
    result: Floats = (1 - share) * summaries[:, before] + share * summaries[:, np.minimum(before + 1, windows - 1)]
    return result


def wandering(shape: tuple[int, ...], windows: int, rng: np.random.Generator) -> Floats:
    """What series do within a window, ``(n, n_steps, n_features)``: autoregressive noise (of order 1) whose mean over
    each window is zero, so that summaries stay what they are. How restless series are is a guess, asked of nobody."""
    steps = WANDERING * rng.standard_normal(shape)
    steps[:, 1:] *= np.sqrt(1 - PERSISTENCE**2)
    for step in range(1, shape[1]):
        steps[:, step] += PERSISTENCE * steps[:, step - 1]
    for window in np.array_split(np.arange(shape[1]), windows):
        steps[:, window] -= steps[:, window].mean(axis=1, keepdims=True)
    return steps


def _counts(statistics: Statistics) -> Floats:
    result: Floats = np.maximum(statistics.counts, 1.0)
    return result


def _spectrum(statistics: Statistics) -> tuple[Floats, Floats, float]:
    """Eigenvalues and vectors of the noisy covariance, and how far those of its noise alone reach (Wigner 1955)."""
    counts = _counts(statistics)
    means = statistics.sums / counts[:, None]
    values, vectors = np.linalg.eigh((statistics.moments - (means.T * counts) @ means) / counts.sum())
    off_diagonal = statistics.noise[1] / np.sqrt(2) / counts.sum()
    return values, vectors, float(2 * off_diagonal * np.sqrt(len(values)))
