"""params.yaml: what is wrong is named, with the mend, before any work."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from recondense.errors import InputError
from recondense.project.params_file import set_params
from recondense.project.sections import check_cohort
from recondense.stages import params
from recondense.stages.layout import Layout
from tasks.normalisation import normalisation
from tests.support.paths import REPO


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_text((REPO / "params.yaml").read_text())
    (tmp_path / "dvc.yaml").touch()
    return tmp_path


def test_the_cohorts_that_come_with_the_project_are_valid() -> None:
    for cohort in params.read(REPO):
        check_cohort(REPO, cohort)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "records_per_class: 10",
            "records_per_klass: 10",
            r"condensation\.records_per_klass is not a known parameter",
        ),
        (
            "records_per_class: 10",
            "records_per_class: 0",
            r"condensation\.records_per_class: .*greater than or equal to 1",
        ),
        (
            "validation: 0.2, test: 0.3}",
            "validation: 0.2, test: 0.3}\n      optoins: {}",
            r"ingestion\.optoins is not a known parameter; known here: dataset, raw, split, options",
        ),
        ("method: unrolled", "method: alchemy", "no 'alchemy' in recondense/condensation/methods"),
        ("dataset: pbcseq", "dataset: nonesuch", "nonesuch.*choose"),
        ("n_steps: 4", "n_steps: four", r"normalisation\.n_steps"),
        ("release: {", "relase: {", "no section 'relase'"),
        ("    privacy: {}\n", "", "lacks its 'privacy' section"),
        ("  pbcseq:\n", "  pbc/seq:\n", "'pbc/seq' cannot name a cohort"),
        ("  pbcseq:\n", "  pbcseq: [\n", "is not valid YAML"),
    ],
)
def test_a_mistake_in_params_is_named(root: Path, old: str, new: str, message: str) -> None:
    path = root / "params.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        check_cohort(root, "pbcseq")


@pytest.mark.parametrize(
    ("window_seconds", "steps", "fits"),
    [
        (9.6, {}, True),
        (9.6, {"step_hours": 2.78e-5}, True),
        (4.8, {"step_hours": 4.8 / 96 / 3600}, True),
        (4.8, {"n_steps": 48}, True),
        (4.8, {}, False),
        (9.6, {"n_steps": 95}, False),
    ],
)
def test_steps_that_do_not_span_what_is_measured_are_refused_before_any_work(
    tmp_path: Path, window_seconds: float, steps: dict[str, float], fits: bool
) -> None:
    mine = params.block(REPO, "coswara_open")
    mine["ingestion"]["options"]["window_seconds"] = window_seconds
    mine["normalisation"].update(steps)
    (tmp_path / "dvc.yaml").touch()
    YAML(typ="safe").dump({"cohorts": {"mine": mine}}, tmp_path / "params.yaml")
    if fits:
        check_cohort(tmp_path, "mine")
        return
    for check in (lambda: check_cohort(tmp_path, "mine"), lambda: normalisation(Layout(tmp_path, "mine"))):
        with pytest.raises(InputError, match=r"cohorts\.mine\.normalisation: .* set normalisation\.step_hours to"):
            check()


def test_an_unknown_cohort_is_answered_with_the_known_ones(root: Path) -> None:
    with pytest.raises(
        InputError, match="no cohort 'icu'; it has: coswara, coswara_open, mimic3, mimic3_demo, pbcseq, physionet2012"
    ):
        check_cohort(root, "icu")


def test_set_changes_one_value_and_keeps_every_comment_and_the_other_cohort(root: Path) -> None:
    before = (root / "params.yaml").read_text().splitlines()
    set_params(root, "pbcseq", ["condensation.method=kmeans", "privacy.seed=3"])
    after = (root / "params.yaml").read_text().splitlines()
    assert params.block(root, "pbcseq")["condensation"]["method"] == "kmeans"
    assert params.block(root, "pbcseq")["privacy"] == {"seed": 3}
    assert len([line for line in before if "#" in line]) == len([line for line in after if "#" in line])
    untouched = before.index("  physionet2012:")
    assert before[untouched:] == after[after.index("  physionet2012:") :]


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("condensation.methode=kmeans", "not a known parameter"),
        ("method=kmeans", r"write SECTION\.KEY=VALUE"),
        ("condensing.method=kmeans", "no section 'condensing'"),
        ("condensation.method", r"write SECTION\.KEY=VALUE"),
        ("condensation.method=[", "not valid YAML"),
        ("condensation.method.name=kmeans", "holds a value, not a section"),
    ],
)
def test_a_wrong_set_is_refused_and_leaves_params_as_they_were(root: Path, assignment: str, message: str) -> None:
    before = (root / "params.yaml").read_bytes()
    with pytest.raises(InputError, match=message):
        set_params(root, "pbcseq", [assignment])
    assert (root / "params.yaml").read_bytes() == before
