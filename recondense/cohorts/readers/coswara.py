"""Coswara: COVID-19 (or, as a check, sex) from the sound of a participant's breath.

Raw files, as the provider's script ``extract_data.py`` leaves them: ``combined_data.csv``, the recordings
``Extracted_data/<date>/<participant>/<recording>.wav``, and, where they are there, listeners' judgements of quality
``annotations/<recording>_labels.csv``. Each participant has one recording of a kind.
"""

from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from recondense.cohorts.parsed import NOT_KEPT, Arrays, Parsed
from recondense.cohorts.readers import Source
from recondense.cohorts.readers._coswara import sound
from recondense.cohorts.readers._coswara.participants import FILE, OUTCOMES, STATICS, judge, read_participants
from recondense.cohorts.readers._coswara.recordings import FOLDER, find_recordings, read_qualities
from recondense.errors import InputError
from recondense.progress import track
from recondense.records.attrition import Attrition
from recondense.records.cohort import Variable, as_events
from recondense.records.target import Target
from recondense.stages.params import StageParams

SOURCE = Source(
    title="Coswara: respiratory sounds and symptoms for remote screening of SARS-CoV-2 infection",
    licence="Creative Commons Attribution 4.0 International (CC BY 4.0)",
    url="https://github.com/iiscleap/Coswara-Data",
    citation="Bhattacharya D, Sharma NK, Dutta D, Chetupalli SR, Mote P, Ganapathy S, et al. Coswara: a respiratory "
    "sounds and symptoms dataset for remote screening of SARS-CoV-2 infection. Scientific Data 2023;10:397.",
)
TARGETS = {
    "covid_status": "COVID-19 at the time of the recording, by the participant's own account",
    "g": "female sex",
}
SERIES = tuple(
    Variable(
        name=f"mel_{number:02d}",
        label=f"level of sound, {low:.0f} to {high:.0f} Hz",
        unit="dB",
        role="series",
        low=-120,
        high=120,
    )
    for number, (low, high) in enumerate(sound.band_edges(), start=1)
)
DESCRIPTORS = {
    "age": Variable(name="age", label="age", unit="years", role="static", low=0, high=120),
    "female": Variable(
        name="female", label="female sex", role="static", kind="binary", positive=("female",), negative=("male",)
    ),
}
NAMES = [variable.name for variable in SERIES]


class Options(StageParams):
    """``recording``: which sound. ``outcome``: ``covid_status`` (positive or healthy) or ``g``, sex (female is 1).

    ``window_seconds``: the middle of the recording that is used, in 96 frames, each the mean of its share; the default
    holds about two deep breaths. Normalisation's ``n_steps`` of ``step_hours`` have to span it: 96 steps of
    2.7777778e-5 hours, each a frame, are 9.6 s.
    ``relative_level``: levels relative to their own mean. Set aside are recordings shorter than ``min_seconds``, ones
    whose window is for 95 % of its time below ``silence_db`` (full scale is 0), and ones that listeners judged below
    ``min_quality`` (0 takes all). ``statics``: which descriptors are features too.
    """

    recording: Literal[
        "breathing-deep",
        "breathing-shallow",
        "cough-heavy",
        "cough-shallow",
        "counting-fast",
        "counting-normal",
        "vowel-a",
        "vowel-e",
        "vowel-o",
    ] = "breathing-deep"
    outcome: Literal["covid_status", "g"] = "covid_status"
    window_seconds: float = Field(default=9.6, ge=0.96, le=60)
    relative_level: bool = True
    min_seconds: float = Field(default=1.0, ge=0.1)
    silence_db: float = Field(default=-70.0, ge=sound.FLOOR, le=0)
    min_quality: int = Field(default=1, ge=0, le=2)
    statics: tuple[Literal["age", "female"], ...] = ()

    @model_validator(mode="after")
    def _no_outcome_among_the_statics(self) -> Self:
        if self.outcome == "g" and "female" in self.statics:
            raise ValueError("statics must not name female where the outcome is g: that is the outcome itself")
        return self


def variables(options: Options) -> tuple[Variable, ...]:
    """64 bands, from low to high, then the statics that were asked for."""
    return (*SERIES, *(DESCRIPTORS[name] for name in DESCRIPTORS if name in options.statics))


def source(options: Options) -> Source:
    """The same whatever the options."""
    return SOURCE


def span_hours(options: Options) -> float:
    """The window that is heard."""
    return options.window_seconds / 3600


def target(options: Options) -> Target:
    """By outcome."""
    return Target(
        label=TARGETS[options.outcome],
        prediction_time=f"from the recording '{options.recording}'",
        population="volunteers who recorded themselves",
    )


