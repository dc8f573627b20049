"""Choose, on the validation part, how each family of networks is to be trained on a condensed set.

What a recipient cannot find out without records of her own: how long to train, at what rate, and what a logit then
means. One recipe a family, so that the choice rests on several networks and serves those that are not among them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from recondense.models.fit import Predictor, fit, is_network, models_on_summaries
from recondense.models.logits import logits_of, risks_of
from recondense.models.part import VALIDATION_PER_CLASS, Part
from recondense.models.pool import spread
from recondense.models.recipe import MODELS, Calibration, Recipe, Recipes, RecipeSearch
from recondense.models.scores import single_auc
from recondense.progress import track
from recondense.records.condensed import CondensedSet
from recondense.records.labels import Labels, likeliest
from recondense.stages import plugins

LEAST_SLOPE = 0.05
OTHER = "other"

Logits = NDArray[np.float64]
Way = tuple[float, float]  # to train: rate and noise


@dataclass(frozen=True)
class Run:
    """One network trained with one rate, noise and seed, to be looked at after each of ``steps``."""

    network: str
    learning_rate: float
    noise: float
    steps: tuple[int, ...]
    seed: int
    records: CondensedSet
    watched: Part
    device: str

    def logits(self) -> Logits:
        """``(len(steps), n)``, or ``(len(steps), n, n_classes)``, of the watched subjects; of a model on summaries, the
        same after each."""
        recipe = Recipe(steps=self.steps[-1], learning_rate=self.learning_rate, noise=self.noise)
        reached: list[Logits] = []

        def note(step: int, predict: Predictor) -> None:
            if step in self.steps:
                reached.append(logits_of(predict(self.watched.values)))

        predict = fit(self.network, self.records.values, self.records.labels, recipe, self.seed, self.device, note)
        return np.stack(reached or [logits_of(predict(self.watched.values))] * len(self.steps))


def choose(records: CondensedSet, validation: Part, search: RecipeSearch, device: torch.device) -> Recipes:
    """The recipes for ``records``, by the AUC and then the calibration of ``search.networks`` on ``validation``.

    Each rate, noise and number of steps is scored by what a recipient may use of it, one network or many: the mean AUC
    of a family's networks and seeds, and the AUC of their mean logits. Scores are averaged with those of the
    neighbouring numbers of steps so that one lucky step is not chosen. At most 250 validation subjects a class are
    looked at; weights give the classes their true shares where calibration needs them.
    """
    watched = validation.few(VALIDATION_PER_CLASS)
    networks = [name for name in search.networks if is_network(name)]
    runs = [
        Run(network, rate, noise, search.steps, seed, records, watched, device.type)
        for network in networks
        for rate in search.learning_rates
        for noise in search.noises
        for seed in range(search.seeds)
    ] + [
        Run(network, search.learning_rates[0], noise, search.steps, 0, records, watched, device.type)
        for network in models_on_summaries()
        for noise in search.noises
    ]
    outcomes = list(track(spread(Run.logits, runs, device), "choosing recipes", total=len(runs)))

    found: dict[str, dict[Way, list[Logits]]] = defaultdict(lambda: defaultdict(list))
    for run, logits in zip(runs, outcomes, strict=True):
        for family in (plugins.load(MODELS, run.network).FAMILY, *([OTHER] if is_network(run.network) else [])):
            found[family][run.learning_rate, run.noise].append(logits)
    shares = _shares(validation, watched)
    recipes = {family: _best(tried, search.steps, watched, shares) for family, tried in found.items()}
    return Recipes(ensemble=search.ensemble, other=recipes.pop(OTHER, Recipe()), families=recipes)


def _best(tried: dict[Way, list[Logits]], steps: tuple[int, ...], watched: Part, shares: NDArray[np.float64]) -> Recipe:
    scores = {way: _smoothed(np.mean(alone_and_together(runs, watched), axis=0)) for way, runs in tried.items()}
    rate, noise = way = max(scores, key=lambda each: float(scores[each].max()))
    place = int(scores[way].argmax())
    chosen = [logits[place] for logits in tried[way]]
    calibrate = platt if watched.labels.ndim == 1 else scaled
    calibration = calibrate(chosen, watched.labels, shares)
    return Recipe(steps=steps[place], learning_rate=rate, noise=noise, calibration=calibration)


def alone_and_together(runs: Sequence[Logits], watched: Part) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean AUC of ``runs``, and the AUC of their mean logits, after each number of steps.

    Long training at a high rate makes single networks a little better, and so alike that an ensemble gains little.
    """
    return np.mean([_aucs(logits, watched) for logits in runs], axis=0), _aucs(np.mean(runs, axis=0), watched)


def _aucs(logits: Logits, watched: Part) -> NDArray[np.float64]:
    return np.array([single_auc(watched.labels, each) for each in logits])


def _smoothed(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each score averaged with its neighbours, which count half; the ends are their own missing neighbours.

    >>> _smoothed(np.array([0.0, 1.0, 0.0, 0.0]))
    array([0.25, 0.5 , 0.25, 0.  ])
    """
    padded = np.pad(scores, 1, mode="edge")
    smoothed: NDArray[np.float64] = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return smoothed


def _shares(validation: Part, watched: Part) -> NDArray[np.float64]:
    """How many validation subjects each watched one stands for."""
    of_class: NDArray[np.float64] = np.divide(validation.per_class, watched.per_class)
    return of_class[likeliest(watched.labels)]


def platt(runs: Sequence[Logits], labels: Labels, shares: NDArray[np.float64]) -> Calibration:
    """Slope and intercept that fit the logits of ``runs`` to binary ``labels``, each subject weighted by ``shares``."""
    logits = np.concatenate(runs).clip(-20, 20)
    model = LogisticRegression(C=1.0).fit(logits[:, None], np.tile(labels, len(runs)), np.tile(shares, len(runs)))
    slope = max(float(model.coef_[0, 0]), LEAST_SLOPE)
    return Calibration(slope=round(slope, 4), intercept=round(float(model.intercept_[0]), 4))


def scaled(runs: Sequence[Logits], labels: Labels, shares: NDArray[np.float64]) -> Calibration:
    """The same for ``labels`` of more than two classes: one slope, and an intercept for each; they sum to zero.

    Logits of different runs count from different zeros, which softmax does not see: they are centred first. The slope
    is held back as `platt` holds it, so that few subjects do not make a network more certain than it is.
    """
    logits = np.concatenate([run - run.mean(axis=1, keepdims=True) for run in runs]).clip(-20, 20)
    targets, weights = np.tile(labels, (len(runs), 1)), np.tile(shares, len(runs))[:, None]

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, intercepts = parameters[0], parameters[1:]
        risks = risks_of(slope * logits + intercepts)
        error = weights * (risks - targets)
        value = -float((weights * targets * logits_of(risks)).sum()) + slope**2 / 2
        return value, np.array([(error * logits).sum() + slope, *error.sum(axis=0)])

    start = np.concatenate([[1.0], np.zeros(labels.shape[1])])
    bounds = [(LEAST_SLOPE, None)] + [(None, None)] * labels.shape[1]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    intercepts = found[1:] - found[1:].mean()
    return Calibration(slope=round(float(found[0]), 4), intercept=tuple(round(float(one), 4) for one in intercepts))
