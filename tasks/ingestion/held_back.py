"""Held-out patients whom figures must wait for, or leave, because of what earlier releases of the cohort were about.

The panels of releases (`tasks.common.panel`) are no dependency of this stage, or each release would stale it. They need
not be: who is held out changes only where records or params do, which DVC sees. A release compares all the same.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from tasks.common import panel
from tasks.common.attrition import Attrition
from tasks.common.errors import InputError


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
    stays = np.ones(len(subjects), dtype=bool)
    for split in panel.HELD_OUT:
        held_out = (subjects["split"] == split).to_numpy()
        kept = panel.settled(set(own[held_out]), earlier.splits(split), fewest)
        if not kept or panel.close(kept, earlier.splits(split), fewest):
            raise InputError(
                f"the {split} split changed since a release of {cohort} by a few patients, of whom figures would tell. "
                f"Without as many others as make {fewest} nobody would be left: take in more records, or make this "
                "another cohort with a larger split"
            )
        stays &= ~held_out | np.isin(own, list(kept))
    gone = ~stays
    lost = events["subject_id"].isin(subjects.loc[gone, "subject_id"]).to_numpy()
    attrition.set_aside("subjects", "held back until more have changed", int(gone.sum()))
    attrition.set_aside_many("measurements", "of a subject held back", int(lost.sum()))
    return events[~lost].reset_index(drop=True), subjects[stays].reset_index(drop=True)
