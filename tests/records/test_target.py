"""What is predicted has a name, and stands wherever a risk is given."""

from typing import Any

import pytest

from recondense.bundle.covered import covered
from recondense.cohorts.readers import coswara, meds, mimic3, pbcseq, physionet2012, table
from recondense.records.target import Target
from recondense.results.public import Public
from recondense.stages.params import validate
from tests.support.meds import OF_ONE as MEDS
from tests.support.results import GUARANTEE, METRICS, public
from tests.support.tables import DIED, RULE, declared

SAID = {
    "label": "death in hospital",
    "horizon": "before discharge",
    "prediction_time": "48 hours after admission",
    "population": "adults in intensive care",
}


def of_table(**changes: Any) -> Target:
    return table.target(validate(table.Options, declared(**changes), "options"))


def test_the_outcome_of_a_table_is_described_in_the_block() -> None:
    assert of_table(outcome={**DIED, **SAID}) == Target(**SAID)


@pytest.mark.parametrize(
    ("time", "when"),
    [
        ({"unit": "days"}, ""),
        ({"unit": "days", "until": 2}, "2 days after time zero"),
        ({"unit": "hours", "until": "leaves"}, "at the time in the column leaves"),
    ],
)
def test_what_is_not_described_is_taken_from_the_block(time: dict[str, Any], when: str) -> None:
    assert of_table(time=time) == Target(label="died", prediction_time=when)


def test_a_landmark_rule_says_when_and_by_when() -> None:
    assert of_table(outcome=None, landmark=RULE) == Target(
        label="status: dead", horizon="within 100 days", prediction_time="30 days after time zero"
    )
    rule = {**RULE, "events": {"relapse": [1], "death": [2]}, "label": "relapse or death", "population": "adults"}
    assert of_table(outcome=None, landmark=rule).in_words() == (
        "relapse or death, within 100 days; predicted 30 days after time zero; population: adults"
    )


def test_meds_labels_have_the_name_of_their_file_until_one_is_given() -> None:
    options = {**MEDS, "labels": "labels/in_hospital_mortality.parquet"}
    assert meds.target(validate(meds.Options, options, "options")).label == "in hospital mortality"
    named = validate(meds.Options, {**options, "outcome": SAID}, "options")
    assert meds.target(named) == Target(**SAID)


def test_every_built_in_data_set_says_what_is_predicted_of_whom_and_when() -> None:
    pbc = pbcseq.target(pbcseq.Options(landmark_days=180, horizon_days=365))
    assert (pbc.horizon, pbc.prediction_time) == ("within 365 days", "180 days after enrolment")
    for target in (
        pbc,
        physionet2012.target(physionet2012.Options()),
        mimic3.target(mimic3.Options()),
        coswara.target(coswara.Options()),
    ):
        assert target.label and target.prediction_time and target.population
    assert coswara.target(coswara.Options(outcome="g")).label == "female sex"


def test_a_guarantee_keeps_what_is_predicted() -> None:
    metrics = public(("privacy.guarantee", GUARANTEE.model_dump(mode="json")))
    assert covered(metrics).cohort.target == Target(**METRICS["cohort"]["target"])


def test_a_bundle_of_before_that_does_not_say_is_still_read() -> None:
    cohort = {key: value for key, value in METRICS["cohort"].items() if key != "target"}
    assert Public.read({**METRICS, "cohort": cohort}, "metrics.json").cohort.target is None
