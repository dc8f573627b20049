"""Small parts of real files, one of each reader, for the mutations to damage."""

import io
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recondense.cohorts.readers._mimic3.items import ITEMS
from tests.support.ingestion_fixtures import outcome_lines, write_archive
from tests.support.mutations import Files
from tests.support.paths import REAL_DATA, REPO

VALUE = "297.531864"  # planted in the files, and not to be found in any message


def needs(path: Path) -> None:
    if not path.exists():
        pytest.skip(f"no {path.name} in {path.parent}; RECONDENSE_DATA names the folder above it")


# table, and pbcseq, which is one


@cache
def visits() -> pd.DataFrame:
    """The visits of the trial's first 45 patients under long ids, with a cholesterol that stands nowhere else."""
    found = pd.read_csv(REPO / "data/1_raw/pbcseq/pbcseq.csv", dtype="str", keep_default_na=False)
    found = found[found["id"].astype(int) <= 45]
    return found.assign(id="9135" + found["id"].str.zfill(5), chol=found["chol"].where(found["day"] != "0", VALUE))


def text(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()


def long_tables() -> Files:
    """The first year's measurements, one a row, and the patients."""
    series = ["bili", "chol", "albumin"]
    early = visits()[visits()["day"].astype(int) <= 365]
    long = early.melt(["id", "day"], series, "test", "result").sort_values(["id", "day"])
    people = visits().groupby("id")[["age", "sex", "futime", "status"]].first().reset_index()
    return {"labs.csv": text(long[long["result"] != ""]), "people.csv": text(people)}


# physionet2012


@cache
def stays() -> Files:
    """The first lines of the records of 20 patients who died and 20 who did not, and their outcomes."""
    needs(REAL_DATA / "physionet2012/set-a.tar.gz")
    table = pd.read_csv(REAL_DATA / "physionet2012/Outcomes-a.txt").sort_values("RecordID")
    some = table.groupby("In-hospital_death").head(20)
    died = dict(zip(some["RecordID"].tolist(), some["In-hospital_death"].tolist(), strict=True))
    files: Files = {"Outcomes-a.txt": outcome_lines(died).encode()}
    with tarfile.open(REAL_DATA / "physionet2012/set-a.tar.gz") as archive:
        for member in archive:
            stem = Path(member.name).stem
            if member.isfile() and int(stem) in died:
                lines = archive.extractfile(member).read().splitlines()[:50]
                files[f"set-a/{stem}.txt"] = b"\n".join([*lines, f"10:11,Cholesterol,{VALUE}".encode(), b""])
            if len(files) > len(died):
                return files
    raise AssertionError("set-a.tar.gz lacks some of the records that Outcomes-a.txt names")


def archived_stays() -> Files:
    with tempfile.TemporaryDirectory() as folder:
        members = {name: content.decode() for name, content in stays().items() if "/" in name}
        write_archive(Path(folder) / "set-a.tar.gz", members)
        packed = (Path(folder) / "set-a.tar.gz").read_bytes()
    return {"Outcomes-a.txt": stays()["Outcomes-a.txt"], "set-a.tar.gz": packed}


# mimic3


@cache
def admissions() -> Files:
    """One stay each of 36 patients of the demo, all its ids the same, with a few rows of its charts and laboratory."""
    folder = REAL_DATA / "mimic3-demo"
    needs(folder)

    def table(name: str) -> pd.DataFrame:
        return pd.read_csv(folder / f"{name}.csv.gz", dtype="str", keep_default_na=False)

    units = table("ICUSTAYS")
    units = units[units["los"].astype(float) > 2]
    for one, other in (("first_careunit", "last_careunit"), ("first_wardid", "last_wardid")):
        units = units[units[one] == units[other]]
    units = units.drop_duplicates("hadm_id", keep=False).drop_duplicates("subject_id").head(36)
    named = "91357" + units["icustay_id"].str.zfill(6)
    new = dict(zip(units["hadm_id"], zip(named, units["intime"], strict=True), strict=True))
    born = dict(zip(units["subject_id"], units["hadm_id"], strict=True))
    items = {str(item) for name in ("HR", "glucose", "weight", "GCS_eye") for item in ITEMS[name]}
    files = {}
    for name in ("ICUSTAYS", "ADMISSIONS", "PATIENTS", "CHARTEVENTS", "LABEVENTS"):
        rows = table(name)
        if name == "PATIENTS":
            rows = rows.assign(hadm_id=rows["subject_id"].map(born))
        rows = rows[rows["hadm_id"].isin(list(new))]
        if name == "ICUSTAYS":
            rows = rows[rows["icustay_id"].isin(units["icustay_id"])]
        if "itemid" in rows:
            arrival = rows["hadm_id"].map({key: moment for key, (_, moment) in new.items()})
            rows = rows[rows["itemid"].isin(items) & (rows["charttime"] > arrival)]
            rows = rows.sort_values("charttime").groupby(["hadm_id", "itemid"]).head(2)
        ids = rows["hadm_id"].map({key: number for key, (number, _) in new.items()})
        rows = rows.assign(**{column: ids for column in ("subject_id", "hadm_id", "icustay_id") if column in rows})
        if name == "LABEVENTS":
            rows = rows.assign(valuenum=VALUE)
        files[f"{name}.csv"] = text(rows.drop(columns="hadm_id") if name == "PATIENTS" else rows)
    return files


# coswara


@cache
def participants() -> Files:
    """The 36 participants whose recordings are at hand, with a fifth of a second of each."""
    import soundfile

    folder = REAL_DATA / "coswara"
    needs(folder / "combined_data.csv")
    files: Files = {}
    for path in sorted(folder.glob("Extracted_data/*/*/breathing-deep.wav")):
        with soundfile.SoundFile(path) as recording:
            recording.seek(recording.frames // 2)
            samples, rate = recording.read(recording.samplerate // 5, dtype="int16"), recording.samplerate
        stream = io.BytesIO()
        soundfile.write(stream, samples, rate, format="WAV", subtype="PCM_16")
        files[str(path.relative_to(folder))] = stream.getvalue()
    header, *lines = (folder / "combined_data.csv").read_text(encoding="utf-8").splitlines()
    names = {Path(name).parent.name for name in files}
    rows = [line.split(",") for line in lines if line.split(",")[0] in names]
    rows = [[row[0], VALUE, *row[2:]] for row in rows]
    return {"combined_data.csv": "\n".join([header, *map(",".join, rows), ""]).encode(), **files}


# meds


@cache
def labelled() -> Files:
    """The trial's patients as events and labels; who died or not is predicted a year after the enrolment."""
    start = np.datetime64("2000-01-01", "us")
    early = visits()[visits()["day"].astype(int) <= 365]
    time = start + early["day"].astype(int).to_numpy() * np.timedelta64(1, "D")
    parts = [
        pd.DataFrame({"subject_id": early["id"], "time": time, "code": f"LAB//{name}", "numeric_value": early[name]})
        for name in ("bili", "chol")
    ]
    events = pd.concat(parts)
    events = events[events["numeric_value"] != ""]
    events["numeric_value"] = events["numeric_value"].astype("float32")
    people = visits().groupby("id", as_index=False).first()
    labels = pd.DataFrame(
        {"subject_id": people["id"], "prediction_time": start + np.timedelta64(365, "D"),
         "boolean_value": people["status"] == "2"}
    )  # fmt: skip
    files = {}
    for name, table in (("data/0.parquet", events), ("labels/0.parquet", labels)):
        stream = io.BytesIO()
        table.astype({"subject_id": "int64"}).sort_values("subject_id").to_parquet(stream, index=False)
        files[name] = stream.getvalue()
    return files
