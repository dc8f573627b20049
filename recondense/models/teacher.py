"""A teacher: what simple models, trained on real records, make of a record.

Its risks are on the balanced scale, as if all classes were equally frequent: that is the scale of a condensed set.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from recondense.models.logits import logits_of, risks_of
from recondense.models.networks._summaries import summaries
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import from_probabilities, likeliest, per_class

FOLDS = 5
CERTAIN = 0.01  # a tree of five patients is never surer than this
Logits = NDArray[np.float32]


def out_of_fold(train: Normalised, seed: int) -> Logits:
    """Logits, of the shape of labels, of the records of ``train``, each by models of the folds without it.

    So a target says what the cohort teaches about such a record, not what became of this patient. Zeros, which is no
    opinion, where a class has fewer than two records.
    """
    rarest = min(per_class(train.labels))
    if rarest < 2:
        return np.zeros(train.labels.shape, dtype=np.float32)
    rows, folds = summaries(train.values), StratifiedKFold(min(FOLDS, rarest), shuffle=True, random_state=seed)
    classes = likeliest(train.labels)
    found = [cross_val_predict(model, rows, classes, cv=folds, method="predict_proba") for model in _models(seed)]
    return _balanced(found, train)


def soft_labels(records: CondensedSet, train: Normalised, seed: int) -> CondensedSet:
    """``records`` with the teacher's risks for labels. Records of ``train`` that stand among them do not teach."""
    train = train.labelled()
    others = ~np.any([(train.values == record).all(axis=(1, 2)) for record in records.values], axis=0)
    rows, classes = summaries(train.values[others]), likeliest(train.labels[others])
    asked = summaries(records.values)
    found = [model.fit(rows, classes).predict_proba(asked) for model in _models(seed)]
    return replace(records, labels=risks_of(_balanced(found, train)).astype(np.float32))


def _models(seed: int) -> tuple[Any, Any]:
    """A logistic regression and randomised trees (Geurts et al. 2006): one smooth, one not."""
    return (
        make_pipeline(StandardScaler(), LogisticRegression(C=0.003, max_iter=1000)),
        ExtraTreesClassifier(
            100, min_samples_leaf=5, max_features=0.2, random_state=seed, n_jobs=torch.get_num_threads()
        ),
    )


def _balanced(found: list[NDArray[np.float64]], train: Normalised) -> Logits:
    """The models' mean logit, less the prevalence's logit; each of ``found`` is ``(n, n_classes)``."""
    risks = [from_probabilities(each).clip(CERTAIN, 1 - CERTAIN) for each in found]
    mean = np.mean([logits_of(each) for each in risks], axis=0)
    prevalence = train.labels.mean(axis=0, keepdims=True)
    result: Logits = (mean - logits_of(prevalence)).astype(np.float32)
    return result
