"""The commands a person types, on a project that has been run."""

import json
import sqlite3
import subprocess
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML
from safetensors.numpy import load_file

from recondense.stages.params import read
from tests.support.paths import REPO
from tests.support.project import QUICK, SENTINELS, STAGES, Project, add_cohort
from tests.support.services import PREFECT_LOGIN

BUNDLE = "data/7_released/alpha/candidate"


def test_run_ends_with_what_the_bundle_is_worth_and_where_it_is(house: Project) -> None:
    ledger = (house.root / "data/ledger/alpha.jsonl").read_bytes()
    said = house.call("recondense.cli", "run", "alpha")
    for words in (
        "condensed records",
        "all real records",
        "random real records",
        "k-means centroids",
        "95 % interval",
        "nearest record",
        BUNDLE,
    ):
        assert words in said.stdout
    assert said.stderr.count("Cached") == 8
    assert (house.root / "data/ledger/alpha.jsonl").read_bytes() == ledger, "nothing ran, so nothing is to be told"


def test_the_fixed_places_hold_what_other_tools_read_there(house: Project) -> None:
    trained = json.loads((house.root / "data/5_trained/alpha/metrics.json").read_text())
    for training_set in ("condensed", "all_real", "random_records", "kmeans"):
        found = trained["test_auc"][training_set]
        assert found["low"] <= found["mean"] <= found["high"]
        assert set(found["by_network"]) == {"tcn_beta"}
    assert json.loads((house.root / "data/4_condensed/alpha/metrics.json").read_text())["seconds"] > 0
    condensed = load_file(house.root / "data/4_condensed/alpha/condensed.safetensors")
    asked_for = 2 * read(house.root)["alpha"]["condensation"]["records_per_class"]
    assert condensed["values"].shape[0] == condensed["labels"].shape[0] == asked_for
    assert "attacks" in json.loads((house.root / "data/6_audited/alpha/metrics.json").read_text())


def test_no_record_leaves_the_restricted_folders(house: Project, tmp_path: Path) -> None:
    patient = pd.read_parquet(house.root / "data/2_ingested/alpha/subjects.parquet")
    assert SENTINELS[0] in set(patient["subject_id"]), (
        "the sentinel is in the cohort, so that its absence means something"
    )
    events = pd.read_parquet(house.root / "data/2_ingested/alpha/events.parquet")
    assert np.isclose(events["value"], float(SENTINELS[1])).any()
    places = [
        house.root / "mlflow.db",
        house.root / "mlruns",
        house.root / ".recondense",
        house.root / "data/6_audited",
        house.root / "data/7_released",
        house.root / "data/ledger",
        house.root / "dvc.lock",
    ]
    files = [f for place in places for f in ([place] if place.is_file() else place.rglob("*")) if f.is_file()]
    assert len(files) > 10
    for file in files:
        content = file.read_bytes()
        assert not [sentinel for sentinel in SENTINELS if sentinel.encode() in content], file
        assert np.float64(SENTINELS[1]).tobytes() not in content, file


def test_cohorts_and_releases_list_what_there_is(house: Project) -> None:
    add_cohort(house.root, "beta", QUICK)
    rows = json.loads(house.call("recondense.cli", "cohorts", "--json").stdout)
    assert [(row["cohort"], row["raw found"], row["reached"]) for row in rows] == [
        ("alpha", "yes", "release"), ("beta", "yes", None)]  # fmt: skip
    bundles = json.loads(house.call("recondense.cli", "releases", "alpha", "--json").stdout)
    assert [bundle["bundle"] for bundle in bundles] == [BUNDLE]
    assert house.call("recondense.cli", "releases", "nobody", check=False).returncode == 1


def test_verify_accepts_the_bundle_and_says_which_file_was_touched(house: Project, tmp_path: Path) -> None:
    said = house.call("recondense.cli", "verify", BUNDLE).stdout.splitlines()
    assert "consistent; nobody's signature was checked" in said[-1]
    subprocess.run(["cp", "-r", house.root / BUNDLE, tmp_path / "copy"], check=True)
    with (tmp_path / "copy/condensed.parquet").open("ab") as file:
        file.write(b"x")
    found = house.call("recondense.cli", "verify", str(tmp_path / "copy"), check=False)
    assert found.returncode == 1
    assert "FAIL condensed.parquet" in found.stdout


