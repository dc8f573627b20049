"""What a MEDS data set lacks of what was declared is told: codes, values, subjects without events."""

from pathlib import Path

from recondense.cohorts.readers import meds
from recondense.records.attrition import Attrition
from recondense.stages.params import validate
from tests.support.meds import LAB, OPTIONS, record, write


def test_codes_that_occur_nowhere_and_events_without_a_value_and_subjects_without_events_are_told(
    tmp_path: Path,
) -> None:
    shards = {
        "a": record(7, events=[(-1, LAB, 1.0), (-2, LAB, None), (-3, "VENT//ON", None)]),
        "b": record(3, gender="GENDER//M"),
    }
    attrition = Attrition()
    options = validate(meds.Options, OPTIONS, "options")
    meds.read(write(tmp_path, shards, [(7, 0, True), (3, 0, False), (9, 0, False)]), options, attrition)
    told = {notice.text: (notice.name, notice.count, notice.of, notice.lost) for notice in attrition.notices}
    assert told == {
        "options.variables.creatinine: no labelled subject has an event of the code 'LAB//creatinine//umol/L': did you "
        "mean 'LAB//creatinine//mg/dL'?": ("creatinine", 1, 2, False),
        "options.variables.ventilated: no labelled subject has an event of the code 'VENT//OFF': did you mean "
        "'VENT//ON'?": ("ventilated", 1, 2, False),
        "1 of 2 events of 'creatinine' in the window have no numeric value": ("creatinine", 1, 2, True),
        "1 of 3 labelled subjects have no event of a declared code before the prediction": (
            "subjects without events", 1, 3, True),
    }  # fmt: skip
