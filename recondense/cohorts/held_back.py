"""Held-out patients whom figures must wait for, or leave, because of what earlier releases of the cohort were about.

The panels of releases (`recondense.cohorts.panel`) are no dependency of this stage, or each release would stale it.
They need not be: who is held out changes only where records or params do, which DVC sees. A release compares all the
same.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from recondense.cohorts import panel
from recondense.errors import InputError
from recondense.records.attrition import Attrition


def hold_back(
    root: Path, cohort: str, events: pd.DataFrame, subjects: pd.DataFrame, recorded: pd.DataFrame, attrition: Attrition
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and subjects without held-out patients of whom comparing releases would tell.

    Before the first release that is nobody. ``recorded``: ``subjects`` as they will be saved, which is what releases
    are compared by. Raises `InputError` where too few patients would be left.
    """
    earlier = panel.load(root, cohort)
    if earlier is None:
        return events, subjects
    fewest, own = panel.fewest_patients(root, cohort), panel.digests(cohort, events, recorded)
    split = subjects["split"].to_numpy()
    held_out = {name: set(own[split == name]) for name in panel.HELD_OUT}
    kept = panel.settled(held_out, earlier.splits, fewest)
    if empty := [name for name, members in kept.items() if not members]:
        raise InputError(
            f"the {empty[0]} split changed since a release of {cohort} by a few patients, of whom figures would tell. "
            f"Without as many others as make {fewest} nobody would be left: take in more records, or make this "
            "another cohort with a larger split"
        )
    stays = np.all([(split != name) | np.isin(own, list(members)) for name, members in kept.items()], axis=0)
    gone = ~stays
    lost = events["subject_id"].isin(subjects.loc[gone, "subject_id"]).to_numpy()
    attrition.set_aside("subjects", "held back until more have changed", int(gone.sum()))
    attrition.set_aside_many("measurements", "of a subject held back", int(lost.sum()))
    return events[~lost].reset_index(drop=True), subjects[stays].reset_index(drop=True)
