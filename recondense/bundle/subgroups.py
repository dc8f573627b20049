"""How well models do in each sex and age."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.bundle.aggregates import COMPARED
from recondense.models.part import Part
from recondense.models.predictions import Results
from recondense.models.reliability import FEWEST_OF_A_KIND
from recondense.models.scores import auc, resample
from recondense.records.cohort import Variable
from recondense.records.labels import from_probabilities, per_class, probabilities

AGES = (18, 45, 65, 80)
RESAMPLES = 1000
Chosen = NDArray[np.bool_]


def subgroups(
    results: Results,
    test: Part,
    subjects: pd.DataFrame,
    variables: Sequence[Variable],
    networks: Sequence[str],
    fewest: int,
) -> dict[str, Any]:
    """``groups``: variable, group, patients, with_outcome, and by training set ``auc`` (mean over networks and seeds,
    95 % interval over patients) and mean ``risk``; ``withheld``: by variable, which groups are left out.

    ``subjects``: rows as in the normalised cohort. Left out is a group of fewer than ``fewest`` patients or fewer than
    five of a class; and where that is one group alone, the next smallest too, or the one could be had by subtraction.
    """
    about = subjects.iloc[test.rows].reset_index(drop=True)
    groups, withheld = [], {}
    for kind, parts in of_variables(variables, about):
        told = _tellable(parts, test, fewest)
        groups += [
            {"variable": kind, "group": name, **_scores(results, test, chosen, networks)}
            for name, chosen in parts.items()
            if name in told
        ]
        if len(told) < len(parts):
            withheld[kind] = [name for name in parts if name not in told]
    return {"groups": groups, "withheld": withheld}


def of_variables(variables: Sequence[Variable], about: pd.DataFrame) -> Iterator[tuple[str, dict[str, Chosen]]]:
    """``age`` and ``sex``, where there are such, each with which rows of ``about`` are in each of its groups."""
    for variable in variables:
        if parts := dict(_parts(variable, about)):
            yield _kind(variable), parts


def _kind(variable: Variable) -> str:
    """``age`` or ``sex``, where the variable is one of these, else nothing."""
    words = f"{variable.name} {variable.label}".lower()
    if variable.role != "static":
        return ""
    if variable.kind == "numeric":
        return "age" if re.search(r"\bage\b", words) else ""
    return "sex" if re.search(r"\b(sex|gender)\b", words) else ""


def _parts(variable: Variable, about: pd.DataFrame) -> Iterator[tuple[str, Chosen]]:
    """The groups that ``variable`` makes of patients, where it is sex or age; with those of whom it is not known."""
    kind = _kind(variable)
    if not kind or variable.name not in about:
        return
    column = about[variable.name].to_numpy(dtype=float)
    if kind == "age":
        band, names = np.digitize(column, AGES), _bands()
    else:
        band, names = np.nan_to_num(column, nan=-1).astype(int), _levels(variable)
    known = ~np.isnan(column)
    for place, name in enumerate(names):
        if (chosen := known & (band == place)).any():
            yield name, chosen
    if not known.all():
        yield "not known", ~known


def _bands() -> list[str]:
    between = [f"{low} to {high - 1}" for low, high in pairwise(AGES)]
    return [f"under {AGES[0]}", *between, f"{AGES[-1]} and over"]


def _levels(variable: Variable) -> list[str]:
    if variable.levels:
        return list(variable.levels)
    declared = [", ".join(variable.negative) or "other", ", ".join(variable.positive)] if variable.positive else []
    return {"male": ["female", "male"], "female": ["male", "female"]}.get(variable.name, declared or ["no", "yes"])


def _tellable(parts: dict[str, Chosen], test: Part, fewest: int) -> list[str]:
    """The names of the groups that may be told."""
    by_size = sorted(parts, key=lambda name: int(parts[name].sum()))
    told = [
        name
        for name in by_size
        if parts[name].sum() >= fewest and min(per_class(test.labels[parts[name]])) >= FEWEST_OF_A_KIND
    ]
    return told[1:] if len(by_size) - len(told) == 1 else told


def _scores(results: Results, test: Part, chosen: Chosen, networks: Sequence[str]) -> dict[str, Any]:
    labels = test.labels[chosen]
    weights = resample(labels, RESAMPLES, seed=0)
    sizes = per_class(labels)
    found: dict[str, Any] = {
        "patients": len(labels),
        "with_outcome": sizes[1] if len(sizes) == 2 else sizes,
        "auc": {},
        "risk": {},
    }
    for name in COMPARED:
        runs = [
            run[chosen] for network, seeds in results.risks(name, test).items() if network in networks for run in seeds
        ]
        if runs:
            of_runs = np.mean([auc(labels, run, weights) for run in runs], axis=0)
            low, high = np.quantile(of_runs[1:], [0.025, 0.975])
            found["auc"][name] = {
                "mean": round(float(of_runs[0]), 4),
                "low": round(float(low), 4),
                "high": round(float(high), 4),
            }
            mean = from_probabilities(probabilities(np.mean(runs, axis=0)).mean(axis=0)[None])[0]
            found["risk"][name] = np.round(mean, 4).tolist()
    return found
