"""Methods and versions of a cohort side by side, from a real MLflow store."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from recondense.engines.datasets import inputs
from recondense.engines.mlflow import EXPERIMENT, client, tag
from recondense.errors import InputError
from recondense.publishing.compare import compare
from recondense.publishing.compare.candidates import Candidate, candidates, other_data
from recondense.publishing.compare.page import page
from recondense.results.releases import Strongest
from tests.support.browser import Page, check_page

NEW, OLD = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with cohort icu and a store of what three runs, one of them repeated, and a sweep came to."""
    root = tmp_path_factory.mktemp("project")
    (root / "dvc.yaml").touch()
    (root / "params.yaml").write_text(json.dumps({"cohorts": {"icu": {}, "empty": {}}}))
    (root / "mlflow.db").touch()
    store = Store(root)
    released = store.flow(auc=0.82, attack=0.51, data=NEW, method="unrolled")
    store.flow(auc=0.82, attack=0.51, data=NEW, method="unrolled")  # a later run that found everything current
    store.flow(auc=0.78, attack=0.61, data=OLD, method="kmeans", status="FAILED", gate_refused="an attack succeeded")
    store.flow(auc=0.8, attack=None, data=NEW, method="private_statistics", epsilon=3.0)
    tag(root, released, version="2026.11.1")
    for seed, auc in ((0, 0.7), (0, 0.74), (1, 0.78)):  # seed 0 was computed again
        store.cell("kmeans", 5, seed, auc)
    store.cell("unrolled", 5, 0, 0.81)
    return root


class Store:
    """Writes runs as `recondense.engines.mlflow` does."""

    def __init__(self, root: Path) -> None:
        self.client: Any = client(root)
        self.experiment = self.client.create_experiment(EXPERIMENT, artifact_location=(root / "mlruns").as_uri())
        self.sweep = self.run("sweep icu", {}, {}, {}, None)

    def run(
        self, name: str, tags: dict[str, str], metrics: dict[str, float], params: dict[str, Any], data: str | None,
        status: str = "FINISHED",
    ) -> str:  # fmt: skip
        run_id: str = self.client.create_run(self.experiment, run_name=name, tags=tags).info.run_id
        for key, value in metrics.items():
            self.client.log_metric(run_id, key, value)
        for key, value in params.items():
            self.client.log_param(run_id, key, value)
        if data:
            read = {"data/3_normalised/icu/normalised.safetensors": data, "tasks/common": "0"}
            self.client.log_inputs(run_id, inputs("icu", read, "training"))
        self.client.set_terminated(run_id, status)
        time.sleep(0.002)  # runs are told apart by when they began
        return run_id

    def flow(
        self, auc: float, attack: float | None, data: str, method: str, status: str = "FINISHED",
        epsilon: float | None = None, **tags: str,
    ) -> str:  # fmt: skip
        worth = "training.test_auc.condensed"
        metrics = {
            f"{worth}.mean": auc, f"{worth}.low": auc - 0.03, f"{worth}.high": auc + 0.03,
            f"{worth}.by_network.lstm_beta.mean": auc - 0.01, f"{worth}.by_network.lstm_beta.low": 0.1,
            "training.test_auc.all_real.mean": 0.85, "training.test_auc.all_real.low": 0.82,
            "training.test_auc.all_real.high": 0.88, "condensation.seconds": 120.0,
        }  # fmt: skip
        if attack:
            metrics |= {"privacy.attacks.loss.auc": 0.4, "privacy.attacks.rmia.auc": attack,
                        "privacy.attacks.rmia.low": attack - 0.01, "privacy.attacks.rmia.high": attack + 0.01,
                        "privacy.attacks.rmia.positive_control.auc": 0.99}  # fmt: skip
        if epsilon:
            metrics["condensation.guarantee.epsilon"] = epsilon
        params = {"condensation.method": method, "condensation.records_per_class": 10}
        return self.run("recondense icu", {"cohort": "icu", **tags}, metrics, params, data, status)

    def cell(self, method: str, size: int, seed: int, auc: float) -> None:
        worth = {"mean": auc, "low": auc - 0.04, "high": auc + 0.04}
        metrics = {f"test_auc.condensed.{key}": value for key, value in worth.items()}
        metrics |= {"by_network.tcn_beta": auc + 0.01, "seconds.condensation": 2.0 + seed}
        params = {"method": method, "records_per_class": size, "seed": seed}
        self.run(f"icu {method}", {"cohort": "icu", "mlflow.parentRunId": self.sweep}, metrics, params, NEW)


