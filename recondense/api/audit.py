"""What a synthetic set gives away of the people it was made from: of ours, or of any."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from recondense.api.cohort import Cohort, numbers, to_labels
from recondense.api.tables import PARTS, Compared, of_arrays, of_frames
from recondense.errors import InputError
from recondense.privacy.audit import contained, half
from recondense.privacy.params import ATTACKS, Params
from recondense.privacy.run import run
from recondense.privacy.shadows.sets import ShadowSets
from recondense.privacy.with_shadows import needs_shadows
from recondense.records import labels as of_classes
from recondense.records.cohort import SPLITS, Normalised
from recondense.records.condensed import CondensedSet
from recondense.results.attacks import OfGuesses, OnMembers
from recondense.results.audit import Audit
from recondense.results.verdicts import WORST_FIRST, Verdict
from recondense.stages import plugins
from recondense.stages.params import validate

Records = CondensedSet | Cohort | pd.DataFrame | ArrayLike
MOST_PEOPLE, MOST_SYNTHETIC = 2000, 10_000  # distances between all of these fit into a gigabyte
FEWEST = 8  # people of each side and class: of fewer nothing can be told

# The risks that anonymous data must not have by the Article 29 Working Party's Opinion 05/2014, and two that came later
TERMS = {
    "singling_out": "singling out",
    "linkability": "linkability",
    "attribute_inference": "inference",
    "reconstruction": "reconstruction",
}
MEMBERSHIP = "membership"
OUTCOMES = ("loss_membership",)  # attacks on what a set teaches of outcomes


@dataclass(frozen=True)
class AuditReport:
    """What came of each attack. ``audit``: all figures. ``notes``: what was done to the records, and what was not run.

    ``frame``: a row an attack. ``value`` with the ends of its interval is an AUC (0.5 by guessing), or a risk (0 by
    guessing): what guesses gain of members over others, as a share of what there is to gain. ``baseline``: the same
    with real records of others for the synthetic set. ``negative_control``: the same of others in the place of members.
    ``finds_real_records``: whether the attack works, on real members handed over as they are. An attack of which this
    is not so, or with too few people, is ``inconclusive`` and proves nothing.
    """

    audit: Audit
    notes: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all attacks'."""
        return self.audit.verdict

    @property
    def frame(self) -> pd.DataFrame:
        """The table; its index is the attack."""
        found = {name: _row(name, attack) for name, attack in self.audit.attacks.items()}
        return pd.DataFrame.from_dict(found, orient="index").rename_axis("attack")

    @property
    def terms(self) -> pd.Series:
        """The worst verdict by legal term: singling out, linkability, inference, membership, reconstruction."""
        verdicts = self.frame.groupby("term", sort=False)["verdict"]
        return verdicts.agg(lambda of_term: min(of_term, key=WORST_FIRST.index))

    def __repr__(self) -> str:
        notes = "".join(f"\n- {note}" for note in self.notes)
        return f"{self.terms.to_string()}\n\n{self.frame.drop(columns='reason').round(3).to_string()}{notes}"

    def _repr_html_(self) -> str:
        return str(self.frame.round(3).to_html())


