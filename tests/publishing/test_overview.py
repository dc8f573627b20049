"""What `cohorts` and `releases` say of a cohort agrees with what lies on disk, and so with each other."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from recondense.publishing.overview import cohort_rows, release_rows
from recondense.stages.layout import Layout
from tests.support.project import SMALL, commit_all, make_project


@pytest.fixture
def ran(tmp_path: Path, small: Layout) -> Layout:
    """A project whose cohort ``small`` has a candidate, under git as after a run."""
    project = make_project(tmp_path / "ran", {"small": SMALL})
    shutil.copytree(small.root / "data", project.root / "data", dirs_exist_ok=True)
    commit_all(project.root)
    return Layout(project.root, "small")


def said(layout: Layout) -> tuple[str | None, list[str]]:
    """How far `cohorts` says that the cohort has come, and the bundles that `releases` lists as being here."""
    rows = release_rows(layout.root, layout.cohort)
    return cohort_rows(layout.root)[0].reached, [row.version for row in rows if row.bundle]


def only_metrics(folder: Path) -> None:
    """As in a clone: git has the metrics, and DVC all else."""
    for path in folder.iterdir():
        if path.name != "metrics.json":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (folder / ".gitignore").write_text("/manifest.json\n")


@pytest.mark.parametrize(
    "harm",
    [
        shutil.rmtree,
        only_metrics,
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / "metrics.json").unlink(),
    ],
)
def test_a_candidate_that_is_not_whole_is_neither_reached_nor_listed(
    ran: Layout, harm: Callable[[Path], object]
) -> None:
    assert said(ran) == ("release", ["candidate"])
    harm(ran.folder("release"))
    assert said(ran) == ("privacy", [])


def test_a_clone_has_reached_nothing_by_the_metrics_that_git_keeps(ran: Layout) -> None:
    for stage in ("ingestion", "normalisation", "reference", "condensation", "shadows", "training", "privacy"):
        only_metrics(ran.folder(stage))
    only_metrics(ran.folder("release"))
    assert said(ran) == (None, [])
