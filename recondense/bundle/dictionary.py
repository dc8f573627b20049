"""The bundle's data dictionary."""

import csv
import io

from recondense.escape import cell
from recondense.preprocessing.preprocessing import Feature, Preprocessing
from recondense.records.cohort import Variable

COLUMNS = {
    "feature": "name of the column of `values`, and of `feature` in condensed.parquet",
    "variable": "what it was made of",
    "label": "in words",
    "role": "series: measured over time; static: once a subject; outcome: what is predicted",
    "kind": "numeric, binary (0 or 1), or categorical",
    "levels": "names of the levels of a categorical variable, in order, between |; a | within a name is \\|",
    "level_1": "levels of a binary variable that are 1, written likewise",
    "level_0": "levels of a binary variable that are 0, written likewise",
    "unit": "of the variable",
    "low": "least plausible value; below it, a measurement is not used",
    "high": "greatest plausible value",
    "meaning": "how the feature is made of the variable",
    "log": "whether it is scaled by its logarithm",
}
MEANINGS = {
    "series": "mean of the measurements in the step",
    "series_level": "1 where the last value in the step is this level",
    "observed": "1 where it was measured in the step",
    "count": "number of measurements of any variable in the step",
    "static": "the subject's value, at every step",
    "level": "1 where it has this level",
}


OUTCOME = "the record's risk, column `label` or `label_` and a class in condensed.parquet; no part of `values`"


def dictionary(preprocessing: Preprocessing, predicted: str = "") -> str:
    """One row a feature, as CSV, and one of the outcome, with what is ``predicted`` in words, where that is stated."""
    out = io.StringIO()
    table = csv.DictWriter(out, list(COLUMNS), lineterminator="\n")
    table.writeheader()
    for feature in preprocessing.features:
        table.writerow({column: cell(value) for column, value in _row(preprocessing, feature).items()})
    if predicted:
        about = {"feature": "label", "variable": "outcome", "label": predicted, "role": "outcome", "meaning": OUTCOME}
        levels = {"kind": "categorical", "levels": "|".join(preprocessing.classes)}
        row = {**about, **(levels if preprocessing.classes else {"kind": "binary"})}
        table.writerow({column: cell(value) for column, value in row.items()})
    return out.getvalue()


def two_levels(variable: Variable) -> tuple[str, str]:
    """The levels of a binary variable that are 1, and those that are 0.

    >>> two_levels(Variable(name="sex", label="sex", role="static", kind="binary", positive=("f",), negative=("m",)))
    ('f', 'm')
    >>> two_levels(Variable(name="smokes", label="smokes", role="static", kind="binary", positive=("yes", "y")))
    ('yes|y', 'every other')
    """
    if not variable.positive:
        return "1", "0"
    return "|".join(map(_level, variable.positive)), "|".join(map(_level, variable.negative)) or "every other"


def _row(preprocessing: Preprocessing, feature: Feature) -> dict[str, object]:
    variable = next((v for v in preprocessing.variables if v.name == feature.variable), None)
    about = variable.model_dump(include={"label", "role", "kind", "unit", "low", "high"}) if variable else {}
    levels = two_levels(variable) if variable and variable.kind == "binary" else ("", "")
    return {
        **about,
        "level_1": levels[0],
        "level_0": levels[1],
        "feature": feature.name,
        "variable": feature.variable,
        "unit": (variable.unit if variable else "") or feature.unit,
        "levels": "|".join(map(_level, variable.levels)) if variable else "",
        "meaning": MEANINGS[feature.source],
        "log": "yes" if feature.log else "no",
    }


def _level(name: str) -> str:
    r"""A level's name among others.

    >>> _level("a|b"), _level("a\\b")
    ('a\\|b', 'a\\\\b')
    """
    return name.replace("\\", r"\\").replace("|", r"\|")
