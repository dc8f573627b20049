"""Reading again: what is new is parsed, what is not is taken from before, and of what is gone nothing is left."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from ruamel.yaml import YAML
from safetensors.numpy import load_file

from recondense.cohorts import parsed
from recondense.cohorts.params import Params
from recondense.cohorts.parsed import Parsed
from recondense.cohorts.read import ingest
from recondense.errors import InputError
from recondense.stages.layout import Layout
from recondense.stages.params import block
from tasks.ingestion import ingestion
from tests.support.ingestion_fixtures import needs_coswara, record, write_set
from tests.support.paths import REAL_DATA, REPO

SPLIT = {"kind": "random", "seed": 0, "validation": 0.3, "test": 0.3}
SECRET = 61.803125  # a value of one patient alone


# Two small cohorts, one with a file a subject, one with files of many subjects in a unit


def breath(number: int) -> np.ndarray:
    return np.random.default_rng(number).normal(0, 0.1, 24_000)


def write_recording(raw: Path, number: int, samples: np.ndarray | None = None) -> None:
    folder = raw / f"Extracted_data/20200413/p{number}"
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "breathing-deep.wav", breath(number) if samples is None else samples, 16_000)


def recordings(raw: Path, n: int = 16) -> Path:
    raw.mkdir()
    people = [f"p{number},{'healthy' if number % 2 else 'positive_mild'}" for number in range(100)]
    (raw / "combined_data.csv").write_text("\n".join(["id,covid_status", *people]) + "\n")
    for number in range(n):
        write_recording(raw, number)
    write_recording(raw, 3, np.zeros(24_000))  # silent, so that something is set aside
    return raw


def stays(raw: Path, n: int = 1200) -> Path:
    files = {f"{number}.txt": stay(number) for number in range(1000, 1000 + n)}
    write_set(raw, "a", files, {number: number % 2 for number in range(1000, 1000 + n + 10)})
    return raw


def stay(number: int, *lines: str) -> str:
    return record(number, f"00:07,HR,{60 + number % 50}", "01:30,HR,high", f"02:00,Temp,{36 + number % 7 / 10}", *lines)


COHORTS = {"coswara": recordings, "physionet2012": stays}


def read(dataset: str, raw: Path, kept: Path | None, options: dict[str, object] | None = None) -> dict[str, Any]:
    """All that ingestion makes of ``raw``: its files as bytes, and its counts."""
    settings = {"dataset": dataset, "raw": str(raw), "split": SPLIT, "options": options or {}}
    cohort, attrition = ingest(raw, Params.model_validate(settings), kept=kept)
    files = [cohort.events, cohort.subjects, attrition.rows()]
    written = [io.BytesIO() for _ in files]
    for frame, file in zip(files, written, strict=True):
        frame.to_parquet(file, index=False)
    return {"files": [file.getvalue() for file in written], "counts": attrition.summary(), "cohort": cohort}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (one["files"], one["counts"]) == (other["files"], other["counts"])


def entries(kept: Path) -> dict[str, tuple[int, int]]:
    """Name of each entry, and what tells whether it was written anew."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in kept.iterdir()}


@pytest.fixture(params=COHORTS)
def cohort(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path, Path]:
    """The data set's name, its raw folder, and a folder that keeps what was parsed of it."""
    raw, kept = COHORTS[request.param](tmp_path / "raw"), tmp_path / "kept"
    read(request.param, raw, kept)
    assert len(entries(kept)) > 3
    return request.param, raw, kept


def add(dataset: str, raw: Path) -> None:
    """One more subject."""
    if dataset == "coswara":
        write_recording(raw, 50)
    else:
        write_set(raw, "a", {"2505.txt": stay(2505)}, None)


def change(dataset: str, raw: Path, number: int, value: float = 44) -> None:
    """The file of subject ``number`` (from 0) says something else than before."""
    if dataset == "coswara":
        write_recording(raw, number, breath(1000 + number))
    else:
        number += 1000
        write_set(raw, "a", {f"{number}.txt": stay(number, f"03:00,HR,{value}")}, None)


# The same result


def test_what_was_kept_gives_the_same_bytes_and_counts_as_parsing(cohort: tuple[str, Path, Path]) -> None:
    dataset, raw, kept = cohort
    with_it, without = read(dataset, raw, kept), read(dataset, raw, None)
    assert same(with_it, without)
    assert sum(unit["set_aside"] != {} for unit in with_it["counts"].values()) >= 1


@needs_coswara
def test_real_recordings_are_the_same_with_and_without(tmp_path: Path) -> None:
    options: dict[str, object] = {"outcome": "g"}
    made = [read("coswara", REAL_DATA / "coswara", kept, options) for kept in (None, tmp_path, tmp_path)]
    assert same(made[0], made[1]) and same(made[1], made[2])
    assert len(entries(tmp_path)) == 36


# Only what is new


