"""Mayo Clinic trial in primary biliary cholangitis: death or transplant, from the visits of the first year.

Raw file: ``pbcseq.csv``, one line a visit, a blank cell where nothing was measured; times are days since enrolment.
Columns: R package survival, ``help(pbcseq)``.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from tasks.common.attrition import Attrition
from tasks.common.params import RoomParams
from tasks.common.records import Variable
from tasks.ingestion.csv_lines import read_lines
from tasks.ingestion.datasets import Source

FILE = "pbcseq.csv"
SOURCE = Source(
    title="Mayo Clinic Primary Biliary Cholangitis trial, sequential data (pbcseq)",
    licence="GNU Lesser General Public License (LGPL >= 2), as part of the R package survival",
    url="https://cran.r-project.org/package=survival",
    citation="Murtaugh PA, Dickson ER, Van Dam GM, Malinchoc M, Grambsch PM, Langworthy AL, Gips CH. Primary "
    "biliary cirrhosis: prediction of short-term survival based on repeated patient visits. Hepatology "
    "1994;20(1):126-134.",
)
VARIABLES = (
    Variable(name="ascites", label="ascites", role="series", kind="binary"),
    Variable(name="hepato", label="hepatomegaly, enlarged liver", role="series", kind="binary"),
    Variable(name="spiders", label="spider naevi of the skin", role="series", kind="binary"),
    Variable(
        name="edema",
        label="oedema: 0 none, 0.5 untreated or treated with success, 1 despite diuretics",
        role="series",
        low=0,
        high=1,
    ),
    Variable(name="bili", label="serum bilirubin", unit="mg/dl", role="series", low=0.05, high=80, skewed=True),
    Variable(name="chol", label="serum cholesterol", unit="mg/dl", role="series", low=20, high=3000, skewed=True),
    Variable(name="albumin", label="serum albumin", unit="g/dl", role="series", low=0.5, high=10),
    Variable(name="alk.phos", label="alkaline phosphatase", unit="U/l", role="series", low=5, high=30000, skewed=True),
    Variable(
        name="ast", label="aspartate aminotransferase", unit="U/ml", role="series", low=1, high=20000, skewed=True
    ),
    Variable(name="platelet", label="platelet count", unit="1000/mm3", role="series", low=1, high=3000),
    Variable(name="protime", label="prothrombin time", unit="s", role="series", low=5, high=200),
    Variable(name="stage", label="histologic stage", role="series", low=1, high=4),
    Variable(name="age", label="age at enrolment", unit="years", role="static", low=0, high=120),
    Variable(name="female", label="female sex", role="static", kind="binary"),
    Variable(name="trt", label="randomised to D-penicillamine (0: placebo)", role="static", kind="binary"),
)
SERIES = [variable.name for variable in VARIABLES if variable.role == "series"]
ENTRY = ["age", "sex", "trt"]
FOLLOW_UP = ["futime", "status"]
TRANSPLANT, DEATH = 1, 2
FEMALE = {"f": 1.0, "m": 0.0}


class Options(RoomParams):
    """``landmark_days``: visits up to here are the input, and only patients still at risk here are judged.
    ``horizon_days``: the outcome is death or transplant within so many days of the landmark."""

    landmark_days: int = Field(default=365, gt=0)
    horizon_days: int = Field(default=1826, gt=0)


def variables(options: Options) -> tuple[Variable, ...]:
    """The same whatever the options."""
    return VARIABLES


def source(options: Options) -> Source:
    """The same whatever the options."""
    return SOURCE


def read(
    raw: Path, options: Options, attrition: Attrition, *, outcome_required: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events up to the landmark and the subjects at risk there, in the file's order. Raises `InputError`.

    Units: "visits" (lines), "subjects", "measurements" (cells that are not blank). Landmark analysis: van
    Houwelingen, Scandinavian Journal of Statistics 2007;34:70-85.
    """
    visits = _read_visits(raw / FILE, attrition, outcome_required)
    _refuse_unusable(visits, attrition)
    subjects = _judge(visits[visits["reason"] == ""], options, attrition, outcome_required)
    _refuse(visits, ~visits["id"].isin(subjects["subject_id"]), "subject set aside", attrition)
    _refuse(visits, _numbers(visits["day"]) > options.landmark_days, "visit after the landmark", attrition)
    attrition.kept("visits", int((visits["reason"] == "").sum()))
    return _events(visits, attrition), subjects


