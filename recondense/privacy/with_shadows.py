"""One attack that learns from shadows: on the condensed set, with baseline and both controls, and on every shadow."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recondense.models.fit import choose_device
from recondense.privacy.attacks import FEWEST_SHADOWS, Shadows, Target
from recondense.privacy.audit import reported, summary
from recondense.privacy.estimates import Scores
from recondense.privacy.gains import Comparison, Groups, compared
from recondense.privacy.params import ATTACKS, Params
from recondense.privacy.pooled import Pooled, pooled, succeeds
from recondense.privacy.shadowed import MemberSignals, ShadowInputs
from recondense.records.cohort import SPLITS, Normalised
from recondense.records.condensed import CondensedSet
from recondense.records.labels import by_class, n_classes
from recondense.results.verdicts import Verdict
from recondense.stages import plugins
from recondense.stages.params import StageParams

TOP = (10, 50, 100)


def needs_shadows(name: str) -> bool:
    """Whether attack ``name`` is one with shadows."""
    return bool(getattr(plugins.load(ATTACKS, name), "NEEDS_SHADOWS", False))


def own_signals(name: str) -> MemberSignals | None:
    """What attack ``name`` makes of the sets by itself; None where it looks at networks."""
    return getattr(plugins.load(ATTACKS, name), "signals", None)


def audited_with_shadows(
    name: str,
    options: StageParams,
    cohort: Normalised,
    condensed: CondensedSet,
    params: Params,
    evidence: ShadowInputs | None,
) -> dict[str, Any]:
    """As `recondense.privacy.audit.audited` of other attacks, and how it does on shadows; inconclusive without any."""
    if evidence is None:
        reason = f"no shadows: at least {FEWEST_SHADOWS} are needed (shadows.count in params.yaml)"
        return {"kind": "not_run", "verdict": "inconclusive", "reason": reason}
    attack, device = plugins.load(ATTACKS, name), choose_device(params.device)
    members, validation, test = (cohort.split == index for index in range(len(SPLITS)))

    def scores(shadows: Shadows, candidates: Normalised = cohort) -> Scores:
        target = Target(condensed, candidates.values, candidates.labels, params.seed, device, shadows=shadows)
        found: Scores = attack.scores(target, options)
        return found

    attacked, known, real = scores(evidence.released), evidence.released, evidence.positive
    each = in_turn(scores, known.signals, known.members)
    over = pooled(each, known.members, params)
    classes, sure = by_class(cohort.labels), params.of_each(n_classes(cohort.labels))
    of_class = [pooled(each[:, who], known.members[:, who], sure) for who in classes]
    again = in_turn(lambda shadows: scores(shadows, real.pool), real.signals, real.members)
    groups = Groups(members, validation, test)
    found = compared(attacked, scores(evidence.baseline), groups, params.confidence)
    released = pooled(again, real.members, params).figures
    report = reported(found, Comparison(released, found.baseline, found.negative_control), params)
    report["positive_control"]["is"] = "the attack on releases of random train records, with others for their shadows"
    verdict, reason = judged_with_shadows(report, found, over, of_class, evidence, params)
    return {
        **report,
        "kind": "shadows",
        "shadows": {"count": over.n_shadows, "steps": evidence.steps, "release_steps": evidence.release_steps},
        "over_shadows": {
            "is": "the attack on every shadow with the others for its shadows; bootstrap over patients and shadows",
            **summary(over.figures),
            "detectable_auc": round(over.detectable_auc, 4),
            "by_class": {f"class_{outcome}": summary(found.figures) for outcome, found in enumerate(of_class)},
            "top_ranked": top_ranked(each, known.members),
        },
        "top_ranked": top_ranked(attacked[None], members[None]),
        "verdict": verdict,
        "reason": reason,
    }


def in_turn(score: Callable[[Shadows], Scores], signals: Scores, members: NDArray[np.bool_]) -> Scores:
    """Scores ``(n_sets, n_candidates)`` of every set, attacked with the others for its shadows; arguments so, too."""
    return np.stack([score(Shadows.attacking(place, signals, members)) for place in range(len(signals))])


def top_ranked(scores: Scores, members: NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    """How many members are among the first 10, 50 and 100 by score, mean over rows of ``(n_attacked, n_candidates)``,
    and how many would be among as many drawn at random. Ties are broken at random."""
    breaks = np.random.default_rng(0).random(scores.shape)
    ranked = np.take_along_axis(members, np.lexsort((breaks, -scores), axis=1), axis=1)
    return {
        str(top): {"members": round(float(ranked[:, :top].sum(axis=1).mean()), 2),
                   "expected": round(float(top * members.mean()), 2)}
        for top in TOP if top < scores.shape[1]
    }  # fmt: skip


def judged_with_shadows(
    report: dict[str, Any],
    found: Comparison,
    over: Pooled,
    of_class: list[Pooled],
    evidence: ShadowInputs,
    params: Params,
) -> tuple[Verdict, str]:
    """The verdict of ``report`` in the light of the shadows, and the reason. ``found``: what is behind it.

    ``of_class``: ``over`` of each class's patients alone: fewer stand behind a record of a rare class, and among all
    patients nobody sees it. Of a class by itself only a success counts.
    """
    verdict, reason, margins = report["verdict"], report["reason"], (params.margin, params.tpr_margin)
    if verdict == "succeeded":
        return verdict, reason + evidence.caveat
    told = {"members": over, **{f"members of class {outcome}": alone for outcome, alone in enumerate(of_class)}}
    for who, pairs in told.items():
        if succeeds(pairs, *margins):
            return (
                "succeeded",
                f"over {over.n_shadows} shadows {who} are told apart beyond the margins{evidence.caveat}",
            )
    if verdict == "above guessing":
        return verdict, reason + evidence.caveat
    if over.figures.above_guessing(*margins):
        told_apart = "members are told apart beyond guessing, but not for certain beyond the margins"
        return "above guessing", f"over {over.n_shadows} shadows {told_apart}{evidence.caveat}"
    if not report["positive_control"]["detected"]:
        return verdict, reason
    auc, within = over.figures.auc, over.figures.within(*margins)
    if verdict == "resisted" and not within:
        if not over.figures.hides(params.tpr_margin):
            may = f"more than {params.tpr_margin:g} of members may be found beyond guessing"
        else:
            may = f"the AUC may be {auc.low:.3f} to {auc.high:.3f}"
        return "inconclusive", f"over {over.n_shadows} shadows {may}"
    if verdict == "resisted" and evidence.caveat:
        return "inconclusive", reason + evidence.caveat
    undecided = verdict == "inconclusive" and found.attack.auc.low <= 0.5 <= found.attack.auc.high
    if undecided and within and not evidence.caveat:
        return "resisted", f"over {over.n_shadows} shadows the AUC lies within {params.margin:g} of guessing"
    return verdict, reason + evidence.caveat
