"""Units as hospitals write them, and the way of a value from one unit into another."""

import re
import unicodedata
from collections.abc import Mapping

from recondense.records.cells import MEAN_SECONDS, SECONDS

# Of each dimension its units, by how many of the first one they are
DIMENSIONS: tuple[Mapping[str, float], ...] = (
    {"mg/l": 1, "mg/dl": 10, "g/l": 1e3, "g/dl": 1e4, "ug/ml": 1, "ug/l": 1e-3, "ug/dl": 1e-2, "ng/ml": 1e-3},
    {"mmol/l": 1, "umol/l": 1e-3, "nmol/l": 1e-6, "mol/l": 1e3},
    {"kg": 1, "g": 1e-3, "lb": 0.45359237, "lbs": 0.45359237, "oz": 0.028349523125},
    {"cm": 1, "mm": 0.1, "m": 100, "in": 2.54, "inch": 2.54, "inches": 2.54, "ft": 30.48},
    {"mmhg": 1, "kpa": 7.500617, "cmh2o": 0.735559, "hpa": 0.7500617, "mbar": 0.7500617},
    {**SECONDS, **MEAN_SECONDS},
    {"1/min": 1, "/min": 1, "bpm": 1, "beats/min": 1, "breaths/min": 1, "hz": 60, "1/s": 60},
    {"%": 1, "1": 100, "fraction": 100},
    {"u/l": 1, "iu/l": 1, "u/ml": 1000, "ukat/l": 60},
    {"1000/mm3": 1, "k/ul": 1, "10^3/ul": 1, "10^9/l": 1, "10*9/l": 1, "x10^9/l": 1, "/ul": 1e-3, "/mm3": 1e-3},
    {"meq/l": 1},
)
MASS, AMOUNT = 0, 1  # places in DIMENSIONS; between these leads the molar mass, in g/mol, of what is measured
MOLAR_MASS = {
    r"creatinin": 113.12,
    r"glucose|glukose": 180.16,
    r"bili": 584.66,
    r"urea nitrogen|\bbun\b": 28.014,  # of the two nitrogens of urea, which is what mg/dl counts
    r"\burea\b|harnstoff": 60.06,
    r"chol": 386.65,
    r"triglycerid": 885.4,
    r"calcium|\bca\b": 40.078,
    r"magnes|\bmg\b": 24.305,
    r"phosph(ate|or)": 30.974,
    r"lact": 90.08,
    r"uric|urate": 168.11,
    r"h(a?e)moglobin|\bhb\b|\bhgb\b": 16114.5,
}
SINGLY_CHARGED = re.compile(r"sodium|potassium|chlorid|bicarb|hco3|\bna\b|\bk\b|\bcl\b")  # mmol are milliequivalents
FAHRENHEIT, CELSIUS = ("f", "fahrenheit"), ("c", "celsius", "deg.c", "degc")


def plain(unit: str) -> str:
    """``unit`` in the form in which units are compared.

    >>> plain("µmol / L"), plain("MG/DL"), plain("°C"), plain("10³/μL")
    ('umol/l', 'mg/dl', 'c', '103/ul')
    """
    unit = unicodedata.normalize("NFKC", unit).casefold().replace("μ", "u").replace("°", "")
    return "".join(unit.split())


def same(one: str, other: str) -> bool:
    """Whether two texts are one unit."""
    return plain(one) == plain(other)


def conversion(of: str, there: str, here: str) -> tuple[float, float] | None:
    """Factor and offset that turn values of ``of`` (what is measured, in words) in the unit ``there`` into ``here``.

    None where no way is known.

    >>> conversion("serum creatinine", "umol/L", "mg/dl")
    (0.011312, 0.0)
    >>> conversion("temperature", "F", "°C"), conversion("weight", "lb", "kg"), conversion("x", "umol/l", "mg/dl")
    ((0.555556, -17.7778), (0.453592, 0.0), None)
    """
    one, other = plain(there), plain(here)
    if one in FAHRENHEIT and other in CELSIUS:
        return 0.555556, -17.7778
    if one in CELSIUS and other in FAHRENHEIT:
        return 1.8, 32.0
    places = [next((place for place, units in enumerate(DIMENSIONS) if unit in units), None) for unit in (one, other)]
    if places[0] is None or places[1] is None:
        return None
    factor = DIMENSIONS[places[0]][one] / DIMENSIONS[places[1]][other]
    words = of.casefold()
    if places[0] != places[1]:
        if {"meq/l", "mmol/l"} == {one, other} and SINGLY_CHARGED.search(words):
            return 1.0, 0.0
        mass = next((mass for pattern, mass in MOLAR_MASS.items() if re.search(pattern, words)), None)
        if mass is None or {*places} != {MASS, AMOUNT}:
            return None
        factor *= mass if places[0] == AMOUNT else 1 / mass
    return float(f"{factor:.6g}"), 0.0
