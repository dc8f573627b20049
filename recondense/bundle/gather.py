"""Gather all figures that a bundle states from what the stages before left, and ask the gate."""

import hashlib
from collections.abc import Sequence
from typing import TypedDict

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
from recondense.errors import InputError, Refusal
from recondense.files.strict_json import read_json
from recondense.models.part import Part
from recondense.models.predictions import Results
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.cohort import SPLITS, Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import per_class
from recondense.results.audit import Audit
from recondense.results.base import seconds
from recondense.results.evidence import Evidence
from recondense.results.public import SCHEMA, Calibration, Curve, Override, Privacy, Public, Subgroups
from recondense.results.scores import Reference, Trained
from recondense.results.stages import Condensation, Ingestion
from recondense.stages.catalogue import METRICS, NORMALISED, SOURCE, SUBJECTS, TARGET
from recondense.stages.history import events
from recondense.stages.layout import Layout
from recondense.stages.tiers import Tier


class OfGroups(TypedDict):
    """The fields of `Public` that are about groups."""

    evidence: Evidence
    fewest_patients: int
    convergence: dict[str, Curve]
    calibration: Calibration
    subgroups: Subgroups
    coverage: dict[str, float]


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
    trained = Trained.load(METRICS["training"].path(layout))
    audited = Audit.load(METRICS["privacy"].path(layout))
    condensation = Condensation.load(METRICS["condensation"].path(layout))
    ingested = Ingestion.load(METRICS["ingestion"].path(layout))
    stated = {
        "schema": SCHEMA,
        "tier": str(Tier.PUBLIC),
        "cohort": {
            "classes": preprocessing.classes,
            "train_patients_per_class": per_class(train.labels),
            "source": read_json(SOURCE.path(layout)),
            "target": read_json(TARGET.path(layout)),
            "counts": ingested.counts,
            "subjects": dict(ingested.subjects),
            "prevalence": ingested.prevalence,
        },
        "condensed": {
            "method": condensation.method,
            "records_per_class": records_per_class(condensed),
            "copied_records": count_copied(condensed, train),
            "averaged": condensation.averaged,
            "seconds": seconds(METRICS["condensation"].path(layout)),
            "steps": condensation.asked_steps,
        },
        **{name: value for name, value in trained if name != "order"},
        "privacy": Privacy(guarantee=condensation.guarantee, **dict(audited)),
        "limits": asked(params),
        "resemblance": resemblance(condensed.values, train.values, held_out),
        **of_groups(layout, cohort, trained.mean_over, preprocessing),
    }
    return Public.read(stated, "the figures of the bundle")


def of_groups(layout: Layout, cohort: Normalised, networks: Sequence[str], preprocessing: Preprocessing) -> OfGroups:
    """Figures about groups of real patients that the report shows, none of fewer than ``fewest_patients``."""
    check_joins(layout, cohort)
    fewest = panel.fewest_patients(layout.root, layout.cohort)
    subjects = pd.read_parquet(SUBJECTS.path(layout))
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


def check_joins(layout: Layout, cohort: Normalised) -> None:
    """Raise `InputError` unless predictions and subjects, which are joined by place, are of ``cohort`` in its order."""
    for stage, stated in (("training", Trained), ("reference", Reference)):
        cohort.check_order(stated.load(METRICS[stage].path(layout)).order, f"predictions.parquet of {stage}")
    subjects = pd.read_parquet(SUBJECTS.path(layout), columns=["split"])
    if subjects["split"].tolist() != [SPLITS[index] for index in cohort.split]:
        raise InputError(
            f"{SUBJECTS.file} has other subjects than {NORMALISED.file}: `recondense run {layout.cohort}` makes both"
        )


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
    chosen = Reference.load(METRICS["reference"].path(layout)).single_variable
    return f"{chosen.summary} {preprocessing.features[chosen.feature].name}"
