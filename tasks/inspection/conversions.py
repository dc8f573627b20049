"""Between which units a quantity is measured in different places, and for which variables each conversion may hold."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tasks.common.records import Variable
from tasks.inspection.cohort import Floats

MOLAR = ("mg/dl", "g/dl", "mmol/l", "µmol/l", "umol/l")


@dataclass(frozen=True)
class Conversion:
    """From the unit with the lower number to that with the higher: ``convert``.

    ``units``: the two, in lower case. ``quantity``: what is measured in them, a pattern for names and labels. Both are
    empty for a power of ten, which any quantity may be out by.
    """

    name: str
    convert: Callable[[Floats], Floats]
    units: tuple[str, ...] = ()
    quantity: str = ""

    def names(self, variable: Variable) -> bool:
        """Whether the variable's name or label says that it is the ``quantity``."""
        words = re.sub(r"[_.]", " ", f"{variable.name} {variable.label}")
        return bool(self.quantity) and re.search(rf"\b(?:{self.quantity})", words, re.IGNORECASE) is not None

    @property
    def any_quantity(self) -> bool:
        """Whether it is a power of ten."""
        return not self.quantity


def _times(factor: float, name: str, units: tuple[str, ...] = (), quantity: str = "") -> Conversion:
    return Conversion(name, lambda x: factor * x, units, quantity)


CONVERSIONS = (
    Conversion("1.8 x + 32 (°C and °F)", lambda x: 1.8 * x + 32, ("°c", "°f", "c", "f", "degc", "cel"), "temp"),
    _times(2.205, "2.2 (kg and lb)", ("kg", "lb"), r"(body ?)?weight|(body ?)?mass\b(?! index)"),
    _times(2.54, "2.54 (inch and cm)", ("cm", "inch", "in"), "(body ?)?height|(body ?)?length|stature|waist|circumf"),
    _times(7.501, "7.5 (kPa and mmHg)", ("kpa", "mmhg"), r".*pressure|.*bp\b|p?a?p?c?o2\b|map\b"),
    _times(2.801, "2.8 (urea nitrogen, mmol/l and mg/dl)", MOLAR, "bun|.*urea"),
    _times(2.14, "2.14 (urea nitrogen and urea, mg/dl)", MOLAR, "bun|.*urea"),
    _times(17.1, "17.1 (bilirubin, mg/dl and µmol/l)", MOLAR, ".*bili"),
    _times(18.02, "18 (glucose, mmol/l and mg/dl)", MOLAR, "gluc|.*gluc|blood sugar"),
    _times(38.67, "38.7 (cholesterol, mmol/l and mg/dl)", MOLAR, r".*chol|[hl]dl\b"),
    _times(88.57, "88.6 (triglycerides, mmol/l and mg/dl)", MOLAR, "trigly"),
    _times(88.4, "88.4 (creatinine, mg/dl and µmol/l)", MOLAR, ".*creat"),
    _times(59.48, "59.5 (uric acid, mg/dl and µmol/l)", MOLAR, "uric|urate"),
    _times(4.008, "4 (calcium, mmol/l and mg/dl)", MOLAR, ".*calcium"),
    _times(3.097, "3.1 (phosphate, mmol/l and mg/dl)", MOLAR, ".*phosph(?!atase)"),
    _times(9.008, "9 (lactate, mmol/l and mg/dl)", MOLAR, "lactate|lactic"),
    _times(10, "10"),
    _times(100, "100"),
    _times(1000, "1000"),
)


def fitting(variable: Variable) -> list[Conversion]:
    """Those that may hold for ``variable``: of its quantity, where its unit is one of the two or is not declared; of
    its unit, where its name says no other quantity; and the powers of ten.

    >>> share = Variable(name="fio2", label="inspired oxygen", role="series")
    >>> [conversion.name for conversion in fitting(share)]
    ['10', '100', '1000']
    >>> fitting(Variable(name="glu", label="serum glucose", unit="mg/dl", role="series"))[0].name
    '18 (glucose, mmol/l and mg/dl)'
    """
    unit = variable.unit.lower()
    named = [one for one in CONVERSIONS if one.names(variable)]
    of_quantity = [one for one in named if not unit or unit in one.units]
    of_unit = [one for one in CONVERSIONS if unit and unit in one.units]
    return (of_quantity if named else of_unit) + [one for one in CONVERSIONS if one.any_quantity]
