"""How well a bundle serves a cohort of one's own, and in what that cohort differs."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from recondense.bundle.phrases import interval
from recondense.files.strict_json import read_json
from recondense.models.recipe import Recipes
from recondense.progress import working
from recondense.recipient.drift import drift
from recondense.recipient.matched import matched, show_variables
from recondense.recipient.scoring import labelled, predicted, recalibrated, scores
from recondense.recipient.transform import on_scale
from recondense.records.condensed import CondensedSet
from recondense.records.labels import per_class
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
) -> dict[str, Any]:
    """Read ``raw`` as ``cohort`` is read, match its variables with ``bundle``'s, and see what models of it are worth.

    Returns JSON: what `Matched.told` says, ``drift``, and where outcomes are known
    ``scores`` (see `recondense.recipient.scoring.scores`), ``stated`` (the bundle's own test AUC) and ``recalibrated``.
    Raises `InputError`.
    """
    stated, own = Stated.load(bundle / "metrics.json"), matched(bundle, cohort, raw, mapping, accept_few)
    preprocessing = own.preprocessing
    values, observed = on_scale(preprocessing, own.cohort.events, own.cohort.subjects)
    labels, missing = own.cohort.labels, [variable.name for variable in own.matching.missing]
    chosen = labelled(labels)
    found: dict[str, Any] = {
        "bundle": {
            "cohort": read_json(bundle / "manifest.json")["cohort"],
            "records": sum(stated.condensed.records_per_class),
        },
        "cohort": cohort,
        "subjects": {"all": len(labels), "labelled": int(chosen.sum()), "per_class": per_class(labels[chosen])},
        **own.told(),
        "drift": drift(values, observed, preprocessing, missing, stated.coverage or {}),
    }
    if not chosen.any():
        return found
    condensed, recipes = CondensedSet.load(bundle / "condensed.safetensors"), Recipes.load(bundle / "recipe.json")
    risks = predicted(condensed, recipes, list(stated.mean_over), values[chosen], device)
    with working("intervals"):
        found |= {"ensemble": recipes.ensemble, "scores": scores(risks, labels[chosen])}
    if reached := stated.test_auc.get("condensed"):
        found["stated"] = {"mean": reached.mean, "low": reached.low, "high": reached.high}
    if recalibrate is not None:
        with working("recalibration"):
            found["recalibrated"] = recalibrated(risks, labels[chosen], recalibrate)
    return found


def show(found: dict[str, Any]) -> None:
    """What `evaluate` found, on the terminal."""
    out = Terminal(highlight=False)
    about = found["subjects"]
    out.print(f"{found['cohort']}: {about['all']} subjects, {about['labelled']} with a known outcome", soft_wrap=True)
    show_variables(found, out)
    if found["bundle"]["cohort"] == found["cohort"]:
        say("if these are patients whom the bundle was learned from, the scores below flatter it")
    different = [row for row in found["drift"] if row["large"] or row["state"] == "missing"]
    out.print(_drift(different) if different else "no feature differs much from the bundle's cohort")
    if "scores" not in found:
        say("no outcome is known, so nothing can be scored")
        return
    out.print(_scores(found))
    if stated := found.get("stated"):
        out.print(f"the bundle states a test AUC of {interval(stated)} on patients of its own cohort", soft_wrap=True)


def _drift(rows: list[dict[str, Any]]) -> Table:
    drawn = Table(title="features of which the cohort differs much, or that it lacks", title_justify="left")
    for heading in ("feature", "measured here", "there", "shift", "spread", "clipped"):
        drawn.add_column(heading, justify="left" if heading == "feature" else "right")
    for row in rows:
        shares, numbers = ("coverage", "coverage_there"), ("shift", "spread")
        said = [*(_share(row[name]) for name in shares), *(_number(row[name]) for name in numbers)]
        drawn.add_row(row["feature"], *said, _share(row["clipped"]))
    return drawn


def _scores(found: dict[str, Any]) -> Table:
    tables = {
        "one network": found["scores"]["single"],
        f"{found['ensemble']} together": found["scores"]["ensembles"],
    }
    if again := found.get("recalibrated"):
        tables[f"one, on {again['scored_on']} others"] = again["before"]["single"]
        tables[f"recalibrated on {again['records']}"] = again["after"]["single"]
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
