"""A name that begins with a dot is a tool's own: what lies there is no record of any data set."""

from pathlib import Path

from recondense.cohorts.readers._coswara.recordings import find_recordings
from recondense.cohorts.readers._physionet2012.files import read_set
from recondense.files.folders import visible
from recondense.unattended.inbox import fingerprint


def put(path: Path, content: bytes = b"x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_hidden_names_count_below_the_folder_and_not_above_it(tmp_path: Path) -> None:
    folder = tmp_path / ".mine" / "raw"
    for name in ("a", "b/c", ".DS_Store", ".cache/d", "b/.e/f"):
        put(folder / name)
    found = visible(folder, folder.rglob("*"))
    assert [path.relative_to(folder).as_posix() for path in found] == ["a", "b", "b/c"]


def test_a_copy_of_a_set_in_a_hidden_folder_is_not_read_twice(tmp_path: Path) -> None:
    for name in ("1.txt", "deeper/2.txt", ".cache/1.txt", "._1.txt"):
        put(tmp_path / "set-a" / name, b"Time,Parameter,Value\n")
    assert [file.name for file in read_set(tmp_path / "set-a")] == ["set-a/1.txt", "set-a/deeper/2.txt"]


def test_a_recording_in_a_hidden_folder_is_nobody_s(tmp_path: Path) -> None:
    for name in ("20200413/one", ".cache/one", "20200413/.two"):
        put(tmp_path / "Extracted_data" / name / "breathing-deep.wav")
    assert find_recordings(tmp_path, "breathing-deep")["id"].tolist() == ["one"]


def test_what_a_tool_leaves_in_a_hidden_folder_wakes_no_watcher(tmp_path: Path) -> None:
    put(tmp_path / "visits.csv")
    before = fingerprint(tmp_path)
    put(tmp_path / ".cache/visits.csv")
    put(tmp_path / ".DS_Store")
    assert fingerprint(tmp_path) == before
    put(tmp_path / "labs.csv")
    assert fingerprint(tmp_path) != before
