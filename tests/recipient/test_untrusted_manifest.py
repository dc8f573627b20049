"""What a bundle's manifest, or a query, can do on the machine where records are read by it: read them, and no more."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from recondense.cohorts.params import Params
from recondense.cohorts.readers._table.places import check_statement
from recondense.cohorts.readers._table.queries import rows_of
from recondense.errors import InputError
from recondense.recipient.evaluate import evaluate
from recondense.recipient.matched import ingestion_params
from recondense.recipient.transform import transform
from recondense.stages.layout import Layout
from recondense.stages.params import validate
from recondense.stages.plugins import names
from tests.support.project import QUICK
from tests.support.services import postgresql

TABLE = {
    "source": {"title": "visits", "licence": "CC0"},
    "measurements": {"file": "visits.csv", "subject": "id", "time": "day"},
    "subjects": {"file": "subjects.csv", "subject": "id"},
    "time": {"unit": "days"},
    "outcome": {"column": "died", "positive": ["1"], "negative": ["0"]},
    "variables": {"bili": {"label": "bilirubin", "role": "series"}},
}
MEDS = {
    "source": {"title": "events", "licence": "CC0"},
    "labels": "labels",
    "window_hours": 24,
    "variables": {"bili": {"label": "bilirubin", "role": "series", "codes": ["LAB//bili"]}},
}
HOSTILE = ("/etc/passwd", "../../other/visits.csv", "a/../../b.csv", "", "bad\0name")


def section(dataset: str, options: dict[str, Any]) -> dict[str, Any]:
    return {"dataset": dataset, "raw": "anywhere", "split": QUICK["ingestion"]["split"], "options": options}


def manifest(folder: Path, dataset: str, options: dict[str, Any]) -> Path:
    """A bundle of which the manifest is all that a stranger wrote."""
    folder.mkdir()
    written = {"cohort": "theirs", "params": {"ingestion": section(dataset, options)}}
    (folder / "manifest.json").write_text(json.dumps(written))
    return folder


def with_query(query: str, url: str) -> dict[str, Any]:
    return {**TABLE, "measurements": {"query": query, "url": url, "subject": "id", "time": "day"}}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "hospital.db"
    with sqlite3.connect(path) as connection:
        connection.executescript("create table visits (id, day, bili); insert into visits values ('a', 0, 1.5);")
    return path


@pytest.mark.parametrize("use", [transform, evaluate])
def test_a_bundle_s_manifest_cannot_send_sql_not_even_a_select_nor_through_an_environment_s_url(
    small: Layout, tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch, use: Any
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(small.folder("release"), bundle)
    monkeypatch.setenv("WARD_DB", f"sqlite:///{database}")
    monkeypatch.chdir(tmp_path)
    raw = tmp_path / "raw"
    raw.mkdir()
    for query in ("DROP TABLE visits", f"VACUUM INTO '{tmp_path}/written'", "SELECT id, day, bili FROM visits"):
        content = json.loads((bundle / "manifest.json").read_text())
        content["params"]["ingestion"] = section("table", with_query(query, "env:WARD_DB"))
        (bundle / "manifest.json").write_text(json.dumps(content))
        with pytest.raises(InputError, match=r"manifest.json: params.ingestion[\s\S]*never a query"):
            use(bundle, content["cohort"], raw, tmp_path / "out.safetensors")
    assert not (tmp_path / "written").exists()
    assert sqlite3.connect(database).execute("select count(*) from visits").fetchone() == (1,)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    ("dataset", "options"),
    [
        ("table", lambda name: {**TABLE, "measurements": {**TABLE["measurements"], "file": name}}),  # type: ignore[dict-item]
        ("table", lambda name: {**TABLE, "subjects": {**TABLE["subjects"], "file": name}}),  # type: ignore[dict-item]
        ("meds", lambda name: {**MEDS, "labels": name}),
        ("coswara", lambda name: {"recording": name}),
        ("mimic3", lambda name: {"edition": name}),
        ("physionet2012", lambda name: {"sets": [name]}),
        ("pbcseq", lambda name: {"file": name}),
        (None, lambda name: {}),
    ],
)
def test_a_manifest_names_files_inside_the_given_folder_only(name: str, dataset: str | None, options: Any) -> None:
    with pytest.raises(InputError):
        validate(Params, section(dataset or name, options(name)), "manifest.json", stranger=True)


def test_every_data_set_is_covered_above() -> None:
    assert set(names("recondense.cohorts.readers")) == {
        *("table", "meds", "coswara", "mimic3", "physionet2012", "pbcseq"),
    }, "a new plug-in: see that its options name files by InRaw, ask from_a_stranger, and add it to the test above"


def test_by_a_manifest_no_link_is_followed_out_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bundle, raw, outside = manifest(tmp_path / "bundle", "table", TABLE), tmp_path / "raw", tmp_path / "outside"
    for folder in (raw / "sub", outside):
        folder.mkdir(parents=True)
    (outside / "visits.csv").write_text("id,day,bili\n")
    (raw / "sub" / "visits.csv").write_text("id,day,bili\n")
    (raw / "inner.csv").symlink_to("sub/visits.csv")
    assert ingestion_params(bundle, "theirs", raw).raw == str(raw)
    for link in (raw / "visits.csv", raw / "sub" / "data"):
        link.symlink_to(outside / "visits.csv" if link.suffix else outside)
        with pytest.raises(InputError, match="a link that leads out of it"):
            ingestion_params(bundle, "theirs", raw)
        link.unlink()


def test_a_params_file_inside_the_bundle_is_its_author_s_and_not_the_recipient_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, raw = manifest(tmp_path / "bundle", "table", TABLE), tmp_path / "raw"
    raw.mkdir()
    (bundle / "dvc.yaml").touch()
    params = {"cohorts": {"theirs": {"ingestion": section("table", with_query("select 1", "env:WARD_DB"))}}}
    (bundle / "params.yaml").write_text(json.dumps(params))
    monkeypatch.chdir(bundle)
    assert ingestion_params(bundle, "theirs", raw).options == TABLE


def test_a_mistake_in_one_s_own_params_is_told_and_the_manifest_not_taken_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, raw = manifest(tmp_path / "bundle", "table", TABLE), tmp_path / "raw"
    raw.mkdir()
    (tmp_path / "dvc.yaml").touch()
    (tmp_path / "params.yaml").write_text(json.dumps({"cohorts": {"theirs": {"ingestion": {"dataset": "table"}}}}))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"params.yaml: cohorts.theirs.ingestion"):
        ingestion_params(bundle, "theirs", raw)


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE visits",
        "VACUUM INTO 'copy.db'",
        "ATTACH 'x.db' AS x",
        "PRAGMA writable_schema = on",
        "SELECT 1; DROP TABLE visits",
        "SELECT ';' FROM visits; COMMIT",
        "-- SELECT\nDELETE FROM visits",
        "/*! DELETE FROM visits */ SELECT 1",
        "EXPLAIN SELECT 1",
        "SELECTED",
        "",
    ],
)
def test_a_query_is_one_select_in_the_steward_s_own_params_too(query: str) -> None:
    with pytest.raises(ValueError, match="a query"):
        check_statement(query)
    with pytest.raises(InputError, match="query"):
        validate(Params, section("table", with_query(query, "env:WARD_DB")), "params.yaml")


@pytest.mark.parametrize(
    "statement",
    [
        "with gone as (select 'a' as id) delete from visits where id in (select id from gone)",
        "vacuum into '{folder}/copy.db'",
        "attach '{folder}/other.db' as other",
        "drop table visits",
        "select * from pragma_table_info('visits')",
        "select load_extension('x')",
    ],
)
def test_sqlite_itself_refuses_whatever_does_more_than_read(database: Path, statement: str) -> None:
    before = database.read_bytes()
    with pytest.raises(InputError, match=r"does more than read|not authorized"):
        rows_of(database.parent, "sqlite:///hospital.db", statement.format(folder=database.parent))
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == ["hospital.db"]


def test_a_select_with_common_table_expressions_is_read(database: Path) -> None:
    days = "WITH RECURSIVE n(day) AS (SELECT 0 UNION ALL SELECT day + 1 FROM n WHERE day < 2)"
    query = f"-- of everybody\n{days} SELECT * FROM n;"
    check_statement(query)
    assert rows_of(database.parent, "sqlite:///hospital.db", query)["day"].tolist() == ["0", "1", "2"]


def test_a_database_that_cannot_be_held_to_reading_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARD_DB", "mssql+pyodbc://ward")
    with pytest.raises(InputError, match="WARD_DB"):
        rows_of(tmp_path, "env:WARD_DB", "select 1")


@pytest.fixture(scope="module")
def ward() -> Iterator[str]:
    """The URL of a real PostgreSQL database with a table of visits, whose user may do everything."""
    with postgresql(["ward"]) as place:
        url = f"postgresql+psycopg2://{place}/ward"
        with create_engine(url).begin() as connection:
            connection.execute(text("create table visits (id text, day int, bili float, seen boolean)"))
            connection.execute(text("insert into visits values ('a', 0, 1.5, true), ('b', 7, null, false)"))
            connection.execute(text("create sequence numbers"))
        yield url


def test_postgresql_is_read_and_nothing_in_it_written(
    ward: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARD_DB", ward)
    rows = rows_of(tmp_path, "env:WARD_DB", "select id, day::text, bili, seen from visits order by id")
    assert rows.to_numpy().tolist() == [["a", "0", "1.5", "true"], ["b", "7", "", "false"]]
    for query in (
        "with gone as (delete from visits returning *) select * from gone",
        "select * into copied from visits",
        "select nextval('numbers')",
        "select set_config('transaction_read_only', 'off', false), nextval('numbers')",
    ):
        check_statement(query)
        with pytest.raises(InputError, match="the query to env:WARD_DB"):
            rows_of(tmp_path, "env:WARD_DB", query)
    with create_engine(ward).connect() as connection:
        assert connection.execute(text("select count(*) from visits")).scalar() == 2
        assert connection.execute(text("select is_called from numbers")).scalar() is False
        assert connection.execute(text("select to_regclass('copied')")).scalar() is None
