"""Shadows: the same condensation of other subjects, by whichever engine, killed or not."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prefect import flow
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.shadows import compute_ahead, on_this_machine
from recondense.engines.dvc import Pipeline
from recondense.engines.runners import runner, threads_each
from recondense.errors import InputError
from recondense.privacy.shadows.canaries import among, of_shadow
from recondense.privacy.shadows.draw import condensing_seed, members
from recondense.privacy.shadows.sets import ShadowSets
from recondense.privacy.shadows.unit import unit
from recondense.privacy.shadows.work import Work
from recondense.records.cohort import Normalised
from recondense.stages.command import main
from recondense.stages.layout import Layout
from tasks.shadows import shadows
from tests.support.paths import REPO
from tests.support.project import QUICK, Project, make_project

LEARNED: dict[str, Any] = {
    "method": "distribution_matching",
    "records_per_class": 2,
    "steps": 3,
    "options": {"distribution_matching": {"initialisation": "random_records"}},
}


def cohort(n: int = 90) -> Normalised:
    """Three splits by turns, a class of one in three, and the last five of unknown outcome."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((n, 4, 3)).astype(np.float32)
    labels = (rng.random(n) < 1 / 3).astype(np.float32)
    labels[-5:] = np.nan
    return Normalised(values, np.ones(values.shape, bool), labels, (np.arange(n) % 3).astype(np.uint8))


def project(root: Path, condensation: dict[str, Any] | None = None, **params: Any) -> Layout:
    root.mkdir(exist_ok=True)
    (root / "dvc.yaml").touch()
    sections = {"condensation": condensation or {"method": "group_means", "records_per_class": 2}, "shadows": params}
    (root / "params.yaml").write_text(json.dumps({"cohorts": {"tiny": sections}}))
    layout = Layout(root, "tiny")
    if not layout.folder("normalisation").exists():
        layout.folder("normalisation").mkdir(parents=True)
        cohort().save(layout.folder("normalisation") / "normalised.safetensors")
    return layout


def made(layout: Layout) -> ShadowSets:
    return ShadowSets.load(layout.folder("shadows") / "shadows.safetensors")


def test_shadows_are_as_the_train_split_is_and_drawn_from_all_who_have_an_outcome(tmp_path: Path) -> None:
    layout = project(tmp_path, count=12)
    metrics, records = shadows(layout), cohort().labelled()
    found, train = made(layout), records.part("train").labels
    assert found.values.shape == (12, 4, 4, 3) and found.labels.shape == (12, 4)
    assert found.members.shape == (12, 85) and found.members.dtype == np.bool_
    for outcome in (0, 1):
        assert set(found.members[:, records.labels == outcome].sum(axis=1)) == {(train == outcome).sum()}
    shares = [found.members[:, records.split == split].mean() for split in range(3)]
    assert np.ptp(shares) < 0.15, "each split is in them as often as the others"
    assert len(np.unique(found.members, axis=0)) == 12
    assert (metrics["count"], metrics["subjects"], metrics["members"]) == (12, 85, len(train))
    assert metrics["tier"] == "restricted" and metrics["method"] == "group_means"


@pytest.mark.parametrize("planted", [0, 3])
def test_a_shadow_is_the_condensation_of_its_members_and_of_canaries_of_its_own(tmp_path: Path, planted: int) -> None:
    layout = project(tmp_path, {"method": "group_means", "records_per_class": 1}, count=3, canaries=planted)
    assert shadows(layout)["canaries"] == planted
    found, records = made(layout), cohort().labelled()
    for index, (values, inside) in enumerate(zip(found.values, found.members, strict=True)):
        shown = among(records.only(inside), of_shadow(records.part("train"), planted, index, seed=0)[0])
        for outcome in (0, 1):
            mean = shown.values[shown.labels == outcome].mean(axis=0)
            np.testing.assert_allclose(values[outcome], mean, atol=1e-6)