def test_a_run_without_anything_new_writes_nothing_anew(cohort: tuple[str, Path, Path]) -> None:
    dataset, raw, kept = cohort
    before = entries(kept)
    for path in raw.rglob("*"):
        os.utime(path, (1, 1))  # the age of a file says nothing
    read(dataset, raw, kept)
    assert entries(kept) == before


def test_a_new_file_costs_only_itself(cohort: tuple[str, Path, Path]) -> None:
    dataset, raw, kept = cohort
    before = entries(kept)
    add(dataset, raw)
    arrived = read(dataset, raw, kept)
    after = entries(kept)
    assert len(after.keys() - before.keys()) == 1
    assert len(before.keys() - after.keys()) <= 1, "its neighbours' batch at most"
    assert all(after[name] == before[name] for name in after.keys() & before.keys())
    assert same(arrived, read(dataset, raw, None))


def test_a_changed_file_is_read_again_and_nothing_else(cohort: tuple[str, Path, Path]) -> None:
    dataset, raw, kept = cohort
    before, old = entries(kept), read(dataset, raw, kept)
    change(dataset, raw, 5)
    new = read(dataset, raw, kept)
    after = entries(kept)
    assert not same(new, old) and same(new, read(dataset, raw, None))
    assert 1 <= len(after.keys() - before.keys()) <= 2 and 1 <= len(before.keys() - after.keys()) <= 2
    assert all(after[name] == before[name] for name in after.keys() & before.keys())


def test_another_option_parses_again_only_where_it_matters(tmp_path: Path) -> None:
    raw, kept = recordings(tmp_path / "raw", 8), tmp_path / "kept"
    names = []
    choices: tuple[dict[str, object], ...] = ({}, {"min_quality": 2}, {"relative_level": False})
    for options in choices:
        read("coswara", raw, kept, options)
        names.append(set(entries(kept)))
    assert names[0] == names[1]
    assert names[1].isdisjoint(names[2])


# Nothing of what is gone


def all_of(kept: Path) -> list[np.ndarray]:
    return [array for path in kept.iterdir() for array in load_file(path).values()]


def test_of_a_removed_file_and_of_what_a_changed_one_said_before_nothing_is_left(tmp_path: Path) -> None:
    raw, kept = stays(tmp_path / "raw"), tmp_path / "kept"
    for gone in ("changed", "removed"):
        change("physionet2012", raw, 7, SECRET)
        read("physionet2012", raw, kept)
        assert any((array == SECRET).any() for array in all_of(kept)), "or its absence would mean nothing"
        if gone == "changed":
            change("physionet2012", raw, 7)
        else:
            (raw / "set-a/1007.txt").unlink()
        read("physionet2012", raw, kept)
        assert not any((array == SECRET).any() for array in all_of(kept))


@pytest.mark.parametrize("file", ["1007.txt", "1008.txt"], ids=["her own", "one named for another patient"])
def test_nothing_about_a_withdrawn_patient_is_kept_not_even_beside_others(tmp_path: Path, file: str) -> None:
    raw, kept = stays(tmp_path / "raw"), tmp_path / "kept"
    write_set(raw, "a", {file: stay(1007, f"03:00,HR,{SECRET}")}, None)
    read("physionet2012", raw, kept)
    before = entries(kept)
    assert any((array == SECRET).any() for array in all_of(kept))
    (raw / "withdrawn.txt").write_text("1007\n")
    for _ in range(2):  # once with an entry from before, once without
        found = read("physionet2012", raw, kept)
        assert not any((array == SECRET).any() or (array == 1007).any() for array in all_of(kept))
        assert same(found, read("physionet2012", raw, None))
        assert len(before.keys() - entries(kept).keys()) <= 2 and entries(kept).keys() <= before.keys()
    (raw / "withdrawn.txt").unlink()
    read("physionet2012", raw, kept)
    assert entries(kept).keys() == before.keys()


def test_a_recording_of_a_withdrawn_participant_is_not_kept(tmp_path: Path) -> None:
    raw, kept = recordings(tmp_path / "raw"), tmp_path / "kept"
    read("coswara", raw, kept)
    before = set(entries(kept))
    (raw / "withdrawn.txt").write_text("p5\n")
    for path in (raw / "Extracted_data/20200413").glob("p*[02468]"):
        path.rename(raw / path.name)  # one outcome is missing
    with pytest.raises(InputError):
        read("coswara", raw, kept)
    assert len(before - set(entries(kept))) == 1, "even where the run fails"
    for path in raw.glob("p*[02468]"):
        path.rename(raw / "Extracted_data/20200413" / path.name)
    found = read("coswara", raw, kept)
    (gone,) = before - set(entries(kept))
    assert set(entries(kept)) < before
    assert same(found, read("coswara", raw, None)) and "p5" not in set(found["cohort"].subjects["subject_id"])
    (raw / "withdrawn.txt").unlink()
    read("coswara", raw, kept)
    assert gone in entries(kept)


