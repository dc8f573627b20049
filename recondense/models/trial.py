"""Train chosen models on training sets and let them predict held-out subjects: what reference and training share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.models.fit import Predictor, choose_device, fit
from recondense.models.part import VALIDATION_PER_CLASS, Part
from recondense.models.pool import spread
from recondense.models.predictions import Results, risk_columns
from recondense.models.recipe import Recipe, TrainingParams, steps_per_epoch
from recondense.models.scores import single_auc
from recondense.progress import track
from recondense.records.condensed import CondensedSet

CURVE_POINTS = 12
CURVE_SUBJECTS_PER_CLASS = 150

Records = CondensedSet | Part


@dataclass(frozen=True)
class TrainingSet:
    """What models are trained on: ``draw(seed)`` gives the records, ``recipe(network)`` says how, ``seeds`` how often.

    Records may differ by seed, as random draws do.
    """

    draw: Callable[[int], Records]
    recipe: Callable[[str], Recipe]
    seeds: int


def run(sets: Mapping[str, TrainingSet], params: TrainingParams, validation: Part, test: Part) -> Results:
    """Train every chosen model on every training set with every seed, and let it predict `judged` subjects.

    Learning curves are taken of each network's first seed, on up to 150 test subjects a class to save time. By the
    paper's protocol, each network's best epoch on ``validation`` is kept.
    """
    device, held_out = choose_device(params.device), judged(validation, test)
    choosing = validation if params.protocol == "paper" else None
    trials = []
    for name, training_set in sets.items():
        for seed in range(training_set.seeds):
            records = training_set.draw(seed)
            watched = test.few(CURVE_SUBJECTS_PER_CLASS) if seed == 0 else None
            trials += [
                Trial(
                    name, network, seed, records, training_set.recipe(network), device.type, held_out, watched, choosing
                )
                for network in params.chosen()
            ]
    outcomes = track(spread(Trial.run, trials, device), "training networks", total=len(trials))
    predictions, curves = zip(*outcomes, strict=True)
    return Results(pd.concat(predictions, ignore_index=True), pd.concat(curves, ignore_index=True))


def judged(validation: Part, test: Part) -> Part:
    """Who is predicted: the whole test part, and of the validation part as many as choose recipes."""
    return test.joined(validation.few(VALIDATION_PER_CLASS))


def checkpoints(steps: int, count: int = CURVE_POINTS) -> list[int]:
    """About ``count`` steps from 1 to ``steps``, evenly spaced by ratio.

    >>> checkpoints(100, 5)
    [1, 3, 10, 32, 100]
    """
    return sorted({round(step) for step in np.geomspace(1, steps, count).tolist()})


@dataclass(frozen=True)
class Trial:
    """One model, one training set, one seed, and whose risks it is to predict.

    ``watched``: subjects of the learning curve, if one is wanted. ``validation``: subjects that choose the epoch, if
    the protocol has any choose it.
    """

    training_set: str
    network: str
    seed: int
    records: Records
    recipe: Recipe
    device: str
    judged: Part
    watched: Part | None
    validation: Part | None

    def run(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Predictions and learning curve, as rows of `Results`."""
        watcher = _Watcher(self)
        records = self.records
        predict = fit(self.network, records.values, records.labels, self.recipe, self.seed, self.device, watcher)
        risks = predict(self.judged.values) if watcher.best_risks is None else watcher.best_risks
        key = {"training_set": self.training_set, "network": self.network}
        steps, aucs = np.array(list(watcher.curve), dtype=np.int64), np.array(list(watcher.curve.values()))
        return (
            pd.DataFrame({**key, "seed": self.seed, "row": self.judged.rows, **risk_columns(risks)}),
            pd.DataFrame({**key, "step": steps, "auc": aucs}),
        )


@dataclass
class _Watcher:
    """Called after each step: takes the learning curve, keeps the risks by the epoch best on ``validation``."""

    trial: Trial
    curve: dict[int, float] = field(default_factory=dict)
    best_auc: float = -1.0
    best_risks: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        self.checkpoints = set(checkpoints(self.trial.recipe.steps))
        self.epoch = steps_per_epoch(len(self.trial.records.labels), self.trial.recipe.batch_size)

    def __call__(self, step: int, predict: Predictor) -> None:
        watched, validation = self.trial.watched, self.trial.validation
        if watched is not None and step in self.checkpoints:
            self.curve[step] = single_auc(watched.labels, predict(watched.values))
        if validation is not None and step % self.epoch == 0:
            reached = single_auc(validation.labels, predict(validation.values))
            if reached > self.best_auc:
                self.best_auc, self.best_risks = reached, predict(self.trial.judged.values)
