"""The split of each subject: that of the patient whose stay or visit it is."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.cohorts.split import HashedSplit, RandomSplit, SiteSplit, SplitRule
from recondense.records.attrition import Attrition

NOTABLE, NOTABLE_SHARE = 0.01, 0.1  # of patients, and of what was asked for; a hashed split less off says nothing


def drawn(rule: SplitRule, subjects: pd.DataFrame, attrition: Attrition) -> NDArray[np.str_]:
    """The split of each row of ``subjects``, which have ``sites`` where the rule is by site.

    Notes patients of several sites, and those of none.
    """
    patient, patients = pd.factorize(subjects.get("patient_id", subjects["subject_id"]))
    ids = list(patients.astype(str))
    if isinstance(rule, SiteSplit):
        sites = [frozenset[str]().union(*some) for _, some in subjects["sites"].groupby(patient)]
        _tell_sites(rule, sites, attrition)
        assigned = rule.assign(ids, sites)
    elif isinstance(rule, RandomSplit):
        assigned = rule.assign(ids, subjects["outcome"].groupby(patient).max().to_numpy())
    else:
        assigned = rule.assign(ids)
    return assigned[patient]


def _tell_sites(rule: SiteSplit, sites: list[frozenset[str]], attrition: Attrition) -> None:
    what = f"patients were at sites of several splits: all of them are in {rule.several}, as split.several says"
    attrition.counted("sites", what, rule.in_several(sites), len(sites), lost=False)
    what = (
        f"patients have no site in the column '{rule.column}': they count as of a site that ingestion.split does not "
        "name"
    )
    attrition.counted("no site", what, sum(not some for some in sites), len(sites), lost=False)


def tell_sizes(rule: SplitRule, subjects: pd.DataFrame, attrition: Attrition) -> None:
    """Note by how much the held-out splits of a hashed one are larger or smaller than what was asked for."""
    if not isinstance(rule, HashedSplit):
        return
    split = subjects.drop_duplicates("patient" if "patient" in subjects else "subject_id")["split"]
    for name, asked in (("validation", rule.validation), ("test", rule.test)):
        size, of = int((split == name).sum()), len(split)
        if abs(size / of - asked) >= max(NOTABLE, NOTABLE_SHARE * asked):
            text = (
                f"the {name} split has {size:,} of {of:,} patients, {size / of:.0%}, where {asked:.0%} were asked for: "
                "a hash of the id decides, so the fractions hold on average; another 'salt' is another draw"
            )
            off = max(1, abs(size - round(asked * of)))
            attrition.notice(f"size of the {name} split", text, off, of, lost=False)
