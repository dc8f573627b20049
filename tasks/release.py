"""The stage: gather the public figures, ask the gate, write the bundle."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pandas as pd

from recondense.bundle import aggregates
from recondense.bundle.covered import covered
from recondense.bundle.differencing import panel_of, without_close
from recondense.bundle.evidence import evidence, refused_before
from recondense.bundle.gate import asked, check, count_copied, failed, records_per_class
from recondense.bundle.make import write_bundle
from recondense.bundle.params import Params
from recondense.bundle.refused import forget, keep
from recondense.bundle.resemblance import resemblance
from recondense.bundle.rounding import with_rounded_counts
from recondense.bundle.sentences import sentence
from recondense.bundle.subgroups import subgroups
from recondense.cohorts import panel
from recondense.errors import Refusal
from recondense.files.strict_json import read_json
from recondense.models.part import Part
from recondense.models.predictions import Results
from recondense.models.recipe import Recipes
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.cohort import SPLITS, Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import per_class
from recondense.results.audit import Audit
from recondense.results.public import SCHEMA, Override, Public
from recondense.results.scores import Training
from recondense.stages.history import events
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier


@stage(Params, Tier.PUBLIC)
def release(context: Context[Params]) -> dict[str, Any]:
    """Write the candidate bundle. Raises `Refusal` with every reason of the gate, unless somebody overrides it."""
    forget(context.layout)
    condensed = CondensedSet.load(context.read("condensation") / "condensed.safetensors")
    recipes = Recipes.load(context.read("condensation") / "recipe.json")
    preprocessing = Preprocessing.load(context.read("normalisation") / "preprocessing.json")
    cohort = Normalised.load(context.read("normalisation") / "normalised.safetensors")
    metrics = public_metrics(context, cohort, condensed, preprocessing)
    if earlier := panel.load(context.layout.root, context.layout.cohort):
        metrics = without_close(metrics, panel_of(context.layout, metrics), earlier)
    metrics = with_rounded_counts(metrics)
    if metrics.privacy.guarantee:
        metrics = covered(metrics)
    outcomes = check(metrics, context.params)
    refused, by = failed(outcomes), context.params.override
    if refused and by is None:
        keep(context.layout, metrics.model_copy(update={"gate": tuple(outcomes)}))
        raise Refusal("the gate refuses this release", [str(sentence(outcome)) for outcome in refused])
    against = tuple(outcome.id for outcome in refused)
    override = Override(by=by.by, reason=by.reason, against=against) if by and refused else None
    metrics = metrics.model_copy(update={"gate": tuple(outcomes), "override": override})
    write_bundle(context.out, context.layout, condensed, recipes, preprocessing, metrics)
    return metrics.as_json()


def public_metrics(
    context: Context[Params], cohort: Normalised, condensed: CondensedSet, preprocessing: Preprocessing
) -> Public:
    """All figures that the bundle states: about whole groups of patients, none about one."""
    train, held_out = cohort.part("train"), cohort.values[cohort.split != SPLITS.index("train")]
    trained = Training.load(context.read("training") / "metrics.json")
    audited = Audit.load(context.read("privacy") / "metrics.json")
    condensation = read_json(context.read("condensation") / "metrics.json")
    ingested = read_json(context.read("ingestion") / "metrics.json")
    stated = {
        "schema": SCHEMA,
        "tier": str(Tier.PUBLIC),
        "cohort": {
            "classes": preprocessing.classes,
            "train_patients_per_class": per_class(train.labels),
            "source": read_json(context.read("ingestion") / "source.json"),
            "target": read_json(context.read("ingestion") / "target.json"),
            "counts": ingested["counts"],
            "subjects": ingested["subjects"],
            "prevalence": ingested["prevalence"],
        },
        "condensed": {
            "method": condensation["method"],
            "records_per_class": records_per_class(condensed),
            "copied_records": count_copied(condensed, train),
            "averaged": condensation["averaged"],
            "seconds": condensation["seconds"],
            "steps": condensation["asked_steps"],
        },
        **trained.as_json(),
        "privacy": {"guarantee": condensation["guarantee"], **audited.as_json()},
        "limits": asked(context.params),
        "resemblance": resemblance(condensed.values, train.values, held_out),
        **of_groups(context, cohort, trained.mean_over, preprocessing),
    }
    return Public.read(stated, "the figures of the bundle")


def of_groups(
    context: Context[Params], cohort: Normalised, networks: Sequence[str], preprocessing: Preprocessing
) -> dict[str, Any]:
    """Figures about groups of real patients that the report shows, none of fewer than ``fewest_patients``."""
    fewest = panel.fewest_patients(context.layout.root, context.layout.cohort)
    subjects = pd.read_parquet(context.read("ingestion") / "subjects.parquet")
    results = Results.load(context.read("training")).joined(Results.load(context.read("reference")))
    train, validation, test = cohort.part("train"), Part.of(cohort, "validation"), Part.of(cohort, "test")
    return {
        "evidence": evidence(
            results, validation, test, networks, tried_before(context), single_variable(context, preprocessing)
        ),
        "fewest_patients": fewest,
        "convergence": aggregates.convergence(results.curves, networks),
        "calibration": aggregates.calibration(results, test, networks, fewest),
        "subgroups": subgroups(results, test, subjects, preprocessing.variables, networks, fewest),
        "coverage": aggregates.coverage(train, preprocessing, fewest),
    }


def tried_before(context: Context[Params]) -> int:
    """How many other candidates of this cohort the gate refused before this one, since the last release."""
    condensed, trained = context.read("condensation"), context.read("training")
    own = {}
    for path in (condensed / "condensed.safetensors", trained / "predictions.parquet"):
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False)  # as DVC, and so the ledger, names it
        own[path.relative_to(context.layout.root).as_posix()] = digest.hexdigest()
    return refused_before(events(context.layout), own)


def single_variable(context: Context[Params], preprocessing: Preprocessing) -> str:
    """What to call the number that ranks train patients best."""
    chosen = read_json(context.read("reference") / "metrics.json")["single_variable"]
    return f"{chosen['summary']} {preprocessing.features[chosen['feature']].name}"
