"""Gather all figures that a bundle states from what the stages before left, and ask the gate."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pandas as pd

from recondense.bundle import aggregates
from recondense.bundle.covered import covered
from recondense.bundle.differencing import panel_of, without_close
from recondense.bundle.evidence import evidence, refused_before
from recondense.bundle.gate import asked, check, count_copied, failed, records_per_class
from recondense.bundle.params import Params
from recondense.bundle.refused import keep
from recondense.bundle.resemblance import resemblance
from recondense.bundle.rounding import with_rounded_counts
from recondense.bundle.sentences import sentence
from recondense.bundle.subgroups import subgroups
from recondense.cohorts import panel
from recondense.errors import Refusal
from recondense.files.strict_json import read_json
from recondense.models.part import Part
from recondense.models.predictions import Results
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.cohort import SPLITS, Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import per_class
from recondense.results.audit import Audit
from recondense.results.public import SCHEMA, Override, Public
from recondense.results.scores import Training
from recondense.stages.history import events
from recondense.stages.layout import Layout
from recondense.stages.tiers import Tier


def gather(
    layout: Layout, params: Params, cohort: Normalised, condensed: CondensedSet, preprocessing: Preprocessing
) -> Public:
    """The figures of the bundle, with what came of the gate. Raises `Refusal` with every reason of the gate, unless
    somebody overrides it; what it refused is kept for whoever mends it."""
    metrics = public_metrics(layout, params, cohort, condensed, preprocessing)
    if earlier := panel.load(layout.root, layout.cohort):
        metrics = without_close(metrics, panel_of(layout, metrics), earlier)
    metrics = with_rounded_counts(metrics)
    if metrics.privacy.guarantee:
        metrics = covered(metrics)
    outcomes = check(metrics, params)
    refused, by = failed(outcomes), params.override
    if refused and by is None:
        keep(layout, metrics.model_copy(update={"gate": tuple(outcomes)}))
        raise Refusal("the gate refuses this release", [str(sentence(outcome)) for outcome in refused])
    against = tuple(outcome.id for outcome in refused)
    override = Override(by=by.by, reason=by.reason, against=against) if by and refused else None
    return metrics.model_copy(update={"gate": tuple(outcomes), "override": override})


def public_metrics(
    layout: Layout, params: Params, cohort: Normalised, condensed: CondensedSet, preprocessing: Preprocessing
) -> Public:
    """All figures that the bundle states: about whole groups of patients, none about one."""
    train, held_out = cohort.part("train"), cohort.values[cohort.split != SPLITS.index("train")]
    trained = Training.load(layout.folder("training") / "metrics.json")
    audited = Audit.load(layout.folder("privacy") / "metrics.json")
    condensation = read_json(layout.folder("condensation") / "metrics.json")
    ingested = read_json(layout.folder("ingestion") / "metrics.json")
    stated = {
        "schema": SCHEMA,
        "tier": str(Tier.PUBLIC),
        "cohort": {
            "classes": preprocessing.classes,
            "train_patients_per_class": per_class(train.labels),
            "source": read_json(layout.folder("ingestion") / "source.json"),
            "target": read_json(layout.folder("ingestion") / "target.json"),
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
        "limits": asked(params),
        "resemblance": resemblance(condensed.values, train.values, held_out),
        **of_groups(layout, cohort, trained.mean_over, preprocessing),
    }
    return Public.read(stated, "the figures of the bundle")


def of_groups(
    layout: Layout, cohort: Normalised, networks: Sequence[str], preprocessing: Preprocessing
) -> dict[str, Any]:
    """Figures about groups of real patients that the report shows, none of fewer than ``fewest_patients``."""
    fewest = panel.fewest_patients(layout.root, layout.cohort)
    subjects = pd.read_parquet(layout.folder("ingestion") / "subjects.parquet")
    results = Results.load(layout.folder("training")).joined(Results.load(layout.folder("reference")))
    train, validation, test = cohort.part("train"), Part.of(cohort, "validation"), Part.of(cohort, "test")
    return {
        "evidence": evidence(
            results, validation, test, networks, tried_before(layout), single_variable(layout, preprocessing)
        ),
        "fewest_patients": fewest,
        "convergence": aggregates.convergence(results.curves, networks),
        "calibration": aggregates.calibration(results, test, networks, fewest),
        "subgroups": subgroups(results, test, subjects, preprocessing.variables, networks, fewest),
        "coverage": aggregates.coverage(train, preprocessing, fewest),
    }


def tried_before(layout: Layout) -> int:
    """How many other candidates of this cohort the gate refused before this one, since the last release."""
    condensed, trained = layout.folder("condensation"), layout.folder("training")
    own = {}
    for path in (condensed / "condensed.safetensors", trained / "predictions.parquet"):
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False)  # as DVC, and so the ledger, names it
        own[path.relative_to(layout.root).as_posix()] = digest.hexdigest()
    return refused_before(events(layout), own)


def single_variable(layout: Layout, preprocessing: Preprocessing) -> str:
    """What to call the number that ranks train patients best."""
    chosen = read_json(layout.folder("reference") / "metrics.json")["single_variable"]
    return f"{chosen['summary']} {preprocessing.features[chosen['feature']].name}"
