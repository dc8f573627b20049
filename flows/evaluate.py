"""How well a bundle serves a cohort of one's own, and in what that cohort differs."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from flows.console import say, say_notices
from flows.terminal import Terminal
from flows.transform import ingestion_params, on_scale
from tasks.common.attrition import Attrition, most_first
from tasks.common.labels import hard, per_class
from tasks.common.preprocessing import Preprocessing
from tasks.common.progress import working
from tasks.common.records import CondensedSet, Ingested, classes_of, read_json
from tasks.evaluation.drift import drift
from tasks.evaluation.evaluate import labelled, predicted, recalibrated, scores
from tasks.evaluation.mapping import Matching, match, outcomes, read_mapping
from tasks.ingestion.read import ingest, plausible_events, plausible_statics
from tasks.networks.recipe import Recipes
from tasks.release.words import interval
from tasks.results.public import Stated

SCORES = {"auc": "AUC", "auprc": "AUPRC", "brier": "Brier", "calibration_error": "calibration error"}


def evaluate(
    bundle: Path,
    cohort: str,
    raw: Path,
    mapping: Path | None = None,
    recalibrate: int | None = None,
    device: str = "auto",
) -> dict[str, Any]:
    """Read ``raw`` as ``cohort`` is read, match its variables with ``bundle``'s, and see what models of it are worth.

    Returns JSON: ``variables`` (matched, converted, missing, unused), ``drift``, and where outcomes are known
    ``scores`` (see `tasks.evaluation.evaluate.scores`), ``stated`` (the bundle's own test AUC) and ``recalibrated``.
    Raises `InputError`.
    """
    preprocessing, stated = Preprocessing.load(bundle / "preprocessing.json"), Stated.load(bundle / "metrics.json")
    settings = ingestion_params(bundle, cohort, raw)
    with working("reading records"):
        ingested, read = ingest(raw, settings, outcome_required=False)
    say_notices(most_first(read.notices))
    matching = match(ingested.variables, preprocessing.variables, read_mapping(mapping))
    matched, converted = _in_their_place(ingested, matching, preprocessing)
    values, observed = on_scale(preprocessing, matched.events, matched.subjects)
    labels = hard(matched.subjects["outcome"], len(preprocessing.classes) or 2)
    missing = [variable.name for variable in matching.missing]
    chosen = labelled(labels)
    found: dict[str, Any] = {
        "bundle": {
            "cohort": read_json(bundle / "manifest.json")["cohort"],
            "records": sum(stated.condensed.records_per_class),
        },
        "cohort": cohort,
        "subjects": {"all": len(labels), "labelled": int(chosen.sum()), "per_class": per_class(labels[chosen])},
        "counts": {"read": read.summary(), "converted": converted.summary()},
        "variables": {
            "matched": [m.ours.name for m in matching.matched],
            "converted": {
                m.theirs.name: m.how.model_dump()
                for m in matching.matched
                if m.how.to != m.theirs.name or m.how.factor != 1 or m.how.offset
            },
            "missing": missing,
            "unused": list(matching.unused),
        },
        "drift": drift(values, observed, preprocessing, missing, stated.coverage or {}),
    }
    if not chosen.any():
        return found
    condensed, recipes = CondensedSet.load(bundle / "condensed.safetensors"), Recipes.load(bundle / "recipe.json")
    risks = predicted(condensed, recipes, list(stated.mean_over), values[chosen], device)
    with working("intervals"):
        found |= {"ensemble": recipes.ensemble, "scores": scores(risks, labels[chosen])}
    if own := stated.test_auc.get("condensed"):
        found["stated"] = {"mean": own.mean, "low": own.low, "high": own.high}
    if recalibrate is not None:
        with working("recalibration"):
            found["recalibrated"] = recalibrated(risks, labels[chosen], recalibrate)
    return found


def _in_their_place(ingested: Ingested, matching: Matching, preprocessing: Preprocessing) -> tuple[Ingested, Attrition]:
    """The cohort with the bundle's variables, without what lies beyond the bundle's plausible ranges."""
    events, subjects = matching.apply(ingested)
    attrition = Attrition()
    attrition.came_in("measurements", len(ingested.events))
    attrition.set_aside("measurements", "of no variable or level of the bundle", len(ingested.events) - len(events))
    events = plausible_events(events, preprocessing.variables, attrition)
    attrition.kept("measurements", len(events))
    own = tuple(v for v in preprocessing.variables if v.role != "static" or v.name in subjects)
    subjects = plausible_statics(subjects, own, attrition)
    classes = classes_of(ingested.variables), preprocessing.classes
    subjects["outcome"] = outcomes(subjects["outcome"].to_numpy(dtype=float), *classes)
    return Ingested(events, subjects, preprocessing.variables), attrition


def show(found: dict[str, Any]) -> None:
    """What `evaluate` found, on the terminal."""
    out = Terminal(highlight=False)
    about, variables = found["subjects"], found["variables"]
    out.print(f"{found['cohort']}: {about['all']} subjects, {about['labelled']} with a known outcome", soft_wrap=True)
    out.print(
        f"variables matched: {len(variables['matched'])} of {len(variables['matched']) + len(variables['missing'])}"
    )
    for words, names in (("missing, filled in", variables["missing"]), ("not used", variables["unused"])):
        if names:
            out.print(f"{words}: {', '.join(names)}", markup=False, soft_wrap=True)
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