def test_releases_come_first_and_a_run_that_changed_nothing_is_no_second_one(project: Path) -> None:
    found = candidates(project, "icu", last=10)
    assert [(one.method, one.state) for one in found] == [
        ("unrolled", "released"), ("kmeans", "refused by the gate"), ("private_statistics", "passed the gate"),
        ("unrolled", "sweep"), ("kmeans", "sweep"),
    ]  # fmt: skip
    first, refused, private = found[:3]
    assert first.name == "2026.11.1" and first.label == "2026.11.1: unrolled, 10 a class"
    assert first.attack == Strongest(name="rmia", auc=0.51, low=0.5, high=0.52), "controls are no attacks"
    assert first.networks == {"lstm_beta": pytest.approx(0.81)} and first.data == NEW
    assert private.epsilon == 3 and private.attack is None and first.epsilon is None
    assert refused.data == OLD and other_data(found)


def test_of_a_sweep_seeds_are_put_together_and_what_was_computed_again_counts_once(project: Path) -> None:
    kmeans = candidates(project, "icu", last=0)[-1]
    assert kmeans.aucs == (0.74, 0.78) and kmeans.auc["mean"] == pytest.approx(0.76)
    assert kmeans.auc["low"] == pytest.approx(0.72) and kmeans.seconds == pytest.approx(2.5)
    assert kmeans.networks == {"tcn_beta": pytest.approx(0.77)}


def test_as_many_unreleased_runs_are_shown_as_asked_for_and_every_release(project: Path) -> None:
    assert [one.state for one in candidates(project, "icu", last=0)] == ["released", "sweep", "sweep"]
    assert [one.method for one in candidates(project, "icu", last=1)][1] == "private_statistics"


def test_what_was_never_run_is_said_and_no_store_is_made(project: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finished run of empty"):
        candidates(project, "empty", last=10)
    (tmp_path / "params.yaml").write_text('{"cohorts": {"icu": {}}}')
    with pytest.raises(InputError, match="recondense run"):
        candidates(tmp_path, "icu", last=10)
    assert not (tmp_path / "mlflow.db").exists()


def test_a_version_is_not_noted_where_the_run_is_unknown_and_that_stops_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tag(project, "0" * 32, version="2026.11.2")
    assert "has no run 0000" in capsys.readouterr().err


def test_page_and_picture_show_what_the_json_says_and_fetch_nothing(project: Path, tmp_path: Path) -> None:
    found = compare(project, "icu", last=10, out=tmp_path / "out")
    json.dumps(found)
    text = Path(found["page"]).read_text()
    parsed = Page(text)
    assert parsed.open == [] and parsed.all("script", "link", "img", "iframe") == []
    assert not re.search(r"url\(|@import|\son\w+=|javascript:|https?://", text)
    for said in ("2026.11.1: unrolled", "0.820 (0.790 to 0.850)", "rmia, AUC 0.510 (0.500 to 0.520)", "2 seeds",
                 OLD[:9], "not all made of", "AUC against time", "AUC against size"):  # fmt: skip
        assert said in text, said
    assert text.count("<svg") > 8 and "Undefined" not in text
    assert Path(found["picture"]).read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(("width", "dark"), [(400, True), (1600, False)])
def test_the_comparison_is_sound_in_a_browser(project: Path, tmp_path: Path, width: int, dark: bool) -> None:
    found = compare(project, "icu", last=10, out=tmp_path / "out")
    check_page(Path(found["page"]).read_text(), tmp_path, width, dark)


def test_a_page_of_one_run_without_attacks_networks_or_seconds_has_no_hole() -> None:
    score = {"mean": 0.7, "low": 0.6, "high": 0.8}
    nothing: dict[str, Any] = dict.fromkeys(("records_per_class", "seconds", "epsilon", "attack", "data"))
    alone = Candidate(
        name="run of <b>", state="did not end", method="kmeans", time="2026-11-26 12:00", auc=score, aucs=(0.7,),
        all_real={}, networks={}, **nothing,
    )  # fmt: skip
    text = page("icu", [alone], ["2026.10.1"])
    assert "run of &lt;b&gt;: kmeans" in text and "not attacked" in text and "2026.10.1" in text
    assert "By network" not in text and "What it takes" not in text and "None" not in text


def test_data_sets_name_records_and_hash_and_carry_neither_rows_nor_profile() -> None:
    read = {"data/1_raw/icu": f"{NEW}.dir", "data/3_normalised/icu/normalised.safetensors": OLD, "tasks/common": "00",
            "data/3_normalised/icu/preprocessing.json": "00"}  # fmt: skip
    found = inputs("icu", read, "normalisation")
    said = [(one.dataset.name, one.dataset.digest, json.loads(one.dataset.source)["path"]) for one in found]
    assert said == [
        ("icu: raw records", f"{NEW}.dir", "data/1_raw/icu"),
        ("icu: normalised records", OLD, "data/3_normalised/icu/normalised.safetensors"),
    ]
    assert all(one.dataset.schema is None and one.dataset.profile is None for one in found)
    assert len(f"{NEW}.dir") <= 36, "MLflow takes no longer digest"
