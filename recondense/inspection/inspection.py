"""All of it together."""

from collections.abc import Callable, Iterator

from recondense.inspection import coverage, describe, duplicates, leakage, marks, redundant, units
from recondense.inspection.alone import alone
from recondense.inspection.cohort import Cohort
from recondense.inspection.found import Alarm, Grid, Inspection, Look

Check = Callable[[Cohort], Iterator[tuple[str, str]]]

# What is looked for; a check yields what it suspects, and what it saw
CHECKS: dict[str, Check] = {
    "variables with many values beyond what is plausible": units.implausible,
    "two units in one column": units.mixed,
    "numbers that may stand for unknown": marks.stand_for_unknown,
    "variables without values, or with only one": coverage.says_nothing,
    "variables that only a part of the subjects could have": coverage.in_one_group,
    "two variables that say the same": redundant.pairs,
    "rows outside the hours that are looked at": coverage.outside,
    "values that alone predict the outcome": leakage.values,
    "levels that give the outcome away": leakage.levels,
    "missingness that alone predicts the outcome": leakage.missingness,
    "times that give the outcome away": leakage.times,
    "ids or an order that predict the outcome": leakage.ids,
    "variables named like an outcome": leakage.names,
    "subjects that are in the cohort twice": duplicates.subjects,
    "measurements that are there twice": duplicates.measurements,
}


def inspect(cohort: Cohort) -> Inspection:
    """Everything that the terminal and the page show."""
    return Inspection(
        title=cohort.source["title"],
        predicted=cohort.target.in_words(),
        notices=cohort.notices,
        subjects=cohort.n_subjects,
        measurements=len(cohort.events),
        steps=Grid(hours=cohort.step_hours, number=cohort.n_steps),
        over_time=any(variable.role == "series" for variable in cohort.variables),
        flow=tuple(describe.flow(cohort)),
        alone=tuple(alone(cohort)),
        prevalence=tuple(describe.prevalence(cohort)),
        variables=tuple(describe.variables(cohort)),
        checks=tuple(
            Look(check=name, alarms=tuple(Alarm(what=what, seen=seen) for what, seen in check(cohort)))
            for name, check in CHECKS.items()
        ),
    )
