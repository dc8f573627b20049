"""The 17 clinical variables of the benchmark (see `mimic3`), and the words in which nurses record five of them.

The database was written by two charting systems, CareVue ("4 Spontaneously") and MetaVision ("Spontaneously"). Words
of the two that mean the same share a level, or a patient's level would tell the system and with it the year.
"""

from recondense.records.cohort import Variable

# Name, label, unit, the widest range that a living patient's true value can take (a pressure of 0 mmHg is what a
# disconnected transducer reads), and between which values most adults in intensive care lie, by textbooks.
NUMERIC = {
    name: Variable(name=name, label=label, unit=unit, role="series", low=low, high=high, usual=usual)
    for name, label, unit, low, high, usual in (
        ("DBP", "diastolic blood pressure", "mmHg", 1, 300, (35, 95)),
        ("FiO2", "fraction of inspired oxygen", "", 0.2, 1, (0.25, 1)),
        ("glucose", "blood glucose", "mg/dl", 1, 2500, (60, 300)),
        ("HR", "heart rate", "1/min", 0, 350, (50, 130)),
        ("height", "height", "cm", 100, 250, (150, 190)),
        ("MBP", "mean blood pressure", "mmHg", 1, 330, (50, 115)),
        ("O2sat", "oxygen saturation", "%", 10, 100, (88, 100)),
        ("RR", "respiratory rate", "1/min", 0, 150, (8, 35)),
        ("SBP", "systolic blood pressure", "mmHg", 1, 375, (80, 170)),
        ("temperature", "temperature", "°C", 20, 45, (35, 39)),
        ("weight", "weight", "kg", 20, 400, (45, 130)),
        ("pH", "blood pH", "", 6.3, 8.4, (7.2, 7.5)),
    )
}

# Of each categorical variable its label, and of each level the words that stand for it, in lower case
WORDS: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "CRR": (
        "capillary refill rate",
        {"normal": ("normal <3 secs", "brisk"), "delayed": ("abnormal >3 secs", "delayed")},
    ),
    "GCS_eye": (
        "Glasgow coma scale, eye opening",
        {
            "none": ("1 no response", "none"),
            "to pain": ("2 to pain", "to pain"),
            "to speech": ("3 to speech", "to speech"),
            "spontaneous": ("4 spontaneously", "spontaneously"),
        },
    ),
    "GCS_motor": (
        "Glasgow coma scale, motor response",
        {
            "none": ("1 no response", "no response"),
            "abnormal extension": ("2 abnorm extensn", "abnormal extension"),
            "abnormal flexion": ("3 abnorm flexion", "abnormal flexion"),
            "withdraws": ("4 flex-withdraws", "flex-withdraws"),
            "localizes pain": ("5 localizes pain", "localizes pain"),
            "obeys commands": ("6 obeys commands", "obeys commands"),
        },
    ),
    "GCS_verbal": (
        "Glasgow coma scale, verbal response",
        {
            "intubated": ("1.0 et/trach", "no response-ett"),  # scored 1, but says nothing about the brain
            "none": ("1 no response", "no response"),
            "incomprehensible sounds": ("2 incomp sounds", "incomprehensible sounds"),
            "inappropriate words": ("3 inapprop words", "inappropriate words"),
            "confused": ("4 confused", "confused"),
            "oriented": ("5 oriented", "oriented"),
        },
    ),
}
LEAST_TOTAL, GREATEST_TOTAL = 3, 15
TOTALS = [str(score) for score in range(LEAST_TOTAL, GREATEST_TOTAL + 1)]
CATEGORICAL = {
    name: Variable(name=name, label=label, role="series", kind="categorical", levels=tuple(levels))
    for name, (label, levels) in {**WORDS, "GCS_total": ("Glasgow coma scale, total", TOTALS)}.items()
}

# In the benchmark's order
NAMES = (
    "CRR", "DBP", "FiO2", "GCS_eye", "GCS_motor", "GCS_total", "GCS_verbal", "glucose", "HR", "height", "MBP", "O2sat",
    "RR", "SBP", "temperature", "weight", "pH",
)  # fmt: skip
VARIABLES = tuple({**NUMERIC, **CATEGORICAL}[name] for name in NAMES)

# Of each variable in words: the level's place by word
LEVELS = {
    name: {word: place for place, words in enumerate(levels.values()) for word in words}
    for name, (_, levels) in WORDS.items()
}
