"""Times: offsets from UTC are one question over all that are subtracted, and durations keep their unit."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from recondense.cohorts.readers import table
from recondense.errors import InputError
from recondense.records.cells import seconds
from recondense.stages.params import validate
from tests.support.paths import CASES
from tests.support.tables import PEOPLE, RULE, VISITS, declared, read, refused, told, wide

STAMPS = {"unit": "hours", "timestamps": True, "zero": "admitted"}


def stays(*moments: object) -> str:
    """Subjects a, b, ... with their time zero."""
    return "id,age,died,admitted\n" + "".join(f"{'abc'[n]},50,{n % 2},{one}\n" for n, one in enumerate(moments))


def of_case(name: str, **changes: Any) -> dict[str, Any]:
    """A folder of `tests/cases` with the options of its kind."""
    creatinine = {"label": "creatinine", "role": "series"}
    return {
        "measurements": {"file": "visits.csv", "subject": "id", "time": "charttime"},
        "subjects": {"file": "people.csv", "subject": "id"},
        "time": STAMPS,
        "variables": {"creatinine": creatinine},
        **changes,
    }


# Offsets from UTC


def test_an_offset_in_one_table_alone_is_refused_with_both_columns_and_the_mend() -> None:
    said = refused(CASES / "zone-in-one-table", {}, **of_case("zone-in-one-table"))
    assert "column 'charttime' of visits.csv have an offset" in said
    assert "column 'admitted' of people.csv have none" in said
    assert "zone: Europe/Berlin" in said


def test_a_zone_places_the_local_times_of_the_other_table() -> None:
    time = {**STAMPS, "zone": "America/New_York"}
    events = read(CASES / "zone-in-one-table", {}, **of_case("zone-in-one-table", time=time))[0]
    assert sorted(set(events["hours"])) == [0.0, 24.0, 48.0, 72.0]


def test_the_short_offset_of_postgresql_is_one_and_half_a_column_of_it_is_refused() -> None:
    said = refused(CASES / "zone-postgres-short-offset", {}, **of_case("zone-postgres-short-offset"))
    assert "column 'charttime' of visits.csv have an offset from UTC, others there have none" in said


@pytest.mark.parametrize(
    ("offset", "hours"),
    [
        ("Z", 0),
        ("z", 0),
        (" UTC", 0),
        ("+00", 0),
        ("+02", 2),
        ("+0200", 2),
        ("+02:00", 2),
        (" +02:00", 2),
        ("-05:30", -5.5),
        ("−0500", -5),
        ("+02:30:15", 2 + 30 / 60 + 15 / 3600),
        ("-11", -11),
        ("+14:00", 14),
    ],
)
def test_every_way_to_write_an_offset_is_one(tmp_path: Path, offset: str, hours: float) -> None:
    files = {"visits.csv": wide(f"a,2024-01-11 10:00:00{offset},1"), "subjects.csv": stays("2024-01-10 10:00:00Z")}
    assert read(tmp_path, files, time=STAMPS)[0]["hours"].tolist() == pytest.approx([24 - hours], abs=1e-9)
    files["subjects.csv"] = stays("2024-01-10 10:00:00")
    assert "have an offset from UTC" in refused(tmp_path, files, time=STAMPS)


@pytest.mark.parametrize("moment", ["2024-01-11t10:00", "20240111T100000", "2024-01-11 10:00:00,000", "2024-01-11 10"])
def test_a_moment_without_an_offset_is_read_in_every_form_of_iso_8601(tmp_path: Path, moment: str) -> None:
    files = {"visits.csv": wide(f'a,"{moment}",1'), "subjects.csv": stays("2024-01-10 10:00:00.000000000")}
    assert read(tmp_path, files, time=STAMPS)[0]["hours"].tolist() == [24.0]


def test_a_year_beyond_nanoseconds_stays_right_beside_nanoseconds(tmp_path: Path) -> None:
    files = {
        "visits.csv": wide("a,9999-12-31 00:00:00,1", "a,2024-01-10 12:00:00.123456789,2"),
        "subjects.csv": stays("2024-01-10 12:00:00"),
    }
    hours = read(tmp_path, files, time=STAMPS)[0]["hours"].to_numpy()
    assert hours[1] == (dt.datetime(9999, 12, 31) - dt.datetime(2024, 1, 10, 12)) / dt.timedelta(hours=1)
    assert hours[0] == pytest.approx(0.123456 / 3600)


@pytest.mark.parametrize("column", ["cut", "end"])
def test_the_landmark_and_the_end_of_follow_up_are_held_against_the_others(tmp_path: Path, column: str) -> None:
    """Neither is in the table of measurements, and both are subtracted from time zero."""
    people = f"id,age,died,status,admitted,{column}\na,50,1,dead,2024-01-01,2024-03-01T00:00+01\n"
    files = {"visits.csv": wide("a,2024-01-02,1"), "subjects.csv": people}
    changes = (
        {"time": {**STAMPS, "until": "cut"}}
        if column == "cut"
        else {"time": STAMPS, "landmark": {**RULE, "time": "end"}, "outcome": None}
    )
    said = refused(tmp_path, files, **changes)
    assert (
        f"column '{column}' of subjects.csv have an offset" in said and "'admitted' of subjects.csv have none" in said
    )


def test_a_form_with_an_offset_is_held_against_a_typed_column_without(tmp_path: Path) -> None:
    moments = pd.to_datetime(["2024-01-11 10:00"])
    frame = pd.DataFrame({"id": ["a"], "day": moments, "bili": [1.0]})
    (tmp_path / "subjects.csv").write_text(stays("2024-01-10 10:00Z"))
    visits = {**VISITS, "file": "visits.parquet"}
    frame.to_parquet(tmp_path / "visits.parquet")
    assert "'day' of visits.parquet have none" in refused(tmp_path, {}, measurements=visits, time=STAMPS)
    frame.assign(day=moments.tz_localize("America/New_York")).to_parquet(tmp_path / "visits.parquet")
    assert read(tmp_path, {}, measurements=visits, time=STAMPS)[0]["hours"].tolist() == [29.0]


def test_strptime_s_offset_counts_and_a_form_without_it_is_local(tmp_path: Path) -> None:
    files = {"visits.csv": wide("a,11.01.2024 10:00 +0200,1"), "subjects.csv": stays("10.01.2024 10:00 +0000")}
    time = {**STAMPS, "format": "%d.%m.%Y %H:%M %z"}
    assert read(tmp_path, files, time=time)[0]["hours"].tolist() == [22.0]
    files = {"visits.csv": wide("a,01.04.2024 10:00,1"), "subjects.csv": stays("31.03.2024 00:00")}
    time = {**STAMPS, "format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}
    assert read(tmp_path, files, time=time)[0]["hours"].tolist() == [33.0]  # the clocks went forward in between


def test_a_local_time_that_does_not_exist_is_set_aside_and_one_that_comes_twice_is_told(tmp_path: Path) -> None:
    files = {
        "visits.csv": wide("a,2024-03-31 02:30,1", "a,2024-10-27 02:30,2", "a,2024-10-27 02:30+01:00,3"),
        "subjects.csv": stays("2024-03-31 00:00"),
    }
    time = {**STAMPS, "zone": "Europe/Berlin"}
    notices, events = told(tmp_path, files, time=time)
    assert np.diff(events["hours"]).tolist() == [1.0]  # with its offset it is the second of the two
    (twice,) = [one for one in notices if one.name.startswith("hour that comes twice")]
    assert (twice.count, twice.of, twice.lost) == (1, 2, False) and "'day' of visits.csv" in twice.text
    assert [one.count for one in notices if one.lost and "time" in one.text] == [1], "the one that is no time is told"
    assert read(tmp_path, {}, time=time)[2]["visits"]["set_aside"] == {"time is not a timestamp": 1}


@pytest.mark.parametrize("zone", ["Europe/Berlinn", "../../etc/passwd", "CET+1 2"])
def test_a_zone_that_does_not_exist_is_refused(tmp_path: Path, zone: str) -> None:
    with pytest.raises(InputError, match="no such time zone"):
        validate(table.Options, declared(time={**STAMPS, "zone": zone}), "options")


# Durations


@pytest.mark.parametrize(
    ("cell", "hours"),
    [
        ("1 days 00:00:00", 24),
        ("1 days", 24),
        ("0 days 03:12:00.5", 3.2 + 0.5 / 3600),
        ("P1DT2H", 26),
        ("PT1,5H", 1.5),
        ("26:30:00", 26.5),
        ("1 day 02:00:00", 26),
        ("-1 days +23:00:00", -1),
        ("-1 days -01:00:00", -25),
        ("3 days, 2:00:00", 74),
        ("3.5 hours", 3.5),
        ("90 mins", 1.5),
        ("2 h 30 min", 2.5),
        ("5400000000000 nanoseconds", 1.5),
        ("1 WEEK", 168),
    ],
)
def test_a_duration_is_read_as_whoever_wrote_it_meant_it(cell: str, hours: float) -> None:
    assert seconds(cell) == pytest.approx(hours * 3600, abs=1e-9)


@pytest.mark.parametrize("cell", ["", "7", "1 mon", "P1Y", "P1M", "P", "PT", "1 day 25", "10:30", "00:00:60", "n/k"])
def test_what_has_no_one_length_is_no_duration(cell: str) -> None:
    assert np.isnan(seconds(cell))


@pytest.mark.parametrize("name", ["duration-csv", "duration-parquet"])
def test_a_column_of_durations_is_time_whatever_the_declared_unit(name: str) -> None:
    suffix = name.rpartition("-")[2]
    visits = {"file": f"visits.{suffix}", "subject": "id", "time": "day"}
    people = {"file": f"people.{suffix}", "subject": "id"}
    for unit in ("days", "hours"):
        changes = of_case(name, measurements=visits, subjects=people, time={"unit": unit})
        events = read(CASES / name, {}, **changes)[0]
        assert len(events) > 400 and sorted(set(events["hours"])) == [0.0, 24.0, 48.0, 72.0]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_typed_duration_keeps_its_unit_as_time_and_as_a_value(tmp_path: Path, unit: str) -> None:
    spans = [dt.timedelta(hours=26, minutes=30), dt.timedelta(0), None]
    columns = {"id": ["a", "a", "a"], "day": pa.array(spans, pa.duration(unit)), "bili": [1.0, 2.0, 3.0]}
    columns["vent"] = pa.array([dt.timedelta(minutes=90), None, None], pa.duration(unit))
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "visits.parquet")
    vent = {"label": "ventilated", "role": "series", "unit": "hours", "low": 0, "high": 2}
    events, _, counts, _ = read(
        tmp_path,
        {"subjects.csv": PEOPLE},
        measurements={**VISITS, "file": "visits.parquet"},
        variables={"bili": {"label": "bilirubin", "role": "series"}, "vent": vent},
    )
    assert events.values.tolist() == [["a", 0.0, "bili", 2.0], ["a", 26.5, "bili", 1.0], ["a", 26.5, "vent", 1.5]]
    assert counts["visits"]["set_aside"] == {"no time": 1}
    said = refused(
        tmp_path,
        {"subjects.csv": PEOPLE},
        measurements={**VISITS, "file": "visits.parquet"},
        variables={"vent": {**vent, "unit": "mg"}},
    )
    assert "variable 'vent' in visits.parquet holds durations" in said and "unit: hours" in said


@pytest.mark.parametrize("times", [["10:30:00", "23:00:00"], ["10:30"], [dt.time(10, 30)]])
@pytest.mark.parametrize("stamps", [False, True])
def test_times_of_the_day_alone_are_refused_with_a_sentence(
    tmp_path: Path, times: list[Any] | list[str], stamps: bool
) -> None:
    frame = pd.DataFrame({"id": "a", "day": times, "bili": 1.0})
    frame.to_parquet(tmp_path / "visits.parquet")
    (tmp_path / "subjects.csv").write_text(stays("2024-01-10"))
    time = STAMPS if stamps else {"unit": "hours"}
    said = refused(tmp_path, {}, measurements={**VISITS, "file": "visits.parquet"}, time=time)
    assert "column 'day' of visits.parquet holds times of the day" in said and "add the date" in said


def test_a_clock_beyond_a_day_makes_the_column_one_of_durations(tmp_path: Path) -> None:
    files = {"visits.csv": wide("a,10:30:00,1", "a,26:00:00,2"), "subjects.csv": PEOPLE}
    assert read(tmp_path, files)[0]["hours"].tolist() == [10.5, 26.0]


def test_numbers_beside_durations_are_refused_with_their_lines(tmp_path: Path) -> None:
    files = {"visits.csv": wide("a,1,1", "a,2 days,2"), "subjects.csv": PEOPLE}
    said = refused(tmp_path, files)
    assert "column 'day' of visits.csv mixes numbers (line 2) and durations with their own units (line 3)" in said
    stay = {"label": "length of stay", "unit": "days", "role": "static"}
    files = {"subjects.csv": "id,stay,died\na,3,1\nb,2 days,0\n"}
    changes = {"measurements": None, "time": None, "variables": {"stay": stay}}
    assert "variable 'stay' in subjects.csv mixes numbers" in refused(tmp_path, files, **changes)


def test_a_limit_is_no_time(tmp_path: Path) -> None:
    files = {"visits.csv": wide("a,<1,1", "a,>1,2", "a,1,3"), "subjects.csv": PEOPLE}
    assert read(tmp_path, files)[2]["visits"]["set_aside"] == {"time is not a number": 2}