def test_audit_shows_what_every_stage_read_and_wrote_and_finds_what_was_touched_since(house: Project) -> None:
    said = json.loads(house.call("recondense.cli", "ledger", "alpha", "--json").stdout)
    assert said["holds"], said["checks"]
    told = {entry["details"]["stage"]: entry for entry in said["entries"] if "stage" in entry["details"]}
    assert set(told) == set(STAGES)
    locked = YAML(typ="safe").load(house.root / "dvc.lock")["stages"]
    for stage, entry in told.items():
        details = entry["details"]
        assert details["inputs"] == {dep["path"]: dep["md5"] for dep in locked[f"{stage}@alpha"]["deps"]}
        assert details["outputs"] == {out["path"]: out["md5"] for out in locked[f"{stage}@alpha"]["outs"]}
        assert details["seconds"] > 0
        assert details["mlflow_run"] and details["prefect_flow_run"]
        assert details["privacy"] == {"epsilon": None, "delta": None, "cumulative_epsilon": None}
    recipe = house.root / "data/7_released/alpha/candidate/recipe.json"
    recipe.write_bytes(recipe.read_bytes() + b" ")
    found = house.call("recondense.cli", "ledger", "alpha", check=False)
    assert found.returncode == 1
    assert "changed or lost: recipe.json" in found.stdout


def test_trace_names_the_candidate_a_file_is_from_and_nothing_for_a_changed_one(house: Project, tmp_path: Path) -> None:
    stray = tmp_path / "stray.safetensors"
    stray.write_bytes((house.root / "data/7_released/alpha/candidate/condensed.safetensors").read_bytes())
    found = json.loads(house.call("recondense.cli", "trace", str(stray), "--json").stdout)["matches"]
    assert ("alpha", "candidate") in [(match["cohort"], match["version"]) for match in found]
    stray.write_bytes(stray.read_bytes() + b" ")
    none = house.call("recondense.cli", "trace", str(stray), check=False)
    assert (none.returncode, none.stdout) == (1, "no release has this file\n")


def test_a_refusal_is_told_in_the_ledger_with_its_reasons_and_ends_the_run(house: Project) -> None:
    refused = house.call("recondense.cli", "run", "alpha", "--set", "release.min_test_auc=0.999", check=False)
    assert refused.returncode == 3
    assert "the gate refuses this release" in refused.stderr
    last = json.loads((house.root / "data/ledger/alpha.jsonl").read_text().splitlines()[-1])
    assert last["event"] == "gate refused"
    auc, of_tries = last["details"]["reasons"]  # the bound, and that by the gate's own resamples
    assert auc.startswith("test AUC") and of_tries.startswith("the same bound for all sets tried")
    assert auc in refused.stderr and of_tries in refused.stderr
    assert last["details"]["inputs"]["data/4_condensed/alpha/condensed.safetensors"]


def test_transform_puts_records_exactly_where_the_pipeline_put_them(house: Project, tmp_path: Path) -> None:
    out = tmp_path / "new.safetensors"
    house.call(
        "recondense.cli", "transform", BUNDLE, "--cohort", "alpha", "--raw", "data/1_raw/pbcseq", "--out", str(out)
    )
    new = load_file(out)
    ids = pd.read_parquet(house.root / "data/2_ingested/alpha/subjects.parquet")["subject_id"].astype("int64")
    rows = pd.Index(new["subject_ids"]).get_indexer(ids)
    known = load_file(house.root / "data/3_normalised/alpha/normalised.safetensors")
    np.testing.assert_array_equal(new["values"][rows], known["values"])
    np.testing.assert_array_equal(new["labels"][rows], known["labels"])
    assert np.isnan(new["labels"]).sum() == len(new["labels"]) - len(ids), (
        "censored patients come along, without a label"
    )


def test_transform_needs_no_project_and_no_outcomes(house: Project, tmp_path: Path) -> None:
    raw = tmp_path / "mine"
    raw.mkdir()
    visits = pd.read_csv(house.root / "data/1_raw/pbcseq/pbcseq.csv", dtype=str).drop(columns=["futime", "status"])
    visits.head(40).to_csv(raw / "pbcseq.csv", index=False)
    stranger = Project(tmp_path, {"PYTHONPATH": str(REPO)})
    bundle = str(house.root / BUNDLE)
    stranger.call(
        "recondense.cli", "transform", bundle, "--cohort", "alpha", "--raw", str(raw), "--out", "new.safetensors"
    )
    new = load_file(tmp_path / "new.safetensors")
    assert "labels" not in new
    assert np.isfinite(new["values"]).all()
    refused = stranger.call(
        "recondense.cli", "transform", bundle, "--cohort", "other", "--raw", str(raw), "--out", "x", check=False
    )
    assert refused.returncode == 1
    assert "alpha" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nobody"], "no cohort 'nobody'"),
        (["run", "a/b"], "'a/b' cannot name a cohort"),
        (["run", "alpha", "--set", "condensation.speed=9"], "condensation.speed is not a known parameter"),
        (["run", "alpha", "--set", "condensation.records_per_class=70"], "ask for at most"),  # found by the stage
        (["verify", "data"], "holds no manifest.json"),
    ],
)
def test_a_mistake_ends_with_one_readable_message(house: Project, arguments: list[str], message: str) -> None:
    failed = house.call("recondense.cli", *arguments, check=False)
    assert failed.returncode == 1
    assert " ".join(failed.stderr.split()).count(message) == 1
    assert "Traceback" not in failed.stderr


