"""Audit a condensed set with each chosen attack."""

from functools import cache
from typing import Any

from recondense.errors import InputError
from recondense.privacy.attacks import FEWEST_SHADOWS
from recondense.privacy.audit import audited
from recondense.privacy.canaries import canaries
from recondense.privacy.influence import influence
from recondense.privacy.params import ATTACKS, Params
from recondense.privacy.shadowed import MemberSignals, ShadowInputs, by_networks, gather
from recondense.privacy.shadows.sets import ShadowSets
from recondense.privacy.with_shadows import audited_with_shadows, needs_shadows, own_signals
from recondense.progress import track
from recondense.records.cohort import SPLITS, Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import per_class
from recondense.results.audit import Audit, overall
from recondense.stages import plugins
from recondense.stages.params import StageParams, validate


def run(
    cohort: Normalised, condensed: CondensedSet, sets: ShadowSets, made: dict[str, Any], params: Params, where: str
) -> Audit:
    """Figures and verdict of each attack on ``condensed``, whose members are the train subjects of ``cohort``.

    ``sets`` and ``made``: the shadows and their stage's metrics. ``where``: how messages about params begin. Raises
    `InputError` for options that an attack does not know, and where cohort and condensed set do not fit.
    """
    of_each, options, cohort = params.of_each(len(params.chosen())), chosen(params, where), cohort.labelled()
    check(cohort, condensed)
    enough = len(sets) >= FEWEST_SHADOWS

    @cache
    def evidence(signals_of: MemberSignals) -> ShadowInputs:
        return gather(cohort, condensed, sets, made, of_each, signals_of)

    networks = by_networks(of_each)
    attacks = {
        name: audited_with_shadows(
            name, own, cohort, condensed, of_each, evidence(own_signals(name) or networks) if enough else None
        )
        if needs_shadows(name)
        else audited(name, own, cohort, condensed, of_each)
        for name, own in track(options.items(), "attacks", len(options))
    }
    found = {
        "settings": params.settings(),
        "attacks": attacks,
        "influence": influence(cohort.part("train"), sets, params.seed),
        "canaries": canaries(cohort, sets, made, params),
        "verdict": overall([attack["verdict"] for attack in attacks.values()]),
    }
    return Audit.model_validate(found)


def chosen(params: Params, where: str) -> dict[str, StageParams]:
    """The options of each chosen attack. Raises `InputError` that begins with ``where`` for those it does not know."""
    return {
        name: validate(plugins.load(ATTACKS, name).Options, params.options.get(name, {}), f"{where}.options.{name}")
        for name in params.chosen()
    }


def check(cohort: Normalised, condensed: CondensedSet) -> None:
    """Raise `InputError` unless both are of one shape, and each split has each outcome to compare."""
    shape, expected = condensed.values.shape[1:], cohort.values.shape[1:]
    if shape != expected:
        raise InputError(f"condensed records are {shape} (steps, features), the cohort's {expected}: condense again")
    for index, split in enumerate(SPLITS):
        if not min(sizes := per_class(cohort.labels[cohort.split == index])):
            needed = "both" if len(sizes) == 2 else "all"
            raise InputError(f"the {split} split lacks an outcome, but an audit needs {needed}: change ingestion.split")
