"""What the challenge measures. Names, labels and units are the provider's (see `physionet2012.SOURCE`)."""

from tasks.common.records import Variable

# Name, label, unit, and the widest range that a living patient's true value can take. A pressure of 0 mmHg is
# what a disconnected transducer reads.
SERIES: tuple[tuple[str, str, str, float, float], ...] = (
    ("Albumin", "serum albumin", "g/dl", 0.5, 10),
    ("ALP", "alkaline phosphatase", "IU/l", 1, 10000),
    ("ALT", "alanine transaminase", "IU/l", 0, 30000),
    ("AST", "aspartate transaminase", "IU/l", 0, 30000),
    ("Bilirubin", "bilirubin", "mg/dl", 0, 80),
    ("BUN", "blood urea nitrogen", "mg/dl", 0, 300),
    ("Cholesterol", "cholesterol", "mg/dl", 10, 2000),
    ("Creatinine", "serum creatinine", "mg/dl", 0, 40),
    ("DiasABP", "invasive diastolic arterial blood pressure", "mmHg", 1, 300),
    ("FiO2", "fractional inspired oxygen", "", 0.21, 1),
    ("GCS", "Glasgow coma score", "", 3, 15),
    ("Glucose", "serum glucose", "mg/dl", 1, 2500),
    ("HCO3", "serum bicarbonate", "mmol/l", 1, 70),
    ("HCT", "haematocrit", "%", 3, 80),
    ("HR", "heart rate", "1/min", 0, 350),
    ("K", "serum potassium", "mmol/l", 0.5, 15),
    ("Lactate", "lactate", "mmol/l", 0, 50),
    ("Mg", "serum magnesium", "mmol/l", 0.1, 20),
    ("MAP", "invasive mean arterial blood pressure", "mmHg", 1, 330),
    ("MechVent", "mechanical ventilation", "", 0, 1),
    ("Na", "serum sodium", "mmol/l", 80, 220),
    ("NIDiasABP", "non-invasive diastolic arterial blood pressure", "mmHg", 1, 300),
    ("NIMAP", "non-invasive mean arterial blood pressure", "mmHg", 1, 330),
    ("NISysABP", "non-invasive systolic arterial blood pressure", "mmHg", 1, 375),
    ("PaCO2", "partial pressure of arterial carbon dioxide", "mmHg", 3, 250),
    ("PaO2", "partial pressure of arterial oxygen", "mmHg", 10, 750),
    ("pH", "arterial pH", "", 6.3, 8.4),
    ("Platelets", "platelet count", "1000/µl", 0, 3000),
    ("RespRate", "respiration rate", "1/min", 0, 150),
    ("SaO2", "oxygen saturation of haemoglobin", "%", 10, 100),
    ("SysABP", "invasive systolic arterial blood pressure", "mmHg", 1, 375),
    ("Temp", "temperature", "°C", 20, 45),
    ("TroponinI", "troponin I", "µg/l", 0, 500),
    ("TroponinT", "troponin T", "µg/l", 0, 100),
    ("Urine", "urine output", "ml", 0, 10000),
    ("WBC", "white blood cell count", "1000/µl", 0, 1000),
    ("Weight", "weight", "kg", 20, 400),
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
            kind="binary" if name == "MechVent" else "numeric",
        )
        for name, label, unit, low, high in SERIES
    ),
    Variable(name="age", label="age", unit="years", role="static", low=0, high=120),
    Variable(name="male", label="male sex", role="static", kind="binary"),
    Variable(name="height", label="height", unit="cm", role="static", low=100, high=250),
    Variable(name="weight_admission", label="weight at admission", unit="kg", role="static", low=20, high=400),
    Variable(name="bmi", label="body mass index at admission", unit="kg/m2", role="static", low=8, high=120),
    Variable(name="icu_type", label="type of intensive care unit", role="static", kind="categorical", levels=ICU_TYPES),
)

# Every name that a line may bear, descriptors last; elsewhere a parameter is its place in this list.
PARAMETERS = (*(row[0] for row in SERIES), "RecordID", "Age", "Gender", "Height", "ICUType")
WEIGHT = PARAMETERS.index("Weight")
RECORD_ID, AGE, GENDER, HEIGHT, ICU_TYPE = range(len(SERIES), len(PARAMETERS))
UNKNOWN = -1  # the provider's mark for a descriptor that was not recorded
