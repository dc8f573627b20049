"""Patients who come, go and withdraw their consent: what the next run makes of it, and what of them is left."""

import io
import json
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest
from recondense.cohorts.split import HashedSplit
from recondense.errors import InputError
from recondense.files.strict_json import read_json
from recondense.records.attrition import Attrition
from recondense.records.cohort import Ingested
from tests.support.ingestion_fixtures import needs_physionet2012, outcome_lines, record, write_set
from tests.support.paths import REAL_DATA, REPO
from tests.support.project import QUICK, SENTINELS, STAGES, Project, make_project, plant_sentinel

RANDOM = {"kind": "random", "seed": 0, "validation": 0.2, "test": 0.3}
HASHED = {"kind": "hashed", "validation": 0.2, "test": 0.3}


def trial(folder: Path, *withdrawn: str, split: dict[str, Any] = RANDOM, **changes: Any) -> tuple[Ingested, Attrition]:
    """The Mayo Clinic trial read from ``folder``, with these lines in the list of who withdrew."""
    if not (folder / "pbcseq.csv").exists():
        shutil.copy(REPO / "data/1_raw/pbcseq/pbcseq.csv", folder)
    if withdrawn:
        (folder / "withdrawn.txt").write_text("\n".join(withdrawn) + "\n")
    settings = {"dataset": "pbcseq", "raw": str(folder), "split": split}
    return ingest(folder, Params.model_validate(settings), **changes)


def splits(cohort: Ingested) -> dict[str, str]:
    return {str(one): str(part) for one, part in cohort.subjects.set_index("subject_id")["split"].items()}


# Withdrawal


@pytest.mark.parametrize("split", [RANDOM, HASHED, {"kind": "paper"}], ids=lambda rule: rule["kind"])
def test_whoever_withdraws_is_gone_and_everyone_else_stays_as_they_were(tmp_path: Path, split: Any) -> None:
    before, _ = trial(tmp_path, split=split)
    gone = [before.subjects["subject_id"].iloc[0], before.subjects["subject_id"].iloc[100]]
    after, attrition = trial(tmp_path, "# asked on the phone", gone[0], "", f" {gone[1]} ", split=split)
    assert splits(after) == {one: part for one, part in splits(before).items() if one not in gone}
    pd.testing.assert_frame_equal(
        after.events, before.events[~before.events["subject_id"].isin(gone)].reset_index(drop=True)
    )
    counts: dict[str, Any] = attrition.summary()
    assert counts["withdrawals"] == {"in": 2, "kept": 2, "set_aside": {}}
    assert counts["subjects"]["set_aside"]["withdrawn"] == 2
    assert counts["measurements"]["set_aside"]["subject withdrawn"] == before.events["subject_id"].isin(gone).sum()


def test_a_line_of_the_list_that_takes_no_one_out_is_counted_with_its_place(tmp_path: Path) -> None:
    _, attrition = trial(tmp_path, "2", "nobody", "2")
    counts, rows = attrition.summary(), attrition.rows()
    assert counts["withdrawals"] == {"in": 3, "kept": 1, "set_aside": {"listed twice": 1, "nobody has this id": 1}}
    places = rows.loc[rows["unit"] == "withdrawals", ["reason", "file", "line"]].values.tolist()
    assert places == [["listed twice", "withdrawn.txt", 3], ["nobody has this id", "withdrawn.txt", 2]]


def test_what_is_set_aside_of_a_withdrawn_patient_does_not_say_whose_it_was(tmp_path: Path) -> None:
    stays = {f"{n}.txt": record(n, "00:07,HR,73", "00:08,HR,high") for n in range(101, 121)}
    write_set(tmp_path, "a", {**stays, "101 (copy).txt": stays["101.txt"]}, {n: n % 2 for n in range(101, 121)})
    settings = Params.model_validate({"dataset": "physionet2012", "raw": ".", "split": {**RANDOM, "seed": 3}})
    before = ingest(tmp_path, settings)[1].rows()
    assert "101" in set(before["record"]) and before["file"].str.contains("101").any()
    (tmp_path / "withdrawn.txt").write_bytes("\ufeff101\r\n".encode())
    cohort, attrition = ingest(tmp_path, settings)
    assert "101" not in set(cohort.subjects["subject_id"]) | set(cohort.events["subject_id"])
    assert "101" not in attrition.rows().to_csv()
    assert attrition.summary()["records"]["set_aside"] == {"file name is not a record number": 1}
    assert {"102", "set-a/102.txt"} <= set(attrition.rows()["record"]) | set(attrition.rows()["file"])


