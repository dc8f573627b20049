"""What a stranger wrote has no effect but to be read: not on the terminal, not in a page, a table or params.yaml, and
not on the memory and the time of who opens it."""

import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from recondense.bundle.dictionary import dictionary
from recondense.checks import Check
from recondense.cli.console import checks as show_checks
from recondense.cli.console import table as show_table
from recondense.cohorts.readers._table.files import cells_of
from recondense.engines import artifacts
from recondense.errors import InputError
from recondense.escape import cell, markdown, printable
from recondense.files.strict_json import MOST_BYTES, Unreadable, parse_json, read_json
from recondense.files.tables import read_within
from recondense.inspection.found import Grid, Inspection, Measured
from recondense.preprocessing.preprocessing import Feature, Preprocessing
from recondense.project.inspect import Inspected
from recondense.project.inspect import show as show_inspected
from recondense.project.params_file import add_cohort
from recondense.records.cohort import Variable
from recondense.records.condensed import CondensedSet
from recondense.stages import params
from recondense.terminal import Terminal, say
from recondense.wizard import Proposal, propose
from recondense.wizard.block import block
from tests.support.paths import REPO
from tests.support.stranger import program

ESCAPES = "a\x1b[2J\x1b]0;owned\x07b\u202ec\u2066d\x9bm\re\x00"
NAMES = [
    "a\n    schedule: {release: true}\n#", "b: c", "d # e", "q\"u'o", "t\tab", "u\u2028v", "n\x85m", "x" * 300, "- y",
    "{z", "[z", "*al", "&an", "!tag", "~", "on", "1.5", "", ESCAPES, "é", "? k", "nl\r\nz", "%d", "@a", "`b",
    "\ufeffbom", "\\n", "a\n  mine:\n    release: {}", "'", '"', "'}, x: {",
]  # fmt: skip


# What `recondense inspect` found, but for names
MEASURED = Measured(
    variable="", label="", unit="", role="series", kind="numeric", subjects=9, share_of_subjects=1.0,
    share_of_steps=0.5, measurements=9, percentiles=dict.fromkeys(("1", "5", "50", "95", "99"), 1.0),
)  # fmt: skip
INSPECTED = Inspection(
    title="a cohort", predicted="death", steps=Grid(number=4, hours=6), subjects=9, measurements=9, flow=(),
    prevalence=(), checks=(), notices=(), alone=(), over_time=True, variables=(),
)  # fmt: skip


def test_no_control_character_or_turned_writing_is_left_of_a_name() -> None:
    assert printable(ESCAPES) == r"a\x1b[2J\x1b]0;owned\x07b\u202ec\u2066d\x9bm\re\x00"
    assert printable("Bilirubin (µmol/l), 1 000 – é 中") == "Bilirubin (µmol/l), 1 000 – é 中"
    assert all(
        printable(chr(one)) != chr(one) for one in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x202E, 0x2069, 0xD800)
    )


def test_on_the_terminal_a_table_s_cell_and_a_line_are_text_and_colours_stay() -> None:
    said = io.StringIO()
    out = Terminal(file=said, force_terminal=True, color_system="standard", width=200)
    table = Table()
    table.add_column("name")
    table.add_row(ESCAPES)
    out.print(table)
    out.print(ESCAPES, style="red", markup=False)
    text = said.getvalue()
    assert "\x1b[31m" in text, "its own colours are not touched"
    assert not any(bad in text for bad in ("\x1b[2J", "\x1b]0", "\u202e", "\u2066", "\x9b", "\x00", "\x07"))
    plain = io.StringIO()
    Console(file=plain, force_terminal=True, width=200).print(ESCAPES, markup=False)
    assert "\u202e" in plain.getvalue(), "without it the same would reach the terminal"


def test_what_is_in_brackets_stays_in_a_line_and_in_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["glucose [mg/dl]", "[/dl]", "[bold]x", "[link=x]y[/]"]
    show_table([{"name": name} for name in names])
    measured = tuple(MEASURED.model_copy(update={"variable": name}) for name in names)
    show_inspected(Inspected("alpha", Path("page.html"), INSPECTED.model_copy(update={"variables": measured})))
    for name in names:
        say(name)
    shown = capsys.readouterr()
    assert all(shown.out.count(name) == 2 and name in shown.err for name in names)


def test_a_claim_with_a_line_s_end_in_it_cannot_look_like_two(capsys: pytest.CaptureFixture[str]) -> None:
    show_checks([Check("x\nok   everything holds", False, "y\rok")])
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_name_in_markdown_is_no_markup_and_stays_in_its_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    assert markdown("<b>|[x](javascript:1)|`rm`\n# h") == r"\<b\>\|\[x\](javascript:1)\|\`rm\` # h"
    made: list[Any] = []
    monkeypatch.setattr(artifacts, "create_markdown_artifact", lambda text, **_: made.append(text))
    artifacts.of_refusal("icu", None, ["a\n# <img src=x>|"])
    assert "\n# " not in made[0] and "<img" not in made[0].replace(r"\<", "")


