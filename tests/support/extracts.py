"""Extracts as hospitals and public collections give them: the real names of columns, and nobody who exists."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

N = 160  # patients
WORDS = np.array(["f", "m"])


def sick(rng: np.random.Generator) -> np.ndarray:
    """Who dies, a third of all."""
    return rng.permutation(N) < N // 3


def spread(rng: np.random.Generator, dead: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values that are a little higher in those who die."""
    return np.round(rng.uniform(low, high, N) + 0.2 * (high - low) * dead, 2)


def eicu(folder: Path) -> None:
    """eICU: stays, laboratory values one row each, and vital signs, with offsets in minutes since admission."""
    rng = np.random.default_rng(1)
    dead = sick(rng)
    stay = 141_000 + rng.permutation(5 * N)[:N]
    status = np.where(dead, "Expired", "Alive")
    out = rng.integers(1500, 9000, N)
    pd.DataFrame(
        {
            "patientunitstayid": stay,
            "patienthealthsystemstayid": 128_000 + stay // 2,
            "gender": rng.choice(["Male", "Female"], N),
            "age": np.where(rng.random(N) < 0.08, "> 89", rng.integers(30, 89, N).astype(str)),
            "ethnicity": rng.choice(["Caucasian", "African American", "Other/Unknown"], N, p=[0.6, 0.3, 0.1]),
            "hospitalid": rng.choice([59, 73, 110, 264], N),
            "wardid": rng.choice([90, 91, 93], N),
            "apacheadmissiondx": rng.choice(
                ["Sepsis, pulmonary", "CHF, congestive heart failure", "CVA, cerebrovascular accident/stroke"], N
            ),
            "admissionheight": spread(rng, dead, 150, 190),
            "hospitaladmittime24": [f"{n % 24:02}:{n % 60:02}:00" for n in range(N)],
            "hospitaladmitoffset": -rng.integers(0, 900, N),
            "hospitaldischargeyear": rng.choice([2014, 2015], N),
            "hospitaldischargeoffset": out + 400,
            "hospitaldischargelocation": np.where(dead, "Death", rng.choice(["Home", "Rehabilitation"], N)),
            "hospitaldischargestatus": status,
            "unittype": rng.choice(["MICU", "SICU"], N),
            "unitdischargeoffset": out,
            "unitdischargestatus": status,
            "uniquepid": [f"002-{n}" for n in rng.integers(1000, 1000 + N, N)],
            "admissionweight": spread(rng, dead, 50, 110),
            "dischargeweight": spread(rng, dead, 50, 110),
        }
    ).to_csv(folder / "patient.csv", index=False)
    rows = []
    for name, low, high, unit in (
        ("creatinine", 0.5, 3, "mg/dL"),
        ("lactate", 0.5, 4, "mmol/L"),
        ("sodium", 130, 148, "mmol/L"),
    ):
        for time in (30, 400, 1300):
            rows.append(
                pd.DataFrame(
                    {
                        "patientunitstayid": stay,
                        "labresultoffset": time + rng.integers(0, 60, N),
                        "labtypeid": 1,
                        "labname": name,
                        "labresult": spread(rng, dead, low, high),
                        "labmeasurenamesystem": unit,
                    }
                )
            )
    labs = pd.concat(rows, ignore_index=True)
    labs["labresulttext"] = labs["labresult"].astype(str)
    labs["labresultrevisedoffset"] = labs["labresultoffset"] + 20
    labs.insert(0, "labid", 99_000_000 + rng.permutation(len(labs)))
    labs.to_csv(folder / "lab.csv", index=False)
    vitals = pd.concat(
        [
            pd.DataFrame(
                {
                    "patientunitstayid": stay,
                    "observationoffset": time + rng.integers(0, 5, N),
                    "heartrate": spread(rng, dead, 50, 120),
                    "sao2": spread(rng, ~dead, 85, 99),
                }
            )
            for time in range(5, 600, 120)
        ]
    )
    vitals.insert(0, "vitalperiodicid", np.arange(len(vitals)) + 37_000_000)
    vitals.to_csv(folder / "vitalPeriodic.csv", index=False)


