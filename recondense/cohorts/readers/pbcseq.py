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
SIGNS = {"ascites": "ascites", "hepato": "hepatomegaly, enlarged liver", "spiders": "spider naevi of the skin"}
OEDEMA = "oedema: 0 none, 0.5 untreated or treated with success, 1 despite diuretics"
# Label, role, unit, the plausible range, what is usual, and whether values are spread over orders of magnitude
NUMBERS: dict[str, tuple[str, str, str, float, float, tuple[float, float], bool]] = {
    "edema": (OEDEMA, "series", "", 0, 1, (0, 1), False),
    "bili": ("serum bilirubin", "series", "mg/dl", 0.05, 80, (0.3, 20), True),
    "chol": ("serum cholesterol", "series", "mg/dl", 20, 3000, (120, 800), True),
    "albumin": ("serum albumin", "series", "g/dl", 0.5, 10, (2, 4.5), False),
    "alk.phos": ("alkaline phosphatase", "series", "U/l", 5, 30000, (50, 4000), True),
    "ast": ("aspartate aminotransferase", "series", "U/ml", 1, 20000, (20, 400), True),
    "platelet": ("platelet count", "series", "1000/mm3", 1, 3000, (50, 500), False),
    "protime": ("prothrombin time", "series", "s", 5, 200, (9, 14), False),
    "stage": ("histologic stage", "series", "", 1, 4, (1, 4), False),
    "age": ("age at enrolment", "static", "years", 0, 120, (25, 80), False),
}
OF_NUMBERS = ("label", "role", "unit", "low", "high", "usual", "skewed")
SEX = {"column": "sex", "positive": ["f"], "negative": ["m"]}
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
        **{name: {"label": label, "role": "series", "kind": "binary"} for name, label in SIGNS.items()},
        **{name: dict(zip(OF_NUMBERS, row, strict=True)) for name, row in NUMBERS.items()},
        "female": {"label": "female sex", "role": "static", "kind": "binary", **SEX},
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
