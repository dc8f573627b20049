"""A refusal shows what the set is worth, every reason, and what to change; few steps are told."""

import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from recondense.bundle.covered import covered
from recondense.bundle.gate import CONDITIONS, check
from recondense.bundle.params import Params as Release
from recondense.bundle.phrases import notices
from recondense.bundle.refused import epsilon, forget, keep, kept, to_change, worth
from recondense.bundle.sentences import CHANGES, WORDS
from recondense.cli.console import refused as show_refused
from recondense.cohorts.params import Params as Ingestion
from recondense.condensation.condense import asked_steps
from recondense.condensation.params import Params as Condensation
from recondense.engines import artifacts
from recondense.errors import Refusal
from recondense.escape import markdown
from recondense.models.predictions import TRAINING_SETS
from recondense.privacy.params import Params as Privacy
from recondense.privacy.shadows.params import Params as Shadows
from recondense.results.public import Public
from recondense.stages.layout import Layout
from recondense.terminal import Terminal
from tasks.release import release
from tests.support.results import GUARANTEE, public

SECTIONS: dict[str, type[BaseModel]] = {
    "condensation": Condensation, "ingestion": Ingestion, "privacy": Privacy, "release": Release, "shadows": Shadows,
}  # fmt: skip


def a_refusal(*changes: tuple[str, Any]) -> Public:
    """Figures that the gate refuses for three reasons, and for what ``changes`` make of them."""
    figures = public(
        ("test_auc.condensed.low", 0.49), ("condensed.copied_records", 2), ("condensed.records_per_class", [2, 11]),
        *changes,
    )  # fmt: skip
    return figures.model_copy(update={"gate": tuple(check(figures, Release()))})


def test_every_condition_of_the_gate_says_what_to_change_by_params_that_there_are() -> None:
    conditions = {condition.__name__ for some in CONDITIONS.values() for condition in some}
    assert set(CHANGES) == set(WORDS) == conditions
    for change in CHANGES.values():
        for name, key in re.findall(r"\b(condensation|ingestion|privacy|release|shadows)\.(\w+)", change):
            assert key in SECTIONS[name].model_fields, change


def test_the_terminal_shows_aucs_every_reason_and_what_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr("recondense.cli.console._err", Terminal(file=said, width=250))
    figures = a_refusal()
    show_refused(Layout(Path(), "icu"), figures)
    text = said.getvalue()
    for name in figures.test_auc:
        assert TRAINING_SETS[name] in text
    assert "0.800 (0.490 to 0.900)" in text
    for reason in ("lower bound", "0.490", "above 0.5", "release.min_test_auc", "real patient's record",
                   "no param allows this", "lower condensation.records_per_class"):  # fmt: skip
        assert reason in text, reason
    assert "epsilon" not in text


def test_the_page_of_a_refusal_in_prefect_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(artifacts, "create_markdown_artifact", lambda text, **_: made.append(text))
    figures = a_refusal()
    artifacts.of_refusal("icu", figures, [])
    for row in (*worth(figures), *to_change(figures)):
        for cell in row:
            assert markdown(cell) in made[0]
    assert len(to_change(figures)) == 3


def test_with_a_guarantee_a_refusal_shows_epsilon_and_no_figure_that_it_covers() -> None:
    figures = covered(a_refusal(("privacy.guarantee", GUARANTEE.model_dump(mode="json"))))
    assert [words for words, _ in worth(figures)] == [TRAINING_SETS["condensed"]]
    assert epsilon(figures) == [f"Differential privacy: epsilon {GUARANTEE.epsilon:g} at delta 1e-05."]


def test_the_figures_of_a_refused_candidate_are_kept_until_another_is_judged(tmp_path: Path) -> None:
    layout = Layout(tmp_path, "icu")
    assert kept(layout) is None
    keep(layout, a_refusal())
    assert kept(layout) == a_refusal()
    forget(layout)
    assert kept(layout) is None


def test_a_stage_that_refuses_leaves_the_figures_and_one_that_passes_takes_them_away(
    small: Layout, tmp_path: Path
) -> None:
    shutil.copytree(small.root, tmp_path / "project")
    layout = Layout(tmp_path / "project", small.cohort)
    params = layout.root / "params.yaml"
    before = params.read_text()
    params.write_text(before.replace('"min_test_auc": 0', '"min_test_auc": 0.999'))
    with pytest.raises(Refusal):
        release(layout)
    found = kept(layout)
    assert found
    asked = {name for name, *_ in to_change(found)}
    assert asked == {WORDS["test_auc_low"][0], WORDS["test_auc_low_of_tries"][0]}
    params.write_text(before)
    release(layout)
    assert kept(layout) is None


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"method": "unrolled", "steps": 60}, "took 60 steps; by default unrolled takes 400"),
        ({"method": "distribution_matching", "steps": 9}, "took 9 steps; by default distribution matching takes 300"),
        ({"method": "unrolled"}, ""),
        ({"method": "unrolled", "steps": 400}, ""),
        ({"method": "unrolled", "steps": 4000}, ""),
        ({"method": "kmeans", "steps": 1}, ""),  # which has none
    ],
)
def test_fewer_steps_than_by_default_are_told_on_the_first_page(params: dict[str, Any], told: str) -> None:
    figures = public(("condensed.method", params["method"]), ("condensed.steps", asked_steps(Condensation(**params))))
    said = [notice for notice in notices(figures) if "steps" in notice]
    assert len(said) == bool(told) and all(told in notice for notice in said)
