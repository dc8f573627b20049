"""Names are anybody's: each arrives whole or escaped wherever it is shown or kept, and two names stay two."""

import csv
import importlib
import io
import itertools
import json
import shutil
import sqlite3
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from markdown_it import MarkdownIt
from mlflow.utils.validation import _validate_metric_name, _validate_param_name
from ruamel.yaml import YAML

from recondense.bundle.contents import CANDIDATE, Contents
from recondense.bundle.make import without_local_paths
from recondense.bundle.report import report as report_of
from recondense.bundle.verify import verify
from recondense.cli.console import results as show_results
from recondense.cli.console import table as show_table
from recondense.engines.artifacts import key
from recondense.engines.mlflow import Tracker
from recondense.engines.named import LONGEST, flat, named
from recondense.escape import cell, markdown, printable
from recondense.files.strict_json import read_json
from recondense.preprocessing.fit import columns
from recondense.preprocessing.params import Params as Normalisation
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.cohort import Variable
from recondense.stages.layout import Layout
from recondense.sweeps.figures import of_stage
from recondense.terminal import Terminal
from tests.support.names import CLASSES, NAMES, STEWARD, cohort
from tests.support.project import STAGES, make_project


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A cohort of all `NAMES`, taken through every stage in this process."""
    layout = Layout(tmp_path_factory.mktemp("odd"), "names")
    (layout.root / "dvc.yaml").touch()
    YAML().dump({"cohorts": {"names": cohort(layout.root / "data/1_raw/names")}}, layout.root / "params.yaml")
    for name in STAGES:
        getattr(importlib.import_module(f"tasks.{name}"), name)(layout)
    return layout


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.texts: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_different_names_come_to_different_names_in_mlflow_and_it_takes_them_all() -> None:
    pairs = itertools.product(NAMES, repeat=2)
    ways: list[tuple[str, ...]] = [(), *((name,) for name in NAMES), *pairs, ("",), ("", ""), ("a", "", "b")]
    found = [named("coverage", *names) for names in ways]
    assert len(set(found)) == len(ways)
    for name in found:
        assert len(name) <= LONGEST
        _validate_metric_name(name)
        _validate_param_name(name)


def test_a_name_that_mlflow_takes_as_it_is_stays_as_it_is() -> None:
    assert named("training", "test_auc", "all_real", "mean") == "training.test_auc.all_real.mean"
    assert named("Größe - 2") == "Größe - 2"


def test_nested_names_with_dots_are_no_others() -> None:
    found = dict(flat({"a.b": 1, "a": {"b": 2, "": 4}, "a.": 5, '"a.b"': 3}))
    assert sorted(found.values()) == [1, 2, 3, 4, 5]


def test_cohorts_whose_names_differ_in_a_dash_have_pages_of_their_own() -> None:
    names = ["icu_a", "icu-a", "icu__a", "icu-a-", "icu"]
    assert len({key(name, "privacy") for name in names}) == len(names)


def test_every_feature_has_a_name_of_its_own_whatever_variables_and_levels_are_called() -> None:
    def series(name: str, *levels: str) -> Variable:
        kind: Any = "categorical" if levels else "numeric"
        return Variable(name=name, label=name, role="series", kind=kind, levels=levels)

    plain = [series(name) for name in ("a", "a_observed", "a=b", "a_observed (observed 1)", "n_measurements")]
    variables = (*plain, series("x", "y=z"), series("x=y", "z"))
    for missingness in ("mask", "count", "none"):
        features = columns(variables, Normalisation(step_hours=1, n_steps=1, missingness=missingness))
        names = [feature.name for feature in features]
        assert len(set(names)) == len(names)
        assert [one.name for one in features if one.source == "series"] == [v.name for v in variables if not v.levels]


def test_a_label_that_begins_like_a_path_stays_in_the_manifest(odd: Layout) -> None:
    declared = read_json(odd.folder("release") / "manifest.json")["params"]["ingestion"]["options"]["variables"]
    assert list(declared)[: len(NAMES)] == NAMES
    assert [declared[name]["unit"] for name in NAMES] == NAMES
    assert without_local_paths({"raw": "../x", "deps": [{"path": "/a/b"}]}) == {
        "raw": "<local>/x",
        "deps": [{"path": "<local>/b"}],
    }


def test_preprocessing_parquet_and_metrics_have_every_name_whole(odd: Layout) -> None:
    bundle = odd.folder("release")
    features = [one.name for one in Preprocessing.load(bundle / "preprocessing.json").features]
    assert features[: len(NAMES)] == NAMES and len(set(features)) == len(features)
    long = pd.read_parquet(bundle / "condensed.parquet")
    assert set(long["feature"]) == set(features)
    assert [name for name in long.columns if name.startswith("label_")] == [f"label_{name}" for name in CLASSES]
    assert set(NAMES) <= set(read_json(bundle / "metrics.json")["coverage"])


def test_the_dictionary_is_a_table_without_formulas_and_tells_every_feature_and_level(odd: Layout) -> None:
    with (odd.folder("release") / "dictionary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["feature"] for row in rows[: len(NAMES)]] == [cell(name) for name in NAMES]
    assert len({row["feature"] for row in rows}) == len(rows)
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    levels = {row["levels"] for row in rows if row["variable"] == "= [b]level"}
    assert all("a\\|b" in each for each in levels)


def test_what_markdown_shows_of_a_name_is_the_name() -> None:
    reader = MarkdownIt("gfm-like", {"linkify": False})
    for name in NAMES:
        for around in ("{}", "- {}", "| a |\n|---|\n| {} |"):
            page = Page(reader.render(around.format(markdown(name))))
            assert page.elements <= {"p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}, name
            shown = "".join(page.texts).strip().removeprefix("a\n").strip()
            assert shown == printable(" ".join(name.splitlines())).strip(), name


def test_documents_of_a_bundle_have_no_markup_of_a_name(odd: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = odd.folder("release")
    monkeypatch.setattr("recondense.bundle.report.MOST_FEATURES", len(NAMES))
    report = Page(report_of(Contents.load(bundle, "names", CANDIDATE, ())))
    assert not {"b", "script", "img"} & report.elements
    text = "".join(report.texts)
    assert [name for name in NAMES if printable(f"{name} as such", keep="\n") not in text] == []
    assert not set("\u202e\u200b") & set(text)
    for name in ("README.md", "DATASHEET.md"):
        page = Page(MarkdownIt("gfm-like", {"linkify": False}).render((bundle / name).read_text(encoding="utf-8")))
        assert not {"b", "script", "img", "a"} & page.elements, name
        assert "<b>moved</b> | 100 %" in "".join(page.texts), name


def test_the_bundle_is_valid_croissant(odd: Layout) -> None:
    croissant = pytest.importorskip("mlcroissant")
    written = json.loads((odd.folder("release") / "croissant.json").read_text())
    assert written["@context"] == croissant.Metadata(name="any", url="https://example.org").to_json()["@context"]
    described = croissant.Dataset(jsonld=written)
    assert [field.name for field in described.metadata.record_sets[0].fields][1:4] == [
        f"label_{name}" for name in CLASSES
    ]


def test_the_bundle_agrees_with_itself(odd: Layout) -> None:
    assert [str(check.claim) for check in verify(odd.folder("release")) if check.holds is False] == []


def test_the_terminal_shows_every_name(odd: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr("recondense.cli.console._out", Terminal(file=said, width=1000))
    show_table([{"name": name} for name in NAMES])
    show_results(odd)
    for name in NAMES:
        assert printable(name, keep="\n").split("\n")[0] in said.getvalue(), name


def test_figures_of_every_stage_can_be_drawn(odd: Layout, tmp_path: Path) -> None:
    drawn = dict(found for stage in STAGES for found in of_stage(odd, stage))
    for figure in drawn.values():
        figure.savefig(tmp_path / "x.png")
    assert "attacks" in drawn and "test_auc" in drawn


def test_mlflow_has_a_figure_of_every_name(odd: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    tracker = Tracker(odd.root, "names", {"cohort": odd.cohort})
    with tracker.recording():
        for stage in STAGES:
            tracker.stage(odd, stage, "Completed", {})
    metrics, params = _recorded(odd.root, str(tracker.run_id))
    assert {named("release", "coverage", name) for name in NAMES} <= metrics
    assert {named("ingestion", "options", "variables", name, "unit") for name in NAMES} - params == set()
    assert "ingestion.raw" not in params, "where records lie is nobody's business"


def _recorded(root: Path, run: str) -> tuple[set[str], set[str]]:
    with sqlite3.connect(root / "mlflow.db") as database:
        metrics = database.execute("select key from latest_metrics where run_uuid = ?", (run,)).fetchall()
        params = database.execute("select key from params where run_uuid = ?", (run,)).fetchall()
    return {name for (name,) in metrics}, {name for (name,) in params}


@pytest.mark.slow
def test_a_cohort_of_all_names_runs_through_all_engines_to_a_bundle_that_holds(
    tmp_path: Path, prefect_server: str
) -> None:
    raw = tmp_path / "raw"
    project = make_project(tmp_path / "project", {"names": cohort(raw)}, PREFECT_API_URL=f"{prefect_server}/api")
    shutil.copytree(raw, project.root / "data/1_raw/names")
    subprocess.run(["git", "config", "user.name", STEWARD], cwd=project.root, check=True)
    done = project.call("recondense.cli", "run", "names", "--json")
    assert "lack" not in done.stderr, "MLflow and Prefect's pages have it all"
    found = json.loads(done.stdout)
    assert found["states"] == dict.fromkeys(STAGES, "Completed")
    project.call("recondense.cli", "verify", "data/7_released/names/candidate")
    assert project.status() == {}
    metrics, _ = _recorded(project.root, found["mlflow_run"])
    assert {named("release", "coverage", name) for name in NAMES} <= metrics
