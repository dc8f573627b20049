"""How well a bundle serves a cohort of one's own, and in what that cohort differs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from recondense.bundle.phrases import interval
from recondense.files.strict_json import read_json
from recondense.models.recipe import Recipes
from recondense.progress import working
from recondense.recipient.drift import drift
from recondense.recipient.found import Drift, Evaluation, Of, Scores, Subjects
from recondense.recipient.matched import matched, show_variables
from recondense.recipient.scoring import labelled, predicted, recalibrated, scores
from recondense.recipient.transform import on_scale
from recondense.records.condensed import CondensedSet
from recondense.records.labels import per_class
from recondense.results.base import Interval
from recondense.results.public import Stated
from recondense.terminal import Terminal, say

SCORES = {"auc": "AUC", "auprc": "AUPRC", "brier": "Brier", "calibration_error": "calibration error"}


def evaluate(
    bundle: Path,
    cohort: str,
    raw: Path,
    mapping: Path | None = None,
    recalibrate: int | None = None,
    device: str = "auto",
    accept_few: bool = False,
) -> Evaluation:
    """Read ``raw`` as ``cohort`` is read, match its variables with ``bundle``'s, and see what models of it are worth.

    Scores take known outcomes. Raises `InputError`.
    """
    stated, own = Stated.load(bundle / "metrics.json"), matched(bundle, cohort, raw, mapping, accept_few)
    preprocessing = own.preprocessing
    values, observed = on_scale(preprocessing, own.cohort.events, own.cohort.subjects)
    labels, missing = own.cohort.labels, [variable.name for variable in own.matching.missing]
    chosen = labelled(labels)
    of = Of(cohort=read_json(bundle / "manifest.json")["cohort"], records=sum(stated.condensed.records_per_class))
    found = Evaluation(
        bundle=of,
        cohort=cohort,
        subjects=Subjects(all=len(labels), labelled=int(chosen.sum()), per_class=tuple(per_class(labels[chosen]))),
        **dict(own.told()),
        drift=tuple(drift(values, observed, preprocessing, missing, stated.coverage or {})),
    )
    if not chosen.any():
        return found
    condensed, recipes = CondensedSet.load(bundle / "condensed.safetensors"), Recipes.load(bundle / "recipe.json")
    risks = predicted(condensed, recipes, list(stated.mean_over), values[chosen], device)
    with working("intervals"):
        scored = scores(risks, labels[chosen])
    reached, again = stated.test_auc.get("condensed"), None
    if recalibrate is not None:
        with working("recalibration"):
            again = recalibrated(risks, labels[chosen], recalibrate)
    return found.model_copy(
        update={
            "ensemble": recipes.ensemble,
            "scores": scored,
            "stated": reached and Interval(mean=reached.mean, low=reached.low, high=reached.high),
            "recalibrated": again,
        }
    )


def show(found: Evaluation) -> None:
    """What `evaluate` found, on the terminal."""
    out = Terminal(highlight=False)
    about = found.subjects
    out.print(f"{found.cohort}: {about.all} subjects, {about.labelled} with a known outcome", soft_wrap=True)
    show_variables(found, out)
    if found.bundle.cohort == found.cohort:
        say("if these are patients whom the bundle was learned from, the scores below flatter it")
    different = [row for row in found.drift if row.large or row.state == "missing"]
    out.print(_drift(different) if different else "no feature differs much from the bundle's cohort")
    if found.scores is None:
        say("no outcome is known, so nothing can be scored")
        return
    out.print(_scores(found, found.scores))
    if found.stated:
        out.print(
            f"the bundle states a test AUC of {interval(found.stated)} on patients of its own cohort", soft_wrap=True
        )


def _drift(rows: Sequence[Drift]) -> Table:
    drawn = Table(title="features of which the cohort differs much, or that it lacks", title_justify="left")
    for heading in ("feature", "measured here", "there", "shift", "spread", "clipped"):
        drawn.add_column(heading, justify="left" if heading == "feature" else "right")
    for row in rows:
        shares, numbers = map(_share, (row.coverage, row.coverage_there)), map(_number, (row.shift, row.spread))
        drawn.add_row(row.feature, *shares, *numbers, _share(row.clipped))
    return drawn


def _scores(found: Evaluation, scores: Scores) -> Table:
    tables = {
        "one network": scores.single,
        f"{found.ensemble} together": scores.ensembles,
    }
    if again := found.recalibrated:
        tables[f"one, on {again.scored_on} others"] = again.before.single
        tables[f"recalibrated on {again.records}"] = again.after.single
    drawn = Table(title="mean over networks (95 % interval)", title_justify="left")
    drawn.add_column("score")
    for heading in tables:
        drawn.add_column(heading)
    for name, words in SCORES.items():
        drawn.add_row(words, *(interval(scored[name]).replace(" (", "\n(", 1) for scored in tables.values()))
    return drawn


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "" if value is None or np.isnan(value) else f"{value:+.2f}"