def nafld(folder: Path) -> None:
    """NAFLD of the Rochester Epidemiology Project (R package survival): three tables, the tests one row each."""
    rng = np.random.default_rng(2)
    dead = sick(rng)
    ids = np.arange(1, N + 1)
    futime = rng.integers(200, 4000, N)
    pd.DataFrame(
        {
            "id": ids,
            "age": rng.integers(30, 90, N),
            "male": rng.integers(0, 2, N),
            "weight": spread(rng, dead, 50, 110),
            "height": rng.integers(150, 190, N),
            "bmi": spread(rng, dead, 20, 40),
            "case.id": np.where(rng.random(N) < 0.95, rng.permutation(ids), np.nan),
            "futime": futime,
            "status": dead.astype(int),
        }
    ).to_csv(folder / "nafld1.csv", index=False)
    pd.concat(
        [
            pd.DataFrame(
                {
                    "id": ids,
                    "days": rng.integers(-900, 60, N),
                    "test": test,
                    "value": spread(rng, dead, low, high),
                }
            )
            for test, low, high in (("hdl", 30, 80), ("chol", 120, 260), ("sbp", 100, 170))
            for _ in range(3)
        ]
    ).to_csv(folder / "nafld2.csv", index=False)
    events = rng.choice(["htn", "diabetes/IFG", "dyslipidemia", "nafld"], 3 * N)
    pd.DataFrame({"id": rng.choice(ids, 3 * N), "days": rng.integers(-900, 900, 3 * N), "event": events}).to_csv(
        folder / "nafld3.csv", index=False
    )


def support(folder: Path) -> None:
    """SUPPORT2: one row a patient, with much that is known only when the stay is over."""
    rng = np.random.default_rng(3)
    dead = sick(rng)
    pd.DataFrame(
        {
            "sno": np.arange(1, N + 1),
            "age": spread(rng, dead, 20, 95),
            "death": dead.astype(int),
            "sex": rng.choice(["male", "female"], N),
            "hospdead": (dead & (rng.random(N) < 0.5)).astype(int),
            "slos": rng.integers(3, 90, N),
            "d.time": rng.integers(3, 2000, N),
            "dzgroup": rng.choice(["ARF/MOSF w/Sepsis", "COPD", "CHF", "Cirrhosis"], N),
            "num.co": rng.integers(0, 6, N),
            "income": rng.choice(["under $11k", "$11-$25k", "$25-$50k", ">$50k"], N),
            "charges": spread(rng, dead, 1e3, 1e5),
            "totcst": spread(rng, dead, 1e3, 5e4),
            "totmcst": spread(rng, dead, 1e3, 5e4),
            "meanbp": spread(rng, dead, 40, 120),
            "hrt": spread(rng, dead, 50, 150),
            "crea": spread(rng, dead, 0.5, 5),
        }
    ).to_csv(folder / "support2.csv", index=False)


def german(folder: Path) -> None:
    """A ward's export: patients by name and postcode, long values `Parameter;Wert`, days first, decimal commas."""
    rng = np.random.default_rng(4)
    dead = sick(rng)
    case = [f"{n:06}" for n in 40_000 + rng.permutation(9 * N)[:N]]
    admitted = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 360, N), "D")
    pd.DataFrame(
        {
            "Name": [f"Muster{n}" for n in range(N)],
            "Vorname": [f"Vor{n}" for n in range(N)],
            "PLZ": rng.integers(1067, 99998, N),
            "Versichertennummer": [f"A{n:09}" for n in rng.integers(1, 10**9, N)],
            "Telefon": [f"030/{n}" for n in rng.integers(10**6, 10**7, N)],
            "Fallnummer": case,
            "Geburtsdatum": [f"{n % 28 + 1:02}.{n % 12 + 1:02}.19{40 + n % 50}" for n in range(N)],
            "Geschlecht": rng.choice(["weiblich", "männlich"], N),
            "Aufnahmedatum": admitted.strftime("%d.%m.%Y"),
            "Entlassungsdatum": (admitted + pd.to_timedelta(rng.integers(3, 20, N), "D")).strftime("%d.%m.%Y"),
            "Verweildauer": rng.integers(3, 20, N),
            "DRG": rng.choice(["E77A", "F62B", "K60C"], N),
            "Kosten": spread(rng, dead, 1000, 9000),
            "Raucher": rng.choice(["ja", "nein", "unbekannt"], N),
            "Status": np.where(dead, "verstorben", "lebt"),
        }
    ).to_csv(folder / "Patienten.csv", index=False, sep=";", decimal=",", encoding="cp1252")
    pd.concat(
        [
            pd.DataFrame(
                {
                    "Fallnummer": case,
                    "Datum": (admitted + pd.Timedelta(day, "D")).strftime("%d.%m.%Y"),
                    "Parameter": name,
                    "Wert": [
                        f"{value:.2f}".replace(".", ",") if value > low + 0.1 else f"<{low}".replace(".", ",")
                        for value in spread(rng, dead, low, high)
                    ],
                }
            )
            for name, low, high in (("Kreatinin", 0.5, 3), ("CRP", 0.5, 200), ("Größe/Gewicht", 0.2, 0.9))
            for day in (0, 1, 2)
        ]
    ).to_csv(folder / "Labor.csv", index=False, sep=";", encoding="cp1252")


