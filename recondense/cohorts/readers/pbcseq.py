"""Mayo Clinic trial in primary biliary cholangitis: death or transplant, from the visits of the first year.

Raw file: ``pbcseq.csv``, one line a visit, a blank cell where nothing was measured; times are days since enrolment.
Columns: R package survival, ``help(pbcseq)``. It is read as any table of visits, see
`recondense.cohorts.readers.table`.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field

from recondense.cohorts.readers import Source, table
from recondense.records.attrition import Attrition
from recondense.records.cohort import Variable
from recondense.records.target import Target
from recondense.stages.params import StageParams

FILE = "pbcseq.csv"
TRANSPLANT, DEATH = 1, 2
DECLARED: dict[str, Any] = {
    "source": {
        "title": "Mayo Clinic Primary Biliary Cholangitis trial, sequential data (pbcseq)",
        "licence": "GNU Lesser General Public License (LGPL >= 2), as part of the R package survival",
        "url": "https://cran.r-project.org/package=survival",
        "citation": "Murtaugh PA, Dickson ER, Van Dam GM, Malinchoc M, Grambsch PM, Langworthy AL, Gips CH. Primary "
        "biliary cirrhosis: prediction of short-term survival based on repeated patient visits. Hepatology "
        "1994;20(1):126-134.",
    },
    "measurements": {"file": FILE, "subject": "id", "time": "day"},
    "time": {"unit": "days"},
    "variables": {
        "ascites": {"label": "ascites", "role": "series", "kind": "binary"},
        "hepato": {"label": "hepatomegaly, enlarged liver", "role": "series", "kind": "binary"},
        "spiders": {"label": "spider naevi of the skin", "role": "series", "kind": "binary"},
        "edema": {
            "label": "oedema: 0 none, 0.5 untreated or treated with success, 1 despite diuretics",
            "role": "series",
            "low": 0,
            "high": 1,
            "usual": [0, 1],
        },
        "bili": {
            "label": "serum bilirubin",
            "unit": "mg/dl",
            "role": "series",
            "low": 0.05,
            "high": 80,
            "usual": [0.3, 20],
            "skewed": True,
        },
        "chol": {
            "label": "serum cholesterol",
            "unit": "mg/dl",
            "role": "series",
            "low": 20,
            "high": 3000,
            "usual": [120, 800],
            "skewed": True,
        },
        "albumin": {
            "label": "serum albumin",
            "unit": "g/dl",
            "role": "series",
            "low": 0.5,
            "high": 10,
            "usual": [2, 4.5],
        },
        "alk.phos": {
            "label": "alkaline phosphatase",
            "unit": "U/l",
            "role": "series",
            "low": 5,
            "high": 30000,
            "usual": [50, 4000],
            "skewed": True,
        },
        "ast": {
            "label": "aspartate aminotransferase",
            "unit": "U/ml",
            "role": "series",
            "low": 1,
            "high": 20000,
            "usual": [20, 400],
            "skewed": True,
        },
        "platelet": {
            "label": "platelet count",
            "unit": "1000/mm3",
            "role": "series",
            "low": 1,
            "high": 3000,
            "usual": [50, 500],
        },
        "protime": {
            "label": "prothrombin time",
            "unit": "s",
            "role": "series",
            "low": 5,
            "high": 200,
            "usual": [9, 14],
        },
        "stage": {"label": "histologic stage", "role": "series", "low": 1, "high": 4, "usual": [1, 4]},
        "age": {
            "label": "age at enrolment",
            "unit": "years",
            "role": "static",
            "low": 0,
            "high": 120,
            "usual": [25, 80],
        },
        "female": {
            "label": "female sex",
            "role": "static",
            "kind": "binary",
            "column": "sex",
            "positive": ["f"],
            "negative": ["m"],
        },
        "trt": {"label": "randomised to D-penicillamine (0: placebo)", "role": "static", "kind": "binary"},
    },
}


class Options(StageParams):
    """``landmark_days``: visits up to here are the input, and only patients still at risk here are judged.
    ``horizon_days``: the outcome is death or transplant within so many days of the landmark."""

    landmark_days: int = Field(default=365, gt=0)
    horizon_days: int = Field(default=1826, gt=0)

    def declared(self) -> table.Options:
        """The trial as a table."""
        landmark = {
            "at": self.landmark_days,
            "horizon": self.horizon_days,
            "time": "futime",
            "status": "status",
            "events": [TRANSPLANT, DEATH],
            "censored": [0],
            "label": "death or liver transplant",
            "prediction_time": f"{self.landmark_days} days after enrolment",
            "population": "patients of a trial in primary biliary cholangitis, alive without a transplant by then",
        }
        return table.Options.model_validate({**DECLARED, "landmark": landmark})


def variables(options: Options) -> tuple[Variable, ...]:
    """The same whatever the options."""
    return table.variables(options.declared())


def source(options: Options) -> Source:
    """The same whatever the options."""
    return table.source(options.declared())


def target(options: Options) -> Target:
    """By landmark and horizon."""
    return table.target(options.declared())


def read(
    raw: Path, options: Options, attrition: Attrition, *, outcome_required: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events up to the landmark and the subjects at risk there, in the file's order. Raises `InputError`.

    Units: "visits" (lines), "subjects", "measurements" (cells that are not blank), "descriptors" (entry and follow-up
    data that can't be read).
    """
    return table.read(raw, options.declared(), attrition, outcome_required=outcome_required)
