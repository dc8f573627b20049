"""Numbers that stand for unknown, variables that say nothing or the same, and levels that give the outcome away."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recondense.inspection.cohort import Cohort
from recondense.inspection.inspection import inspect
from recondense.inspection.marks import marks
from recondense.inspection.page import page
from recondense.project.inspect import Inspected, show
from recondense.records.attrition import Notice
from recondense.records.cohort import Variable
from recondense.results.stages import Counts
from tests.support.inspection_fixtures import N, alarms, extra, made

MARKS, SAME = "numbers that may stand for unknown", "two variables that say the same"
VALUES, LEVELS = "values that alone predict the outcome", "levels that give the outcome away"
EMPTY, PART = "variables without values, or with only one", "variables that only a part of the subjects could have"


def with_static(cohort: Cohort, column: object, levels: tuple[str, ...] = (), name: str = "planted") -> Cohort:
    """The cohort with one more static: of ``levels``, or yes or no."""
    kind = "categorical" if levels else "binary"
    known = (*cohort.records.variables, Variable(name=name, label=name, role="static", kind=kind, levels=levels))
    subjects = cohort.records.subjects.assign(**{name: np.asarray(column, dtype=float)})
    return replace(cohort, records=replace(cohort.records, subjects=subjects, variables=known))


@pytest.mark.parametrize("mark", [-9.0, -99, -999, -1, 0, 999, 9999, 998, 888.8, 5000])
def test_a_number_that_is_far_from_all_others_and_frequent_is_suspected(mark: float) -> None:
    value = np.random.default_rng(0).lognormal(4.9, 0.25, N).round()
    value[::20] = mark
    (check, what), *more = alarms(extra(made(), "sodium", value)).items()
    assert (check, what) == (MARKS, ["sodium"]) and not more


def test_several_marks_of_one_variable_are_named_and_how_to_declare_them() -> None:
    value = np.random.default_rng(0).lognormal(4.9, 0.25, N).round()
    value[::20], value[1::25] = -9, 999
    assert set(marks(np.arange(N), value)) == {-9, 999}
    found = inspect(extra(made(), "sodium", value)).checks
    seen = next(look for look in found if look.check == MARKS).alarms[0].seen
    assert "-9 (5.0%" in seen and "`missing:`" in seen


def test_an_extreme_value_of_few_subjects_is_told_to_nobody() -> None:
    value = np.random.default_rng(0).lognormal(4.9, 0.25, N).round()
    value[:9] = -9
    assert alarms(extra(made(), "sodium", value)) == {}


GLUCOSE, DEGREES = (np.random.default_rng(4).normal(mean, spread, N) for mean, spread in ((130, 30), (37, 0.7)))
LEVEL = np.random.default_rng(3).integers(0, 3, N)
TWINS = {
    "is the same as": lambda cohort: extra(cohort, "twin", cohort.records.subjects["age"].to_numpy()),
    "18.01 x": lambda cohort: extra(
        extra(cohort, "in mmol/l", (GLUCOSE / 18.016).round(2)), "in mg/dl", GLUCOSE.round(1)
    ),
    "1.8 x": lambda cohort: extra(extra(cohort, "celsius", DEGREES), "fahrenheit", 1.8 * DEGREES + 32),
    "is the opposite of": lambda cohort: with_static(with_static(cohort, LEVEL == 1), LEVEL != 1, name="other"),
    "is medical": lambda cohort: with_static(
        with_static(cohort, LEVEL == 1), LEVEL, ("surgical", "medical", "other"), "ward"
    ),
}


@pytest.mark.parametrize("words", TWINS)
def test_two_variables_that_say_the_same_are_named_with_how_one_follows_from_the_other(words: str) -> None:
    found = {look.check: look.alarms for look in inspect(TWINS[words](made())).checks}
    (alarm,) = found[SAME]
    assert words in alarm.seen or (words == "1.8 x" and "0.5556 x" in alarm.seen)


def test_variables_that_only_go_together_are_two() -> None:
    cohort = made()
    age = cohort.records.subjects["age"].to_numpy()
    assert alarms(extra(cohort, "twin", age + np.random.default_rng(0).normal(0, 2, N))) == {}


@pytest.mark.parametrize("auc", [0.943, 0.97])
def test_a_binary_that_gives_the_outcome_away_is_seen_below_the_old_level(auc: float) -> None:
    cohort = made()
    wrong = np.random.default_rng(0).random(N) < 1 - auc
    found = inspect(with_static(cohort, np.where(wrong, 1 - cohort.outcome, cohort.outcome)))
    assert next(look for look in found.checks if look.check == VALUES).alarms[0].what == "planted"
    assert found.alone[0].variable == "planted" and found.alone[0].auc > 0.9


def test_a_level_that_only_one_outcome_has_is_seen_though_most_have_another() -> None:
    cohort = made()
    hospice = (cohort.outcome == 1) & (np.random.default_rng(0).random(N) < 0.4)
    planted = with_static(cohort, np.where(hospice, 2, LEVEL % 2), ("home", "ward", "hospice"))
    rarer = cohort.outcome.mean() <= 0.5
    assert alarms(planted) == ({LEVELS: ["planted"]} if rarer else {})


def test_the_best_single_variable_is_always_told_and_is_that_of_train_subjects() -> None:
    cohort = made()
    age = np.where(cohort.records.subjects["split"] == "train", 60 + 9 * cohort.outcome, 60 - 9 * cohort.outcome)
    cohort.records.subjects["age"] = age + np.random.default_rng(0).normal(0, 6, N)
    found = inspect(cohort)
    assert found.alone[0].variable == "age" and 0.7 < found.alone[0].auc < 0.9
    assert "Best single variable: age" in page("trial", found)


def test_variables_that_say_nothing_are_named_and_a_finding_that_is_there_or_not_is_none() -> None:
    cohort = made()
    assert alarms(extra(cohort, "same", 5.0))[EMPTY] == ["same"]
    assert alarms(extra(cohort, "none", 5.0, chosen=np.zeros(N, dtype=bool)))[EMPTY] == ["none"]
    assert alarms(with_static(cohort, np.where(LEVEL == 1, 1.0, np.nan))) == {}


def test_a_variable_that_nobody_of_one_split_or_outcome_has_is_named() -> None:
    cohort = made()
    train = (cohort.records.subjects["split"] == "train").to_numpy()
    assert alarms(extra(cohort, "new", np.arange(N), chosen=train)) == {PART: ["new", "new"]}
    ill = (cohort.outcome == 1) & (np.random.default_rng(0).random(N) < 0.3)
    assert alarms(extra(cohort, "swab", np.arange(N), chosen=ill)) == {PART: ["swab"]}


@pytest.mark.parametrize(("early", "seen"), [(50, True), (5, False)])
def test_many_rows_before_time_zero_are_told_and_few_are_not(early: int, seen: bool) -> None:
    counts = {"visits": Counts(in_=100, kept=100 - early, set_aside={"before time zero": early})}
    assert alarms(replace(made(), counts=counts)) == (
        {"rows outside the hours that are looked at": ["visits"]} if seen else {}
    )


def test_notices_and_alarms_lead_on_page_and_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    notice = Notice("withdrawals", "2 of 3 lines name nobody", count=2, of=3)
    found = inspect(replace(extra(made(), "same", 5.0), notices=(notice,)))
    show(Inspected("trial", Path("inspection.html"), found))
    for text in (capsys.readouterr().out, page("trial", found)):
        places = [
            text.index(words) for words in ("2 of 3 lines name nobody", EMPTY, "est single variable", "set aside")
        ]
        assert places == sorted(places)


def test_a_level_named_yes_beside_two_others_is_not_shown_as_a_yes_or_no(capsys: pytest.CaptureFixture[str]) -> None:
    cohort = with_static(made(), np.where(LEVEL == 2, 0, 1), ("yes", "no", "unclear"), "consent")
    show(Inspected("trial", Path("inspection.html"), inspect(cohort)))
    line = next(line for line in capsys.readouterr().out.splitlines() if "consent" in line and "100.0%" in line)
    assert f"{(LEVEL != 2).mean():.0%} no" in line


def test_a_cohort_without_series_is_shown_without_hours_and_steps(capsys: pytest.CaptureFixture[str]) -> None:
    cohort = made()
    statics = tuple(one for one in cohort.records.variables if one.role == "static")
    records = replace(cohort.records, events=cohort.records.events[:0], variables=statics)
    found = inspect(replace(cohort, records=records))
    show(Inspected("trial", Path("inspection.html"), found))
    assert "steps of" not in page("trial", found) + capsys.readouterr().out
    assert pd.isna([row.share_of_steps for row in found.variables]).all()