def read(
    raw: Path, options: Options, attrition: Attrition, *, outcome_required: bool = True, parsed: Parsed = NOT_KEPT
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events (a level a band and frame) and subjects, ordered by id. Raises `InputError` for whole files.

    Units: "lines" (of combined_data.csv), "subjects", "recordings", "annotations", "measurements".
    """
    recordings = find_recordings(raw, options.recording)
    if not (raw / FOLDER).is_dir() or recordings.empty:
        raise InputError(
            f"there is no {options.recording}.wav in {raw / FOLDER}: clone {SOURCE.url}, run its extract_data.py, "
            f"and put Extracted_data and {FILE} into {raw}"
        )
    subjects = _participants(raw, options, attrition, recordings, outcome_required)
    levels = _listen(recordings, subjects, options, read_qualities(raw, options.recording, attrition), parsed)
    _account(recordings, subjects, attrition)
    kept = subjects.index[subjects["reason"] == ""]
    events = _events([(name, levels[name]) for name in kept], options.window_seconds)
    attrition.came_in("measurements", len(events))
    columns = ["outcome", *(variable.name for variable in variables(options)[len(SERIES) :])]
    return events, subjects.loc[kept, columns].rename_axis("subject_id").reset_index()


def _participants(
    raw: Path, options: Options, attrition: Attrition, recordings: pd.DataFrame, outcome_required: bool
) -> pd.DataFrame:
    """By id: outcome, descriptors, and ``reason`` to set them aside or ""."""
    needed = list(dict.fromkeys([options.outcome, *(STATICS[name] for name in options.statics)]))
    if (raw / FILE).is_file():
        table = read_participants(raw / FILE, needed, attrition, outcome_required)
    elif outcome_required:
        raise InputError(f"{raw / FILE} is missing: get it from {SOURCE.url} and put it there")
    else:
        table = pd.DataFrame(columns=needed, index=pd.Index([], dtype="str"), dtype="str")
    if not outcome_required:
        table = table.reindex(table.index.union(pd.Index(recordings["id"].unique())), fill_value="")
    table = table.sort_index()
    subjects = judge(table[options.outcome], outcome_required)
    if "age" in options.statics:
        subjects["age"] = pd.to_numeric(table[STATICS["age"]], errors="coerce").astype(float)
    if "female" in options.statics:
        subjects["female"] = table[STATICS["female"]].map(OUTCOMES["g"]).astype(float)
    return subjects


def _listen(
    recordings: pd.DataFrame, subjects: pd.DataFrame, options: Options, qualities: dict[str, int], parsed: Parsed
) -> dict[str, NDArray[np.float64]]:
    """Levels by id of the recordings that can be used; the others get their ``reason``, in both tables."""
    recordings["reason"] = ""
    recordings.loc[~recordings["id"].isin(subjects.index), "reason"] = "recording without metadata"
    recordings.loc[recordings.duplicated("id") & (recordings["reason"] == ""), "reason"] = "later recording"
    gone = subjects.index[subjects["reason"] != ""]
    recordings.loc[recordings["id"].isin(gone) & (recordings["reason"] == ""), "reason"] = "subject set aside"
    levels: dict[str, NDArray[np.float64]] = {}
    chosen = recordings[recordings["reason"] == ""]
    for index, name, path in track(list(zip(chosen.index, chosen["id"], chosen["path"], strict=True)), "listening"):
        reason = "low quality" if qualities.get(name, options.min_quality) < options.min_quality else ""
        if not reason:
            reason, levels[name] = _heard(path.read_bytes(), name, options, parsed)
        if reason:
            recordings.loc[index, "reason"] = reason
            subjects.loc[name, "reason"] = reason
    without = ~subjects.index.isin(recordings["id"]) & (subjects["reason"] == "")
    subjects.loc[without, "reason"] = "no recording"
    return levels


def _heard(content: bytes, name: str, options: Options, parsed: Parsed) -> tuple[str, NDArray[np.float64]]:
    """The reason why a recording can't be used, or "", and its levels."""

    def listen() -> Arrays:
        samples, reason = sound.decode(content)
        heard = sound.middle(samples, options.window_seconds)
        reason = reason or _fault(samples, heard, options)
        levels = np.empty(0) if reason else sound.bands(heard, options.window_seconds, options.relative_level)
        return {"reason": np.frombuffer(reason.encode(), dtype=np.uint8), "levels": levels}

    settings = options.model_dump(include={"window_seconds", "relative_level", "min_seconds", "silence_db"})
    result = parsed.once(content, ["a recording", settings], listen, lambda _: [name])
    return result["reason"].tobytes().decode(), result["levels"]


def _fault(whole: NDArray[np.float32], heard: NDArray[np.float32], options: Options) -> str:
    if len(whole) < max(options.min_seconds * sound.RATE, sound.FFT):
        return "recording too short"
    # Telephones put zeros where they take a pause for noise, so a window can be silent in a recording that is not
    return "silent recording" if sound.loudness(heard) < options.silence_db else ""


def _account(recordings: pd.DataFrame, subjects: pd.DataFrame, attrition: Attrition) -> None:
    of_recordings = recordings.rename(columns={"id": "record"})
    of_subjects = subjects.assign(file=FILE, record=subjects.index)
    for unit, table in (("recordings", of_recordings), ("subjects", of_subjects)):
        attrition.came_in(unit, len(table))
        attrition.set_aside_by_reason(unit, table)
    attrition.kept("recordings", int((recordings["reason"] == "").sum()))


def _events(levels: list[tuple[str, NDArray[np.float64]]], seconds: float) -> pd.DataFrame:
    """One row a band and frame; an event is in the middle of its frame, so that no rounding moves it to another."""
    ids = np.repeat(np.array([name for name, _ in levels], dtype=object), [found.size for _, found in levels])
    frames = [np.repeat(np.arange(len(found)), len(NAMES)) for _, found in levels]
    hours = (np.concatenate([*frames, np.empty(0)]) + 0.5) * (seconds / sound.N_FRAMES / 3600)
    names = np.tile(np.array(NAMES, dtype=object), len(hours) // len(NAMES))
    return as_events(ids, hours, names, np.concatenate([*(found.ravel() for _, found in levels), np.empty(0)]))
