"""A cohort of two planted classes, taken as far as condensation, with quick options for methods."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from recondense.condensation.methods import Request
from recondense.preprocessing.preprocessing import Feature, Preprocessing
from recondense.private.askings import unrecorded
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.stages.layout import Layout
from tests.support.project import QUICK_SEARCH

FAST: dict[str, dict[str, Any]] = {
    "private_statistics": {"drawn": 200, "condensing": {"networks": 1, "real_batch": 4, "inner_steps": [2, 3]}},
    "distribution_matching": {"networks": ["tcn_beta", "rnn_beta"]},
    "unrolled": {"networks": 1, "real_batch": 4, "inner_steps": [2, 3]},
}


def cohort(n: int = 60, seed: int = 0, distance: float = 2.0) -> Normalised:
    """Two Gaussian classes, ``distance`` standard deviations apart in each of 3 features at each of 4 steps."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 3 == 0).astype(np.float32)
    values = rng.standard_normal((n, 4, 3)) + distance * labels[:, None, None]
    split = np.where(np.arange(n) < n // 2, 0, np.where(np.arange(n) < 3 * n // 4, 1, 2))
    return Normalised(values.astype(np.float32), np.ones(values.shape, bool), labels, split.astype(np.uint8))


BEFORE = "ingestion: {split: {kind: hashed}}"


def project(root: Path, records: Normalised, scale: Literal["train", "public"] = "public", **params: Any) -> Layout:
    params = {"method": "distribution_matching", "recipe_search": QUICK_SEARCH, **params}
    (root / "dvc.yaml").touch()
    (root / "params.yaml").write_text(
        f"cohorts: {{tiny: {{{BEFORE}, condensation: {params!r}}}}}".replace("None", "null")
    )
    layout = Layout(root, "tiny")
    layout.folder("normalisation").mkdir(parents=True)
    records.save(layout.folder("normalisation") / "normalised.safetensors")
    features = tuple(Feature(name=str(place), source="count") for place in range(records.values.shape[2]))
    steps = records.values.shape[1]
    Preprocessing(step_hours=1, n_steps=steps, carry_forward=True, variables=(), features=features, scale=scale).save(
        layout.folder("normalisation") / "preprocessing.json"
    )
    return layout


def request(records_per_class: int = 4, steps: int = 3, seed: int = 0) -> Request:
    return Request(records_per_class, steps, seed, torch.device("cpu"), unrecorded(bytes(32)))


def condensed(layout: Layout) -> CondensedSet:
    return CondensedSet.load(layout.folder("condensation") / "condensed.safetensors")


def state_of_numpy() -> list[int]:
    """Where numpy's global generator stands."""
    state: dict[str, Any] = np.random.get_state(legacy=False)
    return [*state["state"]["key"].tolist(), state["state"]["pos"]]
