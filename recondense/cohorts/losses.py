"""Nothing that was declared is lost in silence: what is told of all cohorts alike, and what a run is refused for.

What a plug-in finds lost, it tells as a `recondense.records.attrition.Notice`. Of data sets that declare their own
variables a loss is told and never refused, since no line of params.yaml could mend it.
"""

import json
from collections.abc import Collection, Sequence

import pandas as pd

from recondense.errors import BULLET, InputError
from recondense.records.attrition import Attrition, Notice
from recondense.records.cohort import Variable

OUTCOME = "outcome"  # the name of what is told of its levels
MOST, MOST_SAID = 0.5, 12
UNMEASURED = "subjects without measurements"
FEW = 0.01  # of a data set that declares its own variables so much is no news; its place is in set_aside.parquet


def values_of(events: pd.DataFrame, subjects: pd.DataFrame, variables: Sequence[Variable]) -> dict[str, int]:
    """How many values there are of each variable."""
    measured = events["variable"].value_counts()
    series = {one.name: int(measured.get(one.name, 0)) for one in variables if one.role == "series"}
    return series | {one.name: int(subjects[one.name].count()) for one in variables if one.role == "static"}


def tell_values(
    read: dict[str, int], plausible: dict[str, int], variables: Sequence[Variable], attrition: Attrition, declared: bool
) -> None:
    """Note variables without a value, and values beyond the plausible range. ``declared``: in params.yaml."""
    for variable in variables:
        name, count = variable.name, read.get(variable.name)
        if count is None:
            continue
        if not count:
            attrition.notice(name, f"no subject has a value of '{name}'", 1, 1, lost=declared)
        low, high = ("?" if end is None else f"{end:g}" for end in (variable.low, variable.high))
        gone = count - plausible[name]
        if declared or gone > FEW * count:
            what = f"values of '{name}' lie outside its plausible range, {low} to {high} {variable.unit}".rstrip()
            attrition.counted(name, f"{what}: is its unit another one?", gone, count, lost=declared)


def tell_unmeasured(events: pd.DataFrame, subjects: pd.DataFrame, attrition: Attrition, declared: bool) -> None:
    """Note the subjects of whom nothing is measured, in a cohort with series."""
    count, of = int((~subjects["subject_id"].isin(events["subject_id"].unique())).sum()), len(subjects)
    if declared or count > FEW * of:
        attrition.counted(UNMEASURED, "subjects have no measurement that counts", count, of, lost=declared)


def check(notices: Collection[Notice], most_lost: float, accepted: Collection[str]) -> None:
    """Raise `InputError` where nothing is left of what was declared, or more than ``most_lost`` is lost that is not
    ``accepted`` by its name."""
    lost = [notice for notice in notices if notice.lost]
    empty = {notice.name for notice in lost if notice.count == notice.of and not notice.asked}
    large = {notice.name for notice in lost if notice.asked or notice.share > most_lost} - empty - set(accepted)
    if not empty and not large:
        return
    # What befell most of something may be why the rest is lost
    said = [notice.text for notice in notices if notice.name in empty | large or notice.share > MOST]
    if len(said) > MOST_SAID:  # the first are the causes of the others
        said = [*said[:MOST_SAID], f"and {len(said) - MOST_SAID} more"]
    mend = "What to do: mend the files or the options"
    if empty:
        mend += f"; nothing is left of {_listed(empty, MOST_SAID)}"
    if large:
        mend += f". What is right as it is can be accepted: add 'accept: [{_listed(large)}]' to ingestion"
    raise InputError(f"what params.yaml declares is not in the records:{BULLET}{BULLET.join(said)}\n{mend}")


def _listed(names: Collection[str], most: int | None = None) -> str:
    more = f" and {len(names) - most} more" if most and len(names) > most else ""
    return ", ".join(json.dumps(name, ensure_ascii=False) for name in sorted(names)[:most]) + more