def test_a_cell_is_no_formula_and_numbers_stay_numbers() -> None:
    for begin in ("=", "+", "-", "@", "\t", "\r", "\n", "＝"):
        assert cell(f"{begin}cmd|' /C calc'!A0") == f"'{begin}cmd|' /C calc'!A0"
    assert [cell(value) for value in (-1.5, None, "-1.5", "mg/dl", "+1e3")] == [-1.5, None, "-1.5", "mg/dl", "+1e3"]
    bad = Variable(name="=HYPERLINK(1)", label="@SUM(A1)", unit="-x", role="series", low=-2.5, high=1)
    feature = Feature(name="=HYPERLINK(1)", source="series", variable="=HYPERLINK(1)", unit="-x")
    written = dictionary(
        Preprocessing(step_hours=1, n_steps=1, carry_forward=True, variables=(bad,), features=(feature,))
    )
    row = pd.read_csv(io.StringIO(written)).iloc[0]
    assert row["feature"] == "'=HYPERLINK(1)" and row["label"] == "'@SUM(A1)" and row["unit"] == "'-x"
    assert row["low"] == -2.5


@pytest.mark.parametrize("kind", ["safe", "rt"])
def test_no_name_of_a_column_adds_a_key_to_the_proposed_block(kind: str) -> None:
    found = Proposal("data/1_raw/mi\nne")
    found.options = {
        "subjects": {"file": "a\nb.csv", "subject": "i\x85d"},
        "outcome": {"column": "o\u2028x", "positive": [NAMES[0]], "negative": ["0"]},
    }
    found.variables = {name: {"label": name, "role": "static", "unit": ""} for name in NAMES}
    found.left_out = [f"{name} (a date)" for name in NAMES]
    written = YAML(typ=kind).load("cohorts:\n" + block("mine", found))["cohorts"]
    assert list(written) == ["mine"]
    assert set(written["mine"]) == {
        "ingestion", "normalisation", "reference", "condensation", "shadows", "training", "privacy", "release"
    }  # fmt: skip
    options = written["mine"]["ingestion"]["options"]
    assert options["variables"] == found.variables and written["mine"]["ingestion"]["raw"] == found.raw
    assert {name: options[name] for name in found.options} == found.options


def test_a_parquet_column_s_name_turns_on_no_release(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text((REPO / "params.yaml").read_text())
    (tmp_path / "dvc.yaml").touch()
    raw = tmp_path / "data/1_raw/mine"
    raw.mkdir(parents=True)
    hostile = "note\n    schedule: {release: true}\n  x:"
    frame = pd.DataFrame(
        {
            "id": range(40),
            "age": [20 + n % 15 for n in range(40)],
            "died": [0, 1] * 20,
            hostile: [f"free {n}" for n in range(40)],
        }
    )
    frame.to_parquet(raw / "mine.parquet")
    add_cohort(tmp_path, "mine", block("mine", propose(tmp_path, "mine", raw)))
    assert "schedule" not in params.block(tmp_path, "mine")
    assert "x" not in params.read(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000, b'{"a":' * 100 + b"1" + b"}" * 100, b'{"a": NaN}', b'{"a": -Infinity}', b"[1e999]",
        b'{"a":1,"a":2}', b"9" * 5000, b"\xff", b"", b" " * (MOST_BYTES + 1),
    ],
)  # fmt: skip
def test_json_that_nobody_should_have_to_read_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(content)
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(Unreadable, match=r"x\.json is no JSON"):
        read_json(tmp_path / "x.json")
    assert parse_json(json.dumps({"a": [1.5, {"b": None}]}).encode()) == {"a": [1.5, {"b": None}]}


@pytest.mark.parametrize("text", [pa.string(), pa.large_string()])
def test_a_small_parquet_that_would_fill_the_memory_is_refused_before_it_does(tmp_path: Path, text: Any) -> None:
    bomb, many = tmp_path / "bomb.parquet", tmp_path / "many.parquet"
    pyarrow.parquet.write_table(pa.table({"a": pa.array(["x" * 100_000] * 3000, text)}), bomb)  # 300 MB as text
    pyarrow.parquet.write_table(pa.table({"a": pa.array(np.zeros(5_000_000, np.int64))}), many)
    assert max(bomb.stat().st_size, many.stat().st_size) < 1_000_000
    for path in (bomb, many):
        before = pa.total_allocated_bytes()
        with pytest.raises(InputError, match="unpacks to"):
            read_within(path, 30_000_000)
        assert pa.total_allocated_bytes() - before < 10_000_000
    assert read_within(bomb, 400_000_000)["a"][2999].as_py() == "x" * 100_000


def test_a_raw_parquet_that_does_not_fit_this_machine_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pd.DataFrame({"id": ["1", "2"], "note": ["x" * 1000] * 2}).to_parquet(tmp_path / "a.parquet")
    assert list(cells_of(tmp_path / "a.parquet", "utf-8", ",")[0]["id"]) == ["1", "2"]
    monkeypatch.setattr("recondense.cohorts.readers._table.typed.share_of_memory", lambda: 1000)
    with pytest.raises(InputError, match=r"a\.parquet unpacks to"):
        cells_of(tmp_path / "a.parquet", "utf-8", ",")


def test_a_condensed_set_without_a_record_cannot_claim_any_number_of_steps() -> None:
    with pytest.raises(ValueError, match="at least one"):
        CondensedSet(np.zeros((0, 10**9, 10**9), np.float32), np.zeros(0, np.float32))


def test_a_deep_line_costs_no_time(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(ValueError):
        parse_json(b"[[]," * 3_000_000)
    assert time.monotonic() - began < 20


def test_a_program_of_a_bundle_says_names_without_their_escape_codes() -> None:
    named = program("apply").named
    assert named({"name": "Glucose", "unit": "µmol/l"}) == "Glucose (µmol/l)"
    assert named({"name": ESCAPES, "unit": ""}).isprintable()
