"""A data set in the Medical Event Data Standard (MEDS), to which MIMIC-IV, eICU and OMOP can be exported.

Raw folder: ``data/**/*.parquet`` with ``subject_id, time, code, numeric_value``, and Parquet files of labels with
``subject_id, prediction_time, boolean_value``; schemas: <https://github.com/Medical-Event-Data-Standard/meds>. Time
zero lies ``window_hours`` before the prediction. Which code is which variable is declared, since variables are public
knowledge.
"""

from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from recondense.cohorts.readers import Source
from recondense.cohorts.readers._declared import did_you_mean, series_first
from recondense.cohorts.readers._meds.events import (
    CODES,
    NEEDED,
    STANDARD,
    batches,
    count_events,
    in_the_window,
    known_codes,
    series_of,
    shards,
    statics_of,
)
from recondense.cohorts.readers._meds.files import check_clocks, schema_of
from recondense.cohorts.readers._meds.labels import read_labels, times_of_labels
from recondense.cohorts.readers._meds.options import Options
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.records.cells import matching, near
from recondense.records.cohort import Variable, as_events
from recondense.records.target import Target

__all__ = ["Options", "read", "source", "variables"]


def variables(options: Options) -> tuple[Variable, ...]:
    """The declared variables, series first."""
    return series_first(options.variables, {"codes", "years_since", "positive", "negative"})


def source(options: Options) -> Source:
    """What was declared."""
    return options.source.source()


def target(options: Options) -> Target:
    """What was declared; the outcome's name is by default that of the labels' file."""
    name = PurePosixPath(options.labels).name.removesuffix(".parquet").replace("_", " ")
    return options.outcome.target(name, prediction_time="at the time that each label states")


def read(
    raw: Path, options: Options, attrition: Attrition, *, outcome_required: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events in the window before the prediction, and the labelled subjects in the order of their ids.

    Units: "events" (rows of the data set), "labels" (rows), "subjects" (with a label that is used), "measurements"
    (events of a declared series), "descriptors" (statics by contradicting codes). Raises `InputError`.
    """
    times, paths = times_of_labels(raw, options), shards(raw)
    times += [(path, "time", schema_of(path, NEEDED, STANDARD).field("time").type) for path in paths]
    check_clocks(times)
    labels = read_labels(raw, options, attrition, outcome_required)
    codes = sorted({scale.code for variable in options.variables.values() for scale in variable.scales()})
    # The declared code that each code of the data set stands for
    theirs = matching(known_codes(raw, paths), codes)
    spelt = {code: code for code in codes} | {spelling: code for code, spelling in theirs.items()}
    series, statics, seen = [], [], np.zeros(len(labels), dtype=bool)
    unseen, read_in, outside = set(codes), 0, 0
    for batch in batches(paths, spelt, labels["subject_id"]):
        batch["code"] = batch["code"].map(spelt)
        read_in += len(batch)
        found = in_the_window(batch, labels, options.window_hours)
        unseen -= set(found["code"])
        seen[found["place"]] = True
        measured = series_of(found, options)
        outside += int(measured["hours"].isna().sum())
        series.append(measured[measured["hours"].notna()])
        statics.append(statics_of(found, options))
    count = count_events(paths)
    attrition.came_in("events", count)
    attrition.kept("events", read_in)
    attrition.set_aside_many("events", "of no declared code, or of a subject without a label", count - read_in)
    attrition.came_in("measurements", outside)
    attrition.set_aside_many("measurements", "outside the window", outside)
    if outcome_required and len(labels):
        _check_codes(raw, paths, options, unseen, attrition)
    attrition.came_in("subjects", len(labels))
    ids, unseen_ids = labels["subject_id"].astype("str"), labels["subject_id"].astype("str").to_numpy()[~seen]
    attrition.set_aside("subjects", "no event of a declared code", len(unseen_ids), record=unseen_ids)
    what = "labelled subjects have no event of a declared code before the prediction"
    attrition.counted("subjects without events", what, len(unseen_ids), len(seen))
    subjects = pd.DataFrame({"subject_id": ids, "outcome": labels["outcome"]})
    subjects = subjects.assign(**_statics(statics, ids, options, attrition))
    return _events(series, ids, attrition), subjects[seen].reset_index(drop=True)


def _events(parts: list[pd.DataFrame], ids: "pd.Series[str]", attrition: Attrition) -> pd.DataFrame:
    empty = pd.DataFrame({"place": [], "hours": [], "variable": [], "value": []})
    found = pd.concat(parts, ignore_index=True) if parts else empty
    attrition.came_in("measurements", len(found))
    blank = found[found["value"].isna()]
    record, column = ids.to_numpy()[blank["place"].astype(int)], blank["variable"].to_numpy()
    attrition.set_aside("measurements", "no numeric value", len(blank), record=record, column=column)
    for name in sorted(set(blank["variable"])):
        count, of = (int((frame["variable"] == name).sum()) for frame in (blank, found))
        attrition.counted(name, f"events of '{name}' in the window have no numeric value", count, of)
    found = found[found["value"].notna()]
    found = found.iloc[np.lexsort((found["variable"], found["hours"], found["place"]))]
    columns = (found[name].to_numpy() for name in ("hours", "variable", "value"))
    return as_events(ids.to_numpy()[found["place"].astype(int)], *columns)


def _statics(
    parts: list[pd.DataFrame], ids: "pd.Series[str]", options: Options, attrition: Attrition
) -> dict[str, "pd.Series[float]"]:
    """Columns of one value a subject, NaN where unknown; of several births the first counts."""
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"place": [], "variable": [], "value": []})
    columns = {}
    for name, variable in options.variables.items():
        if variable.role == "series":
            continue
        by_subject = found[found["variable"] == name].groupby("place")["value"]
        value = by_subject.max()
        if variable.kind == "binary":
            both = value.index[by_subject.nunique() > 1].astype(int)
            attrition.came_in("descriptors", len(both))
            gone = ids.to_numpy()[both]
            attrition.set_aside("descriptors", "contradicting codes", len(both), record=gone, column=name)
            value = value.drop(both)
        columns[name] = value.reindex(range(len(ids))).astype(float)
    return columns


def _check_codes(raw: Path, paths: list[Path], options: Options, unseen: set[str], attrition: Attrition) -> None:
    """Raise `InputError` for a variable none of whose codes occur, with similar codes of the data set's own; where a
    part of them does not, it is noted."""
    if not unseen:
        return
    known = known_codes(raw, paths)
    for name, variable in options.variables.items():
        codes = [scale.code for scale in variable.scales()]
        gone = [code for code in codes if code in unseen]
        if not gone:
            continue
        hint = did_you_mean(near(gone[0], known)) or f"look codes up in {CODES}."
        problem = f"options.variables.{name}: no labelled subject has an event of the code '{gone[0]}'"
        if len(gone) == len(codes):
            raise InputError(f"{problem}: {hint} Mend its codes, or take the variable out")
        more = f" (nor of {len(gone) - 1} other codes)" if len(gone) > 1 else ""
        # As in tables: a code that another hospital, or another unit, would have is nothing that went missing here
        attrition.notice(name, f"{problem}{more}: {hint}", len(gone), len(codes), lost=False)
