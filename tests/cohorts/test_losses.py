"""What was declared is not lost in silence: an error where nothing is left, a notice with the share where part is."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from recondense.cohorts.losses import UNMEASURED, check
from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest
from recondense.errors import InputError
from recondense.records.attrition import Notice, most_first
from recondense.records.cohort import Ingested
from tests.support.paths import CASES, REPO
from tests.support.ward import AGE, ALBUMIN, IDS, OUTCOME, SEX, VARIABLES, WARD, N, people, visits

LONG = {"file": "visits.csv", "subject": "id", "time": "day", "variable": "test", "value": "result"}


def labs(ids: Sequence[str], **codes: str) -> str:
    """Long measurements; ``codes``: what stands in the file for each variable."""
    rows = [f"{one},{d},{code},4" for one in ids for d in (0, 1) for code in codes.values()]
    return "\n".join(["id,day,test,result", *rows]) + "\n"


def read(
    folder: Path,
    files: dict[str, str] | None = None,
    *,
    outcome_required: bool = True,
    accept: Sequence[str] = (),
    most_lost: float = 0.1,
    **options: Any,
) -> tuple[Ingested, list[Notice]]:
    """The cohort and its notices, by name."""
    made = {"people.csv": people(IDS), "visits.csv": visits(IDS), **(files or {})}
    for name, content in made.items():
        (folder / name).write_text(content)
    declared = {**WARD, **options}
    settings = Params.model_validate(
        {
            "dataset": "table",
            "raw": ".",
            "split": {"kind": "random", "seed": 0, "validation": 0.2, "test": 0.3},
            "options": {key: value for key, value in declared.items() if value is not None},
            "accept": accept,
            "most_lost": most_lost,
        }
    )
    cohort, attrition = ingest(folder, settings, outcome_required=outcome_required)
    return cohort, attrition.notices


def refused(folder: Path, files: dict[str, str] | None = None, **changes: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, files, **changes)
    return str(caught.value)


def texts(notices: Iterable[Notice], name: str) -> list[str]:
    return [notice.text for notice in notices if notice.name == name]


def test_of_a_cohort_in_order_nothing_is_noticed(tmp_path: Path) -> None:
    assert read(tmp_path)[1] == []
    assert read(tmp_path, {"visits.csv": labs(IDS, a="creatinine", b="albumin")}, measurements=LONG)[1] == []


# Ids


@pytest.mark.parametrize(
    ("form", "option", "mend"),
    [
        (lambda n: f"{n:03d}", {"zeros": "ignore"}, "zeros: ignore"),
        (lambda n: f"p{n}", {"capitals": "ignore"}, "capitals: ignore"),
        (lambda n: f"P{n:04d}", {"zeros": "ignore"}, "zeros: ignore"),
    ],
)
def test_ids_that_differ_by_zeros_or_capitals_are_asked_about_and_never_guessed(
    tmp_path: Path, form: Callable[[Any], Any], option: dict[str, Any], mend: str
) -> None:
    own = [str(n) if form(1) == "001" else f"P{n}" for n in range(1, N + 1)]
    others = [form(n) if n % 6 else one for n, one in enumerate(own, start=1)]
    files = {"people.csv": people(own), "visits.csv": visits(others)}
    said = refused(tmp_path, files)
    assert "rows of visits.csv" in said and mend in said and "line " in said
    assert f'"ids of visits.csv", "{UNMEASURED}"' in said
    assert not [one for one in (own[0], others[0]) if f"'{one}'" in said]
    cohort, notices = read(tmp_path, files, ids=option)
    assert notices == []
    assert cohort.events["subject_id"].nunique() == N


def test_one_padded_id_is_a_notice_and_many_rows_of_nobody_are_another(tmp_path: Path) -> None:
    others = ["P0001", *IDS[1:], *(f"Q{n}" for n in range(500))]
    _, notices = read(tmp_path, {"visits.csv": visits(others)})
    by_name = {notice.name: (notice.count, notice.of, notice.lost) for notice in notices}
    assert by_name["ids of visits.csv"] == (2, 1240, True)
    assert by_name["rows of visits.csv"] == (1000, 1240, False), "a table of the whole hospital is no mistake"
    assert by_name[UNMEASURED] == (1, N, True)


def test_two_people_never_become_one_by_the_rule_of_ids(tmp_path: Path) -> None:
    files = {"people.csv": people(["7", "007", *IDS])}
    said = refused(tmp_path, files, ids={"zeros": "ignore"})
    assert "people.csv, lines 2 and 3, column 'id': two ids are one" in said and "007" not in said
    assert len(read(tmp_path, files)[0].subjects) == N + 2


def test_a_lost_share_can_be_accepted_by_the_name_that_the_error_says(tmp_path: Path) -> None:
    files = {"visits.csv": visits(IDS[:90])}
    said = refused(tmp_path, files)
    assert f"accept: [{json.dumps(UNMEASURED)}]" in said
    _, notices = read(tmp_path, files, accept=[UNMEASURED])
    assert [(notice.name, notice.count) for notice in notices] == [(UNMEASURED, 30)]
    assert read(tmp_path, files, most_lost=0.3)[1] == notices


# Withdrawals


NEAR = ["p101", "P102,P103", "P104;", "0P105", "P-106", '"P107"', "P0108", "P109 P110", "P111 # by phone"]


@pytest.mark.parametrize("line", NEAR)
def test_a_withdrawal_that_nearly_names_somebody_stops_the_run_until_it_is_mended(tmp_path: Path, line: str) -> None:
    (tmp_path / "withdrawn.txt").write_text(f"# who left\nP1\n{line}\n")
    said = refused(tmp_path)
    assert "1 of 2 lines of withdrawn.txt name nobody, but nearly do (line 3)" in said
    assert 'accept: ["withdrawals"]' in said and "P10" not in said
    cohort, notices = read(tmp_path, accept=["withdrawals"])
    assert len(cohort.subjects) == N - 1 and [notice.name for notice in notices] == ["withdrawals"]


@pytest.mark.parametrize("line", ["P7", " P7\t", "\ufeffP7", "Ｐ7"])
def test_a_withdrawal_takes_effect_in_every_form_in_which_ids_are_the_same(tmp_path: Path, line: str) -> None:
    (tmp_path / "withdrawn.txt").write_text(f"{line}\n")
    cohort, notices = read(tmp_path)
    assert "P7" not in set(cohort.subjects["subject_id"]) | set(cohort.events["subject_id"])
    assert notices == []


def test_a_whole_number_is_the_same_id_in_the_list_and_in_the_tables_with_or_without_point_zero(tmp_path: Path) -> None:
    ids = [str(n) for n in range(1, N + 1)]
    (tmp_path / "withdrawn.txt").write_text("7.0\n")
    cohort, notices = read(tmp_path, {"people.csv": people(ids), "visits.csv": visits([f"{one}.0" for one in ids])})
    assert len(cohort.subjects) == N - 1 and "7" not in set(cohort.subjects["subject_id"])
    assert notices == []


def test_the_rule_of_ids_holds_for_the_list_of_who_withdrew(tmp_path: Path) -> None:
    (tmp_path / "withdrawn.txt").write_text("p007\n")
    cohort, notices = read(tmp_path, ids={"zeros": "ignore", "capitals": "ignore"})
    assert len(cohort.subjects) == N - 1 and notices == []
    assert "p7" not in set(cohort.subjects["subject_id"])


def test_a_line_that_names_nobody_at_all_is_told_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "withdrawn.txt").write_text("P1\nX9\n\nY9\n")
    _, (notice,) = read(tmp_path)
    assert (notice.name, notice.count, notice.of, notice.lost) == ("withdrawals", 2, 3, False)
    assert "(lines 2, 4)" in notice.text and "X9" not in notice.text


def test_whoever_is_set_aside_and_withdraws_is_somebody(tmp_path: Path) -> None:
    (tmp_path / "withdrawn.txt").write_text("P3\n")
    files = {"people.csv": people(IDS, died=lambda n: "" if n == 2 else n // 2 % 2)}
    cohort, notices = read(tmp_path, files)
    assert notices == [] and len(cohort.subjects) == N - 1


# Levels, labels, numbers, times


def test_a_level_that_occurs_nowhere_is_told_with_what_it_may_be_called(tmp_path: Path) -> None:
    said = refused(tmp_path, {"people.csv": people(IDS, sex=lambda n: ("f", "male")[n % 2])})
    assert "60 of 120 cells of 'sex' in people.csv (first in line 3) are no declared levels; many are 'male'" in said
    assert "level 'm' of 'sex' in people.csv occurs nowhere: did you mean 'male'?" in said
    assert 'accept: ["sex"]' in said


def test_words_that_few_rows_have_are_never_shown(tmp_path: Path) -> None:
    said = refused(tmp_path, {"people.csv": people(IDS, sex=lambda n: f"Mrs Miller {n}")})
    assert "are no declared levels" in said and "Miller" not in said


def test_of_a_finding_none_of_whose_levels_occurs_nobody_is_taken_for_healthy_in_silence(tmp_path: Path) -> None:
    """With positive levels alone all others are negative: a misspelt one would make everybody so."""
    variables = {**VARIABLES, "sex": {**SEX, "positive": ["femle"], "negative": []}}
    files = {"people.csv": people(IDS, sex=lambda n: ("female", "male")[n % 2])}
    assert "level 'femle' of 'sex' in people.csv occurs nowhere" in refused(tmp_path, files, variables=variables)
    read(tmp_path, files, variables=variables, accept=["sex"])


def test_labels_that_are_declared_neither_way_are_told_with_their_share(tmp_path: Path) -> None:
    few = {"people.csv": people(IDS, died=lambda n: 2 if n < 6 else n // 2 % 2)}
    _, notices = read(tmp_path, few)
    assert texts(notices, "outcome") == [
        "6 of 120 cells of the outcome's column 'died' in people.csv (first in line 2) are no declared levels; "
        "many are '2'"
    ]
    many = {"people.csv": people(IDS, died=lambda n: 2 if n < 40 else n // 2 % 2)}
    assert 'accept: ["outcome"]' in refused(tmp_path, many)


def test_a_class_that_nobody_has_is_explained(tmp_path: Path) -> None:
    said = refused(tmp_path, outcome={**OUTCOME, "positive": ["yes"], "negative": ["0", "1"]})
    assert "all subjects have the same outcome" in said and "level 'yes' of the outcome's column 'died'" in said
    said = refused(tmp_path, outcome={**OUTCOME, "positive": ["dead"], "negative": ["alive"]})
    assert "no subject is left" in said and "no declared levels; many are '0', '1'" in said


@pytest.mark.parametrize(
    ("cell", "form", "if_all"),
    [
        ("1 days 00:00:00", "durations", "holds durations, and its unit is no unit of time"),
        ("1,5", "numbers with a decimal comma", 'nothing is left of "age"'),
        ("4 mg/dl", "numbers with words behind", 'nothing is left of "age"'),
        ("pending", "words", 'nothing is left of "age"'),
        ("2020-01-01", "dates", 'nothing is left of "age"'),
    ],
)
def test_cells_of_a_variable_that_are_no_numbers_are_told_with_what_they_look_like(
    tmp_path: Path, cell: str, form: str, if_all: str
) -> None:
    variables = {**VARIABLES, "age": {**AGE, "unit": "points", "column": "sex"}}
    files = {"people.csv": people(IDS, sex=lambda n: f'"{cell}"' if n < 6 else 50)}
    del variables["sex"]
    _, notices = read(tmp_path, files, variables=variables)
    (said,) = texts(notices, "age")
    assert f"6 of 120 cells of 'age' in people.csv (first in line 2) are no numbers; 6 look like {form}" in said
    files = {"people.csv": people(IDS, sex=lambda n: f'"{cell}"')}
    assert if_all in refused(tmp_path, files, variables=variables)


def test_a_changed_unit_is_told_where_values_leave_their_range(tmp_path: Path) -> None:
    _, notices = read(tmp_path, {"visits.csv": visits(IDS, creatinine=lambda n: 88 if n < 6 else 1)})
    assert texts(notices, "creatinine") == [
        "12 of 240 values of 'creatinine' lie outside its plausible range, 0 to 40 mg/dl: is its unit another one?"
    ]
    assert 'accept: ["creatinine"]' in refused(tmp_path, {"visits.csv": visits(IDS, creatinine=lambda n: 88 - n)})


def test_times_that_cannot_be_read_are_told_and_where_none_can_nothing_is_left(tmp_path: Path) -> None:
    few = {"visits.csv": visits(IDS, day=lambda n, d: f"Tag {d}" if n < 6 else d)}
    _, notices = read(tmp_path, few)
    (said,) = texts(notices, "times of visits.csv")
    assert (
        "12 of 240 cells in column 'day' of visits.csv (first in line 2) are not a number; 12 look like words" in said
    )
    said = refused(tmp_path, {"visits.csv": visits(IDS, day=lambda n, d: f"Tag {d}")})
    assert "no measurement of visits.csv counts (time is not a number: 240)" in said and "240 look like words" in said
    assert "nothing is left of" in said and '"times of visits.csv"' in said


@pytest.mark.parametrize(("first", "told"), [(-1, []), (-2, ["before time zero"])])
def test_a_mass_of_rows_outside_the_span_is_told(tmp_path: Path, first: int, told: list[Any] | list[str]) -> None:
    files = {"visits.csv": visits(IDS, day=lambda n, d: d if n % 8 == 0 else d + first)}
    _, notices = read(tmp_path, files, accept=[UNMEASURED])
    assert [notice.name for notice in notices if not notice.lost] == told


# Variables and codes


def test_a_code_is_found_in_other_capitals_and_one_never_found_is_an_error_with_what_was_meant(tmp_path: Path) -> None:
    files = {"visits.csv": labs(IDS, a="creatinine", b=" Albumin ")}
    cohort, notices = read(tmp_path, files, measurements=LONG)
    assert cohort.events.groupby("variable").size().to_dict() == {"albumin": 2 * N, "creatinine": 2 * N}
    assert notices == []
    said = refused(tmp_path, {"visits.csv": labs(IDS, a="creatinine", b="albumine")}, measurements=LONG)
    assert "no row of visits.csv has the code 'albumin' in column 'test': did you mean 'albumine'?" in said
    assert 'nothing is left of "albumin"' in said and "accept" not in said


def test_two_codes_that_differ_by_capitals_alone_stay_two(tmp_path: Path) -> None:
    variables = {"k": {**ALBUMIN, "column": "K"}, "other": {**ALBUMIN, "column": "k"}}
    rows = "id,day,test,result\n" + "".join(f"{one},0,K,4\n{one},0,k,5\n" for one in IDS)
    cohort, _ = read(tmp_path, {"visits.csv": rows}, measurements=LONG, variables=variables)
    assert cohort.events.groupby("variable")["value"].unique().map(list).to_dict() == {"k": [4.0], "other": [5.0]}


def test_a_variable_without_any_value_is_an_error_that_names_all_such(tmp_path: Path) -> None:
    files = {"visits.csv": visits(IDS, albumin=lambda n: ""), "people.csv": people(IDS, age=lambda n: "")}
    said = refused(tmp_path, files, accept=["age", "albumin"])
    assert "no subject has a value of 'albumin'" in said and "no subject has a value of 'age'" in said
    assert 'nothing is left of "age", "albumin"' in said


def test_of_new_records_everything_is_told_and_nothing_refused_while_somebody_is_left(tmp_path: Path) -> None:
    (tmp_path / "withdrawn.txt").write_text("p1\n")
    files = {"visits.csv": visits([f"0{one}" for one in IDS[:60]] + IDS[60:], albumin=lambda n: "")}
    cohort, notices = read(tmp_path, files, outcome_required=False)
    assert len(cohort.subjects) == N
    assert {notice.name for notice in notices} == {"withdrawals", "ids of visits.csv", UNMEASURED, "albumin"}


# Data sets that declare their own variables, and cases as they came


def test_of_a_data_set_with_variables_of_its_own_a_loss_is_told_and_never_refused(tmp_path: Path) -> None:
    trial = (REPO / "data/1_raw/pbcseq/pbcseq.csv").read_text().splitlines()
    chol = trial[0].split(",").index("chol")
    rows = [line.split(",") for line in trial[1:]]
    without = [",".join([*row[:chol], "", *row[chol + 1 :]]) for row in rows]
    (tmp_path / "pbcseq.csv").write_text("\n".join([trial[0], *without]) + "\n")
    settings = {"dataset": "pbcseq", "raw": ".", "split": {"kind": "hashed", "validation": 0.2, "test": 0.3}}
    _, attrition = ingest(tmp_path, Params.model_validate(settings))
    told = [(one.name, one.text, one.lost) for one in attrition.notices if not one.name.startswith("size of the ")]
    assert told == [("chol", "no subject has a value of 'chol'", False)]


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("withdrawn-not-found", "4 of 4 lines of withdrawn.txt name nobody, but nearly do (lines 1, 2, 3, 4)"),
        ("ids-padded-in-one-table", "99 of 120 subjects have no measurement that counts"),
        ("odd-columns", "no subject has a value of 'all missing'"),
        ("long-code-never-found", None),
    ],
)
def test_tables_of_which_a_part_went_missing_in_silence_are_refused_or_read_in_full(
    case: str, said: str | None
) -> None:
    folder = CASES / case
    (block,) = YAML(typ="safe").load(folder / "block.yaml").values()
    settings = Params.model_validate({**block["ingestion"], "raw": str(folder)})
    if said is None:
        cohort, _ = ingest(folder, settings)
        assert cohort.events["variable"].value_counts().to_dict() == {"creatinine": 480, "albumin": 480}
        return
    with pytest.raises(InputError, match=re.escape(said)):
        ingest(folder, settings)


# The rule itself


def test_what_is_asked_about_is_refused_however_small_and_what_is_only_told_never() -> None:
    small = Notice("a", "a is odd", 1, 1000, asked=True)
    told = Notice("b", "b is odd", 5, 5, lost=False)
    # What befell most is listed beside what is refused, of which it may be the cause; it need not be accepted
    with pytest.raises(
        InputError, match=r"a is odd\n  - b is odd\nWhat to do: mend the files or the options\. .*accept: \[\"a\"\]"
    ):
        check([small, told], 0.1, [])
    check([small, told], 0.1, ["a"])
    assert [one.name for one in most_first([told, small, Notice("c", "", 1, 2)])] == ["c", "a", "b"]


def test_a_share_just_as_large_as_stated_passes_and_a_larger_one_does_not() -> None:
    check([Notice("a", "", 10, 100)], 0.1, [])
    with pytest.raises(InputError):
        check([Notice("a", "", 11, 100)], 0.1, [])
