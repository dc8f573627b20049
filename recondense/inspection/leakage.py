"""Does something that will not be there at the bedside give the outcome away?"""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from recondense.inspection import FEWEST
from recondense.inspection.alone import alone, lower_bound
from recondense.inspection.cohort import Cohort, Floats

# AUC of one variable, or of missingness, alone, at the least by its bound. APACHE IV, of dozens of predictors, has .88
# for death in hospital (Zimmerman et al. 2006, Crit Care Med 34:1297): one variable that does better is looked at
TOO_GOOD = 0.88
PURE = 0.98  # of the subjects of a level have the rarer outcome
TELLING_IDS = 0.75  # AUC of ids, at the least; it should be near 0.5
CASES = 2 * FEWEST  # of either outcome; with fewer a high AUC means nothing
OUTCOME_WORDS = re.compile(
    r"\b(outcomes?|labels?|targets?|dea(?:d|th)|die[ds]?|deceased|mortality|surviv(?:al|ed|or)|expire(?:d|_flag)|"
    r"hospice|discharged?|transplant(?:ed|ation)?|relapsed?|readmi(?:tted|ssion)|futime|follow[ -]?up|"
    r"length of stay|los|diagnos(?:is|es|ed))\b",
    re.IGNORECASE,
)


def values(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Variables that rank or predict the outcome too well by their values alone: name, and how well."""
    ranking = {row.variable: row.auc for row in alone(cohort) if row.least > TOO_GOOD}
    for variable in cohort.variables:
        subject, _, value = cohort.measured(variable)
        summaries = pd.Series(value).groupby(subject).agg(["first", "last", "mean", "min", "max"])
        outcome = cohort.outcome[summaries.index.to_numpy(dtype=np.int64)]
        by_tree = predicts(summaries.to_numpy(dtype=float), outcome, TOO_GOOD)
        if (auc := by_tree or ranking.get(variable.name)) and _enough(cohort.outcome):
            yield (
                variable.name,
                f"its values alone predict the outcome with an AUC of {auc:.2f}: is it known at the time of the "
                "prediction?",
            )


def levels(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Levels that nearly only subjects of the rarer outcome ever have: variable, and which level."""
    if cohort.classes or not (rare := _rarer(cohort.outcome)):
        return
    word, has_it = rare
    for variable in cohort.variables:
        if variable.kind == "numeric":
            continue
        subject, _, value = cohort.measured(variable)
        for place, name in enumerate(variable.levels or ("no", "yes")):
            of_level = np.unique(subject[value == place])
            of_level = of_level[~np.isnan(cohort.outcome[of_level])]
            if len(of_level) >= CASES and has_it[of_level].mean() >= PURE:
                yield (
                    variable.name,
                    f"of {len(of_level):,} subjects with the level {name} nearly all have the outcome {word}, of all "
                    f"subjects {has_it.mean():.0%}: is it known at the time of the prediction?",
                )


def _rarer(outcome: Floats) -> tuple[str, NDArray[np.bool_]] | None:
    """The rarer of two outcomes, and who has it; None where neither is rare enough for a pure level to tell."""
    share = float(np.nanmean(outcome))
    word, has_it = ("yes", outcome == 1) if share <= 0.5 else ("no", outcome == 0)
    return (word, has_it) if has_it.sum() >= CASES else None


def missingness(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Variables, or all of them together, whose number of measurements predicts the outcome nearly perfectly."""
    found = {}
    for variable in cohort.variables:
        subject, _, _ = cohort.measured(variable)
        found[variable.name] = np.bincount(subject, minlength=cohort.n_subjects).astype(float)
    for name, counts in found.items():
        if auc := predicts(counts[:, None], cohort.outcome, TOO_GOOD):
            yield (
                name,
                f"how often it was measured, whatever the values, predicts the outcome with an AUC of {auc:.2f}: "
                "was it measured because of the outcome?",
            )
    if found and (auc := predicts(np.column_stack(list(found.values())), cohort.outcome, TOO_GOOD)):
        yield "all variables", f"what was measured how often, whatever the values, predicts the outcome: AUC {auc:.2f}"


def times(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Records whose length gives the outcome away."""
    hours = cohort.events.groupby("subject")["hours"].agg(["min", "max"])
    outcome = cohort.outcome[hours.index.to_numpy(dtype=np.int64)]
    if auc := predicts(hours.to_numpy(dtype=float), outcome, TOO_GOOD):
        yield (
            "first and last hour",
            f"when a record begins and ends predicts the outcome with an AUC of {auc:.2f}: do records end with it?",
        )


def ids(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Whether the subjects' order, or the numbers and words in their ids, predict the outcome."""
    subject_id = cohort.records.subjects["subject_id"].astype(str)
    number = pd.to_numeric(subject_id.str.replace(r"\D", "", regex=True).str[-15:], errors="coerce")
    ideas = {
        "the order of the subjects": np.arange(cohort.n_subjects, dtype=float),
        "the number in a subject's id": number.to_numpy(dtype=float),
        "the letters in a subject's id": pd.factorize(subject_id.str.replace(r"\d", "", regex=True))[0].astype(float),
    }
    for words, feature in ideas.items():
        if auc := predicts(feature[:, None], cohort.outcome, TELLING_IDS):
            yield (
                "subject_id",
                f"{words} predicts the outcome with an AUC of {auc:.2f}: do cases and others come from different "
                "places or times?",
            )


def names(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Variables that are called like an outcome."""
    for variable in cohort.variables:
        words = f"{variable.name} {variable.label}".replace("_", " ").replace(".", " ")
        if found := OUTCOME_WORDS.search(words):
            yield variable.name, f"its name or label says '{found[0]}': is it part of the outcome, or known only later?"


def predicts(features: Floats, outcome: Floats, least: float) -> float | None:
    """AUC of a small tree, cross-validated, where its `lower_bound` is above ``least``; the best of each outcome
    against all others.

    ``features``: ``(n, k)``, NaN where unknown. None where it is not, or fewer than `CASES` of either side have them.

    >>> y = np.repeat([0.0, 1.0], 50)
    >>> predicts(y[:, None], y, least=0.9), predicts(np.zeros((100, 1)), y, least=0.9)
    (1.0, None)
    """
    features, outcome = features[~np.isnan(outcome)], outcome[~np.isnan(outcome)]
    classes = np.unique(outcome)
    against_others = classes[1:] if len(classes) == 2 else classes
    return max(filter(None, (_auc(features, outcome == one, least) for one in against_others)), default=None)


def _auc(features: Floats, positive: NDArray[np.bool_], least: float) -> float | None:
    if min(positive.sum(), (~positive).sum()) < CASES:
        return None
    tree = DecisionTreeClassifier(max_depth=3, min_samples_leaf=max(5, len(positive) // 200), random_state=0)
    # What it cannot do on what it has seen it cannot do on anything else: spares most of the cross-validation
    if roc_auc_score(positive, tree.fit(features, positive).predict_proba(features)[:, 1]) <= least:
        return None
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    risk = cross_val_predict(tree, features, positive, cv=folds, method="predict_proba")[:, 1]
    auc = float(roc_auc_score(positive, risk))
    cases = int(positive.sum())
    return auc if lower_bound(auc, cases, len(positive) - cases) > least else None


def _enough(outcome: Floats) -> bool:
    """Whether there are enough subjects of each outcome for a high AUC to mean something."""
    _, counts = np.unique(outcome[~np.isnan(outcome)], return_counts=True)
    return len(counts) > 1 and bool(counts.min() >= CASES)
