"""Files that mean the same give the same events; files that mean something else are refused, or told of: by the run, or
where nothing was declared that could be missed, by `inspect`."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest
from recondense.errors import InputError
from recondense.inspection.cohort import Cohort
from recondense.inspection.inspection import CHECKS
from recondense.records.attrition import Attrition
from recondense.records.cohort import Ingested
from recondense.results.stages import counted
from tests.support import meanings
from tests.support.inspection_fixtures import SOURCE, TARGET

N_CASES, BATCH = 500, 50
SPLIT = {"kind": "hashed", "validation": 0.2, "test": 0.3}


def read(case: meanings.Case, folder: Path) -> tuple[Ingested, Attrition]:
    meanings.write(case, folder)
    params = {"dataset": "table", "raw": str(folder), "split": SPLIT, "options": case.options}
    return ingest(folder, Params.model_validate(params))


def seen(cohort: Ingested, attrition: Attrition) -> list[str]:
    """What `inspect` suspects, on a grid of four steps."""
    found = Cohort(cohort, attrition.rows(), counted(attrition), SOURCE, TARGET, meanings.STEP_HOURS, 4)
    return [f"{what}: {words}" for check in CHECKS.values() for what, words in check(found)]


def meaning(cohort: Ingested) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and subjects, whatever their order in the files."""
    events = cohort.events.sort_values(["subject_id", "hours", "variable"], ignore_index=True)
    subjects = cohort.subjects.sort_values("subject_id", ignore_index=True)
    return events, subjects


@pytest.fixture(scope="module")
def meant(tmp_path_factory: pytest.TempPathFactory) -> Any:
    cohort, _ = read(meanings.clean(), tmp_path_factory.mktemp("clean"))
    assert len(cohort.subjects) == meanings.N_PEOPLE and len(cohort.events) > 600
    return meaning(cohort)


@pytest.mark.parametrize("first", range(0, N_CASES, BATCH))
def test_what_keeps_the_meaning_gives_the_same_events(first: int, meant: Any, tmp_path: Path) -> None:
    for seed in range(first, first + BATCH):
        case = meanings.kept(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            found, _ = read(case, folder)
            for ours, theirs in zip(meaning(found), meant, strict=True):
                pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
        except (AssertionError, InputError) as error:
            error.add_note(f"seed {seed}: {', '.join(sorted(case.told))}")
            raise


@pytest.mark.parametrize("first", range(0, N_CASES, BATCH))
def test_what_changes_the_meaning_is_refused_or_told(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + BATCH):
        name, case, words = meanings.changed(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        if "withdrawn" in case.told:
            (folder / "withdrawn.txt").write_text("0100\n")
        try:
            cohort, attrition = read(case, folder)
            told = [notice.text for notice in attrition.notices]
            if not any(word in text for text in told for word in words):
                told += seen(cohort, attrition)
        except InputError as error:
            told = [str(error)]
        assert any(word in text for text in told for word in words), f"seed {seed}: {name}: {told}"