def audit(
    synthetic: Records,
    *,
    members: Records,
    others: Records,
    outcome: str | None = None,
    categorical: Sequence[str] = (),
    attacks: Sequence[str] | None = None,
    confidence: float = 0.95,
    margin: float = 0.05,
    tpr_margin: float = 0.01,
    seed: int = 0,
    device: str = "auto",
) -> AuditReport:
    """Attack ``synthetic``, which was made from ``members`` and not from ``others``, people of the same kind.

    All three are data frames with the same columns, a row a record; or arrays ``(n, features)`` or ``(n, steps,
    features)``; or a `CondensedSet` with two cohorts, such as ``cohort.part("train")`` and ``cohort.part("test")``.
    ``outcome``: the column of data frames that is predicted, if any. ``categorical``: columns of numbers that are
    codes. ``attacks``: names; None is all that need no shadow condensations. ``confidence``: of all intervals
    together. ``margin``, ``tpr_margin``: how far above guessing still counts as resisted. Of more than 2,000 members,
    2,000 others or 10,000 synthetic records so many are drawn. Raises `InputError`.
    """
    chosen, left_out = _attacks(attacks)
    (values, labels), notes = _prepared(synthetic, members, others, outcome, categorical)
    if labels is None:
        gone = [name for name in chosen if name in OUTCOMES]
        chosen = [name for name in chosen if name not in OUTCOMES]
        if not chosen:
            raise InputError(f"{gone[0]} looks at outcomes: name the column of the outcome")
        left_out += gone
        labels = [np.arange(len(one)) % 2 for one in values]  # to no attack's use: it deals records to two halves
    values, labels, drawn = _few(values, labels, seed)
    cohort = _sides(values, labels, seed)
    notes += [*drawn, *_overlap(cohort)]
    if left_out:
        notes.append(f"not run, since they need shadow condensations or an outcome: {', '.join(sorted(left_out))}")
    asked = {
        "attacks": tuple(chosen),
        "confidence": confidence,
        "margin": margin,
        "tpr_margin": tpr_margin,
        "seed": seed,
        "device": device,
    }
    condensed = CondensedSet(values[0], labels[0].astype(np.float32))
    none = ShadowSets(condensed.values[None][:0], condensed.labels[None][:0], np.empty((0, len(cohort.labels)), bool))
    made = {"steps": 0, "release_steps": 0, "canaries": 0}
    return AuditReport(run(cohort, condensed, none, made, validate(Params, asked, "audit"), "audit"), tuple(notes))


