"""A cohort's own variables as a bundle's: names, units and levels by one rule, and a mapping that is proposed."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recondense.errors import InputError
from recondense.recipient.mapping import Conversion, Matching, match, outcomes, read_mapping
from recondense.recipient.propose import propose
from recondense.records.attrition import Attrition
from recondense.records.cohort import Ingested, Variable
from recondense.records.units import conversion, same


def variable(name: str, **about: Any) -> Variable:
    return Variable(**{"name": name, "label": name, "role": "static", **about})


SEX = variable("female", label="female sex", kind="binary", positive=("f",), negative=("m",))
WARD = variable("ward", kind="categorical", levels=("Medical", "Surgical", "1"))
SBP = variable("SBP", label="systolic blood pressure", role="series", unit="mmHg")


def cohort(variables: list[Variable], events: list[tuple[str, float, str, float]], **statics: list[float]) -> Ingested:
    ids = [f"p{n}" for n in range(len(next(iter(statics.values()), [0])))]
    subjects = pd.DataFrame({"subject_id": ids, "outcome": 0.0, "split": "test", **statics})
    return Ingested(
        pd.DataFrame(events, columns=["subject_id", "hours", "variable", "value"]), subjects, tuple(variables)
    )


def statics(matching: Matching, own: Ingested) -> tuple[pd.DataFrame, Attrition]:
    counts = Attrition()
    return matching.apply(own, counts)[1], counts


@pytest.mark.parametrize("name", ["Ward", " ward", "WARD"])
def test_a_name_that_is_the_same_word_is_the_same_variable(name: str) -> None:
    (found,) = match([WARD.model_copy(update={"name": name})], [WARD], {}).matched
    assert found.ours.name == "ward" and found.changed


def test_a_name_as_it_is_written_comes_first_and_two_words_alike_are_nobody() -> None:
    k, large = variable("k"), variable("K")
    assert [(m.theirs.name, m.ours.name) for m in match([k, large], [large, k], {}).matched] == [("k", "k"), ("K", "K")]
    found = match([variable("Age"), variable("age")], [variable("age")], {})
    assert [m.theirs.name for m in found.matched] == ["age"] and found.unused == ("Age",)
    assert match([variable("Kk")], [variable("kk"), variable("KK")], {}).unused == ("Kk",)


def test_levels_are_the_same_words_and_those_that_are_not_known_are_counted_and_named() -> None:
    theirs = variable("ward", kind="categorical", levels=("SURGICAL ", "01", "burns"))
    matching = match([theirs], [WARD], {})
    subjects, counts = statics(matching, cohort([theirs], [], ward=[0.0, 1.0, 2.0, np.nan]))
    np.testing.assert_array_equal(subjects["ward"], [1, 2, np.nan, np.nan])
    reason = "of 'ward', a level that the bundle does not know"
    counts.kept("measurements", 0)
    assert counts.summary()["descriptors"] == {"in": 1, "kept": 0, "set_aside": {reason: 1}}
    assert matching.matched[0].unknown_levels() == ["burns"]


def test_a_mapping_says_which_levels_are_which(tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text("unit: {to: ward, levels: {2: Medical, burns: 1}}\n")
    theirs = variable("unit", kind="categorical", levels=("2", "burns", "surgical"))
    (found,) = match([theirs], [WARD], read_mapping(tmp_path / "names.yaml")).matched
    np.testing.assert_array_equal(found.converted(np.array([0.0, 1.0, 2.0])), [0, 2, 1])


def test_levels_become_a_binary_variable_and_a_binary_variable_levels() -> None:
    theirs = variable("sex", kind="categorical", levels=("M", "F", "other"))
    (found,) = match([theirs], [SEX], {"sex": Conversion(to="female")}).matched
    np.testing.assert_array_equal(found.converted(np.array([0.0, 1.0, 2.0])), [0, 1, np.nan])
    (back,) = match([SEX], [theirs], {"female": Conversion(to="sex")}).matched
    np.testing.assert_array_equal(back.converted(np.array([0.0, 1.0])), [0, 1])


def test_a_binary_variable_that_is_the_other_way_round_is_asked_about_and_flipped() -> None:
    male = variable("female", kind="binary", positive=("M",), negative=("F",))
    with pytest.raises(InputError, match="a level that is 1 here is 0 in the bundle"):
        match([male], [SEX], {})
    values = np.array([1.0, 0.0, np.nan])
    for flip, expected in ((True, [0, 1, np.nan]), (False, [1, 0, np.nan])):
        (found,) = match([male], [SEX], {"female": Conversion(to="female", flip=flip)}).matched
        np.testing.assert_array_equal(found.converted(values), expected)
    plain = variable("female", kind="binary")
    np.testing.assert_array_equal(match([plain], [SEX], {}).matched[0].converted(values), values)


def test_two_variables_become_one_in_the_order_of_time() -> None:
    theirs = [variable(name, role="series", unit="mmHg") for name in ("invasive", "cuff")]
    own = cohort(theirs, [("p0", 0.0, "cuff", 120.0), ("p0", 1.0, "invasive", 110.0), ("p0", 2.0, "cuff", 130.0)])
    with pytest.raises(InputError, match="say `merge: true` of each"):
        match(theirs, [SBP], {name: Conversion(to="SBP") for name in ("invasive", "cuff")})
    matching = match(theirs, [SBP], {name: Conversion(to="SBP", merge=True) for name in ("invasive", "cuff")})
    events, _ = matching.apply(own, Attrition())
    assert events["value"].tolist() == [120, 110, 130] and set(events["variable"]) == {"SBP"}
    assert matching.matched_names == ["SBP"] and matching.missing == ()
    first, second = variable("weight_1", unit="kg"), variable("weight_2", unit="kg")
    matching = match([first, second], [variable("weight", unit="kg")],
                     {v.name: Conversion(to="weight", merge=True) for v in (first, second)})  # fmt: skip
    subjects, _ = statics(matching, cohort([first, second], [], weight_1=[70.0, np.nan], weight_2=[71.0, 80.0]))
    assert subjects["weight"].tolist() == [70, 80]


@pytest.mark.parametrize(
    ("theirs", "ours", "how", "said"),
    [
        (variable("x", unit="kg"), SEX, {"flip": True}, "'x' is not binary, so it cannot be flipped"),
        (variable("x", kind="binary"), SEX, {"levels": {"1": "f"}}, "say `flip: true`"),
        (variable("x", kind="binary"), SEX, {"factor": 2}, "has no factor"),
        (WARD, WARD, {"levels": {"Medicine": "Medical"}}, "'Medicine' is none of the levels Medical, Surgical, 1"),
        (WARD, WARD, {"levels": {"Medical": "burns"}}, "'burns' is none of the levels"),
        (WARD, variable("y", kind="categorical", levels=("a", "b")), {}, "no level of 'ward' is known to the bundle"),
        (variable("x", kind="numeric"), WARD, {}, "'x' is numeric here and categorical in the bundle"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(
    theirs: Variable, ours: Variable, how: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        match([theirs], [ours], {theirs.name: Conversion(to=ours.name, **how)})


def test_few_variables_are_a_warning_and_next_to_none_an_error_that_can_be_accepted() -> None:
    ours = [variable(f"v{n}") for n in range(52)]
    assert match(ours[:26], ours, {}).few() == ""
    assert match(ours[:25], ours, {}).few().startswith("25 of 52 variables match: the risks are mostly those of")
    few = match(ours[:2], ours, {})
    with pytest.raises(InputError, match=r"2 of 52 variables match.*--propose.*--accept-few"):
        few.few()
    assert few.few(accepted=True).startswith("2 of 52")
    with pytest.raises(InputError, match="0 of 52"):
        match([], ours, {}).few(accepted=True)


def test_the_refusal_of_another_unit_says_the_factor_that_is_known() -> None:
    ours = variable("creatinine", label="serum creatinine", unit="mg/dl", role="series")
    theirs = ours.model_copy(update={"unit": "µmol/L"})
    with pytest.raises(InputError, match=r"factor: 0\.011312"):
        match([theirs], [ours], {})


@pytest.mark.parametrize(
    ("of", "there", "here", "value", "expected"),
    [
        ("creatinine", "umol/L", "mg/dL", 88.4, 1),
        ("Glucose", "mmol/l", "mg/dl", 5.55, 100),
        ("bili total", "µmol/l", "mg/dl", 17.1, 1),
        ("cholesterol", "mg/dl", "mmol/l", 193.4, 5),
        ("blood urea nitrogen", "mmol/l", "mg/dl", 5, 14),
        ("albumin", "g/l", "g/dl", 40, 4),
        ("temperature", "°F", "C", 98.6, 37),
        ("temperature", "C", "F", 37, 98.6),
        ("weight", "lb", "kg", 220.46, 100),
        ("height", "in", "cm", 70, 177.8),
        ("paco2", "kPa", "mmHg", 5.333, 40),
        ("fio2", "1", "%", 0.21, 21),
        ("potassium", "mEq/L", "mmol/L", 4, 4),
        ("platelets", "10^9/L", "1000/mm3", 250, 250),
    ],
)
def test_units_that_clinicians_convert_are_converted(
    of: str, there: str, here: str, value: float, expected: float
) -> None:
    found = conversion(of, there, here)
    assert found and value * found[0] + found[1] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    ("of", "there", "here"),
    [("x", "mmol/l", "mg/dl"), ("calcium", "mEq/l", "mmol/l"), ("x", "kg", "cm"), ("x", "", "kg"), ("x", "foo", "bar")],
)
def test_no_way_between_units_is_made_up(of: str, there: str, here: str) -> None:
    assert conversion(of, there, here) is None and not same(there, here)


OURS = [
    variable("Glucose", label="serum glucose", unit="mg/dL", role="series"),
    variable("Creatinine", label="serum creatinine", unit="mg/dl", role="series"),
    variable("Temp", label="temperature", unit="°C", role="series"),
    SBP, SEX, WARD, variable("weight", unit="kg"), variable("Lactate", unit="mmol/l", role="series"),
]  # fmt: skip
THEIRS = [
    variable("glu", label="glucose", unit="mmol/l", role="series"),
    variable("crea: µ", label="serum creatinine", unit="umol/L", role="series"),
    variable("Temp", label="temperature", unit="F", role="series"),
    variable("inv", label="systolic blood pressure, invasive", unit="mmHg", role="series"),
    variable("cuff", label="systolic blood pressure, cuff", unit="mm Hg", role="series"),
    variable("female", label="sex", kind="binary", positive=("M",), negative=("F",)),
    variable("ward", kind="categorical", levels=("medical", "surgical", "burns")),
    variable("weight", unit="kg"),
    variable("shoe size"),
]


def test_a_proposal_is_a_mapping_that_holds_and_every_line_of_it_is_to_be_checked(tmp_path: Path) -> None:
    path = tmp_path / "names.yaml"
    path.write_text(propose(THEIRS, OURS), encoding="utf-8")
    text, mapping = path.read_text(encoding="utf-8"), read_mapping(path)
    assert all("# CHECK: " in line for line in text.splitlines() if line and not line.startswith("#"))
    assert mapping["glu"] == Conversion(to="Glucose", factor=18.016)
    assert mapping["crea: µ"] == Conversion(to="Creatinine", factor=0.011312)
    assert mapping["Temp"] == Conversion(to="Temp", factor=0.555556, offset=-17.7778)
    assert mapping["inv"] == mapping["cuff"] == Conversion(to="SBP", merge=True)
    assert mapping["female"] == Conversion(to="female", flip=True)
    assert mapping["ward"] == Conversion(to="ward") and "burns" in text
    assert "weight" not in mapping and mapping["shoe size"] is None
    assert "#   Lactate (Lactate, mmol/l)" in text
    found = match(THEIRS, OURS, mapping)
    assert [v.name for v in found.missing] == ["Lactate"] and found.unused == ("shoe size",)


def test_a_proposal_with_names_that_yaml_or_a_terminal_would_obey_is_still_a_mapping(tmp_path: Path) -> None:
    names = ["a: b # c", "- x", "null", "1", "yes", "é\x1b[2J", 'q"q', "{x}", "new\nline", "~"]
    own = [variable(name, label="line\n# one: two", unit="\n") for name in names]
    (tmp_path / "names.yaml").write_text(propose(own, [variable("other")]), encoding="utf-8")
    assert read_mapping(tmp_path / "names.yaml") == dict.fromkeys(names)
    assert "\x1b" not in (tmp_path / "names.yaml").read_text(encoding="utf-8")


def test_a_unit_without_a_known_way_is_no_proposal_but_a_question() -> None:
    text = propose([variable("Lactate", unit="foo", role="series")], OURS)
    assert '"Lactate": null  # CHECK: the same name' in text and "no way is known from 'foo' to 'mmol/l'" in text


def test_classes_are_the_same_words() -> None:
    np.testing.assert_array_equal(outcomes(np.array([0.0, 1, 2]), ["C ", "A", "b"], ["a", "B", "c"]), [2, 0, 1])
    with pytest.raises(InputError, match="declare the same"):
        outcomes(np.array([0.0]), ["a", "b", "c"], ["a", "b", "d"])
