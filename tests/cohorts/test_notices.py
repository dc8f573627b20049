"""Where a steward is told what ingestion noticed: files, `cohorts`, `doctor`, the terminal."""

import json
import os
import shutil
from pathlib import Path

import pytest

from recondense.cohorts.notices import MOST_NOTICES, of_cohort, say_notices, still_in
from recondense.diagnostics.project import cohorts
from recondense.errors import InputError
from recondense.files.strict_json import read_json
from recondense.publishing.overview import cohort_rows
from recondense.records.attrition import Notice
from recondense.stages.layout import Layout
from tasks.ingestion import ingestion
from tests.support.project import QUICK
from tests.support.ward import IDS, WARD, people, visits


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A ward of which one id is padded in one table; ingestion has run."""
    raw = tmp_path / "data/1_raw/ward"
    raw.mkdir(parents=True)
    (raw / "people.csv").write_text(people(IDS))
    (raw / "visits.csv").write_text(visits(["P0001", *IDS[1:]]))
    section = {**QUICK["ingestion"], "dataset": "table", "raw": "data/1_raw/ward", "options": WARD}
    (tmp_path / "params.yaml").write_text(json.dumps({"cohorts": {"ward": {**QUICK, "ingestion": section}}}))
    found = Layout(tmp_path, "ward")
    ingestion(found)
    return found


def test_the_stage_leaves_notices_with_what_was_lost_first_and_their_numbers_alone_in_its_metrics(
    layout: Layout,
) -> None:
    rows = read_json(layout.folder("ingestion") / "notices.json")
    assert [row["name"] for row in rows] == ["ids of visits.csv", "subjects without measurements"]
    assert all(row.keys() >= {"name", "text", "count", "of", "lost"} for row in rows)
    assert read_json(layout.folder("ingestion") / "metrics.json")["notices"] == {"lost": 2, "other": 0}
    assert [notice.name for notice in of_cohort(layout)] == [row["name"] for row in rows]


def test_doctor_and_cohorts_tell_what_the_last_run_noticed(layout: Layout) -> None:
    texts = [notice.text for notice in of_cohort(layout)]
    (row,) = cohort_rows(layout.root)
    assert row.notices == texts
    warnings = [finding.found for finding in cohorts(layout.root) if finding.level == "warning"]
    assert warnings == [f"ward: {text}" for text in texts]


def test_a_list_of_withdrawals_that_no_run_has_read_is_told_without_a_run(layout: Layout) -> None:
    listed = layout.root / "data/1_raw/ward/withdrawn.txt"
    listed.write_text("P7\n# left\np8\nP9;P10\nQ1\n")
    now = (layout.folder("ingestion") / "notices.json").stat().st_mtime + 5
    os.utime(listed, (now, now))
    exact, near = still_in(layout)
    assert exact.startswith("withdrawn.txt names people who are still in data/2_ingested (line 1)")
    assert near.startswith("withdrawn.txt nearly names people who are still in data/2_ingested (lines 3, 4)")
    assert cohort_rows(layout.root)[0].notices[:2] == [exact, near]
    assert [f"ward: {exact}", f"ward: {near}"] == [one.found for one in cohorts(layout.root) if one.level == "warning"][
        :2
    ]
    listed.write_text("P7\n")
    ingestion(layout)
    now = listed.stat().st_ctime + 5
    os.utime(layout.folder("ingestion") / "notices.json", (now, now))
    assert list(still_in(layout)) == []


def test_a_refused_run_leaves_the_last_cohort_and_its_notices_as_they_were(layout: Layout) -> None:
    before = (layout.folder("ingestion") / "notices.json").read_bytes()
    (layout.root / "data/1_raw/ward/withdrawn.txt").write_text("p7\n")
    with pytest.raises(InputError, match="nearly do"):
        ingestion(layout)
    assert (layout.folder("ingestion") / "notices.json").read_bytes() == before


@pytest.mark.parametrize("first", [True, False])
def test_why_a_run_was_refused_is_told_by_doctor_and_cohorts_until_one_is_not(layout: Layout, first: bool) -> None:
    if first:
        shutil.rmtree(layout.folder("ingestion"))
    listed = layout.root / "data/1_raw/ward/withdrawn.txt"
    listed.write_text("p7\n")
    with pytest.raises(InputError):
        ingestion(layout)
    (told,) = [text for text in cohort_rows(layout.root)[0].notices if "was refused" in text]
    assert "1 of 1 lines of withdrawn.txt name nobody, but nearly do (line 1)" in told
    assert f"ward: {told}" in [one.found for one in cohorts(layout.root) if one.level == "warning"]
    listed.write_text("P7\n")
    ingestion(layout)
    assert not any("refused" in text for text in cohort_rows(layout.root)[0].notices)


def test_the_terminal_shows_so_many_notices_and_says_where_the_others_are(capfd: pytest.CaptureFixture[str]) -> None:
    say_notices([Notice(f"n{i}", f"fact {i} [mg/dl]", 1, 2) for i in range(MOST_NOTICES + 3)], "notices.json")
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == MOST_NOTICES + 1
    assert lines[0].strip() == "! fact 0 [mg/dl]" and lines[-1].strip() == "! and 3 more: notices.json"
