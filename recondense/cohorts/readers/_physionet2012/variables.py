"""What the challenge measures. Names, labels and units are the provider's (see `physionet2012.SOURCE`)."""

from recondense.records.cohort import Variable

# Name, label, unit, the widest range that a living patient's true value can take (a pressure of 0 mmHg is what a
# disconnected transducer reads), and between which values most adults in intensive care lie: textbook reference
# intervals, widened towards the illnesses that bring patients there. Nobody's record was looked at for these.
SERIES: tuple[tuple[str, str, str, float, float, tuple[float, float] | None], ...] = (
    ("Albumin", "serum albumin", "g/dl", 0.5, 10, (1.5, 4.5)),
    ("ALP", "alkaline phosphatase", "IU/l", 1, 10000, (30, 300)),
    ("ALT", "alanine transaminase", "IU/l", 0, 30000, (5, 500)),
    ("AST", "aspartate transaminase", "IU/l", 0, 30000, (8, 500)),
    ("Bilirubin", "bilirubin", "mg/dl", 0, 80, (0.2, 10)),
    ("BUN", "blood urea nitrogen", "mg/dl", 0, 300, (5, 80)),
    ("Cholesterol", "cholesterol", "mg/dl", 10, 2000, (80, 260)),
    ("Creatinine", "serum creatinine", "mg/dl", 0, 40, (0.4, 6)),
    ("DiasABP", "invasive diastolic arterial blood pressure", "mmHg", 1, 300, (35, 95)),
    ("FiO2", "fractional inspired oxygen", "", 0.21, 1, (0.25, 1)),
    ("GCS", "Glasgow coma score", "", 3, 15, (3, 15)),
    ("Glucose", "serum glucose", "mg/dl", 1, 2500, (60, 300)),
    ("HCO3", "serum bicarbonate", "mmol/l", 1, 70, (14, 34)),
    ("HCT", "haematocrit", "%", 3, 80, (22, 45)),
    ("HR", "heart rate", "1/min", 0, 350, (50, 130)),
    ("K", "serum potassium", "mmol/l", 0.5, 15, (3, 5.5)),
    ("Lactate", "lactate", "mmol/l", 0, 50, (0.6, 8)),
    ("Mg", "serum magnesium", "mmol/l", 0.1, 20, (1.4, 2.8)),
    ("MAP", "invasive mean arterial blood pressure", "mmHg", 1, 330, (50, 115)),
    ("MechVent", "mechanical ventilation", "", 0, 1, None),
    ("Na", "serum sodium", "mmol/l", 80, 220, (128, 148)),
    ("NIDiasABP", "non-invasive diastolic arterial blood pressure", "mmHg", 1, 300, (35, 95)),
    ("NIMAP", "non-invasive mean arterial blood pressure", "mmHg", 1, 330, (50, 115)),
    ("NISysABP", "non-invasive systolic arterial blood pressure", "mmHg", 1, 375, (80, 170)),
    ("PaCO2", "partial pressure of arterial carbon dioxide", "mmHg", 3, 250, (25, 60)),
    ("PaO2", "partial pressure of arterial oxygen", "mmHg", 10, 750, (50, 300)),
    ("pH", "arterial pH", "", 6.3, 8.4, (7.2, 7.5)),
    ("Platelets", "platelet count", "1000/µl", 0, 3000, (40, 450)),
    ("RespRate", "respiration rate", "1/min", 0, 150, (8, 35)),
    ("SaO2", "oxygen saturation of haemoglobin", "%", 10, 100, (88, 100)),
    ("SysABP", "invasive systolic arterial blood pressure", "mmHg", 1, 375, (80, 170)),
    ("Temp", "temperature", "°C", 20, 45, (35, 39)),
    ("TroponinI", "troponin I", "µg/l", 0, 500, (0.05, 30)),
    ("TroponinT", "troponin T", "µg/l", 0, 100, (0.01, 5)),
    ("Urine", "urine output", "ml", 0, 10000, (0, 400)),
    ("WBC", "white blood cell count", "1000/µl", 0, 1000, (3, 25)),
    ("Weight", "weight", "kg", 20, 400, (45, 130)),
)
ICU_TYPES = ("coronary care unit", "cardiac surgery recovery unit", "medical ICU", "surgical ICU")
VARIABLES = (
    *(
        Variable(
            name=name,
            label=label,
            unit=unit,
            role="series",
            low=low,
            high=high,
            usual=usual,
            kind="binary" if name == "MechVent" else "numeric",
        )
        for name, label, unit, low, high, usual in SERIES
    ),
    Variable(name="age", label="age", unit="years", role="static", low=0, high=120, usual=(20, 90)),
    # Gender is 1 or 0 in the records; recipients see what that means
    Variable(name="male", label="male sex", role="static", kind="binary", positive=("male",), negative=("female",)),
    Variable(name="height", label="height", unit="cm", role="static", low=100, high=250, usual=(150, 190)),
    Variable(
        name="weight_admission",
        label="weight at admission",
        unit="kg",
        role="static",
        low=20,
        high=400,
        usual=(45, 130),
    ),
    Variable(
        name="bmi", label="body mass index at admission", unit="kg/m2", role="static", low=8, high=120, usual=(17, 45)
    ),
    Variable(name="icu_type", label="type of intensive care unit", role="static", kind="categorical", levels=ICU_TYPES),
)

# Every name that a line may bear, descriptors last; elsewhere a parameter is its place in this list.
PARAMETERS = (*(row[0] for row in SERIES), "RecordID", "Age", "Gender", "Height", "ICUType")
WEIGHT = PARAMETERS.index("Weight")
RECORD_ID, AGE, GENDER, HEIGHT, ICU_TYPE = range(len(SERIES), len(PARAMETERS))
UNKNOWN = -1  # the provider's mark for a descriptor that was not recorded
