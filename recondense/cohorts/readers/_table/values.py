"""A variable's cells as values, and what a steward has to know of how they were read."""

import numpy as np
from numpy.typing import NDArray

from recondense.cohorts.readers._declared import FEWEST
from recondense.cohorts.readers._table.moments import check_one_form
from recondense.cohorts.readers._table.options import Declared
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.records.cells import Cells, durations, numbers, of_day, seconds_of_unit, values, word

# Words for "no value" beside `recondense.records.cells.MISSING`; each may as well be a level, so that a person is told
# of it
UNKNOWN = (
    "unknown", "unk", "n/k", "nk", "not known", "not done", "not available", "not recorded", "missing", "no data", "nd",
    "n.d.", "n/d", "?", "-", "--", "---", "/", "unbekannt", "keine Angabe", "k.A.", "k. A.", "nicht bekannt",
    "nicht bestimmt", "n.b.", "inconnu", "inconnue", "non renseigné", "non renseigne", "nr", "desconocido",
    "desconocida", "no consta", "s/d",
)  # fmt: skip
NO_ANSWER = ("not applicable", "no answer", "declined", "refused", "undefined", "unspecified")  # often levels
NO_VALUE = {word(one) for one in (*UNKNOWN, *NO_ANSWER)}


def read_values(
    cells: Cells, name: str, variable: Declared, decimal: str, file: str, attrition: Attrition
) -> NDArray[np.float64]:
    """The cells of variable ``name`` as its values, NaN where they say something else. Notes what counts as a value by
    a rule alone. Raises `InputError` where durations cannot be told from numbers, or have no place."""
    value: NDArray[np.float64] = values(cells, variable.model_dump(), decimal)
    where = f"variable '{name}' in {file}"
    if variable.kind == "numeric":
        _check_durations(cells, value, variable, decimal, where)
        _tell_of_limits(cells, value, variable, where, attrition)
    elif variable.positive and not variable.negative:
        _tell_of_no_value(cells, value, where, attrition)
    return value


def _check_durations(cells: Cells, value: NDArray[np.float64], variable: Declared, decimal: str, where: str) -> None:
    said = (cells != "").to_numpy(dtype=bool)
    timed = not np.isnan(seconds_of_unit(variable.unit))
    if timed:
        numeric = ~np.isnan(numbers(cells, decimal)) if said.any() else said
        check_one_form(cells, numeric, ~np.isnan(value) & ~numeric, where)
    if not said.any() or not np.isnan(value).all():
        return
    if of_day(cells):
        raise InputError(f"{where} holds times of the day, which are no numbers: leave it out, or write durations")
    if not timed and not np.isnan(durations(cells[said])).all():
        raise InputError(
            f"{where} holds durations, and its unit is no unit of time: declare 'unit: hours' or another one, and its "
            "range in that unit"
        )


def _tell_of_limits(
    cells: Cells, value: NDArray[np.float64], variable: Declared, where: str, attrition: Attrition
) -> None:
    """Limits of measurement, "<0.5" and ">200", are values by the rule ``below``."""
    limits = cells[cells.str.contains("[<>≤≥⩽⩾]").to_numpy(dtype=bool) & ~np.isnan(value)]
    if limits.empty:
        return
    under = int(limits.str.contains("[<≤⩽]").sum())
    rule = "they count as the limit"
    if under and variable.below == "half":
        rule = "those with '<' count as half of the limit, others as the limit"
    elif under:
        rule += "; 'below: half' would count those with '<' as half of it"
    signs = f"{under} with '<', {len(limits) - under} with '>'"
    what = f"values of {where} are limits of measurement ({signs}): {rule}"
    attrition.counted(f"limits of measurement: {where}", what, len(limits), int((~np.isnan(value)).sum()), lost=False)


def _tell_of_no_value(cells: Cells, value: NDArray[np.float64], where: str, attrition: Attrition) -> None:
    """Where only 'positive' levels are declared, a word for "unknown" counts as no."""
    counts = cells[value == 0].value_counts()
    marks = {str(cell): int(count) for cell, count in counts.items() if word(str(cell)) in NO_VALUE}
    frequent = ", ".join(f"'{mark}'" for mark, count in marks.items() if count >= FEWEST)
    what = (
        f"cells of {where} hold a word for 'unknown'{f' ({frequent})' if frequent else ''} and count as no, since only "
        "its 'positive' levels are declared: declare the word under 'missing', or the 'negative' levels"
    )
    attrition.counted(f"unknown counts as no: {where}", what, sum(marks.values()), len(value), lost=False)