def test_new_records_too_are_read_without_whoever_withdrew(tmp_path: Path) -> None:
    before, _ = trial(tmp_path, outcome_required=False)
    after, _ = trial(tmp_path, "2", outcome_required=False)
    assert set(splits(before)) - set(splits(after)) == {"2"}


@pytest.mark.parametrize("name", ["Withdrawn.txt", "withdrawn.csv", "withdrawals.txt", "withdrawn.txt.txt"])
def test_a_list_that_would_be_overlooked_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("2\n")
    with pytest.raises(InputError, match=r"call it withdrawn\.txt"):
        trial(tmp_path)


def test_a_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "withdrawn.txt").write_bytes(b"2\n\xff\xfe")
    with pytest.raises(InputError, match="one subject id a line"):
        trial(tmp_path)


# Arrivals


def test_under_the_hashed_rule_an_arrival_moves_no_one_and_under_the_random_rule_it_does(tmp_path: Path) -> None:
    everyone = (REPO / "data/1_raw/pbcseq/pbcseq.csv").read_text().splitlines()
    moved = {}
    for split in (HASHED, RANDOM):
        (tmp_path / "pbcseq.csv").write_text("\n".join(line for line in everyone if not line.startswith("7,")) + "\n")
        before = splits(trial(tmp_path, split=split)[0])
        (tmp_path / "pbcseq.csv").write_text("\n".join(everyone) + "\n")
        after = splits(trial(tmp_path, split=split)[0])
        assert set(after) - set(before) == {"7"}
        moved[split["kind"]] = sum(after[one] != part for one, part in before.items())
    assert moved["hashed"] == 0
    assert moved["random"] > 0


@pytest.mark.parametrize("salt", ["", "spring", "ä"])
def test_hashed_fractions_hold_on_average_whatever_the_ids(salt: str) -> None:
    n = 20_000
    for ids in ([str(i) for i in range(n)], [f"stay-{7 * i:09d}" for i in range(n)]):
        split = HashedSplit(kind="hashed", salt=salt, validation=0.1, test=0.25).assign(ids)
        for name, fraction in (("test", 0.25), ("validation", 0.1), ("train", 0.65)):
            assert abs(np.mean(split == name) - fraction) < 4 * np.sqrt(fraction * (1 - fraction) / n)


def test_another_salt_is_another_draw_and_order_does_not_matter() -> None:
    ids = [str(i) for i in range(1000)]
    first, other = (HashedSplit(kind="hashed", salt=salt, validation=0.2, test=0.3).assign(ids) for salt in ("a", "b"))
    assert 0.5 < np.mean(first != other) < 0.75  # 1 - (0.2² + 0.3² + 0.5²) = 0.62 of independent draws differ
    backwards = HashedSplit(kind="hashed", salt="a", validation=0.2, test=0.3).assign(ids[::-1])
    assert backwards[::-1].tolist() == first.tolist()


# Reading again


@needs_physionet2012
def test_the_same_files_give_the_same_bytes_whatever_their_age_and_the_order_they_came_in(tmp_path: Path) -> None:
    with tarfile.open(REAL_DATA / "physionet2012/set-a.tar.gz") as archive:
        stays = [archive.next() for _ in range(61)]
        contents = {Path(m.name).name: archive.extractfile(m).read() for m in stays if m and m.isfile()}
    outcomes = {int(Path(name).stem): n % 2 for n, name in enumerate(contents)}
    made: list[list[bytes]] = []
    for names in (list(contents), list(contents)[::-1]):
        folder = tmp_path / str(len(made))
        write_set(folder, "a", {name: contents[name] for name in names}, None)
        (folder / "Outcomes-a.txt").write_text(outcome_lines(outcomes))
        os.utime(folder / "set-a" / names[0], (1, 1))
        settings = Params.model_validate({"dataset": "physionet2012", "raw": str(folder), "split": HASHED})
        cohort, attrition = ingest(folder, settings)
        cohort.save(folder)
        aside = io.BytesIO()
        attrition.rows().to_parquet(aside, index=False)
        files = ("events.parquet", "subjects.parquet", "variables.json")
        made.append([*((folder / name).read_bytes() for name in files), aside.getvalue()])
    assert made[0] == made[1]