def test_who_is_in_a_shadow_hangs_on_its_number_and_the_seed_alone() -> None:
    labels = (np.arange(60) % 3 == 0).astype(float)
    one = members(labels, [20, 10], 3, seed=0)
    assert (one == members(labels, [20, 10], 3, seed=0)).all()
    assert (one != members(labels, [20, 10], 4, seed=0)).any() and (one != members(labels, [20, 10], 3, seed=1)).any()
    assert len({condensing_seed(index, seed) for index in range(50) for seed in range(3)}) == 150


def test_none_asked_for_is_an_empty_file_of_the_right_shape(tmp_path: Path) -> None:
    layout = project(tmp_path, count=0)
    assert shadows(layout)["count"] == 0
    assert made(layout).values.shape == (0, 4, 4, 3) and made(layout).members.shape == (0, 85)
    assert len(made(layout)) == 0 == len(made(layout).sets())


def test_steps_are_the_releases_own_unless_fewer_are_asked_for(tmp_path: Path) -> None:
    taken = [shadows(project(tmp_path, LEARNED, count=1, **asked)) for asked in ({}, {"steps": 2})]
    assert [(metrics["steps"], metrics["release_steps"]) for metrics in taken] == [(3, 3), (2, 3)]
    assert Work.now(project(tmp_path, {"method": "distribution_matching"})).release_steps == 300
    assert Work.now(project(tmp_path)).release_steps == 0


def test_a_shadow_that_is_there_is_used_and_removed_and_one_of_other_params_is_not(tmp_path: Path) -> None:
    layout = project(tmp_path, count=3)
    unit(layout, 1)
    unit(layout, 1)  # finds it
    planted = Work.now(layout).kept(1)
    assert planted
    planted["values"] = np.full_like(planted["values"], 7)
    Work.now(layout).keep(1, planted)
    (waits,) = (tmp_path / ".recondense/shadows/tiny").iterdir()
    waits.with_name(f".{waits.name}.123").write_bytes(b"half")  # of a unit that was killed while it wrote
    assert Work.now(layout).missing() == [0, 2]
    shadows(layout)
    assert [(values == 7).all() for values in made(layout).values] == [False, True, False]
    assert not list((tmp_path / ".recondense").rglob("*.safetensors*")), "records do not stay behind"
    Work.now(layout).keep(1, planted)
    other = project(tmp_path, count=3, seed=1)
    assert Work.now(other).missing() == [0, 1, 2]
    shadows(other)
    assert not (made(other).values == 7).all(axis=(1, 2, 3)).any()
    assert not list((tmp_path / ".recondense").rglob("*.safetensors*")), "nor those of params that nobody asks for"


def test_a_shadow_whose_file_was_changed_is_computed_again(tmp_path: Path) -> None:
    layout = project(tmp_path, count=2)
    for index in range(2):
        unit(layout, index)
    one, other = sorted((tmp_path / ".recondense/shadows/tiny").iterdir())
    assert one.stat().st_mode & 0o777 == 0o600, "it holds records"
    content = bytearray(one.read_bytes())
    content[-1] ^= 1
    one.write_bytes(content)
    assert len(Work.now(layout).missing()) == 1 and not one.exists() and other.exists()
    shadows(layout)
    assert (made(layout).values == made_afresh(tmp_path / "afresh")).all()


def made_afresh(root: Path) -> Any:
    layout = project(root, count=2)
    shadows(layout)
    return made(layout).values


def test_what_a_shadow_does_not_depend_on_keeps_those_that_are_there(tmp_path: Path) -> None:
    def key(condensation: dict[str, Any], **params: Any) -> str:
        return Work.now(project(tmp_path, condensation, **params)).key

    before = key(LEARNED, count=3)
    assert key({**LEARNED, "seed": 5}, count=3) == key(LEARNED, count=9) == before
    assert before not in (key({**LEARNED, "steps": 4}, count=3), key(LEARNED, count=3, steps=2))
    assert key({**LEARNED, "records_per_class": 3}, count=3) != before
    records = cohort()
    records.values[0, 0, 0] += 1
    records.save(Layout(tmp_path, "tiny").folder("normalisation") / "normalised.safetensors")
    assert key(LEARNED, count=3) != before


