"""What all data sets share: the plug-in contract, ranges, the split, the stage's files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from recondense.cohorts.csv_lines import read_lines
from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest, plausible_statics
from recondense.cohorts.readers import Dataset, Source, find, pbcseq
from recondense.cohorts.readers._declared import RESERVED
from recondense.cohorts.split import PaperSplit, RandomSplit
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.records.cohort import Ingested, Variable
from recondense.stages import plugins
from recondense.stages.layout import Layout
from recondense.stages.params import validate
from tasks.ingestion import ingestion
from tests.support.ingestion_fixtures import record, write_set
from tests.support.paths import REAL_DATA, REPO

DATASETS = plugins.names("recondense.cohorts.readers")
RANDOM = {"kind": "random", "seed": 0, "validation": 0.2, "test": 0.3}


def params(**changes: Any) -> Params:
    return Params.model_validate({"dataset": "pbcseq", "raw": "data/1_raw/pbcseq", "split": RANDOM, **changes})


def ids(n_subjects: int) -> list[str]:
    return [str(number) for number in range(n_subjects)]


def icu(tmp_path: Path, deaths: int, n_stays: int = 20) -> Params:
    """Params of a hand-made cohort; the first ``deaths`` of its patients died."""
    write_set(
        tmp_path,
        "a",
        {f"{n}.txt": record(n, "00:07,HR,73") for n in range(1, n_stays + 1)},
        {n: int(n <= deaths) for n in range(1, n_stays + 1)},
    )
    return params(dataset="physionet2012", raw=str(tmp_path), split={**RANDOM, "seed": 3})


# The contract of a plug-in

# Of every data set: where real files of it are, and the options that they need
CASES = {
    "coswara": (REAL_DATA / "coswara", {"outcome": "g"}),
    "mimic3": (REAL_DATA / "mimic3-demo", {"edition": "demo"}),
    "pbcseq": (REPO / "data/1_raw/pbcseq", {}),
    "table": (REPO / "data/1_raw/pbcseq", pbcseq.Options().declared().model_dump()),
    "physionet2012": (REAL_DATA / "physionet2012", {}),
    "meds": (
        # No open sample is at hand; tests/cohorts/readers/test_meds.py writes data sets by the standard's own schemas
        REAL_DATA / "meds",
        {
            "source": {"title": "a MEDS data set", "licence": "its own"},
            "labels": "labels",
            "window_hours": 48,
            "variables": {"hr": {"label": "heart rate", "role": "series", "codes": ["HR"]}},
        },
    ),
}


def case(name: str) -> tuple[Dataset, Any, Path]:
    """The plug-in, its options, and the folder of its real files: of one that is new, the usual folder."""
    raw, options = CASES.get(name, (REPO / "data/1_raw" / name, {}))
    return find(name), find(name).Options(**options), raw


def test_a_dataset_of_the_package_has_a_case_and_any_other_its_files_in_the_raw_folder() -> None:
    assert set(CASES) <= set(DATASETS)
    assert [name for name in DATASETS if name not in CASES and not case(name)[2].is_dir()] == []


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_describes_its_variables_and_its_source(name: Any) -> None:
    dataset, options, _ = case(name)
    variables, source = dataset.variables(options), dataset.source(options)
    names = [variable.name for variable in variables]
    assert len(set(names)) == len(names)
    assert not RESERVED & set(names)
    assert all(dataset.target(options).model_dump().values()) or name in ("table", "meds", "coswara")
    assert [variable.role for variable in variables] == sorted(variable.role for variable in variables)
    assert all(
        variable.low < variable.high for variable in variables if variable.low is not None and variable.high is not None
    )
    assert isinstance(source, Source) and all(vars(source).values())


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_without_its_files_says_which_and_where_they_belong(name: Any, tmp_path: Path) -> None:
    dataset, options, _ = case(name)
    with pytest.raises(InputError) as caught:
        dataset.read(tmp_path, options, Attrition())
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_reads_sorted_events_and_its_statics(name: Any) -> None:
    dataset, options, raw = case(name)
    if not raw.is_dir():
        pytest.skip(f"no files of {name} in {raw}; set RECONDENSE_DATA to the folder of the data sets")
    attrition, variables = Attrition(), dataset.variables(options)
    events, subjects = dataset.read(raw, options, attrition)
    statics = [variable.name for variable in variables if variable.role == "static"]
    subjects = subjects.drop(columns="patient_id", errors="ignore")
    assert list(subjects.columns) == ["subject_id", "outcome", *statics]
    assert list(events.columns) == ["subject_id", "hours", "variable", "value"]
    assert subjects["subject_id"].is_unique and set(subjects["outcome"]) == {0.0, 1.0}
    assert [str(events[column].dtype) for column in events] == ["str", "float64", "str", "float64"]
    assert [str(subjects[column].dtype) for column in subjects] == ["str", *["float64"] * (1 + len(statics))]
    assert set(events["variable"]) <= {variable.name for variable in variables if variable.role == "series"}
    place = pd.Categorical(events["subject_id"], subjects["subject_id"]).codes
    assert place.min() >= 0
    assert (np.diff(place) >= 0).all()
    assert (np.diff(events["hours"])[np.diff(place) == 0] >= 0).all()
    attrition.kept("measurements", len(events))
    attrition.kept("subjects", len(subjects))
    attrition.summary()


# Params


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "nonesuch"}, "no 'nonesuch' in recondense/cohorts/readers"),
        ({"options": {"landmark": 1}}, "options.landmark is not a known parameter; known here: landmark_days"),
        ({"options": {"landmark_days": 0}}, "options.landmark_days"),
        ({"split": {**RANDOM, "test": 0.8}}, "less than 1"),
        ({"split": {**RANDOM, "test": 0}}, "greater than 0"),
        ({"split": {"kind": "by stay"}}, "'random', 'hashed', 'paper'"),
    ],
)
def test_params_that_do_not_suit_are_named(changes: dict[str, Any], message: str) -> None:
    values = {"dataset": "pbcseq", "raw": "x", "split": RANDOM, **changes}
    with pytest.raises(InputError) as caught:
        validate(Params, values, "params.yaml: cohorts.x.ingestion")
    assert message in str(caught.value)
    assert str(caught.value).startswith("params.yaml: cohorts.x.ingestion")


# The split


@pytest.mark.parametrize("n_subjects", [8000, 4000, 262, 11, 5])
def test_the_paper_split_is_scikit_learn_s(n_subjects: int) -> None:
    rest, test = train_test_split(np.arange(n_subjects), test_size=0.2, random_state=42)
    train, validation = train_test_split(rest, test_size=0.2, random_state=42)
    split = PaperSplit(kind="paper").assign(ids(n_subjects))
    for name, expected in (("train", train), ("validation", validation), ("test", test)):
        assert np.flatnonzero(split == name).tolist() == sorted(expected)


def test_the_paper_split_of_8000_stays_has_the_published_sizes() -> None:
    names, counts = np.unique(PaperSplit(kind="paper").assign(ids(8000)), return_counts=True)
    assert dict(zip(names, counts, strict=True)) == {"train": 5120, "validation": 1280, "test": 1600}


def test_a_random_split_depends_on_its_seed_alone() -> None:
    first, again, other = (
        RandomSplit(kind="random", seed=seed, validation=0.1, test=0.2).assign(ids(100)).tolist() for seed in (1, 1, 2)
    )
    assert first == again != other
    assert [first.count(name) for name in ("train", "validation", "test")] == [70, 10, 20]


# Checks of all data sets


def test_implausible_and_infinite_measurements_are_set_aside(tmp_path: Path) -> None:
    write_set(
        tmp_path,
        "a",
        {
            f"{n}.txt": record(n, "00:07,HR,900", "00:08,HR,inf", "00:09,MechVent,0.5", "00:10,HR,73")
            for n in range(1, 21)
        },
        {n: n % 2 for n in range(1, 21)},
    )
    cohort, attrition = ingest(tmp_path, params(dataset="physionet2012", raw=".", split={**RANDOM, "seed": 3}))
    assert attrition.summary()["measurements"] == {
        "in": 200,
        "kept": 140,
        "set_aside": {"not finite": 20, "outside plausible range": 40},
    }
    assert set(cohort.events["value"]) == {80.0, 73.0}
    rows = attrition.rows()
    assert set(rows["column"]) == {"HR", "MechVent"} and rows["record"].nunique() == 20


def test_an_implausible_static_becomes_unknown() -> None:
    unit = Variable(name="unit", label="unit", role="static", kind="categorical", levels=("medical", "surgical"))
    age = Variable(name="age", label="age", role="static", low=0, high=120)
    subjects = pd.DataFrame(
        {"subject_id": ["a", "b", "c"], "outcome": 0.0, "unit": [1, 2, np.nan], "age": [54, 540, 0]}
    )
    attrition = Attrition()
    checked = plausible_statics(subjects, (unit, age), attrition)
    assert checked.fillna(-1)[["unit", "age"]].values.tolist() == [[1, 54], [-1, -1], [-1, 0]]
    assert attrition.summary()["descriptors"] == {"in": 5, "kept": 3, "set_aside": {"outside plausible range": 2}}


def test_a_cohort_with_one_outcome_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the same outcome"):
        ingest(tmp_path, icu(tmp_path, deaths=0))


def test_a_split_with_one_outcome_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="split lacks subjects of one of the two outcomes"):
        ingest(tmp_path, icu(tmp_path, deaths=1))


def test_a_cohort_without_subjects_is_refused_with_the_counts_of_why(tmp_path: Path) -> None:
    write_set(tmp_path, "a", {"132539.txt": "", "132540.txt": ""}, {132539: 1})
    with pytest.raises(InputError) as caught:
        ingest(tmp_path, params(dataset="physionet2012", raw="."))
    assert "records, empty file: 2" in str(caught.value)
    assert "132539" not in str(caught.value)


def test_a_set_without_any_record_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set-a").mkdir()
    write_set(tmp_path, "a", {}, {})
    with pytest.raises(InputError, match="the raw files hold none"):
        ingest(tmp_path, params(dataset="physionet2012", raw="."))


def test_a_trial_file_without_visits_is_refused(tmp_path: Path) -> None:
    lines = (REPO / "data/1_raw/pbcseq/pbcseq.csv").read_text().splitlines()
    (tmp_path / "pbcseq.csv").write_text(lines[0] + "\n")
    with pytest.raises(InputError, match="no subject is left"):
        ingest(tmp_path, params(raw="."))


def test_new_records_need_neither_outcomes_nor_both_classes(tmp_path: Path) -> None:
    write_set(tmp_path, "c", {"1.txt": record(1, "00:07,HR,73")}, None)
    cohort, _ = ingest(tmp_path, params(dataset="physionet2012", raw="."), outcome_required=False)
    assert cohort.subjects[["subject_id", "split"]].values.tolist() == [["1", "test"]]
    assert cohort.subjects["outcome"].isna().all()


# The stage


@pytest.fixture
def project(tmp_path: Path) -> Path:
    raw = REPO / "data/1_raw/pbcseq"
    (tmp_path / "params.yaml").write_text(
        "cohorts:\n  trial:\n    ingestion: {dataset: pbcseq, "
        f"raw: {raw}, split: {{kind: random, seed: 0, validation: 0.2, test: 0.3}}}}\n"
    )
    return tmp_path


def test_the_stage_leaves_a_cohort_its_source_and_what_was_set_aside(project: Path) -> None:
    metrics = ingestion(Layout(project, "trial"))
    folder = project / "data/2_ingested/trial"
    assert sorted(path.name for path in folder.iterdir()) == [
        "events.parquet",
        "metrics.json",
        "notices.json",
        "set_aside.parquet",
        "source.json",
        "subjects.parquet",
        "target.json",
        "variables.json",
    ]
    cohort = Ingested.load(folder)
    assert cohort.subjects.columns[:3].tolist() == ["subject_id", "outcome", "split"]
    assert (
        cohort.subjects["split"].value_counts().to_dict()
        == metrics["subjects"]
        == {"train": 131, "validation": 52, "test": 79}
    )
    assert json.loads((folder / "source.json").read_text())["licence"].startswith("GNU Lesser")
    lost = sum(sum(unit["set_aside"].values()) for unit in metrics["counts"].values())
    assert pd.read_parquet(folder / "set_aside.parquet")["count"].sum() == lost
    assert metrics["tier"] == "restricted"


def test_the_stage_writes_the_same_bytes_again(project: Path) -> None:
    layout = Layout(project, "trial")
    ingestion(layout)
    files = [path for path in layout.folder("ingestion").iterdir() if path.name != "metrics.json"]
    before = {path.name: path.read_bytes() for path in files}
    ingestion(layout)
    assert before == {path.name: path.read_bytes() for path in files}


# Lines of comma-separated text


def test_what_is_wrong_with_a_line_costs_that_line_alone(tmp_path: Path) -> None:
    lines = [
        b"a,b",
        b"1,2",
        b'"3,4',
        b"5,6",
        b'"7","8"',
        b"9\xff,9",
        b"9\0,9",
        b"1,2,3",
        b"",
        b"x" * 2000 + b",1",
        b"10,11",
    ]
    (tmp_path / "x.csv").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines))
    attrition = Attrition()
    rows = read_lines(tmp_path / "x.csv", ["b"], attrition, "lines", mend="mend it")
    assert list(rows) == ["a", "b"]
    assert rows.index.tolist() == [2, 4, 5, 11]
    assert rows.to_numpy().tolist() == [["1", "2"], ["5", "6"], ["7", "8"], ["10", "11"]]
    attrition.kept("lines", len(rows))
    assert attrition.summary() == {"lines": {"in": 10, "kept": 4, "set_aside": {"malformed line": 6}}}
    assert attrition.rows()["line"].tolist() == [3, 6, 7, 8, 9, 10]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"x\.csv is missing: mend it"),
        (b"", "lacks the columns a, b in its first line: mend it"),
        (b"a,c\n1,2\n", "lacks the columns b"),
        (b"a,b,b\n1,2,3\n", "has several columns b"),
        ("a,b,ä\n".encode(), "not plain comma-separated text: mend it"),
        ("a,b\n1,2\n".encode("utf-16"), "not plain comma-separated text"),
    ],
)
def test_a_file_of_lines_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_lines(tmp_path / "x.csv", ["a", "b"], Attrition(), "lines", mend="mend it")
