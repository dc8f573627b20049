"""Names of before: params, results, bundles and commands that have them keep working, and say what to write now."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from recondense.bundle.verify import verify
from recondense.cli import app
from recondense.diagnostics.project import cohorts
from recondense.errors import InputError
from recondense.project.params_file import set_params
from recondense.project.sections import check_cohort, of_stage
from recondense.publishing.diff import Side
from recondense.publishing.overview import cohort_rows
from recondense.publishing.versions import Releases
from recondense.results.public import SCHEMA, Public
from recondense.results.renamed import in_words_of_now
from recondense.stages.layout import Layout
from recondense.stages.params import block, old_words
from recondense.stages.renamed import RENAMED, VERSION, migrate
from tests.support.paths import BUNDLES_OF_SCHEMA_1
from tests.support.project import QUICK

SEARCH = {"networks": ["tcn_beta"], "learning_rates": [0.001], "noises": [0.5], "steps": [20], "seeds": 1}
TRAINING = {"controls": ["kmeans"], "control_seeds": 3, "control_search": SEARCH}
BEFORE = {"shadows": {"count": 2, "outliers": 5}, "training": {**TRAINING, "networks": ["tcn_beta"]}}
COMMENTED = """# what a user edits

cohorts:
  icu:
    shadows: {count: 2, outliers: 5}   # few
    training:
      # those that it has to beat
      controls: [kmeans]   # one of them

      control_search:   # a small one
        # a rate for each
        learning_rates: [1.0e-3]
        seeds: 1   # of each
      # as many as draws
      control_seeds: 3
    privacy: {}
