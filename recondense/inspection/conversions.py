"""Between which units a quantity is measured in different places, and for which variables each conversion may hold."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from recondense.inspection.cohort import Floats
from recondense.records.cohort import Variable
from recondense.records.units import conversion, plain

MOLAR = ("mg/dl", "g/dl", "mmol/l", "umol/l")


@dataclass(frozen=True)
class Conversion:
    """From the unit with the lower number to that with the higher: ``convert``.

    ``units``: the two, in the form of `recondense.records.units.plain`. ``quantity``: what is measured in them, a
    pattern for names and labels. Both are empty for a power of ten, which any quantity may be out by.
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


def _times(factor: float, name: str = "", units: tuple[str, ...] = (), quantity: str = "") -> Conversion:
    return Conversion(name or f"{factor:g}", lambda x: factor * x, units, quantity)


def _between(low: str, high: str, quantity: str, of: str = "", units: tuple[str, ...] = ()) -> Conversion:
    """The factor that `recondense.records.units` knows, from the unit with the lower number to that with the higher;
    ``of``: what is measured, where the factor depends on it."""
    way = conversion(of, low, high)
    assert way is not None, f"{of}: no way from {low} to {high}"
    name = f"{way[0]:.3g} ({', '.join(filter(None, (of, f'{low} and {high}')))})"
    return _times(way[0], name, units or (plain(low), plain(high)), quantity)


CONVERSIONS = (
    Conversion("1.8 x + 32 (°C and °F)", lambda x: 1.8 * x + 32, ("c", "f", "degc", "cel"), "temp"),
    _between("kg", "lb", r"(body ?)?weight|(body ?)?mass\b(?! index)"),
    _between("inch", "cm", "(body ?)?height|(body ?)?length|stature|waist|circumf", units=("cm", "inch", "in")),
    _between("kPa", "mmHg", r".*pressure|.*bp\b|p?a?p?c?o2\b|map\b"),
    _between("mmol/l", "mg/dl", "bun|.*urea", "urea nitrogen", MOLAR),
    _times(2.14, "2.14 (urea nitrogen and urea, mg/dl)", MOLAR, "bun|.*urea"),
    _between("mg/dl", "µmol/l", ".*bili", "bilirubin", MOLAR),
    _between("mmol/l", "mg/dl", "gluc|.*gluc|blood sugar", "glucose", MOLAR),
    _between("mmol/l", "mg/dl", r".*chol|[hl]dl\b", "cholesterol", MOLAR),
    _between("mmol/l", "mg/dl", "trigly", "triglycerides", MOLAR),
    _between("mg/dl", "µmol/l", ".*creat", "creatinine", MOLAR),
    _between("mg/dl", "µmol/l", "uric|urate", "uric acid", MOLAR),
    _between("mmol/l", "mg/dl", ".*calcium", "calcium", MOLAR),
    _between("mmol/l", "mg/dl", ".*phosph(?!atase)", "phosphate", MOLAR),
    _between("mmol/l", "mg/dl", "lactate|lactic", "lactate", MOLAR),
    _times(10),
    _times(100),
    _times(1000),
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
    unit = plain(variable.unit)
    named = [one for one in CONVERSIONS if one.names(variable)]
    of_quantity = [one for one in named if not unit or unit in one.units]
    of_unit = [one for one in CONVERSIONS if unit and unit in one.units]
    return (of_quantity if named else of_unit) + [one for one in CONVERSIONS if one.any_quantity]
