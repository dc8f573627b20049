"""`recondense new-cohort`: what is guessed is valid, runs at once, and gives nothing of the records away."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recondense.errors import InputError
from recondense.project.params_file import add_cohort
from recondense.records.cohort import Ingested
from recondense.stages import params
from recondense.stages.layout import Layout
from recondense.wizard import Proposal, propose
from recondense.wizard.block import block
from tasks.ingestion import ingestion
from tasks.normalisation import normalisation
from tests.support.paths import REPO


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_text((REPO / "params.yaml").read_text())
    (tmp_path / "dvc.yaml").touch()
    (tmp_path / "data/1_raw/mine").mkdir(parents=True)
    return tmp_path


def trial() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The visits of the real trial, and one row a patient."""
    visits = pd.read_csv(REPO / "data/1_raw/pbcseq/pbcseq.csv")
    people = visits.groupby("id")[["age", "sex", "trt", "futime", "status"]].first().reset_index()
    return visits.drop(columns=["age", "sex", "trt", "futime", "status"]), people.assign(died=people["status"] == 2)


def made(root: Path, outcome: str | None = None) -> tuple[Ingested, dict[str, Any], Proposal, dict[str, Any]]:
    """The cohort that the guessed block gives, and the block."""
    found = propose(root, "mine", root / "data/1_raw/mine", outcome)
    add_cohort(root, "mine", block("mine", found))
    ingestion(Layout(root, "mine"))
    metrics = normalisation(Layout(root, "mine"))
    return Ingested.load(root / "data/2_ingested/mine"), params.block(root, "mine"), found, metrics


def test_a_named_outcome_of_several_levels_is_a_class_each(root: Path) -> None:
    visits, people = trial()
    stage = pd.read_csv(REPO / "data/1_raw/pbcseq/pbcseq.csv").groupby("id")["stage"].first()
    people = people.drop(columns=["died", "status", "futime"]).assign(stage=people["id"].map(stage))
    visits.drop(columns="stage").to_csv(root / "data/1_raw/mine/visits.csv", index=False)
    people.to_csv(root / "data/1_raw/mine/people.csv", index=False)
    cohort, written, found, _ = made(root, "stage")
    assert written["ingestion"]["options"]["outcome"]["classes"] == {f"{n}": [f"{n}"] for n in (1, 2, 3, 4)}
    assert cohort.subjects["outcome"].value_counts().sort_index().tolist() == stage.value_counts().sort_index().tolist()
    assert any("a class each of 1, 2, 3, 4" in said for said in found.said)


@pytest.mark.parametrize("form", ["csv", "semicolons", "parquet", "long"])
def test_visits_and_subjects_are_told_apart_and_run_at_once(root: Path, form: str) -> None:
    visits, people = trial()
    folder = root / "data/1_raw/mine"
    if form == "parquet":
        visits.to_parquet(folder / "visits.parquet")
        people.to_parquet(folder / "people.parquet")
    elif form == "semicolons":
        visits.to_csv(folder / "visits.csv", index=False, sep=";", decimal=",", encoding="utf-8-sig")
        people.to_csv(folder / "people.csv", index=False, sep=";", decimal=",")
    else:
        if form == "long":
            visits = visits.melt(["id", "day"], var_name="test", value_name="result").dropna()
        visits.to_csv(folder / "visits.csv", index=False)
        people.to_csv(folder / "people.csv", index=False)
    cohort, written, found, metrics = made(root)
    series = {variable.name for variable in cohort.variables if variable.role == "series"}
    statics = {variable.name: variable.kind for variable in cohort.variables if variable.role == "static"}
    assert len(series) == 12 and {"bili", "alk.phos", "ascites"} <= series
    assert statics == {"age": "numeric", "sex": "binary", "trt": "binary"}
    assert len(cohort.subjects) == 312 and cohort.subjects["outcome"].sum() == (people["status"] == 2).sum()
    expected = len(visits) if form == "long" else visits.drop(columns=["id", "day"]).notna().sum().sum()
    assert len(cohort.events) == expected
    assert written["ingestion"]["options"]["time"]["unit"] == "days"
    assert any("landmark" in line for line in found.check)
    assert {line.split()[0] for line in found.left_out} >= {"futime", "status"}
    assert metrics["shape"][1] > 1 and metrics["measurements"]["kept"] > 0.85 * len(cohort.events)


def test_no_range_and_no_rare_level_of_the_records_gets_into_params(root: Path) -> None:
    visits, people = trial()
    people["ward"] = np.where(people["id"] < 100, "north", "south")
    people.loc[people["id"] == 7, "ward"] = "the one in stage 5"
    visits.to_csv(root / "data/1_raw/mine/visits.csv", index=False)
    people.to_csv(root / "data/1_raw/mine/people.csv", index=False)
    written = made(root)[1]["ingestion"]["options"]["variables"]
    assert not any({"low", "high"} & set(declared) for declared in written.values())
    assert written["ward"] == {
        "label": "ward", "role": "static", "kind": "binary", "positive": ["north"], "negative": ["south"]
    }  # fmt: skip
    assert "stage 5" not in (root / "params.yaml").read_text()