# The pipeline


def holds(file: Path, words: tuple[str, ...]) -> bool:
    """Whether any of ``words`` is in ``file``, also where that is a compressed table."""
    content = file.read_bytes()
    if content.startswith(b"PAR1"):
        content += pd.read_parquet(io.BytesIO(content)).to_csv(float_format="%.6f").encode()
    numbers = [np.dtype(kind).type(words[1]).tobytes() for kind in ("f8", "f4")]
    return any(word in content for word in (*(one.encode() for one in words), *numbers))


def left_of(project: Project, place: str) -> list[str]:
    files = [path for path in (project.root / place).rglob("*") if path.is_file()]
    assert files
    return [str(path.relative_to(project.root)) for path in files if holds(path, SENTINELS)]


def withdraw_sentinel(project: Project) -> None:
    (project.root / "data/1_raw/pbcseq/withdrawn.txt").write_text(f"{SENTINELS[0]}\nnobody\n")


def cut_out_sentinel(project: Project) -> None:
    csv = project.root / "data/1_raw/pbcseq/pbcseq.csv"
    lines = [line for line in csv.read_text().splitlines() if not line.startswith(f"{SENTINELS[0]},")]
    csv.write_text("\n".join(lines) + "\n")


def test_on_the_next_run_a_withdrawn_patient_is_nowhere_downstream(house: Project) -> None:
    ingested = "data/2_ingested/alpha"
    assert left_of(house, ingested)
    withdraw_sentinel(house)
    rows = {row["cohort"]: row for row in json.loads(house.call("recondense.cli", "cohorts", "--json").stdout)}
    assert sum("still in data/2_ingested" in text for text in rows["alpha"]["notices"]) == 1
    told = "1 of 2 lines of withdrawn.txt name nobody (line 2)"
    for state in ("Completed", "Cached"):
        run = house.call("recondense.cli", "run", "alpha", "--json")
        assert json.loads(run.stdout)["states"] == dict.fromkeys(STAGES, state)
        assert " ".join(run.stderr.split()).count(told) == 1, "a run tells it once, also where nothing is to be done"
    assert told in house.call("recondense.cli", "cohorts").stdout
    assert told in house.call("recondense.diagnostics", "cohorts").stdout
    assert [path for path in left_of(house, "data") if "alpha" in path] == []
    counts = read_json(house.root / ingested / "metrics.json")["counts"]
    assert counts["subjects"]["set_aside"]["withdrawn"] == 1


@pytest.mark.parametrize("remove", [withdraw_sentinel, cut_out_sentinel])
def test_a_removed_record_is_noticed_and_after_a_clean_up_not_in_the_cache_either(tmp_path: Path, remove: Any) -> None:
    project = make_project(tmp_path / "project", {"alpha": QUICK})
    plant_sentinel(project.root / "data/1_raw/pbcseq/pbcseq.csv")
    project.call("dvc", "repro", "-q", "ingestion@alpha")
    assert project.status("ingestion@alpha") == {}
    remove(project)
    assert project.status("ingestion@alpha")
    project.call("dvc", "repro", "-q", "ingestion@alpha")
    assert left_of(project, "data/2_ingested") == []
    assert left_of(project, ".dvc/cache"), "earlier versions stay until they are cleaned up"
    project.call("dvc", "gc", "--workspace", "--force", "-q")
    assert left_of(project, ".dvc/cache") == []
    assert project.status("ingestion@alpha") == {}