def test_mlflow_holds_figures_and_curves(house: Project) -> None:
    with sqlite3.connect(house.root / "mlflow.db") as database:
        curves = database.execute("select count(distinct key) from metrics where key like 'curve.%auc'").fetchone()[0]
    assert curves >= 4
    assert len(list((house.root / "mlruns").rglob("test_auc.png"))) >= 2


def test_mlflow_knows_the_code_and_by_dvcs_hash_the_data_of_a_run(house: Project) -> None:
    locked = YAML(typ="safe").load(house.root / "dvc.lock")["stages"]["training@alpha"]["deps"]
    hashes = {Path(dep["path"]).name: dep["md5"] for dep in locked}
    with sqlite3.connect(house.root / "mlflow.db") as database:
        (run,) = database.execute(
            "select run_uuid from runs where name = 'recondense alpha' order by start_time"
        ).fetchone()
        tags = dict(database.execute("select key, value from tags where run_uuid = ?", (run,)).fetchall())
        read = database.execute(
            "select d.name, d.digest, d.dataset_schema, d.dataset_profile from inputs i join datasets d "
            "on d.dataset_uuid = i.source_id where i.destination_id = ?", (run,)).fetchall()  # fmt: skip
        (folder,) = database.execute("select artifact_uri from runs where run_uuid = ?", (run,)).fetchone()
    assert tags["cohort"] == "alpha" and tags["method"] == "group_means" and tags["version"] == "candidate"
    commit = subprocess.run(
        ["git", "cat-file", "-t", tags["git_commit"]], cwd=house.root, capture_output=True, text=True
    )
    assert commit.stdout.strip() == "commit" and tags["mlflow.source.git.commit"] == tags["git_commit"]
    digests = {name: digest for name, digest, *_ in read}
    assert digests["alpha: normalised records"] == hashes["normalised.safetensors"]
    assert digests["alpha: condensed set"] == hashes["condensed.safetensors"]
    assert digests["alpha: raw records"].endswith(".dir")
    assert all(schema is None and profile is None for *_, schema, profile in read), "nothing of records but their hash"
    figures = {path.name for path in Path(folder.removeprefix("file://")).iterdir()}
    assert {"test_auc.png", "convergence.png", "attacks.png", "report.html"} <= figures


def test_prefects_pages_tell_what_a_run_came_to_and_lead_to_mlflow(house: Project) -> None:
    def versions(key: str) -> list[str]:
        query = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC"}
        address = f"{house.environment['PREFECT_API_URL']}/artifacts/filter"
        answer = httpx.post(address, json=query, auth=httpx.BasicAuth(*PREFECT_LOGIN.split(":")), timeout=30)
        return [str(artifact["data"]) for artifact in answer.raise_for_status().json()]

    def told(key: str, *words: str) -> bool:
        return any(all(word in text for word in words) for text in versions(key))

    metrics = json.loads((house.root / "data/7_released/alpha/candidate/metrics.json").read_text())
    reached = f"{metrics['test_auc']['condensed']['mean']:.3f}"
    assert told("alpha-run", "a release candidate", reached, BUNDLE)
    assert told("alpha-training", reached, "tcn beta")
    assert told("alpha-privacy", "nearest record", "verdict")
    assert told("alpha-ingestion", '"kept"') and told("alpha-release", "required")
    assert told("alpha-mlflow", "/#/experiments/", "/runs/")


def test_compare_draws_what_was_run(house: Project) -> None:
    found = json.loads(house.call("recondense.cli", "compare", "alpha", "--json").stdout)
    metrics = json.loads((house.root / "data/7_released/alpha/candidate/metrics.json").read_text())
    best = found["candidates"][-1]
    aucs = {name: attack["auc"] for name, attack in metrics["privacy"]["attacks"].items() if "auc" in attack}
    assert best["method"] == "group_means" and best["attack"]["name"] == max(aucs, key=lambda name: aucs[name])
    assert best["auc"]["mean"] == metrics["test_auc"]["condensed"]["mean"]
    assert best["networks"] == {"tcn_beta": metrics["test_auc"]["condensed"]["by_network"]["tcn_beta"]["mean"]}
    assert len(best["data"]) == 32 and best["all_real"]["mean"] > 0.5
    page = Path(found["page"])
    assert page == house.root / ".recondense/comparisons/alpha.html" and page.with_suffix(".png").exists()
    said = house.call("recondense.cli", "compare", "alpha").stdout
    assert "alpha.html" in said and {"(passed", "gate)"} <= set(said.split())
