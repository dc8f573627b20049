"""Is somebody in the cohort twice, or are measurements?"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from recondense.inspection import FEWEST
from recondense.inspection.cohort import Cohort

FEWEST_VALUES = 5  # numeric ones that agree; two people may well share fewer
REPEATED = 0.1  # of all numeric measurements; a chart and a laboratory may well both have some


def subjects(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Subjects whose numeric values are the same, in the same order, whatever the times."""
    groups = same(cohort)
    if groups.empty:
        return
    table = cohort.records.subjects.iloc[groups.index.to_numpy()].groupby(groups.to_numpy())
    across = int((table["split"].nunique() > 1).sum())
    differ = int((table["outcome"].nunique() > 1).sum())
    yield (
        "subject_id",
        f"{len(groups)} subjects in {groups.nunique()} groups have the same values in the same order; {across} of the "
        f"groups are in several splits, in {differ} the outcomes differ: are they one person under several ids?",
    )


def measurements(cohort: Cohort) -> Iterator[tuple[str, str]]:
    """Numeric measurements that are repeated: same subject, variable, time and value."""
    numeric = [place for place, variable in enumerate(cohort.variables) if variable.kind == "numeric"]
    events = cohort.events[cohort.events["variable"].isin(numeric)]
    again = events[events.duplicated()]
    if len(again) >= REPEATED * len(events) and again["subject"].nunique() >= FEWEST:
        yield (
            "measurements",
            f"{len(again) / len(events):.0%} are of a subject, variable, time and value that another one has, too: was "
            "a part of the files exported twice?",
        )


def same(cohort: Cohort) -> "pd.Series[int]":
    """The group of each subject that is not alone in it, indexed by the subject's place."""
    numeric = [variable for variable in cohort.variables if variable.kind == "numeric"]
    static = [variable.name for variable in numeric if variable.role == "static"]
    known = cohort.records.subjects[static].to_numpy(dtype=float)
    places = [i for i, one in enumerate(cohort.variables) if one in numeric and one.role == "series"]
    events = cohort.events[cohort.events["variable"].isin(places)]
    measured = np.bincount(events["subject"], minlength=cohort.n_subjects) + (~np.isnan(known)).sum(axis=1)

    # A sum of hashes of (nth measurement, variable, value) stands for the sequence
    nth = events.groupby("subject").cumcount()
    rows = pd.DataFrame({"nth": nth, "variable": events["variable"], "value": events["value"].round(6)})
    hashes = pd.util.hash_pandas_object(rows, index=False).to_numpy()
    total = np.zeros(cohort.n_subjects, dtype=np.uint64)
    np.add.at(total, events["subject"].to_numpy(), hashes)
    total += pd.util.hash_pandas_object(pd.DataFrame(known).round(6), index=False).to_numpy()

    key = pd.Series(total)[measured >= FEWEST_VALUES]
    key = key[key.duplicated(keep=False)]
    return pd.Series(pd.factorize(key)[0].astype(np.int64), index=key.index)