def meds(folder: Path) -> None:
    """A MEDS data set of one stay each: birth, sex, measurements and what follows, with labels and codes."""
    rng = np.random.default_rng(5)
    dead = sick(rng)
    ids = np.arange(10, 10 + N)
    start = np.datetime64("2150-01-01", "us") + rng.integers(0, 300, N) * np.timedelta64(1, "D")
    codes = {"LAB//50912//mg/dL": (0.5, 3), "LAB//50813//mmol/L": (0.5, 4), "HR": (50, 120)}
    parts = [
        pd.DataFrame({"subject_id": ids, "time": start - np.timedelta64(60 * 365, "D"), "code": "MEDS_BIRTH"}),
        pd.DataFrame({"subject_id": ids, "code": np.where(rng.random(N) < 0.5, "GENDER//F", "GENDER//M")}),
        pd.DataFrame({"subject_id": ids, "time": start, "code": "LOS//DAYS", "numeric_value": spread(rng, dead, 3, 9)}),
    ]
    for code, (low, high) in codes.items():
        for hour in (2, 20, 40, 70):
            time = start + np.timedelta64(hour, "h")
            value = spread(rng, dead, low, high)
            parts.append(pd.DataFrame({"subject_id": ids, "time": time, "code": code, "numeric_value": value}))
    events = pd.concat(parts).sort_values(["subject_id", "time"])
    schema = pa.schema(
        [
            ("subject_id", pa.int64()),
            ("time", pa.timestamp("us")),
            ("code", pa.string()),
            ("numeric_value", pa.float32()),
        ]
    )
    labels = pd.DataFrame(
        {"subject_id": ids, "prediction_time": start + np.timedelta64(48, "h"), "boolean_value": dead}
    )
    for name in ("data/train", "metadata", "labels/death"):
        (folder / name).mkdir(parents=True)
    pq.write_table(pa.Table.from_pandas(events, schema, preserve_index=False), folder / "data/train/0.parquet")
    labels.to_parquet(folder / "labels/death/0.parquet", index=False)
    described = pd.DataFrame({"code": ["HR"], "description": ["heart rate"]})
    described.to_parquet(folder / "metadata/codes.parquet", index=False)


def workbook(folder: Path) -> None:
    """A workbook of three sheets: who, what was measured at visits, and what became of them."""
    rng = np.random.default_rng(6)
    dead = sick(rng)
    ids = [f"H{n:04}" for n in rng.permutation(N)]
    start = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 90, N), "D")
    people = {
        "patient_nr": ids,
        "Alter (Jahre)": rng.integers(20, 90, N),
        "sexe": rng.choice(WORDS, N),
        "admission": start,
    }
    visits = [
        pd.DataFrame(
            {
                "patient_nr": ids,
                "visit date": start + pd.Timedelta(day, "D"),
                "CRP [mg/l]": spread(rng, dead, 1, 200),
                "NEUT#": spread(rng, dead, 1, 9),
            }
        )
        for day in (0, 1, 3)
    ]
    with pd.ExcelWriter(folder / "Studie.xlsx") as book:
        pd.DataFrame(people).to_excel(book, sheet_name="Patienten", index=False)
        pd.concat(visits).to_excel(book, sheet_name="Visiten", index=False)
        pd.DataFrame({"patient_nr": ids, "décès": np.where(dead, "oui", "non")}).to_excel(
            book, sheet_name="Ende", index=False
        )
