"""Variables of the environment: each is known, typed and said in the docs; a misspelt one is told."""

import re
from pathlib import Path

import pytest

from docs.hooks import settings as table
from recondense.diagnostics.environment import environment
from recondense.errors import InputError
from recondense.files import secret
from recondense.settings import Settings, settings, unknown, variable
from tests.support.paths import REPO

PARTS = ("recondense", "tasks", "flows", "benchmarks", "tests")
READ = [path for part in PARTS for path in (REPO / part).rglob("*.py")]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)


def test_every_variable_that_any_file_names_is_a_setting() -> None:
    known = {variable(name) for name in Settings.model_fields}
    named = {name for path in READ for name in re.findall(r"(?<![_\w])RECONDENSE_[A-Z_]+", path.read_text())}
    assert named - known == {"RECONDENSE_KYES", "RECONDENSE_WHATEVER"}, "those of this file, which are to be unknown"


def test_no_file_reads_such_a_variable_but_by_the_settings() -> None:
    read = re.compile(r"(?:environ\.get\(|getenv\(|environ\[)\"RECONDENSE_\w+\"(?!\] = )")
    assert [path.name for path in READ if read.search(path.read_text())] == []


def test_values_are_read_in_their_types(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings() == Settings() and not settings().debug
    for name, value in {"DEBUG": "1", "KEYS": "~/keys", "ASKING": "3", "DATA": ""}.items():
        monkeypatch.setenv(f"RECONDENSE_{name}", value)
    found = settings()
    assert (found.debug, found.keys, found.asking, found.data) == (True, Path("~/keys"), 3, None)
    assert secret.folder() == Path("~/keys").expanduser()
    monkeypatch.setenv("RECONDENSE_DEBUG", "0")
    assert not settings().debug


@pytest.mark.parametrize(("name", "value"), [("RECONDENSE_DEBUG", "perhaps"), ("RECONDENSE_ASKING", "-1")])
def test_a_value_of_another_type_is_refused_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=f"{name}: .*: mend it, or unset it"):
        settings()


def test_doctor_tells_of_a_variable_that_nothing_reads_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [found.level for found in environment(tmp_path)] == ["ok"]
    monkeypatch.setenv("RECONDENSE_KYES", "/somewhere")
    monkeypatch.setenv("RECONDENSE_WHATEVER", "1")
    assert unknown() == {"RECONDENSE_KYES": "RECONDENSE_KEYS", "RECONDENSE_WHATEVER": ""}
    found = {one.next for one in environment(tmp_path)}
    assert found == {"unset RECONDENSE_KYES, or rename it to RECONDENSE_KEYS", "unset RECONDENSE_WHATEVER"}


def test_the_docs_have_a_row_for_each() -> None:
    rows = table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [variable(name) for name in Settings.model_fields]
    assert all(row.split(" | ")[3].strip(" |") not in ("", "None") for row in rows)