"""


def project(root: Path, document: dict[str, Any]) -> Path:
    """A project of one cohort, ``icu``, of which ``document`` has some sections; the others are quick ones."""
    cohort = {**QUICK, **document["cohorts"]["icu"]}
    YAML().dump(json.loads(json.dumps({**document, "cohorts": {"icu": cohort}})), root / "params.yaml")
    (root / "dvc.yaml").touch()
    return root


def test_a_file_without_a_version_means_the_same_by_the_names_of_before(tmp_path: Path) -> None:
    project(tmp_path, {"cohorts": {"icu": BEFORE}})
    found = of_stage(tmp_path, "icu", "training")
    assert (found.baselines, found.baseline_seeds, found.baseline_search.steps) == (("kmeans",), 3, (20,))
    assert of_stage(tmp_path, "icu", "shadows").canaries == 5
    assert set(TRAINING) == set(RENAMED["training"]), "each name of before is tried here"


def test_each_name_of_before_is_told_with_the_one_to_write_now(tmp_path: Path) -> None:
    project(tmp_path, {"cohorts": {"icu": BEFORE}})
    told = old_words(tmp_path, "icu")
    assert len(told) == 4 and "cohorts.icu.training.control_seeds is called baseline_seeds now" in told[2]
    assert set(told) <= set(cohort_rows(tmp_path)[0]["notices"])
    assert set(told) <= {finding.found for finding in cohorts(tmp_path)}
    project(tmp_path, {"version": VERSION, "cohorts": {"icu": {}}})
    assert old_words(tmp_path, "icu") == [] == cohort_rows(tmp_path)[0]["notices"]


@pytest.mark.parametrize(
    ("version", "training", "message"),
    [
        (VERSION, {"controls": []}, r"icu\.training\.controls is called baselines since version 2"),
        (1, {"controls": [], "baselines": []}, "are one key: take controls out"),
        (VERSION + 1, {}, r"version is 3, and this recondense reads 1 to 2.*pip install -U"),
        (0, {}, "version is 0"),
        (True, {}, "version is True"),
        ("2", {}, "version is '2'"),
        (None, {}, "version is None"),
    ],
)
def test_what_a_version_does_not_have_is_refused(
    tmp_path: Path, version: Any, training: dict[str, Any], message: str
) -> None:
    project(tmp_path, {"version": version, "cohorts": {"icu": {"training": training}}})
    with pytest.raises(InputError, match=message):
        check_cohort(tmp_path, "icu")


@pytest.mark.parametrize("version", [1, VERSION])
@pytest.mark.parametrize("name", ["control_seeds", "baseline_seeds"])
def test_a_value_is_set_by_either_name_and_stands_once(tmp_path: Path, version: int, name: str) -> None:
    own = {"control_seeds" if version == 1 else "baseline_seeds": 2}
    project(tmp_path, {"version": version, "cohorts": {"icu": {"training": {**own, "networks": ["tcn_beta"]}}}})
    set_params(tmp_path, "icu", [f"training.{name}=4"])
    assert of_stage(tmp_path, "icu", "training").baseline_seeds == 4
    written = YAML(typ="safe").load(tmp_path / "params.yaml")["cohorts"]["icu"]["training"]
    assert written == {next(iter(own)): 4, "networks": ["tcn_beta"]}, "under the name that the file has"


def test_a_rewritten_file_means_the_same_and_keeps_its_comments(tmp_path: Path) -> None:
    yaml, text = YAML(), io.StringIO()
    path = tmp_path / "params.yaml"
    path.write_text(COMMENTED)
    before = block(tmp_path, "icu")
    document = yaml.load(COMMENTED)
    changes = migrate(document)
    assert changes[0] == "version: 2" and "cohorts.icu.shadows.outliers -> canaries" in changes and len(changes) == 5
    assert migrate(document) == [], "a second time there is nothing to do"
    yaml.dump(document, text)
    path.write_text(text.getvalue())
    assert block(tmp_path, "icu") == before and old_words(tmp_path, "icu") == []
    lines, after = COMMENTED.splitlines(), text.getvalue().splitlines()
    assert [line.partition("#")[2] for line in lines if "#" in line] == [
        line.partition("#")[2] for line in after if "#" in line
    ]
    assert after[0] == lines[0] and after[2] == f"version: {VERSION}"
    assert list(yaml.load(text.getvalue())["cohorts"]["icu"]["training"]) == [
        "baselines", "baseline_search", "baseline_seeds"
    ], "each stands where it stood"  # fmt: skip


def test_a_name_that_stands_twice_is_not_rewritten() -> None:
    document = YAML().load("cohorts: {icu: {training: {controls: [], baselines: []}}}")
    with pytest.raises(InputError, match="take controls out"):
        migrate(document)
    assert "version" not in document, "nothing else is either"


def test_figures_of_before_are_read_by_the_names_of_now_and_nobody_else_s_names_change() -> None:
    found = {"n": {"controls": 4, "test_cases": {"controls": 3}}, "test_auc": {"controls": 0.5}}
    assert in_words_of_now(found, "training") == {**found, "n": {"baselines": 4, "test_cases": {"controls": 3}}}
    rates = {"members": 1, "control": 2}
    audit = {"attacks": {"control": {"control": 1, "variants": {"control": {"rates": rates}}}}, "standing_out": None}
    assert in_words_of_now({"privacy": audit}, "release")["privacy"] == {
        "attacks": {
            "control": {
                "negative_control": 1,
                "variants": {"control": {"rates": {"members": 1, "negative_control": 2}}},
            }
        },
        "canaries": None,
    }
    assert in_words_of_now(None, "privacy") is None


def test_two_releases_are_compared_by_the_names_of_now(tmp_path: Path) -> None:
    project(tmp_path, {"cohorts": {"icu": BEFORE}})
    for stage, metrics in (("training", {"n": {"controls": 4}}), ("privacy", {"standing_out": {"planted": 3}})):
        folder = Layout(tmp_path, "icu").folder(stage)
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps(metrics))
    side = Side(Releases(tmp_path, "icu"), None, "")
    assert side.metrics("training") == {"n.baselines": 4} and side.metrics("privacy") == {"canaries.planted": 3}
    assert side.params()["training.baseline_seeds"] == 3 and side.params()["shadows.canaries"] == 5


OLD = ("plain", "overridden", "private")


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundles of format 3 and schema 1, as the version before these names made them of the embedded cohort."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(BUNDLES_OF_SCHEMA_1) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize("name", OLD)
def test_a_bundle_of_the_first_schema_verifies_as_it_did(old: Path, name: str) -> None:
    raw = json.loads((old / name / "metrics.json").read_text())
    assert raw["schema"] == 1 < SCHEMA
    checks = verify(old / name)
    assert [check for check in checks if check.holds is False] == []
    (unjudged,) = [check for check in checks if check.holds is None]
    assert "written by other code" in unjudged.detail
    found = Public.load(old / name / "metrics.json")
    assert found.n == raw.get("n") or (found.n and found.n.baselines == raw["n"]["controls"])
    assert [attack.kind for attack in found.privacy.attacks.values()] == [
        attack["kind"] for attack in raw["privacy"]["attacks"].values()
    ]


def test_the_audit_of_a_bundle_of_the_first_schema_is_read_whole(old: Path) -> None:
    raw = json.loads((old / "overridden/metrics.json").read_text())
    found = Public.load(old / "overridden/metrics.json").as_json()
    scoring, guessing = found["privacy"]["attacks"]["nearest_record"], found["privacy"]["attacks"]["linkability"]
    assert scoring["negative_control"] == raw["privacy"]["attacks"]["nearest_record"]["control"]
    assert guessing["rates"]["negative_control"] == raw["privacy"]["attacks"]["linkability"]["rates"]["control"]
    assert found["privacy"]["canaries"] == raw["privacy"]["standing_out"] and raw["privacy"]["standing_out"]["planted"]


def test_a_bundle_of_now_may_not_use_a_name_of_before(old: Path) -> None:
    raw = json.loads((old / "plain/metrics.json").read_text())
    with pytest.raises(InputError, match="controls"):
        Public.read({**raw, "schema": SCHEMA}, "metrics.json")


def test_a_command_of_before_is_still_there_and_no_longer_shown() -> None:
    named = {command.name: command for command in app.registered_commands if command.name}
    assert named["audit"].hidden and named["audit"].callback is not None
    assert named["audit"].callback.__name__ == "ledger"
