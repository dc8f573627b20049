"""A recipient's use: a bundle from one hospital's records scores another's (slow: `pytest -m slow`)."""

from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file

from recondense.models.fit import fit
from recondense.models.recipe import Recipes
from recondense.models.scores import single_auc
from tests.support.project import Project, make_project

NETWORKS = ["tcn_beta", "lstm_beta"]
FEW = {"networks": NETWORKS, "bootstrap": 100}
SEARCH = {"networks": NETWORKS, "noises": [0.5], "seeds": 1}


def only(name: str, physionet: Path, folder: Path) -> Path:
    """A raw folder with one set of the real files."""
    folder.mkdir()
    for file in (f"set-{name}.tar.gz", f"Outcomes-{name}.txt"):
        (folder / file).symlink_to(physionet / file)
    return folder


@pytest.fixture(scope="module")
def project(physionet: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has released 20 k-means centroids of set a."""
    raw = only("a", physionet, tmp_path_factory.mktemp("raw") / "a")
    cohort = {
        "ingestion": {"dataset": "physionet2012", "raw": str(raw),
                      "split": {"kind": "random", "seed": 0, "validation": 0.2, "test": 0.2}},
        "normalisation": {"step_hours": 1, "n_steps": 48},
        "reference": {**FEW, "steps": 60},
        "condensation": {"method": "kmeans", "records_per_class": 10, "recipe_search": SEARCH},
        "training": {**FEW, "baseline_search": SEARCH},
        "shadows": {"count": 0},
        "privacy": {},
        "release": {"allow_inconclusive": True, "allow_above_guessing": True},
    }  # fmt: skip
    project = make_project(tmp_path_factory.mktemp("set-a"), {"hospital_a": cohort})
    project.run("hospital_a")
    return project


@pytest.mark.slow
def test_a_model_trained_on_set_as_condensed_records_scores_set_b(
    project: Project, physionet: Path, tmp_path: Path
) -> None:
    bundle = project.root / "data/7_released/hospital_a/candidate"
    raw, out = only("b", physionet, tmp_path / "b"), tmp_path / "set-b.safetensors"
    project.call(
        "recondense.cli", "transform", str(bundle), "--cohort", "hospital_a", "--raw", str(raw), "--out", str(out)
    )
    condensed, new = load_file(bundle / "condensed.safetensors"), load_file(out)
    recipes = Recipes.load(bundle / "recipe.json")
    assert new["values"].shape == (4000, 48, 47)
    torch.set_num_threads(2)
    for network in ("tcn_beta", "lstm_beta"):
        predict = fit(network, condensed["values"], condensed["labels"], recipes.of(network), seed=0)
        reached = single_auc(new["labels"], predict(new["values"]))
        print(f"{network}, trained on 20 condensed records of set a: AUC {reached:.3f} on 4,000 patients of set b")
        assert reached > 0.68, "as-many random records reach .56 to .71"
