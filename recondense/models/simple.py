"""What takes no network: simple models of all real records, and the single variable that ranks patients best.

A condensed set that teaches less than these is of no use, and one that cannot be told from chance may still look as
good as a network that has learned too long. So they are always there to compare with.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from recondense.models.fit import fit
from recondense.models.part import Part
from recondense.models.predictions import SIMPLE_MODELS, SINGLE_VARIABLE, Results, risk_columns
from recondense.models.recipe import Recipe
from recondense.models.scores import single_auc
from recondense.records.cohort import Normalised
from recondense.records.labels import Labels, from_probabilities, likeliest, probabilities

Floats = NDArray[np.float64]
SUMMARIES = ("mean", "first", "last", "least", "greatest")


@dataclass(frozen=True)
class SingleVariable:
    """A number of a record: one of `SUMMARIES` of the ``feature`` at that place, over the steps where it was observed.

    ``ranks``: which values it has among train records, and their mid-ranks there, from 0 to 1. ``classifier``: the
    risk by rank.
    """

    feature: int
    summary: str
    ranks: tuple[Floats, Floats]
    classifier: LogisticRegression

    def risks(self, values: NDArray[np.float32], observed: NDArray[np.bool_]) -> Floats:
        """Of records ``(n, n_steps, n_features)``: ``(n,)``, or ``(n, n_classes)``."""
        chosen = slice(self.feature, self.feature + 1)
        number = observed_summaries(values[:, :, chosen], observed[:, :, chosen])[self.summary][:, 0]
        risks: Floats = from_probabilities(self.classifier.predict_proba(np.interp(number, *self.ranks)[:, None]))
        return risks


def observed_summaries(values: NDArray[np.float32], observed: NDArray[np.bool_]) -> dict[str, Floats]:
    """Each of `SUMMARIES`, ``(n, n_features)``, over the steps at which a feature was observed; of a feature that never
    was, over all.

    >>> values, seen = np.array([[[9.0], [1.0], [2.0]]], np.float32), np.array([[[False], [True], [True]]])
    >>> {name: float(each[0, 0]) for name, each in observed_summaries(values, seen).items()}
    {'mean': 1.5, 'first': 1.0, 'last': 2.0, 'least': 1.0, 'greatest': 2.0}
    """
    seen = observed | ~observed.any(axis=1, keepdims=True)
    first, last = seen.argmax(axis=1)[:, None], values.shape[1] - 1 - seen[:, ::-1].argmax(axis=1)[:, None]
    found = {
        "mean": (values * seen).sum(axis=1) / seen.sum(axis=1),
        "first": np.take_along_axis(values, first, axis=1)[:, 0],
        "last": np.take_along_axis(values, last, axis=1)[:, 0],
        "least": np.where(seen, values, np.inf).min(axis=1),
        "greatest": np.where(seen, values, -np.inf).max(axis=1),
    }
    return {name: each.astype(np.float64) for name, each in found.items()}


def ranking_auc(labels: Labels, number: Floats) -> float:
    """The AUC with which ``number``, ``(n,)``, ranks subjects of hard ``labels``, in whichever direction; of more than
    two classes its mean over the classes, each against all others.

    >>> ranking_auc(np.array([0.0, 0, 1, 1]), np.array([4.0, 3, 3, 1]))
    0.875
    """
    of_class = probabilities(labels).T[1:] if labels.ndim == 1 else labels.T
    aucs = [single_auc(column, number) for column in of_class]
    return float(np.mean([max(auc, 1 - auc) for auc in aucs]))


def best_single_variable(train: Normalised) -> SingleVariable:
    """The number that ranks ``train`` records of known outcome best, by `ranking_auc`. The first of equals."""
    train = train.labelled()
    numbers = observed_summaries(train.values, train.observed)
    aucs = {
        (feature, name): round(ranking_auc(train.labels, number[:, feature]), 6)
        for feature in range(train.values.shape[2])
        for name, number in numbers.items()
    }
    feature, name = max(aucs, key=lambda one: aucs[one])
    chosen = numbers[name][:, feature]
    values, counts = np.unique(chosen, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2) / len(chosen)
    classifier = LogisticRegression().fit(np.interp(chosen, values, ranks)[:, None], likeliest(train.labels))
    return SingleVariable(feature, name, (values, ranks), classifier)


def simple_models(cohort: Normalised, train: Part, judged: Part) -> tuple[Results, SingleVariable]:
    """What each of `SIMPLE_MODELS`, trained on all of ``train``, and the best single variable predict for ``judged``;
    each is a training set of its own name, and has no learning curve."""
    single = best_single_variable(cohort.part("train"))
    risks = {name: fit(name, train.values, train.labels, Recipe(), seed=0)(judged.values) for name in SIMPLE_MODELS}
    risks[SINGLE_VARIABLE] = single.risks(judged.values, cohort.observed[judged.rows])
    tables = [
        pd.DataFrame({"training_set": name, "network": name, "seed": 0, "row": judged.rows, **risk_columns(found)})
        for name, found in risks.items()
    ]
    curves = pd.DataFrame({"training_set": [], "network": [], "step": [], "auc": []})
    return Results(pd.concat(tables, ignore_index=True), curves.astype({"step": np.int64, "auc": np.float64})), single
