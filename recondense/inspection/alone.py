"""How well each variable alone ranks the patients: by the rule with which the gate finds the best single variable."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.inspection import FEWEST
from recondense.inspection.cohort import Cohort, Floats
from recondense.inspection.found import Alone
from recondense.models.simple import observed_summaries, ranking_auc
from recondense.preprocessing.preprocessing import Feature, Preprocessing
from recondense.records.cohort import Variable
from recondense.records.labels import known, per_class


def alone(cohort: Cohort) -> list[Alone]:
    """One row a variable, best first. Empty where some class has fewer than `FEWEST` of them; without variables
    never measured in these."""
    split = cohort.records.subjects["split"].to_numpy()
    train = np.flatnonzero((split == "train") & known(cohort.records.labels))
    labels = cohort.records.labels[train]
    rarest = min(per_class(labels))
    if rarest < FEWEST:
        return []
    rows = []
    for variable in cohort.variables:
        aucs = {by: ranking_auc(labels, number) for by, number in _numbers(cohort, variable, train)}
        if aucs:
            by = max(aucs, key=lambda one: aucs[one])
            least = lower_bound(aucs[by], rarest, len(labels) - rarest)
            rows.append(Alone(variable=variable.name, by=by, auc=round(aucs[by], 3), least=round(least, 3)))
    return sorted(rows, key=lambda row: -row.auc)


def lower_bound(auc: float, cases: int, others: int) -> float:
    """The one-sided 95 % bound of an AUC of so many cases and others (Hanley and McNeil 1982, Radiology 143:29-36).

    >>> round(lower_bound(0.9, 50, 100), 3)
    0.85
    """
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (cases - 1) * (q1 - auc**2) + (others - 1) * (q2 - auc**2)
    return auc - 1.645 * float(np.sqrt(variance / (cases * others)))


def _numbers(cohort: Cohort, variable: Variable, train: NDArray[np.intp]) -> Iterator[tuple[str, Floats]]:
    """Each number that stands for ``variable`` in ``train`` subjects, and what it is called."""
    grid = Preprocessing(
        step_hours=cohort.step_hours,
        n_steps=cohort.n_steps if variable.role == "series" else 1,
        carry_forward=False,
        variables=(variable,),
        features=tuple(_features(variable)),
    )
    subject, hours, value = cohort.measured(variable)
    events = pd.DataFrame({"subject_id": subject, "hours": hours, "variable": variable.name, "value": value})
    raw = grid.raw(events, cohort.records.subjects.assign(subject_id=np.arange(cohort.n_subjects)).iloc[train])
    for place, feature in enumerate(grid.features):
        column = raw[:, :, place : place + 1]
        if np.isnan(column).all():
            continue
        observed = ~np.isnan(column)
        filled = np.where(observed, column, np.nanmedian(column)).astype(np.float32)
        level = "" if feature.level is None else f"{variable.levels[feature.level]}, "
        for summary, number in observed_summaries(filled, observed).items():
            yield f"{level}{summary}" if variable.role == "series" else level.rstrip(", ") or "value", number[:, 0]


def _features(variable: Variable) -> Iterator[Feature]:
    source = "series" if variable.role == "series" else "static"
    if variable.kind != "categorical":
        yield Feature(name=variable.name, source=source, variable=variable.name)
        return
    for place, level in enumerate(variable.levels):
        of_level = "series_level" if variable.role == "series" else "level"
        yield Feature(name=f"{variable.name}={level}", source=of_level, variable=variable.name, level=place)
