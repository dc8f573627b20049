"""What ingestion found that a steward has to see, for every place that tells it: runs, `doctor`, `cohorts`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from recondense.cohorts.ids import Ids
from recondense.cohorts.params import Params
from recondense.cohorts.refused import kept
from recondense.cohorts.withdrawal import FILE, in_lines, meant, read_list
from recondense.records.attrition import NOTICES, Notice, noticed
from recondense.stages.layout import Layout
from recondense.stages.params import section
from recondense.terminal import err

MOST_NOTICES = 12


def of_cohort(layout: Layout) -> list[Notice]:
    """What the last ingestion left, what was lost first; none where there was no run."""
    return noticed(layout.folder("ingestion"))


def refusal(layout: Layout) -> str:
    """That the last ingestion was refused, and why; "" where it was not."""
    why = kept(layout)
    return f"the last ingestion was refused: {why}" if why else ""


def still_in(layout: Layout) -> Iterator[str]:
    """What a list of withdrawals says that is newer than the last ingestion: who is still in, and who is nearly named.

    Raises `InputError` where the list cannot be read.
    """
    params = section(layout.root, layout.cohort, "ingestion", Params)
    raw, folder = layout.root / params.raw, layout.folder("ingestion")
    listed, last = read_list(raw), folder / NOTICES
    if listed.empty or not last.is_file() or _changed(raw / FILE) <= last.stat().st_mtime:
        return
    subjects = pd.read_parquet(folder / "subjects.parquet")
    names = {str(one) for column in ("subject_id", "patient") if column in subjects for one in subjects[column]}
    means = meant(listed["record"], names, getattr(params.plugin_options(), "ids", Ids()))
    for kind, verb, mend in (
        ("somebody", "names", "run the cohort"),
        ("nearly", "nearly names", "write each id as the records have it, one a line, then run the cohort"),
    ):
        if lines := listed.loc[means == kind, "line"].tolist():
            yield f"{FILE} {verb} people who are still in data/2_ingested ({in_lines(lines)}): {mend}"


def _changed(path: Path) -> float:
    """When the file got its content or its place: a copy may keep the time of its original."""
    return max(path.stat().st_mtime, path.stat().st_ctime)


def say_notices(notices: Sequence[Notice], where: str = "") -> None:
    """What a steward has to see of the records, on standard error: the first `MOST_NOTICES`, and how many more are
    ``where``, in the file that holds them all."""
    for notice in notices[:MOST_NOTICES]:
        err.print(f"  ! {notice.text}", style="yellow", soft_wrap=True)
    if (more := len(notices) - MOST_NOTICES) > 0:
        err.print(f"  ! and {more} more{f': {where}' if where else ''}", style="yellow", soft_wrap=True)