def test_a_plain_table_becomes_a_cohort_without_time(root: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({
        "patient_id": [f"P{n:03}" for n in range(200)],
        "age": rng.integers(18, 90, 200), "sex": rng.choice(["F", "M"], 200),
        "site": rng.choice(["A", "B", "C"], 200), "note": [f"free text {n}" for n in range(200)],
        "admitted": "2020-01-01", "readmitted": rng.choice(["yes", "no"], 200),
    })  # fmt: skip
    frame.to_csv(root / "data/1_raw/mine/cohort.csv", index=False)
    cohort, written, found, metrics = made(root, "readmitted")
    assert {v.name: v.kind for v in cohort.variables} == {"age": "numeric", "sex": "binary", "site": "categorical"}
    assert metrics["shape"] == [200, 1, 5]
    assert written["ingestion"]["options"]["outcome"]["positive"] == ["yes"]
    assert written["ingestion"]["split"]["kind"] == "hashed", "a guarantee would be refused later"
    assert {line.split()[0] for line in found.left_out} == {"note", "admitted"}


def test_dates_count_from_the_date_in_the_subjects_table(root: Path) -> None:
    visits, people = trial()
    start = pd.Timestamp("2001-05-01") + pd.to_timedelta(people["id"] % 300, "D")
    visits["visit_date"] = visits["id"].map(dict(zip(people["id"], start, strict=True))) + pd.to_timedelta(
        visits["day"], "D"
    )
    visits.drop(columns="day").to_csv(root / "data/1_raw/mine/visits.csv", index=False)
    people.assign(enrolment=start).to_csv(root / "data/1_raw/mine/people.csv", index=False)
    cohort, written, _, _ = made(root)
    assert written["ingestion"]["options"]["time"] == {"unit": "days", "timestamps": True, "zero": "enrolment"}
    assert cohort.events["hours"].max() == visits["day"].max() * 24


def test_params_keep_every_byte_of_what_was_there_even_with_a_section_below(root: Path) -> None:
    known = list(params.read(root))
    before = (root / "params.yaml").read_text() + "# the end\nother: {x: 1}\n"
    (root / "params.yaml").write_text(before)
    add_cohort(
        root, "copy", before[before.index("  pbcseq:") : before.index("  # PhysioNet")].replace("pbcseq:", "copy:", 1)
    )
    after = (root / "params.yaml").read_text()
    assert list(params.read(root)) == [*known, "copy"]
    kept = [line for line in before.splitlines() if line]
    assert [line for line in after.splitlines() if line in kept][: len(kept) - 1] == kept[:-1]
    assert after.endswith("other: {x: 1}\n")


def test_a_block_that_is_not_valid_is_not_written(root: Path) -> None:
    before = (root / "params.yaml").read_bytes()
    with pytest.raises(InputError):
        add_cohort(root, "mine", "  mine:\n    ingestion: {}\n")
    with pytest.raises(InputError, match="has a cohort 'pbcseq' already"):
        add_cohort(root, "pbcseq", "  pbcseq: {}\n")
    assert (root / "params.yaml").read_bytes() == before


def rows(header: str, row: Callable[[int], str], n: int = 20) -> str:
    """A small file: ``row`` of each number below ``n``."""
    return header + "\n" + "".join(row(place) + "\n" for place in range(n))


BOTH = rows("id,day,x,died", lambda n: f"{n // 2},{n},{n % 7},{n // 2 % 2}")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no tables"),
        ({"a.csv": "id,died\n"}, "no row below the names"),
        ({"a.csv": "id,age\n1,2\n2,3\n"}, "name it at --outcome"),
        ({"a.csv": rows("age,died", lambda n: f"{40 + n // 2},{n % 2}")}, "name it at --subject"),
        ({"a.csv": rows("id,bili,died", lambda n: f"{n // 2},{n}.5,{n // 2 % 2}")}, "name it at --time"),
        ({"a.csv": BOTH, "b.csv": BOTH.replace("x", "y")}, "add a table of one row a subject"),
        ({"a.csv.gz": "\x1f\x8b and no more"}, "cut short"),
    ],
)  # fmt: skip
def test_what_cannot_be_guessed_is_asked_for(root: Path, files: dict[str, Any], message: str) -> None:
    folder = root / "data/1_raw/mine"
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        propose(root, "mine", folder)
    assert message in str(caught.value)


def test_a_file_among_others_is_not_taken_for_the_cohort(root: Path) -> None:
    (root / "data/1_raw/mine/a.csv").write_text("id,died\n1,0\n")
    (root / "data/1_raw/mine/b.csv").write_text("id,died\n1,0\n")
    with pytest.raises(InputError, match="into a folder of its own"):
        propose(root, "mine", root / "data/1_raw/mine/a.csv")
