"""Reading Coswara: who is a case, what a recording becomes, and which recordings can't be used."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from recondense.cohorts.readers import coswara
from recondense.cohorts.readers._coswara import sound
from recondense.cohorts.readers._coswara.participants import judge, read_participants
from recondense.errors import InputError
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.attrition import Attrition
from recondense.stages.params import validate
from tests.support.ingestion_fixtures import Reading, needs_coswara
from tests.support.paths import REAL_DATA

REAL = REAL_DATA / "coswara"


def tone(hertz: float = 1000.0, seconds: float = 10.0, rate: int = 16_000, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def write(raw: Path, people: dict[str, str], *, column: str = "covid_status", **recordings: Any) -> Path:
    """Participants by id with their value of ``column``, and a recording by id: samples, or (samples, rate)."""
    lines = [f"id,a,{column}", *(f"{name},30,{value}" for name, value in people.items())]
    (raw / "combined_data.csv").write_text("\n".join(lines) + "\n")
    for name, recording in recordings.items():
        samples, rate = recording if isinstance(recording, tuple) else (recording, 16_000)
        folder = raw / "Extracted_data/20200413" / name
        folder.mkdir(parents=True)
        soundfile.write(folder / "breathing-deep.wav", samples, rate, subtype="PCM_16")
    return raw


def read(raw: Path, *, outcome_required: bool = True, **options: Any) -> Reading:
    """Events, subjects, counts by unit (checked to add up) and rows set aside; what is returned counts as kept."""
    attrition = Attrition()
    chosen = coswara.Options(**options)
    events, subjects = coswara.read(raw, chosen, attrition, outcome_required=outcome_required)
    attrition.kept("measurements", len(events))
    attrition.kept("subjects", len(subjects))
    return events, subjects, attrition.summary(), attrition.rows()


def levels(events: pd.DataFrame, name: str) -> np.ndarray:
    """``(n_frames, 64)``, in the order of the events."""
    return events.loc[events["subject_id"] == name, "value"].to_numpy().reshape(-1, 64)


# Who is a case


@needs_coswara
@pytest.mark.parametrize(
    ("column", "outcomes", "reasons"),
    [
        (
            "covid_status",
            {0.0: 1433, 1.0: 426 + 165 + 90},
            {
                "covid_status is no_resp_illness_exposed": 248,
                "covid_status is recovered_full": 146,
                "covid_status is resp_illness_not_identified": 157,
                "covid_status is under_validation": 81,
            },
        ),
        ("g", {0.0: 1900, 1.0: 844}, {"g is other": 2}),
    ],
)
def test_every_participant_of_the_real_metadata_has_an_outcome_or_a_reason(
    column: str, outcomes: dict[str, Any], reasons: dict[str, Any]
) -> None:
    attrition = Attrition()
    table = read_participants(REAL / "combined_data.csv", [column], attrition)
    judged = judge(table[column], required=True)
    assert attrition.summary()["lines"] == {"in": 2746, "kept": 2746, "set_aside": {}}
    assert judged["outcome"].value_counts().to_dict() == outcomes
    assert judged.loc[judged["reason"] != "", "reason"].value_counts().to_dict() == reasons
    assert (judged["outcome"].isna() == (judged["reason"] != "")).all()


@needs_coswara
def test_the_36_real_recordings_are_12_women_and_24_men_of_96_frames_each() -> None:
    events, subjects, counts, _ = read(REAL, outcome="g")
    assert subjects["outcome"].value_counts().to_dict() == {0.0: 24, 1.0: 12}
    assert counts["recordings"] == {"in": 36, "kept": 36, "set_aside": {}}
    assert counts["subjects"] == {"in": 2746, "kept": 36, "set_aside": {"g is other": 2, "no recording": 2708}}
    frames = events.groupby("subject_id").size() // 64
    assert (frames == 96).sum() == 33 and (frames < 96).sum() == 3  # three recordings are shorter than the window
    by_recording = events.groupby("subject_id")["value"]
    assert by_recording.mean().abs().max() < 1e-9 and by_recording.std().min() > 3


@needs_coswara
def test_a_window_that_a_telephone_has_muted_counts_as_silence() -> None:
    _, _, counts, _ = read(REAL, outcome="g", window_seconds=0.96)
    assert counts["recordings"] == {"in": 36, "kept": 31, "set_aside": {"silent recording": 5}}


def test_a_status_that_is_blank_or_unknown_is_set_aside_without_repeating_it(tmp_path: Path) -> None:
    sounds: dict[str, Any] = {name: tone() for name in "abcd"}
    people = {"a": "positive_mild", "b": "healthy", "c": "", "d": "lives at 5 High Street"}
    _, subjects, counts, rows = read(write(tmp_path, people, **sounds))
    assert subjects[["subject_id", "outcome"]].values.tolist() == [["a", 1.0], ["b", 0.0]]
    assert counts["subjects"]["set_aside"] == {"no covid_status": 1, "unknown covid_status": 1}
    assert not rows.apply(lambda column: column.astype(str).str.contains("High Street")).any(axis=None)


def test_age_is_a_static_where_asked_for_and_sex_never_where_it_is_the_outcome(tmp_path: Path) -> None:
    raw = write(tmp_path, {"a": "female", "b": "male"}, column="g", a=tone(), b=tone(300))
    _, subjects, _, _ = read(raw, outcome="g", statics=("age",))
    assert subjects.values.tolist() == [["a", 1.0, 30.0], ["b", 0.0, 30.0]]
    with pytest.raises(InputError, match="the outcome itself"):
        validate(coswara.Options, {"outcome": "g", "statics": ["female"]}, "options")


# What a recording becomes


@pytest.mark.parametrize(("hertz", "rate"), [(1000, 16_000), (1000, 44_100), (300, 48_000), (4000, 48_000)])
def test_a_tone_is_loudest_in_the_band_around_it_at_its_own_level(tmp_path: Path, hertz: int, rate: int) -> None:
    raw = write(tmp_path, {"a": "healthy"}, a=(tone(hertz, rate=rate, amplitude=0.1), rate))
    events, _, _, _ = read(raw, relative_level=False)
    found = levels(events, "a")
    assert found.shape == (96, 64)
    (loudest,) = set(found.argmax(axis=1))
    low, high = sound.band_edges()[loudest]
    assert low < hertz < high
    assert np.allclose(found[:, loudest], -20, atol=3)  # a tenth of full scale
    assert (found[:, loudest] - np.median(found, axis=1) > 40).all()


def test_the_sample_rate_of_a_recording_makes_no_difference(tmp_path: Path) -> None:
    def chord(rate: int) -> tuple[np.ndarray, int]:
        return np.sum([tone(hertz, rate=rate, amplitude=0.1) for hertz in (250, 1000, 5000)], axis=0), rate

    raw = write(tmp_path, {"a": "healthy", "b": "healthy"}, a=chord(16_000), b=chord(48_000))
    events, _, _, _ = read(raw, relative_level=False)
    loud = levels(events, "a") > -60
    assert loud.any() and np.abs(levels(events, "a") - levels(events, "b"))[loud].max() < 0.2


def test_gain_makes_no_difference_unless_the_level_itself_is_asked_for(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 160_000)
    raw = write(tmp_path, {"a": "healthy", "b": "healthy"}, a=noise, b=noise / 4)
    relative, absolute = (read(raw, relative_level=choice)[0] for choice in (True, False))
    assert np.abs(levels(relative, "a") - levels(relative, "b")).max() < 0.1
    assert np.allclose(levels(absolute, "a") - levels(absolute, "b"), 20 * np.log10(4), atol=0.1)


def test_the_middle_of_the_recording_is_what_is_heard(tmp_path: Path) -> None:
    low, high = tone(300, 2), tone(3000, 1.2)
    raw = write(tmp_path, {"a": "healthy"}, a=np.concatenate([low, high, low]))
    for seconds, heard in ((0.96, {3000}), (4.0, {300, 3000})):
        edges = np.array(sound.band_edges())[levels(read(raw, window_seconds=seconds)[0], "a").argmax(axis=1)]
        assert {hertz for hertz in (300, 3000) for a, b in edges if a < hertz < b} == heard


@pytest.mark.parametrize(
    ("seconds", "step_hours"), [(0.96, 2.7777777777777778e-6), (9.6, 2.7777778e-5), (7.0, 7 / 96 / 3600)]
)
def test_every_frame_falls_into_its_own_step(tmp_path: Path, seconds: float, step_hours: float) -> None:
    raw = write(tmp_path, {"a": "healthy", "b": "positive_mild"}, a=tone(seconds=10), b=tone(seconds=10))
    events = read(raw, window_seconds=seconds)[0]
    grid = Preprocessing(step_hours=step_hours, n_steps=96, carry_forward=False, variables=(), features=())
    steps = grid.step_of(events["hours"].to_numpy()).reshape(2, 96, 64)
    assert (steps == np.arange(96)[None, :, None]).all()


def test_a_recording_shorter_than_the_window_leaves_its_later_frames_empty(tmp_path: Path) -> None:
    raw = write(tmp_path, {"a": "healthy"}, a=tone(seconds=5))
    found = levels(read(raw, window_seconds=9.6)[0], "a")
    assert len(found) == pytest.approx(50, abs=1) and np.isfinite(found).all()


def test_both_channels_of_a_recording_count(tmp_path: Path) -> None:
    both = np.stack([tone(300), tone(3000)], axis=1)
    raw = write(tmp_path, {"a": "healthy"}, a=both)
    mean, (low, high) = levels(read(raw)[0], "a").mean(axis=0), np.array(sound.band_edges()).T
    peaks = [mean[(low < hertz) & (hertz < high)].max() for hertz in (300, 3000)]
    assert min(peaks) > np.median(mean) + 30 and abs(peaks[0] - peaks[1]) < 3


# Which recordings can't be used


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(32_000), "silent recording"),
        (np.random.default_rng(0).normal(0, 1e-4, 32_000), "silent recording"),
        (np.where(np.arange(32_000) == 9_000, 0.9, 0.0), "silent recording"),  # one click
        (tone(seconds=0.9), "recording too short"),
        (np.empty(0), "recording too short"),
        ((tone(rate=8_000), 8_000), "sampled below 16 kHz"),
    ],
)
def test_a_recording_without_enough_sound_is_set_aside(tmp_path: Path, samples: Any, reason: str) -> None:
    raw = write(tmp_path, {"a": "healthy", "b": "healthy"}, a=samples, b=tone())
    _, subjects, counts, rows = read(raw)
    assert subjects["subject_id"].tolist() == ["b"]
    for unit in ("recordings", "subjects"):
        assert counts[unit] == {"in": 2, "kept": 1, "set_aside": {reason: 1}}
    assert rows["file"].tolist() == ["Extracted_data/20200413/a/breathing-deep.wav", "combined_data.csv"]


def test_a_quiet_recording_of_a_breath_is_not_silence(tmp_path: Path) -> None:
    breath = np.random.default_rng(0).normal(0, 0.002, 64_000) * (np.arange(64_000) % 32_000 < 8_000)
    assert len(read(write(tmp_path, {"a": "healthy"}, a=breath))[1]) == 1


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def foreign(content: bytes) -> bytes:
    return b"<html>404</html>"


def unlikely_rate(content: bytes) -> bytes:
    return content[:24] + (2**31).to_bytes(4, "little") + content[28:]


def headless(content: bytes) -> bytes:
    return content[:20]


@pytest.mark.parametrize("damage", [cut, foreign, unlikely_rate, headless, lambda content: b""])
def test_a_damaged_recording_is_set_aside(tmp_path: Path, damage: Any) -> None:
    raw = write(tmp_path, {"a": "healthy", "b": "healthy"}, a=tone(seconds=4), b=tone())
    path = raw / "Extracted_data/20200413/a/breathing-deep.wav"
    path.write_bytes(damage(path.read_bytes()))
    _, subjects, counts, _ = read(raw)
    assert subjects["subject_id"].tolist() == ["b"]
    assert counts["recordings"]["set_aside"] == {"damaged recording": 1}


def test_a_recording_with_samples_that_are_no_numbers_is_set_aside(tmp_path: Path) -> None:
    raw = write(tmp_path, {"a": "healthy", "b": "healthy"}, a=tone(), b=tone())
    samples = tone()
    samples[5] = np.nan
    soundfile.write(raw / "Extracted_data/20200413/a/breathing-deep.wav", samples, 16_000, subtype="FLOAT")
    assert read(raw)[2]["recordings"]["set_aside"] == {"damaged recording": 1}


def test_what_listeners_judged_too_poor_is_set_aside(tmp_path: Path) -> None:
    sounds: dict[str, Any] = {name: tone() for name in "abcd"}
    raw = write(tmp_path, dict.fromkeys("abcd", "healthy"), **sounds)
    (raw / "annotations").mkdir()
    lines = [
        "FILENAME, QUALITY",
        *(f"{name}_breathing-deep,{quality}" for name, quality in zip("abcd", "012?", strict=True)),
        "x",
    ]
    (raw / "annotations/breathing-deep_labels.csv").write_text("\n".join(lines) + "\n")
    for least, kept in ((0, "abcd"), (1, "bcd"), (2, "cd")):
        _, subjects, counts, rows = read(raw, min_quality=least)
        assert "".join(subjects["subject_id"]) == kept
    assert counts["recordings"]["set_aside"] == {"low quality": 2}
    assert counts["annotations"] == {"in": 5, "kept": 3, "set_aside": {"malformed line": 1, "quality not 0, 1 or 2": 1}}
    assert rows.loc[rows["unit"] == "annotations", "line"].tolist() == [6, 5]


def test_participants_without_recording_and_recordings_without_participant_are_counted(tmp_path: Path) -> None:
    raw = write(tmp_path, {"a": "healthy", "b": "healthy"}, a=tone(), c=tone())
    later = raw / "Extracted_data/20210101/a"
    later.mkdir(parents=True)
    shutil.copy(raw / "Extracted_data/20200413/a/breathing-deep.wav", later)
    _, subjects, counts, _ = read(raw)
    assert subjects["subject_id"].tolist() == ["a"]
    assert counts["subjects"] == {"in": 2, "kept": 1, "set_aside": {"no recording": 1}}
    assert counts["recordings"] == {
        "in": 3,
        "kept": 1,
        "set_aside": {"later recording": 1, "recording without metadata": 1},
    }


def test_lines_that_are_torn_doubled_or_contradict_each_other_are_set_aside(tmp_path: Path) -> None:
    raw = write(tmp_path, {"a": "healthy", "b": "healthy", "c": "healthy"}, a=tone(), b=tone(), c=tone())
    more = ["a,30,healthy", "b,30,positive_mild", ",30,healthy", "d,30", 'e,"30,healthy', '"f",30,healthy\udcff']
    with (raw / "combined_data.csv").open("a", errors="surrogateescape") as stream:
        stream.write("\n".join(more) + "\n")
    _, subjects, counts, _ = read(raw)
    assert subjects["subject_id"].tolist() == ["a", "c"]
    assert counts["lines"] == {
        "in": 9,
        "kept": 2,
        "set_aside": {"contradicting lines": 2, "duplicate line": 1, "malformed line": 3, "no id": 1},
    }


def test_new_recordings_need_neither_outcomes_nor_a_line_each(tmp_path: Path) -> None:
    raw = write(tmp_path, {"a": "healthy", "b": "under_validation"}, a=tone(), b=tone(), c=tone())
    _, subjects, _, _ = read(raw, outcome_required=False, statics=("age",))
    assert subjects.fillna(-1).values.tolist() == [["a", 0.0, 30.0], ["b", -1.0, 30.0], ["c", -1.0, -1.0]]
    (raw / "combined_data.csv").write_text("id,a\na,30\n")
    assert read(raw, outcome_required=False)[1]["outcome"].isna().tolist() == [True, True, True]


def test_new_recordings_need_no_metadata(tmp_path: Path) -> None:
    raw = write(tmp_path, {}, a=tone(), b=np.zeros(32_000))
    (raw / "combined_data.csv").unlink()
    _, subjects, counts, _ = read(raw, outcome_required=False)
    assert subjects["subject_id"].tolist() == ["a"] and subjects["outcome"].isna().all()
    assert counts["subjects"] == {"in": 2, "kept": 1, "set_aside": {"silent recording": 1}}
    with pytest.raises(InputError, match=r"combined_data\.csv is missing"):
        read(raw)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,a\nx,30\n", "covid_status"),
        (b"id,covid_status,covid_status\nx,healthy,healthy\n", "several columns covid_status"),
        (b'id,"covid_status\nx,healthy\n', "comma-separated"),
        (b"\xff\xfei\0d\0", "comma-separated"),
        (b"", "the columns id, covid_status"),
    ],
)
def test_metadata_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    raw = write(tmp_path, {}, a=tone())
    (raw / "combined_data.csv").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read(raw)
    assert str(raw / "combined_data.csv") in str(caught.value)
