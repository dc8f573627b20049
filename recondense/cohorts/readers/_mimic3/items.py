"""Which items of the database measure which variable, and how their values become the variable's unit.

Items are those that the benchmark's ``itemid_to_variable_map.csv`` (github.com/YerevaNN/mimic3-benchmarks) marks as
ready, but for four of the laboratory: glucose and pH of urine (51478, 51491, 51094) and pH of other fluids (50831) are
not what the variables mean.
"""

import numpy as np
from numpy.typing import NDArray

from recondense.cohorts.readers._mimic3.variables import LEAST_TOTAL, NAMES

ITEMS: dict[str, tuple[int, ...]] = {
    "CRR": (115, 3348, 8377),
    "DBP": (8368, 8440, 8441, 8502, 8503, 8504, 8506, 8507, 8555, 220051, 220180, 224643, 225310),
    "FiO2": (189, 727, 3420, 3422, 223835),
    "GCS_eye": (184, 220739),
    "GCS_motor": (454, 223901),
    "GCS_total": (198,),
    "GCS_verbal": (723, 223900),
    "glucose": (807, 811, 1529, 3745, 50809, 50931, 220621, 225664, 226537),
    "HR": (211, 220045),
    "height": (1394, 226707, 226730),
    "MBP": (52, 224, 456, 3312, 3314, 3316, 3320, 3322, 6702, 220052, 220181, 224322, 225312),
    "O2sat": (646, 834, 8498, 50817, 220227, 220277),
    "RR": (614, 615, 618, 651, 3603, 220210, 224422, 224689, 224690),
    "SBP": (51, 442, 455, 3313, 3315, 3317, 3321, 3323, 6701, 220050, 220179, 224167, 225309, 227243),
    "temperature": (676, 677, 678, 679, 3654, 3655, 223761, 223762),
    "weight": (763, 3580, 3581, 3582, 3693, 224639, 226512, 226531),
    "pH": (780, 860, 1126, 1673, 3839, 4202, 4753, 50820, 220274, 223830),
}
INCH, POUND, OUNCE = 2.54, 0.45359237, 0.028349523125  # in cm and kg
IN_OTHER_UNITS = {1394: INCH, 226707: INCH, 3581: POUND, 226531: POUND, 3582: OUNCE}

ITEM_IDS = tuple(item for items in ITEMS.values() for item in items)
VARIABLE_OF_ITEM = np.array([NAMES.index(name) for name, items in ITEMS.items() for _ in items])
FACTOR_OF_ITEM = np.array([IN_OTHER_UNITS.get(item, 1.0) for item in ITEM_IDS])


def converted(item: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers as recorded, in the unit of `variables`; ``item`` holds places in `ITEM_IDS`. Both are ``(n_rows,)``.

    Temperature, oxygen fraction and saturation are recorded in either of two units under one item. What is plausible
    in one unit is not in the other, so that the number itself tells which it is. A total score becomes a level.

    >>> item = np.array([ITEM_IDS.index(number) for number in (678, 676, 226707, 3582, 223835, 646, 198)])
    >>> converted(item, np.array([98.6, 37.0, 70.0, 2400.0, 40.0, 0.97, 15.0])).round(2).tolist()
    [37.0, 37.0, 177.8, 68.04, 0.4, 97.0, 12.0]
    """
    variable = VARIABLE_OF_ITEM[item]

    def where(name: str, also: NDArray[np.bool_]) -> NDArray[np.bool_]:
        chosen: NDArray[np.bool_] = (variable == NAMES.index(name)) & also
        return chosen

    value = value * FACTOR_OF_ITEM[item]
    value = np.where(where("temperature", value > 60), (value - 32) * 5 / 9, value)
    value = np.where(where("FiO2", value > 1), value / 100, value)
    value = np.where(where("O2sat", value <= 1), value * 100, value)
    return np.where(variable == NAMES.index("GCS_total"), value - LEAST_TOTAL, value)
