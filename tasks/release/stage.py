"""The stage: gather the public figures, ask the gate, write the bundle."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from tasks.common import panel
from tasks.common.errors import Refusal
from tasks.common.labels import per_class
from tasks.common.preprocessing import Preprocessing
from tasks.common.records import CondensedSet, Normalised, read_json
from tasks.common.stage import Context, stage
from tasks.common.tiers import Tier
from tasks.networks.part import Part
from tasks.networks.recipe import Recipes
from tasks.networks.results import Results
from tasks.release import figures
from tasks.release.bundle import write_bundle
from tasks.release.gate import conditions, copied_records, records_per_class
from tasks.release.panel import panel_of, without_close
from tasks.release.params import Params
from tasks.release.private import bounded, covered
from tasks.release.rounding import with_rounded_counts
from tasks.release.subgroups import subgroups


@stage(Params, Tier.PUBLIC)
def release(context: Context[Params]) -> dict[str, Any]:
    """Write the candidate bundle. Raises `Refusal` with every reason of the gate, unless somebody overrides it."""
    condensed = CondensedSet.load(context.read("condensation") / "condensed.safetensors")
    recipes = Recipes.load(context.read("condensation") / "recipe.json")
    preprocessing = Preprocessing.load(context.read("normalisation") / "preprocessing.json")
    cohort = Normalised.load(context.read("normalisation") / "normalised.safetensors")
    metrics = public_metrics(context, cohort.part("train"), condensed, preprocessing.classes)
    metrics |= of_groups(context, cohort, metrics["mean_over"], preprocessing)
    if earlier := panel.load(context.layout.root, context.layout.cohort):
        metrics = without_close(metrics, panel_of(context.layout, metrics), earlier, metrics["fewest_patients"])
    metrics = with_rounded_counts(metrics)
    if metrics["privacy"]["guarantee"]:
        metrics = covered(bounded(metrics, context.params.max_tpr))
    checks = conditions(metrics, context.params)
    refused = [check.reason() for check in checks if not check.holds]
    if refused and not context.params.override:
        raise Refusal("the gate refuses this release", refused)
    metrics["gate"] = [vars(check) for check in checks]
    if refused and context.params.override:
        metrics["override"] = {**context.params.override.model_dump(), "against": refused}
    write_bundle(context.out, context.layout, condensed, recipes, preprocessing, metrics)
    return metrics


def public_metrics(
    context: Context[Params], train: Normalised, condensed: CondensedSet, classes: Sequence[str]
) -> dict[str, Any]:
    """All figures that the bundle states: about whole groups of patients, none about one."""
    trained = read_json(context.read("training") / "metrics.json")
    audited = read_json(context.read("privacy") / "metrics.json")
    condensation = read_json(context.read("condensation") / "metrics.json")
    ingested = read_json(context.read("ingestion") / "metrics.json")
    return {
        "tier": str(Tier.PUBLIC),
        "cohort": {
            **({"classes": list(classes)} if classes else {}),
            "train_patients_per_class": per_class(train.labels),
            "source": read_json(context.read("ingestion") / "source.json"),
            "counts": ingested["counts"],
            "subjects": ingested["subjects"],
            "prevalence": ingested["prevalence"],
        },
        "condensed": {
            "method": condensation["method"],
            "records_per_class": records_per_class(condensed),
            "copied_records": copied_records(condensed, train),
            "averaged": condensation["averaged"],
            "seconds": condensation["seconds"],
        },
        **{key: value for key, value in trained.items() if key not in ("tier", "seconds")},
        "privacy": {
            "guarantee": condensation["guarantee"],
            **{key: value for key, value in audited.items() if key not in ("tier", "seconds")},
        },
    }


def of_groups(
    context: Context[Params], cohort: Normalised, networks: list[str], preprocessing: Preprocessing
) -> dict[str, Any]:
    """Figures about groups of real patients that the report shows, none of fewer than ``fewest_patients``."""
    fewest = panel.fewest_patients(context.layout.root, context.layout.cohort)
    subjects = pd.read_parquet(context.read("ingestion") / "subjects.parquet")
    results = Results.load(context.read("training")).joined(Results.load(context.read("reference")))
    train, test = cohort.part("train"), Part.of(cohort, "test")
    return {
        "fewest_patients": fewest,
        "convergence": figures.convergence(results.curves, networks),
        "calibration": figures.calibration(results, test, networks, fewest),
        "subgroups": subgroups(results, test, subjects, preprocessing.variables, networks, fewest),
        "coverage": figures.coverage(train, preprocessing, fewest),
    }