def test_a_stage_keeps_it_in_a_restricted_folder_that_git_ignores(tmp_path: Path) -> None:
    raw = recordings(tmp_path / "raw")
    mine = block(REPO, "coswara_open") | {"ingestion": {"dataset": "coswara", "raw": str(raw), "split": SPLIT}}
    (tmp_path / "dvc.yaml").touch()
    YAML(typ="safe").dump({"cohorts": {"mine": mine}}, tmp_path / "params.yaml")
    ingestion(Layout(tmp_path, "mine"))
    (entry, *_) = (path.relative_to(tmp_path) for path in tmp_path.rglob("*.safetensors"))
    assert entry.parent == Path("data/2_ingested/.parsed/mine")
    ignored = subprocess.run(["git", "check-ignore", "-q", entry], cwd=REPO)
    assert ignored.returncode == 0


def test_a_cohort_that_is_now_read_by_another_data_set_keeps_nothing_of_the_first(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    read("coswara", recordings(tmp_path / "sounds"), kept)
    trial = tmp_path / "trial"
    shutil.copytree(REPO / "data/1_raw/pbcseq", trial)
    read("pbcseq", trial, kept)
    assert not kept.exists()


# Entries that cannot be trusted


def cut(path: Path, other: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def one_bit(path: Path, other: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def swapped(path: Path, other: Path) -> None:
    path.write_bytes(other.read_bytes())


def renamed(path: Path, other: Path) -> None:
    other.rename(path.with_name(path.name.split("-")[0] + "-" + other.name.split("-")[1]))
    path.unlink()


def emptied(path: Path, other: Path) -> None:
    path.write_bytes(b"")


def a_folder(path: Path, other: Path) -> None:
    path.unlink()
    (path / "x").mkdir(parents=True)


@pytest.mark.parametrize("damage", [cut, one_bit, swapped, renamed, emptied, a_folder])
def test_an_entry_that_is_not_what_was_kept_is_parsed_again_and_replaced(tmp_path: Path, damage: Any) -> None:
    dataset, raw, kept = "coswara", recordings(tmp_path / "raw"), tmp_path / "kept"
    read(dataset, raw, kept)
    good = {path.name: path.read_bytes() for path in kept.iterdir()}
    damage(*sorted(kept.iterdir())[:2])
    assert same(read(dataset, raw, kept), read(dataset, raw, None))
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == good


def test_whatever_else_lies_in_the_folder_is_removed(cohort: tuple[str, Path, Path]) -> None:
    dataset, raw, kept = cohort
    before = entries(kept)
    (kept / ".partial-77").write_bytes(b"half an entry of a killed run")
    (kept / "notes.txt").write_text("x")
    (kept / "folder").mkdir()
    (kept / "link").symlink_to(raw)
    read(dataset, raw, kept)
    assert entries(kept) == before and raw.is_dir()


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from recondense.cohorts.parsed import Parsed
Path.replace = lambda *_: os._exit(9)  # the moment before an entry is whole
Parsed(Path(sys.argv[1])).once(b"content", 1, lambda: {"x": np.arange(9)}, lambda _: [])
"""


def test_a_killed_run_leaves_no_entry_in_part(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert subprocess.run([sys.executable, "-c", KILLED, kept], cwd=REPO).returncode == 9
    assert len(list(kept.iterdir())) == 1, "what it was writing"
    after = Parsed(kept)
    found = after.once(b"content", 1, lambda: {"x": np.arange(5)}, lambda _: [])
    after.discard_unused()
    assert found["x"].tolist() == [0, 1, 2, 3, 4]
    assert [path.suffix for path in kept.iterdir()] == [".safetensors"]


def test_a_run_that_fails_leaves_what_was_kept(cohort: tuple[str, Path, Path]) -> None:
    dataset, raw, kept = cohort
    before = entries(kept)
    outcomes = raw / ("combined_data.csv" if dataset == "coswara" else "Outcomes-a.txt")
    outcomes.rename(raw / "aside")
    with pytest.raises(InputError):
        read(dataset, raw, kept)
    assert entries(kept) == before


def test_other_code_or_other_packages_parse_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "of_a_test"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "read.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    kept, results = tmp_path / "kept", iter(range(9))

    def once() -> int:
        array = Parsed(kept).once(b"content", 1, lambda: {"x": np.array([next(results)])}, lambda _: [])["x"]
        parsed._means.cache_clear()
        return int(array[0])

    monkeypatch.setattr(parsed, "CODE", "of_a_test.read")
    assert [once(), once()] == [0, 0]
    (package / "read.py").write_text("x = 1")
    assert [once(), once()] == [1, 1]
    (package / "other.py").write_text("y = 1")
    assert [once(), once()] == [1, 1], "nothing imports it"
    (package / "read.py").write_text("from of_a_test import other")
    assert [once(), once()] == [2, 2]
    monkeypatch.setattr(parsed, "version", lambda name: "0")
    assert [once(), once()] == [3, 3]