def _read_visits(path: Path, attrition: Attrition, outcome_required: bool) -> pd.DataFrame:
    """One row of text cells a visit, with its ``line`` in the file and an empty ``reason`` to set it aside."""
    needed = ["id", "day", *ENTRY, *SERIES, *(FOLLOW_UP if outcome_required else [])]
    mend = f"use the file as it comes with this project, or export it as ASCII CSV; the original is in {SOURCE.url}"
    header, lines = read_lines(path, needed, attrition, "visits", mend=mend)
    known = [name for name in dict.fromkeys([*needed, *FOLLOW_UP]) if name in header]
    places = [header.index(name) for name in known]
    rows = [[*(cells[place] for place in places), line, ""] for line, cells in lines]
    visits = pd.DataFrame(rows, columns=[*known, "line", "reason"])
    columns = ["line", "reason", "id", "day", *ENTRY, *FOLLOW_UP, *SERIES]
    return visits.reindex(columns=columns, fill_value="").astype({name: "str" for name in columns[1:]})


def _refuse_unusable(visits: pd.DataFrame, attrition: Attrition) -> None:
    """Set aside visits that cannot be placed (id, day) or that contradict the file's own coding."""
    _refuse(visits, visits["id"] == "", "unusable cell", attrition, "id")
    _refuse(visits, ~(_numbers(visits["day"]) >= 0), "unusable cell", attrition, "day")
    _refuse(visits, ~visits["sex"].isin(["", *FEMALE]), "unusable cell", attrition, "sex")
    for column in ("age", "trt", *FOLLOW_UP):
        _refuse(visits, _no_number(visits[column]), "unusable cell", attrition, column)


def _judge(visits: pd.DataFrame, options: Options, attrition: Attrition, outcome_required: bool) -> pd.DataFrame:
    """Subjects at risk at the landmark whose outcome is known (or need not be), with outcome and statics."""
    by_subject = visits.groupby("id", sort=False)[[*ENTRY, *FOLLOW_UP]]
    entry, contradictory = by_subject.first(), (by_subject.nunique() > 1).any(axis=1)
    days, status = _numbers(entry["futime"]), _numbers(entry["status"])
    event = status.isin([TRANSPLANT, DEATH])
    end = options.landmark_days + options.horizon_days
    outcome = np.select([event & (days <= end), days > end], [1.0, 0.0], np.nan)
    unknown = np.isnan(outcome) & outcome_required
    problems = {
        "entry or follow-up data differ between visits": contradictory,
        "outcome before the landmark": event & (days <= options.landmark_days),
        "follow-up ended before the landmark": days <= options.landmark_days,
        "no outcome": unknown & (days.isna() | status.isna()),
        "censored before the horizon": unknown,
    }
    reason = np.select(list(problems.values()), list(problems), "")
    attrition.came_in("subjects", len(entry))
    for problem in problems:
        gone = entry.index[reason == problem]
        attrition.set_aside("subjects", problem, len(gone), file=FILE, record=gone.to_numpy())
    subjects = pd.DataFrame(
        {
            "outcome": outcome,
            "age": _numbers(entry["age"]),
            "female": entry["sex"].map(FEMALE).astype(float),
            "trt": _numbers(entry["trt"]),
        },
        index=entry.index.rename("subject_id"),
    )
    kept: pd.DataFrame = subjects[reason == ""].reset_index()
    return kept


def _events(visits: pd.DataFrame, attrition: Attrition) -> pd.DataFrame:
    """What was measured at the visits that are kept, sorted by subject (in the file's order) and time."""
    cells = visits.melt(["line", "reason", "id", "day"], SERIES, "variable", "text")
    cells = cells[cells["text"] != ""]
    attrition.came_in("measurements", len(cells))
    dropped = cells["reason"] != ""
    garbled = ~dropped & _no_number(cells["text"])
    for reason, chosen in (("visit set aside", dropped), ("not a number", garbled)):
        gone = cells[chosen]
        places = {"record": gone["id"].to_numpy(), "column": gone["variable"].to_numpy()}
        attrition.set_aside_rows("measurements", reason, gone, file=FILE, **places)
    kept = cells[~dropped & ~garbled]
    events = pd.DataFrame(
        {
            "subject_id": kept["id"],
            "hours": _numbers(kept["day"]) * 24,
            "variable": kept["variable"].astype("str"),
            "value": _numbers(kept["text"]),
        }
    )
    place = pd.Categorical(events["subject_id"], visits["id"].unique()).codes
    return events.iloc[np.lexsort((events["hours"], place))].reset_index(drop=True)


def _refuse(
    visits: pd.DataFrame, chosen: "pd.Series[bool]", reason: str, attrition: Attrition, column: str | None = None
) -> None:
    """Set the ``chosen`` visits aside that are not yet."""
    gone = visits[chosen & (visits["reason"] == "")]
    attrition.set_aside_rows("visits", reason, gone, file=FILE, record=gone["id"].to_numpy(), column=column)
    visits.loc[gone.index, "reason"] = reason


def _numbers(cells: "pd.Series[str]") -> "pd.Series[float]":
    """The cells as numbers, NaN where they are blank or something else."""
    return pd.to_numeric(cells, errors="coerce").astype(float)


def _no_number(cells: "pd.Series[str]") -> "pd.Series[bool]":
    """True where a cell says something, but no number."""
    return (cells != "") & _numbers(cells).isna()