@pytest.mark.slow
def test_a_killed_run_goes_on_with_what_is_missing_and_ends_as_if_never_killed(tmp_path: Path) -> None:
    asked = {**LEARNED, "steps": 40}
    layout, whole = project(tmp_path / "killed", asked, count=3), project(tmp_path / "whole", asked, count=3)
    path = os.pathsep.join(filter(None, [str(REPO), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-m", "tasks", "shadows", "tiny"], cwd=layout.root, env={**os.environ, "PYTHONPATH": path}
    )
    while Work.now(layout).kept(0) is None:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert Work.now(layout).missing() and not layout.folder("shadows").exists()
    written = Work.now(layout).kept(0)
    unit(layout, 0)
    again = Work.now(layout).kept(0)
    assert written and again and written["seconds"] == again["seconds"], "it was found, not computed again"
    shadows(layout)
    shadows(whole)
    same = (tmp / "shadows.safetensors" for tmp in (layout.folder("shadows"), whole.folder("shadows")))
    assert len({path.read_bytes() for path in same}) == 1


def test_records_that_change_under_a_shadow_are_not_mixed_with_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = project(tmp_path, count=1)
    load = Normalised.load

    def load_and_edit(path: Path) -> Normalised:
        records = load(path)
        records.values[0] += 1
        records.save(path)
        return records

    monkeypatch.setattr(Normalised, "load", load_and_edit)
    with pytest.raises(InputError, match="changed while"):
        unit(layout, 0)
    with pytest.raises(InputError, match="changed while"):
        shadows(layout)
    assert not layout.folder("shadows").exists()


@pytest.mark.parametrize("arguments", [["shadows", "tiny", "one"], ["privacy", "tiny", "1"], ["shadows"]])
def test_wrong_use_of_a_unit_is_answered_with_the_usage(arguments: list[str], capsys: Any) -> None:
    assert main(arguments) == 2
    assert "python -m tasks {shadows} COHORT UNIT" in capsys.readouterr().err


def test_a_shadow_that_nobody_asked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no shadow 3: shadows\.count of tiny is 3"):
        unit(project(tmp_path, count=3), 3)


@dataclass
class Engines:
    """A project whose shadows `dvc repro` has made, and what it made."""

    project: Project
    api: str
    made: bytes

    @property
    def file(self) -> Path:
        return self.project.root / "data/5_shadows/alpha/shadows.safetensors"

    def remake(self, monkeypatch: pytest.MonkeyPatch, task_runner: Any, environment: dict[str, str] | None) -> None:
        """As the flow makes them: tasks first, then the stage."""
        self.file.unlink()

        @flow(task_runner=task_runner)
        def ahead() -> list[int]:
            pipeline = Pipeline(self.project.root, "alpha")
            assert pipeline.key("shadows@alpha") is None
            compute_ahead(pipeline, environment)
            missing = Work.now(Layout(self.project.root, "alpha")).missing()
            pipeline.run("shadows@alpha")
            return missing

        for name, value in self.project.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(self.project.root)
        with temporary_settings({PREFECT_API_URL: self.api}):
            assert ahead() == [], "the tasks left nothing for the stage to compute"


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Engines:
    cohort = {**QUICK, "shadows": {"count": 3}}
    project = make_project(tmp_path_factory.mktemp("shadows"), {"alpha": cohort})
    project.call("dvc", "repro", "-q", "shadows@alpha")
    file = project.root / "data/5_shadows/alpha/shadows.safetensors"
    return Engines(project, f"{prefect_server}/api", file.read_bytes())


def test_tasks_on_threads_and_dvc_repro_make_the_same_bytes(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    engines.remake(monkeypatch, on_this_machine(), None)
    assert engines.file.read_bytes() == engines.made
    assert engines.project.status("shadows@alpha") == {}
    assert not list((engines.project.root / ".recondense").rglob("*.safetensors"))


def test_where_fewer_cores_may_be_used_fewer_threads_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # as a container's quota would
    assert threads_each(1) == {"OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_dask_makes_the_same_bytes(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    task_runner, environment = runner("local", 2)
    with temporary_settings({PREFECT_API_URL: engines.api}):
        engines.remake(monkeypatch, task_runner, environment)
    assert engines.file.read_bytes() == engines.made
