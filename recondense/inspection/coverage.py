"""Does every variable have something to tell, of everybody? And do most rows lie in the hours that are looked at?"""

from collections.abc import Iterator
from math import log1p

import numpy as np
from numpy.typing import NDArray

from recondense.inspection import FEWEST
from recondense.inspection.cohort import Cohort, different
from recondense.records.cohort import SPLITS

EARLY_SHARE = 0.1  # of the rows, before time zero
LATE_SHARE = 0.9  # of the rows, after the hours that are looked at; many are usual
EARLY, LATE = ("before time zero",), ("after the landmark", "outside the window", "outside the first")
BY_CHANCE = -14.0  # logarithm of the chance, about one in a million, that nobody of a group was measured
FOR_ALL = 0.99  # of the subjects; where fewer have it, that it is there may tell something


def says_nothing(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Variables that were never measured, or have one value only: name, and which."""
    for variable in cohort.variables:
        subject, _, value = cohort.measured(variable)
        if not len(value):
            yield variable.name, "not one value is left of it: see what was set aside, or leave it out"
        elif different(subject) >= FEWEST and value.min() == value.max():
            # "yes" where it is so and nothing elsewhere is a form that tables have
            if variable.kind == "binary" and value[0] == 1 and different(subject) < FOR_ALL * cohort.n_subjects:
                continue
            yield variable.name, "it has the same value in everybody who has it, so it tells nobody from another"


def in_one_group(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Variables that were measured in nobody of one split, or of one outcome, which is no chance: name, and whose."""
    groups = dict(_groups(cohort))
    for variable in cohort.variables:
        has = np.zeros(cohort.n_subjects, dtype=bool)
        has[cohort.measured(variable)[0]] = True
        for words, group in groups.items():
            share = has[~group].mean() if (~group).any() else 0.0
            if group.any() and not has[group].any() and has.sum() >= FEWEST:
                chance = group.sum() * log1p(-min(share, 1 - 1e-9))
                if chance < BY_CHANCE:
                    yield variable.name, f"it was measured in {share:.0%} of the others, and in nobody {words}"


def _groups(cohort: Cohort) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Each split and each outcome, in words, and who is in it."""
    split = cohort.records.subjects["split"].to_numpy()
    for name in SPLITS:
        yield f"of the {name} split", split == name
    for place, outcome in enumerate(cohort.classes or ("no", "yes")):
        yield f"with the outcome {outcome}", cohort.outcome == place


def outside(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Units of which many rows were set aside for their time, and measurements beyond the steps, with how many."""
    for unit, counts in cohort.counts.items():
        aside = counts["set_aside"]
        early, late = (sum(n for reason, n in aside.items() if reason.startswith(of)) for of in (EARLY, LATE))
        timed = counts["kept"] + early + late
        if early >= max(FEWEST, EARLY_SHARE * timed):
            yield (
                unit,
                f"{early / timed:.0%} of those with a time lie before time zero and were set aside: is time zero the "
                "column that you mean, and are all times in the same unit and zone?",
            )
        if late >= max(FEWEST, LATE_SHARE * timed):
            yield (
                unit,
                f"{late / timed:.0%} of those with a time lie after the hours that are looked at and were set aside: "
                "is `time: unit` right?",
            )
    hours, end = cohort.events["hours"].to_numpy(), cohort.step_hours * cohort.n_steps
    beyond = (hours < 0) | (hours > end)
    if beyond.any():
        yield (
            "hours",
            f"{beyond.mean():.1%} of the measurements lie outside the {cohort.n_steps} steps of "
            f"{cohort.step_hours:g} h and will have no effect: is hour 0 what you take it for?",
        )
