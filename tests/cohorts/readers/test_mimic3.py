"""Reading MIMIC-III: the benchmark's cohort, units and words, tables of every form, and what is set aside."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest
from recondense.cohorts.readers._mimic3 import tables
from recondense.cohorts.readers._mimic3.items import ITEMS
from recondense.cohorts.readers._mimic3.variables import VARIABLES
from recondense.errors import InputError
from recondense.preprocessing.fit import fit
from recondense.preprocessing.params import Params as NormalisationParams
from tests.support.ingestion_fixtures import Reading
from tests.support.mimic3_fixtures import DEMO, charted, drawn, ids, message_of, needs_demo, read, write

LEVELS = {variable.name: variable.levels for variable in VARIABLES}


def values(events: pd.DataFrame, variable: str) -> list[float]:
    return events.loc[events["variable"] == variable, "value"].round(3).tolist()


@pytest.fixture(scope="module")
def demo() -> Reading:
    return read(DEMO)


# The real demo


@needs_demo
def test_the_demo_s_cohort_has_57_stays_of_which_17_end_in_death(demo: Reading) -> None:
    _, subjects, counts, rows = demo
    assert (len(subjects), subjects["outcome"].sum(), subjects["patient_id"].nunique()) == (57, 17, 47)
    assert counts["subjects"] == {
        "in": 136,
        "kept": 57,
        "set_aside": {
            "transfer between wards or care units": 10,
            "several stays in one admission": 11,
            "age under 18 years": 1,
            "length of stay under 48 hours": 57,
        },
    }
    gone = rows[rows["unit"] == "subjects"]
    assert set(gone["file"]) == {"ICUSTAYS.csv.gz"} and gone["line"].between(2, 137).all()


@needs_demo
def test_every_row_of_the_demo_s_event_tables_is_kept_or_set_aside(demo: Reading) -> None:
    events, subjects, counts, rows = demo
    assert counts["measurements"]["in"] == 758_355 + 76_074
    assert len(rows) < 200  # what is merely of no use is not listed row by row
    charts = pd.read_csv(DEMO / "CHARTEVENTS.csv.gz", dtype={"icustay_id": "str", "value": "str"}, low_memory=False)
    arrival = pd.read_csv(DEMO / "ICUSTAYS.csv.gz", dtype={"icustay_id": "str"}).set_index("icustay_id")["intime"]
    pulse = charts[charts["itemid"].isin(ITEMS["HR"]) & charts["icustay_id"].isin(subjects["subject_id"])]
    hours = pd.to_datetime(pulse["charttime"]) - pd.to_datetime(pulse["icustay_id"].map(arrival))
    inside = hours.between(pd.Timedelta(0), pd.Timedelta(48, "h")) & (pulse["error"] != 1)
    assert sorted(values(events, "HR")) == sorted(pulse.loc[inside, "valuenum"].dropna().round(3).tolist())
    assert events["hours"].between(0, 48).all()


@needs_demo
def test_the_demo_becomes_48_hourly_steps_of_43_columns_and_17_masks() -> None:
    params = Params.model_validate(
        {
            "dataset": "mimic3",
            "raw": str(DEMO),
            "split": {"kind": "random", "validation": 0.15, "test": 0.15},
            "options": {"edition": "demo"},
        }
    )
    cohort, attrition = ingest(DEMO, params)
    counts: dict[str, Any] = attrition.summary()
    assert counts["measurements"]["set_aside"]["outside plausible range"] < 100
    preprocessing = fit(cohort, NormalisationParams(step_hours=1, n_steps=48, missingness="mask"))
    tensor, _ = preprocessing.apply(cohort.events, cohort.subjects)
    assert tensor.shape == (57, 48, 43 + 17)
    assert np.isfinite(tensor).all()
    mean = cohort.events.groupby("variable")["value"].mean()
    usual = {"temperature": (36, 38), "FiO2": (0.3, 0.7), "weight": (60, 100), "height": (150, 185), "pH": (7.3, 7.5)}
    assert all(low < mean[name] < high for name, (low, high) in usual.items())


# The cohort


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"last_careunit": "SICU"}, "transfer between wards or care units"),
        ({"last_wardid": "14"}, "transfer between wards or care units"),
        ({"dob": "2132-06-01 00:00:00"}, "age under 18 years"),
        ({"dob": ""}, "age unknown"),
        ({"los": ""}, "length of stay unknown"),
        ({"los": "1.9999"}, "length of stay under 48 hours"),
        ({"hospital_expire_flag": ""}, "outcome unknown"),
        ({"hospital_expire_flag": "1"}, "outcome unknown"),  # but no time of death
        ({"deathtime": "2150-03-04 00:00:00"}, "outcome unknown"),  # but no flag
        ({"intime": "yesterday"}, "no time of arrival"),
        ({"icustay_id": ""}, "no id of the stay, admission or patient"),
    ],
)
def test_a_stay_outside_the_cohort_is_set_aside_with_its_reason(
    tmp_path: Path, cells: dict[str, Any], reason: str
) -> None:
    write(tmp_path, [charted(7), charted(9)], stays={7: {}, 9: cells})
    _, subjects, counts, rows = read(tmp_path)
    assert subjects["subject_id"].tolist() == ["7"]
    assert counts["subjects"] == {"in": 2, "kept": 1, "set_aside": {reason: 1}}
    assert counts["measurements"]["set_aside"] == {"not of a stay in the cohort": 1}
    assert rows.loc[rows["unit"] == "subjects", ["file", "line"]].values.tolist() == [["icustays.csv", 3]]


def test_exactly_48_hours_are_long_enough_and_an_age_put_back_300_years_is_adult(tmp_path: Path) -> None:
    write(tmp_path, [charted(7)], stays={7: {"los": "2", "dob": "1850-03-01 00:00:00"}})
    assert read(tmp_path)[1]["subject_id"].tolist() == ["7"]


def test_of_several_stays_in_one_admission_none_is_used_unless_the_others_were_transferred(tmp_path: Path) -> None:
    both, one = {"hadm_id": 900}, {"hadm_id": 901}
    moved = {**one, "last_wardid": "14"}
    rows = [charted(5, hadm_id=901), charted(6, hadm_id=901), charted(7, hadm_id=900)]
    write(tmp_path, rows, stays={5: one, 6: moved, 7: both, 8: both})
    events, subjects, counts, _ = read(tmp_path)
    assert subjects["subject_id"].tolist() == ["5"]
    assert counts["subjects"]["set_aside"] == {
        "transfer between wards or care units": 1,
        "several stays in one admission": 2,
    }
    assert len(events) == 1  # what names the other stay of the admission is not of this one


def test_a_stay_without_any_observation_in_48_hours_is_set_aside(tmp_path: Path) -> None:
    late = charted(8, charttime="2150-03-03 12:00:01")
    write(tmp_path, [charted(7), late, charted(8, error="1"), charted(8, item=646, value="")])
    _, subjects, counts, _ = read(tmp_path)
    assert subjects["subject_id"].tolist() == ["7"]
    assert counts["subjects"]["set_aside"] == {"no observation in the first 48 hours": 1}
    assert counts["measurements"] == {
        "in": 4,
        "kept": 1,
        "set_aside": {"blank": 1, "marked as an error": 1, "outside the first 48 hours": 1},
    }


def test_death_in_hospital_is_the_outcome(tmp_path: Path) -> None:
    _, subjects, _, _ = read(write(tmp_path, [charted(7), charted(8)]))
    assert subjects.values.tolist() == [["7", "1007", 0], ["8", "1008", 1]]


def test_new_stays_need_no_outcome(tmp_path: Path) -> None:
    write(tmp_path, [charted(7), charted(8)], stays={7: {}, 8: {"hospital_expire_flag": ""}})
    assert read(tmp_path, outcome_required=False)[1]["outcome"].isna().tolist() == [False, True]
    admissions = pd.read_csv(tmp_path / "admissions.csv", dtype="str")
    admissions[["subject_id", "hadm_id"]].to_csv(tmp_path / "admissions.csv", index=False)
    assert read(tmp_path, outcome_required=False)[1]["outcome"].isna().tolist() == [True, True]
    assert "admissions.csv lacks the columns hospital_expire_flag, deathtime" in message_of(tmp_path)


def test_contradicting_rows_of_an_admission_leave_its_outcome_unknown(tmp_path: Path) -> None:
    write(tmp_path, [charted(7), charted(8)])
    with (tmp_path / "admissions.csv").open("a") as stream:
        stream.write("1007,107,2150-03-04 00:00:00,1\n1008,108,2150-03-09 00:00:00,1\n")
    _, subjects, counts, _ = read(tmp_path)
    assert subjects["subject_id"].tolist() == ["8"]
    assert counts["admissions"] == {
        "in": 4,
        "kept": 1,
        "set_aside": {"repeated row": 1, "rows that contradict each other": 2},
    }


def test_all_stays_of_a_patient_are_in_one_split(tmp_path: Path) -> None:
    stays = {
        n: {"subject_id": n % 10, "hospital_expire_flag": n // 10 % 2, "deathtime": "2150-04-01" * (n // 10 % 2)}
        for n in range(10, 50)
    }
    write(tmp_path, [charted(n) for n in stays], stays=stays)
    split = {"kind": "random", "validation": 0.3, "test": 0.3}
    cohort, _ = ingest(tmp_path, Params.model_validate({"dataset": "mimic3", "raw": ".", "split": split}))
    assert cohort.subjects.columns.tolist() == ["subject_id", "outcome", "split", "patient"]
    assert (cohort.subjects["patient"] == (cohort.subjects["subject_id"].astype(int) % 10).astype(str)).all()
    by_patient = cohort.subjects.groupby("patient")["split"]
    assert by_patient.count().tolist() == [4] * 10
    assert (by_patient.nunique() == 1).all()
    assert by_patient.first().value_counts().to_dict() == {"train": 4, "validation": 3, "test": 3}


# Units and words


@pytest.mark.parametrize(
    ("item", "recorded", "variable", "value"),
    [
        (678, "98.6", "temperature", 37),
        (223761, "37.2", "temperature", 37.2),  # Celsius, in an item for Fahrenheit
        (676, "101.3", "temperature", 38.5),  # and the other way round
        (226707, "70", "height", 177.8),
        (226730, "178", "height", 178),
        (226531, "180", "weight", 81.647),
        (3581, "180", "weight", 81.647),
        (3582, "2880", "weight", 81.647),
        (763, "81.6", "weight", 81.6),
        (223835, "40", "FiO2", 0.4),
        (189, "0.4", "FiO2", 0.4),
        (3420, "100", "FiO2", 1),
        (646, "0.97", "O2sat", 97),
        (220277, "97", "O2sat", 97),
        (198, "15", "GCS_total", 12),
        (198, "3", "GCS_total", 0),
        (220052, "77", "MBP", 77),
    ],
)
def test_values_come_out_in_the_variable_s_unit(
    tmp_path: Path, item: int, recorded: str, variable: str, value: float
) -> None:
    events, _, _, _ = read(write(tmp_path, [charted(7, item, recorded)]))
    assert values(events, variable) == [value]


@pytest.mark.parametrize(
    ("item", "words", "variable", "level"),
    [
        (184, "4 Spontaneously", "GCS_eye", "spontaneous"),
        (220739, "Spontaneously", "GCS_eye", "spontaneous"),
        (220739, "None", "GCS_eye", "none"),
        (454, "3 Abnorm flexion", "GCS_motor", "abnormal flexion"),
        (223901, "Abnormal Flexion", "GCS_motor", "abnormal flexion"),
        (723, "1.0 ET/Trach", "GCS_verbal", "intubated"),
        (223900, "No Response-ETT", "GCS_verbal", "intubated"),
        (223900, "No Response", "GCS_verbal", "none"),
        (3348, "Brisk", "CRR", "normal"),
        (115, "Normal <3 secs", "CRR", "normal"),
        (8377, "Delayed", "CRR", "delayed"),
        (115, "Abnormal >3 secs", "CRR", "delayed"),
    ],
)
def test_words_of_both_charting_systems_become_levels(
    tmp_path: Path, item: int, words: str, variable: str, level: str
) -> None:
    events, _, _, _ = read(write(tmp_path, [charted(7, item, words, valuenum="")]))
    assert [LEVELS[variable][int(code)] for code in values(events, variable)] == [level]


def test_a_cell_that_is_neither_number_nor_known_words_is_set_aside_with_its_line(tmp_path: Path) -> None:
    rows = [
        charted(7),
        charted(7, value="fast"),
        charted(7, 184, "asleep"),
        charted(7, charttime="noon"),
        charted(7, charttime=""),
    ]
    events, _, counts, aside = read(write(tmp_path, rows, stays={7: {}}))
    assert len(events) == 1
    assert counts["measurements"]["set_aside"] == {"no time": 2, "not a number": 1, "unknown words": 1}
    listed = aside[["file", "record", "line", "column"]].sort_values("line").values.tolist()
    places = [(3, "value"), (4, "value"), (5, "charttime"), (6, "charttime")]
    assert listed == [["chartevents.csv", "7", line, column] for line, column in places]


# Whose rows count


def test_samples_of_the_admission_count_by_their_time(tmp_path: Path) -> None:
    labs = [
        drawn(7, 50931, "90"),
        drawn(7, 50820, "7.35", charttime="2150-03-01 12:00:00"),
        drawn(7, 50931, "91", charttime="2150-03-03 12:00:00"),
        drawn(7, 50931, "92", charttime="2150-03-01 11:59:00"),
        drawn(7, 51478, "1000"),  # glucose of urine
        drawn(7, 50931, "GREATER THAN 500", valuenum=""),
        drawn(9, 50931, "93"),
        drawn(7, 50931, "94", hadm_id=""),
    ]
    events, _, counts, _ = read(write(tmp_path, [], labs, stays={7: {}}))
    assert events[["hours", "variable", "value"]].values.tolist() == [
        [0, "pH", 7.35],
        [1, "glucose", 90],
        [48, "glucose", 91],
    ]
    assert counts["measurements"]["set_aside"] == {
        "none of the 17 variables": 1,
        "not a number": 1,
        "not of a stay in the cohort": 2,
        "outside the first 48 hours": 1,
    }


def test_a_charted_row_without_a_stay_belongs_to_its_admission_s(tmp_path: Path) -> None:
    events, _, _, _ = read(write(tmp_path, [charted(7, icustay_id=""), charted(7, value="74", icustay_id=8)]))
    assert values(events, "HR") == [73]


def test_digits_of_valuenum_are_kept_and_value_stands_in_where_it_is_blank(tmp_path: Path) -> None:
    rows = [charted(7, 52, "77", valuenum="76.6667"), charted(7, value="80", valuenum="")]
    events, _, _, _ = read(write(tmp_path, rows))
    assert (values(events, "MBP"), values(events, "HR")) == ([76.667], [80])


# Forms of the tables

ROWS = [charted(8), charted(7, 678, "98.6"), charted(7), charted(7, 184, "3 To speech", valuenum="3")]
LABS = [drawn(7, 50931, "90")]


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_names_in_upper_and_lower_case_plain_and_zipped_read_the_same(
    tmp_path: Path, upper: bool, zipped: bool
) -> None:
    (tmp_path / "usual").mkdir()
    (tmp_path / "other").mkdir()
    usual = read(write(tmp_path / "usual", ROWS, LABS))
    other = read(write(tmp_path / "other", ROWS, LABS, upper=upper, zipped=zipped))
    assert len(usual[0]) == 5 and usual[2] == other[2]
    pd.testing.assert_frame_equal(usual[0], other[0])
    pd.testing.assert_frame_equal(usual[1], other[1])


def test_rows_may_come_in_any_order_and_cells_be_quoted(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    usual = read(write(tmp_path, ROWS, LABS))
    other = write(
        tmp_path / "other", ROWS[::-1], LABS, stays={8: {"hospital_expire_flag": "1", "deathtime": "x"}, 7: {}}
    )
    for path in other.iterdir():
        pd.read_csv(path, dtype="str", keep_default_na=False).to_csv(path, index=False, quoting=1)
    pd.testing.assert_frame_equal(usual[1], read(other)[1])
    by_all = list(usual[0].columns)
    pd.testing.assert_frame_equal(
        usual[0].sort_values(by_all, ignore_index=True), read(other)[0].sort_values(by_all, ignore_index=True)
    )


@needs_demo
def test_reading_in_small_blocks_gives_the_same(demo: Reading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in DEMO.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "CHARTEVENTS.csv.gz").unlink()
    with gzip.open(DEMO / "CHARTEVENTS.csv.gz") as whole, (tmp_path / "CHARTEVENTS.csv").open("wb") as part:
        part.writelines(next(whole) for _ in range(30_000))
    events, subjects, counts, rows = read(tmp_path)
    monkeypatch.setattr(tables, "BLOCK_BYTES", 20_000)
    again, subjects_again, counts_again, rows_again = read(tmp_path)
    assert len(events) > 500 and counts == counts_again
    pd.testing.assert_frame_equal(events, again)
    pd.testing.assert_frame_equal(subjects, subjects_again)
    pd.testing.assert_frame_equal(rows, rows_again)


@pytest.mark.parametrize("block", [200, 1 << 20])
def test_torn_lines_are_set_aside_and_later_lines_keep_their_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(tables, "BLOCK_BYTES", block)
    write(tmp_path, [charted(7), charted(8), charted(7, value="fast")])
    lines = (tmp_path / "chartevents.csv").read_text().splitlines()
    lines[2:2] = ["1,2,3", ""]
    lines.append("4,5")
    (tmp_path / "chartevents.csv").write_text("\n".join(lines) + "\n")
    _, _, counts, rows = read(tmp_path)
    assert counts["measurements"] == {
        "in": 6,
        "kept": 2,
        "set_aside": {"malformed line": 2, "none of the 17 variables": 1, "not a number": 1},
    }
    at = rows.dropna(subset="line").groupby("reason")["line"].apply(sorted).to_dict()
    assert at == {"malformed line": [3, 7], "not a number": [6]}


def test_a_quotation_mark_that_is_never_closed_loses_no_line_silently(tmp_path: Path) -> None:
    write(tmp_path, [charted(7), *(charted(8, value=str(60 + n)) for n in range(5))])
    text = (tmp_path / "chartevents.csv").read_text().replace(",62,", ',"62,', 1)
    (tmp_path / "chartevents.csv").write_text(text)
    events, _, counts, _ = read(tmp_path)
    assert counts["measurements"] == {"in": 6, "kept": 3, "set_aside": {"malformed line": 3}}
    assert values(events, "HR") == [73, 60, 61]


def test_a_quotation_mark_that_makes_one_row_of_two_is_refused(tmp_path: Path) -> None:
    write(tmp_path, [charted(7), *(charted(8, value=str(60 + n), valueuom="bpm") for n in range(5))])
    torn = "7,bpm,".replace("7", "62") + "\n", '62,"bpm,\n'
    text = (tmp_path / "chartevents.csv").read_text().replace(*torn, 1).replace("63,bpm,\n", '63,bpm",\n', 1)
    (tmp_path / "chartevents.csv").write_text(text)
    assert "chartevents.csv: a quotation mark is missing or too many, so that 1 lines" in message_of(tmp_path)


def test_a_byte_of_another_encoding_costs_nothing_but_its_cell(tmp_path: Path) -> None:
    write(tmp_path, [charted(7, valueuom="degF"), charted(7, value="fastF"), charted(8)])
    content = (tmp_path / "chartevents.csv").read_bytes().replace(b"degF", b"\xb0F").replace(b"fastF", b"\xb0F")
    (tmp_path / "chartevents.csv").write_bytes(content + b"\xb0F,torn\n")
    _, _, counts, _ = read(tmp_path)
    assert counts["measurements"] == {"in": 4, "kept": 2, "set_aside": {"malformed line": 1, "not a number": 1}}


# Files that cannot be used


def test_missing_tables_are_all_named_with_the_source(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    (tmp_path / "labevents.csv").unlink()
    (tmp_path / "patients.csv").unlink()
    message = message_of(tmp_path)
    assert "LABEVENTS.csv.gz, PATIENTS.csv.gz (or .csv) missing" in message
    assert "physionet.org/content/mimiciii/1.4" in message and str(tmp_path) in message


@pytest.mark.parametrize("name", ["icustays", "admissions", "patients", "chartevents", "labevents"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "not gzip", "empty", "other columns", "other encoding"])
def test_a_damaged_table_is_named(tmp_path: Path, name: str, damage: str) -> None:
    write(tmp_path, ROWS, LABS, zipped=True)
    path = tmp_path / f"{name}.csv.gz"
    content = path.read_bytes()
    path.write_bytes(
        {
            "cut": content[:-9],
            "flipped": content[:-6] + bytes([content[-6] ^ 1]) + content[-5:],
            "not gzip": gzip.decompress(content),
            "empty": b"",
            "other columns": gzip.compress(b"a,b\n1,2\n"),
            "other encoding": gzip.compress(gzip.decompress(content).decode().encode("utf-16")),
        }[damage]
    )
    message = message_of(tmp_path)
    assert f"{name}.csv.gz" in message and "again" in message
    assert not any(str(number) in message.replace(str(tmp_path), "") for number in (*ids(7).values(), "98.6"))


MUTATIONS = {
    "byte": lambda content, at, rng: content[:at] + bytes([rng.integers(256)]) + content[at + 1 :],
    "cut": lambda content, at, rng: content[:at],
    "gap": lambda content, at, rng: content[:at] + content[at + 30 :],
    "mark": lambda content, at, rng: (
        content[:at] + [b'"', b",", b"\n", b"\r", b"\0", b"nan", b"-5", b"9" * 5000][rng.integers(8)] + content[at:]
    ),
    "order": lambda content, at, rng: b"\n".join(rng.permutation(np.array(content.split(b"\n"), dtype=object))),
    "twice": lambda content, at, rng: content + content[at:],
    "columns": lambda content, at, rng: b"\n".join(b",".join(row.split(b",")[::-1]) for row in content.split(b"\n")),
    "line ends": lambda content, at, rng: content.replace(b"\n", b"\r\n"),
}


@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mutated_table_ends_in_counts_that_add_up_or_in_an_error_that_names_it(
    tmp_path: Path, mutation: str, seed: int
) -> None:
    rng = np.random.default_rng([seed, *mutation.encode()])
    zipped = bool(seed % 2)
    write(tmp_path, ROWS, LABS, zipped=zipped)
    path = sorted(tmp_path.iterdir())[seed % 5]
    content = gzip.decompress(path.read_bytes()) if zipped else path.read_bytes()
    mutated = MUTATIONS[mutation](content, int(rng.integers(len(content))), rng)
    path.write_bytes(gzip.compress(mutated) if zipped else mutated)
    try:
        read(tmp_path)
    except InputError as error:
        assert path.name in str(error)


def test_a_table_of_which_nothing_can_be_used_leaves_no_subject(tmp_path: Path) -> None:
    write(tmp_path, [], [])
    events, subjects, counts, _ = read(tmp_path)
    assert events.empty and subjects.empty
    assert counts["subjects"]["set_aside"] == {"no observation in the first 48 hours": 2}
