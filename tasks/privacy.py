"""The stage: audit the condensed set with each attack."""

from functools import cache
from typing import Any

from recondense.errors import InputError
from recondense.files.strict_json import read_json
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
from recondense.stages.params import validate
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier


@stage(Params, Tier.AGGREGATE)
def privacy(context: Context[Params]) -> dict[str, Any]:
    """Return figures and verdict of each attack; no file but ``metrics.json`` is written.

    Raises `InputError` for options that an attack does not know, and where cohort and condensed set do not fit.
    """
    params = context.params.of_each(len(context.params.chosen()))
    where = f"params.yaml: cohorts.{context.layout.cohort}.privacy.options"
    options = {
        name: validate(plugins.load(ATTACKS, name).Options, params.options.get(name, {}), f"{where}.{name}")
        for name in params.chosen()
    }
    cohort = Normalised.load(context.read("normalisation") / "normalised.safetensors").labelled()
    condensed = CondensedSet.load(context.read("condensation") / "condensed.safetensors")
    sets = ShadowSets.load(context.read("shadows") / "shadows.safetensors")
    check(cohort, condensed)
    made = read_json(context.read("shadows") / "metrics.json")
    enough = len(sets) >= FEWEST_SHADOWS

    @cache
    def evidence(signals_of: MemberSignals) -> ShadowInputs:
        return gather(cohort, condensed, sets, made, params, signals_of)

    networks = by_networks(params)
    attacks = {
        name: audited_with_shadows(
            name, chosen, cohort, condensed, params, evidence(own_signals(name) or networks) if enough else None
        )
        if needs_shadows(name)
        else audited(name, chosen, cohort, condensed, params)
        for name, chosen in track(options.items(), "attacks", len(options))
    }
    found = {
        "settings": context.params.settings(),
        "attacks": attacks,
        "influence": influence(cohort.part("train"), sets, params.seed),
        "canaries": canaries(cohort, sets, made, context.params),
        "verdict": overall([attack["verdict"] for attack in attacks.values()]),
    }
    return Audit.model_validate(found).as_json()


def check(cohort: Normalised, condensed: CondensedSet) -> None:
    """Raise `InputError` unless both are of one shape, and each split has each outcome to compare."""
    shape, expected = condensed.values.shape[1:], cohort.values.shape[1:]
    if shape != expected:
        raise InputError(f"condensed records are {shape} (steps, features), the cohort's {expected}: condense again")
    for index, split in enumerate(SPLITS):
        if not min(sizes := per_class(cohort.labels[cohort.split == index])):
            needed = "both" if len(sizes) == 2 else "all"
            raise InputError(f"the {split} split lacks an outcome, but an audit needs {needed}: change ingestion.split")
