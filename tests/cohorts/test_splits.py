"""Who is held out: by outcome, by site, or by a hash that says by how much it is off."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recondense.cohorts.drawn import drawn, tell_sizes
from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest
from recondense.cohorts.split import HashedSplit, RandomSplit, SiteSplit
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from recondense.stages.params import validate
from tests.support.tables import declared

SITES = {"kind": "site", "column": "ward", "test": ["B"], "validation": 0.25}


def ids(count: int) -> list[str]:
    return [f"p{number}" for number in range(count)]


def by_site(**changes: Any) -> SiteSplit:
    return SiteSplit.model_validate({**SITES, **changes})


# By outcome


def test_a_stratified_split_holds_out_the_same_share_of_every_outcome() -> None:
    outcome = np.array([1.0] * 20 + [0.0] * 180 + [2.0] * 10)
    rule = RandomSplit(kind="random", seed=3, validation=0.2, test=0.3, stratified=True)
    split = pd.Series(rule.assign(ids(210), outcome))
    sizes = split.groupby(outcome).value_counts().unstack()
    assert sizes[["test", "validation", "train"]].to_numpy().tolist() == [[54, 36, 90], [6, 4, 10], [3, 2, 5]]
    other = RandomSplit(kind="random", seed=4, validation=0.2, test=0.3, stratified=True).assign(ids(210), outcome)
    assert (split != other).any()


def test_a_random_split_is_stratified_only_when_asked() -> None:
    outcome = np.repeat([0.0, 1.0], 50)
    rule = RandomSplit(kind="random", validation=0.2, test=0.3)
    assert rule.assign(ids(100), outcome).tolist() == rule.assign(ids(100)).tolist()


def test_all_stays_of_a_patient_share_a_split_and_one_with_an_event_counts_as_such() -> None:
    subjects = pd.DataFrame({"subject_id": ids(400), "patient_id": [f"q{n // 2}" for n in range(400)]})
    subjects["outcome"] = (np.arange(400) % 20 == 1).astype(float)  # of every tenth patient the second stay
    rule = RandomSplit(kind="random", validation=0.2, test=0.3, stratified=True)
    subjects["split"] = drawn(rule, subjects, Attrition())
    assert (subjects.groupby("patient_id")["split"].nunique() == 1).all()
    assert subjects[subjects["outcome"] == 1]["split"].value_counts().to_dict() == {
        "train": 10,
        "test": 6,
        "validation": 4,
    }


# By site


def test_patients_of_the_named_sites_are_test_and_a_hash_draws_the_validation_part() -> None:
    sites = [["A"], ["B"], ["C"], ["b "]] * 100
    rule = by_site()
    split = rule.assign(ids(400), sites)
    at_b = np.array([site[0].strip().upper() == "B" for site in sites])
    assert (split[at_b] == "test").all() and not (split[~at_b] == "test").any()
    assert 30 < (split[~at_b] == "validation").sum() < 70
    # Who leaves moves nobody else
    assert rule.assign(ids(400)[1:], sites[1:]).tolist() == split[1:].tolist()
    assert (by_site(salt="x").assign(ids(400), sites) != split).any()


def test_the_validation_part_can_be_of_sites_too() -> None:
    split = by_site(validation=["C"]).assign(ids(4), [["A"], ["B"], ["C"], []])
    assert split.tolist() == ["train", "test", "validation", "train"]


@pytest.mark.parametrize("several", ["train", "test"])
def test_a_patient_of_two_sites_is_told_and_goes_where_it_was_stated(several: str) -> None:
    subjects = pd.DataFrame({"subject_id": ids(4), "patient_id": ["q", "q", "r", "s"]})
    subjects["sites"] = pd.Series([frozenset({"A"}), frozenset({"B"}), frozenset({"B"}), frozenset()])
    attrition = Attrition()
    split = drawn(by_site(validation=1e-9, several=several), subjects, attrition)
    assert split.tolist() == [several, several, "test", "train"]
    told = {notice.name: notice for notice in attrition.notices}
    assert (told["sites"].count, told["sites"].of, told["sites"].lost) == (1, 3, False)
    assert f"are in {several}" in told["sites"].text
    assert (told["no site"].count, told["no site"].of) == (1, 3)


def test_two_sites_of_one_split_are_nothing_to_tell() -> None:
    rule = by_site(test=["B", "D"], validation=1e-9)
    sites = [["B", "D"], ["A", "C"]]
    assert rule.in_several(sites) == 0 and rule.assign(["a", "b"], sites).tolist() == ["test", "train"]


def test_a_site_where_nobody_was_is_an_error() -> None:
    with pytest.raises(InputError, match="nobody was at the site 'X' by the column 'ward'"):
        by_site(test=["B", "X"]).assign(["a"], [["B"]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test": ["B", "b"]}, "the site 'B' is named twice"),
        ({"validation": ["B"]}, "the site 'B' is named twice"),
        ({"test": []}, "split.test: Tuple should have at least 1 item"),
        ({"validation": 1.5}, "split.validation: Input should be less than 1"),
        ({"validation": []}, "split.validation: Tuple should have at least 1 item"),
    ],
)
def test_sites_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        validate(SiteSplit, {**SITES, **changes}, "split")
    assert message in str(caught.value)


def test_a_table_s_cohort_is_split_by_site(tmp_path: Path) -> None:
    rows = [f"p{n},{40 + n},{n % 3 == 0:d},{'AABC'[n % 4]}" for n in range(80)]
    (tmp_path / "subjects.csv").write_text("\n".join(["id,age,died,ward", *rows, "p1,,,B"]))
    static = {"label": "ward", "role": "static", "kind": "categorical", "levels": ["A", "B", "C"]}
    age = {"label": "age", "role": "static", "unit": "years"}
    options = declared(measurements=None, time=None, variables={"age": age, "site": {**static, "column": "ward"}})
    values = {"dataset": "table", "raw": str(tmp_path), "split": SITES, "options": options}
    cohort, _ = ingest(tmp_path, validate(Params, values, "ingestion"))
    by_ward = cohort.subjects.groupby("site")["split"].agg(set)  # the static variable of that name is there
    assert by_ward[1.0] == {"test"} and "test" not in by_ward[0.0] | by_ward[2.0]
    assert "sites" not in cohort.subjects
    # p1's rows are of two sites: as a static that contradicts itself she is not in the cohort at all
    assert "p1" not in set(cohort.subjects["subject_id"])
    values["split"] = {**SITES, "column": "Ward"}
    with pytest.raises(InputError, match=r"no column 'Ward', which split\.column names"):
        ingest(tmp_path, validate(Params, values, "ingestion"))


def test_a_data_set_that_tells_no_sites_refuses_a_split_by_site(tmp_path: Path) -> None:
    values = {"dataset": "physionet2012", "raw": str(tmp_path), "split": SITES}
    with pytest.raises(InputError, match="physionet2012 tells no sites"):
        validate(Params, values, "ingestion")


# By a hash


def test_a_hashed_split_says_by_how_much_it_is_off() -> None:
    rule = HashedSplit(kind="hashed", validation=0.2, test=0.3)
    subjects = pd.DataFrame({"subject_id": ids(100), "split": ["test"] * 26 + ["validation"] * 19 + ["train"] * 55})
    attrition = Attrition()
    tell_sizes(rule, subjects, attrition)
    (notice,) = attrition.notices
    assert "the test split has 26 of 100 patients, 26%, where 30% were asked for" in notice.text and not notice.lost
    again = Attrition()
    tell_sizes(RandomSplit(kind="random", validation=0.2, test=0.3), subjects, again)
    assert not again.notices


def test_patients_are_counted_and_not_their_stays() -> None:
    subjects = pd.DataFrame({"patient": ["a", "a", "a", "b"], "split": ["test"] * 3 + ["train"]})
    attrition = Attrition()
    tell_sizes(HashedSplit(kind="hashed", validation=1e-9, test=0.5), subjects, attrition)
    assert not attrition.notices