def _attacks(named: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Attacks that run, and those that cannot here."""
    known = plugins.names(ATTACKS)
    for name in named or ():
        if name not in known:
            raise InputError(f"attacks: there is no '{name}'; choose from: {', '.join(known)}")
        if needs_shadows(name):
            raise InputError(f"attacks: {name} needs shadow condensations, which `recondense run` makes in a project")
    without = [name for name in known if not needs_shadows(name)]
    return list(named) if named else without, [] if named else sorted(set(known) - set(without))


def _prepared(
    synthetic: Records, members: Records, others: Records, outcome: str | None, categorical: Collection[str]
) -> tuple[tuple[list[NDArray[np.float32]], list[NDArray[Any]] | None], list[str]]:
    """Values of each of `PARTS` on one scale, their labels where outcomes are known, and notes."""
    given: tuple[Any, ...] = (synthetic, members, others)
    if isinstance(synthetic, CondensedSet):
        if not (isinstance(members, Cohort) and isinstance(others, Cohort)):
            raise InputError(
                "a condensed set is on its cohort's scale: give parts of that cohort as members and others"
            )
        parts = [members.normalised.labelled(), others.normalised.labelled()]
        values = [synthetic.values, *(part.values for part in parts)]
        labels: list[NDArray[Any]] = [synthetic.labels, *(part.labels for part in parts)]
        if len({(of.shape[1:], of_classes.n_classes(one)) for of, one in zip(values, labels, strict=True)}) > 1:
            raise InputError(
                "members and others have other steps, features or classes than the condensed set: give its cohort"
            )
        return (values, labels), []
    if all(isinstance(one, pd.DataFrame) for one in given):
        return _of_frames(given, outcome, categorical)
    if any(isinstance(one, pd.DataFrame | Cohort) for one in given):
        raise InputError("give three data frames, three arrays, or a condensed set with parts of its cohort")
    if outcome is not None or categorical:
        raise InputError("outcome and categorical name columns: give data frames")
    found = of_arrays([numbers(one, name) for name, one in zip(PARTS, given, strict=True)])
    return (list(found.values), None), list(found.notes)


def _of_frames(
    frames: tuple[pd.DataFrame, ...], outcome: str | None, categorical: Collection[str]
) -> tuple[tuple[list[NDArray[np.float32]], list[NDArray[Any]] | None], list[str]]:
    notes, labels = [], None
    if outcome is not None:
        for name, frame in zip(PARTS, frames, strict=True):
            if outcome not in frame:
                raise InputError(f"{name}: there is no column '{outcome}', the outcome")
        known = [frame[outcome].notna().to_numpy() for frame in frames]
        if unknown := sum(int((~one).sum()) for one in known):
            notes.append(f"{unknown} records of unknown outcome were left out")
        frames = tuple(frame[one] for frame, one in zip(frames, known, strict=True))
        joined = pd.concat([frame[outcome] for frame in frames], ignore_index=True)
        of_all, _ = to_labels(joined, len(joined))
        labels = np.split(of_all, np.cumsum([len(frame) for frame in frames])[:-1])
        frames = tuple(frame.drop(columns=outcome) for frame in frames)
    found: Compared = of_frames(frames, categorical)
    return (list(found.values), labels), [*notes, *found.notes]


def _few(
    values: list[NDArray[np.float32]], labels: list[NDArray[Any]], seed: int
) -> tuple[list[NDArray[np.float32]], list[NDArray[Any]], list[str]]:
    """At most so many of each of `PARTS`, drawn at random."""
    rng, notes = np.random.default_rng(seed), []
    for place, most in enumerate((MOST_SYNTHETIC, MOST_PEOPLE, MOST_PEOPLE)):
        size = len(values[place])
        if size > most:
            chosen = np.sort(rng.permutation(size)[:most])
            values[place], labels[place] = values[place][chosen], labels[place][chosen]
            notes.append(f"{PARTS[place]}: {most:,} of {size:,} records were drawn")
    return values, labels, notes


def _sides(values: list[NDArray[np.float32]], labels: list[NDArray[Any]], seed: int) -> Normalised:
    """Members as a train split; of others one half stands for the synthetic set, and the other is told from members."""
    for name, one in zip(PARTS[1:], labels[1:], strict=True):
        if min(sizes := of_classes.per_class(one)) < FEWEST:
            raise InputError(f"{name}: give at least {FEWEST} records of each class, and there are {sizes} (in order)")
    all_labels = np.concatenate(labels[1:]).astype(np.float32)
    is_other = np.arange(len(all_labels)) >= len(labels[1])
    validation = half(is_other, all_labels, seed)
    split = np.select([validation, is_other], [SPLITS.index("validation"), SPLITS.index("test")], SPLITS.index("train"))
    everyone = np.concatenate(values[1:])
    return Normalised(everyone, np.ones(everyone.shape, bool), all_labels, split.astype(np.uint8))


def _overlap(cohort: Normalised) -> list[str]:
    """A note of others who are among the members. Raises `InputError` where most are."""
    train = cohort.part("train")
    others = cohort.values[cohort.split != SPLITS.index("train")]
    twice = int(contained(others, CondensedSet(train.values, train.labels)).sum())
    distinct = len(np.unique(others.reshape(len(others), -1), axis=0))  # few, where a table has a few levels alone
    if 2 * min(twice, distinct) > len(others):
        raise InputError(
            f"{twice} of {len(others)} others have the very record of a member: others must be people from whom the "
            "synthetic set was not made"
        )
    return [f"{twice} of {len(others)} others have the very record of a member"] if twice else []


def _row(name: str, attack: Any) -> dict[str, Any]:
    term = TERMS.get(name, MEMBERSHIP if isinstance(attack, OnMembers) else name.replace("_", " "))
    said = {"verdict": attack.verdict, "reason": attack.reason}
    if isinstance(attack, OnMembers):
        found = {"figure": "AUC", "value": attack.auc, "low": attack.low, "high": attack.high}
        beside = {"baseline": attack.baseline.auc, "negative_control": attack.negative_control.auc}
        works = attack.positive_control.detected
    elif isinstance(attack, OfGuesses):
        shown = attack.variants[attack.variant]
        found = {"figure": "risk", "value": attack.risk, "low": attack.low, "high": attack.high}
        beside = {"baseline": _gain(shown.rates), "negative_control": shown.shift.risk}
        works = shown.positive_control.detected
    else:
        return {"term": term, **said}
    return {"term": term, **found, **beside, "finds_real_records": works, **said}


def _gain(rates: Any) -> float:
    """The baseline's guesses of members, as a share of what there is to gain over the attack's guesses of others."""
    base, others = (rates[name].rate or 0.0 for name in ("baseline", "negative_control"))
    return max(0.0, (base - others) / (1 - others)) if others < 1 else 0.0
