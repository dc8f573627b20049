"""The condensation stage: whichever method, the same promises; and what distribution matching does in particular."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from recondense.condensation.methods import distribution_matching
from recondense.condensation.methods._learning import drawn, initial
from recondense.condensation.methods.distribution_matching import Options, represent
from recondense.condensation.params import METHODS, Params
from recondense.errors import InputError
from recondense.files.strict_json import read_json
from recondense.models.fit import build
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.stages import plugins
from recondense.stages.params import section
from tasks.condensation import condensation
from tests.support.condensing import BEFORE, FAST, cohort, condensed, project, request, state_of_numpy
from tests.support.paths import REPO


@pytest.mark.parametrize("method", plugins.names(METHODS))
def test_every_method_gives_the_records_asked_for_and_equal_bytes_for_equal_seeds(method: str) -> None:
    module, train = plugins.load(METHODS, method), cohort().part("train")
    before = torch.random.get_rng_state(), state_of_numpy()
    first, again, other = (module.condense(train, request(seed=seed), module.Options()) for seed in (1, 1, 2))
    assert first.condensed.values.shape == (8, 4, 3)
    assert first.condensed.values.dtype == first.condensed.labels.dtype == np.float32
    if not getattr(module, "SOFT_LABELS", False):
        assert first.condensed.labels.tolist() == [0] * 4 + [1] * 4
    assert first.condensed.values.tobytes() == again.condensed.values.tobytes()
    assert first.losses.tolist() == again.losses.tolist()
    assert first.condensed.values.tobytes() != other.condensed.values.tobytes()
    assert torch.equal(before[0], torch.random.get_rng_state()), "torch's global generator was moved"
    assert before[1] == state_of_numpy(), "numpy's global generator was moved"


UNMOVED = [name for name in plugins.names(METHODS) if not getattr(plugins.load(METHODS, name), "PRIVATE", False)]


@pytest.mark.parametrize("method", UNMOVED)  # noise must not tell whose records changed: tests/private/test_askings.py
def test_no_method_without_noise_is_moved_by_records_outside_the_train_split(method: str, tmp_path: Path) -> None:
    results = []
    for number, outside in enumerate((0.0, 100.0)):
        records = cohort()
        records.values[records.split != 0] += outside
        (tmp_path / str(number)).mkdir()
        layout = project(tmp_path / str(number), records, method=method, records_per_class=3, steps=2, options=FAST)
        condensation(layout)
        results.append(condensed(layout).values.tobytes())
    assert results[0] == results[1]


def test_random_records_are_train_records_of_their_class(tmp_path: Path) -> None:
    records = cohort()
    layout = project(tmp_path, records, method="random_records", records_per_class=5)
    condensation(layout)
    chosen, train = condensed(layout), records.part("train")
    found = [np.flatnonzero((train.values == record).all(axis=(1, 2))).tolist() for record in chosen.values]
    assert all(len(places) == 1 for places in found) and len({places[0] for places in found}) == 10
    assert [train.labels[places[0]] for places in found] == chosen.labels.tolist()


def test_the_stage_writes_the_set_its_history_and_what_was_asked_for(tmp_path: Path) -> None:
    layout = project(tmp_path, cohort(), records_per_class=2, steps=5, seed=7, device="cpu", options=FAST)
    condensation(layout)
    folder = layout.folder("condensation")
    assert sorted(path.name for path in folder.iterdir()) == [
        "condensed.safetensors",
        "history.parquet",
        "metrics.json",
        "recipe.json",
    ]
    history, metrics = pd.read_parquet(folder / "history.parquet"), read_json(folder / "metrics.json")
    assert history["step"].tolist() == [1, 2, 3, 4, 5]
    assert metrics["final_loss"] == history["loss"].iloc[-1]
    expected = {
        "method": "distribution_matching",
        "records": 4,
        "records_per_class": 2,
        "train_records": 30,
        "steps": 5,
        "seed": 7,
        "device": "cpu",
        "label_mean": 0.5,
        "tier": "restricted",
    }
    assert {key: metrics[key] for key in expected} == expected


def test_a_method_can_be_switched_while_options_of_another_stay(tmp_path: Path) -> None:
    layout = project(tmp_path, cohort(), method="group_means", records_per_class=2, steps=5, options=FAST)
    condensation(layout)
    metrics = read_json(layout.folder("condensation") / "metrics.json")
    assert (metrics["method"], metrics["steps"], metrics["final_loss"]) == ("group_means", 0, None)


def mismatch(records: CondensedSet, train: Normalised, options: Options) -> float:
    """The matching loss, averaged over networks that condensation did not see."""
    torch.manual_seed(12345)
    real, condensed = (
        [torch.as_tensor(group.values[group.labels == outcome]) for outcome in (0, 1)] for group in (train, records)
    )
    with torch.no_grad():
        return float(
            np.mean(
                [
                    distribution_matching.mismatch(build(name, 4, 3), real, condensed, options.representation).item()
                    for name in options.networks
                    for _ in range(30)
                ]
            )
        )


@pytest.mark.parametrize("initialisation", ["noise", "random_records", "kmeans"])
@pytest.mark.parametrize("representation", ["output", "features"])
def test_distribution_matching_lowers_its_loss(representation: str, initialisation: str) -> None:
    # Networks without dropout: its noise is most of the loss, once the records are close
    options = Options(
        representation=representation,
        initialisation=initialisation,
        learning_rate=0.01,
        networks=("rnn_beta", "lstm_beta"),
    )
    train = cohort(300, distance=3.0).part("train")
    start = initial(train, request(), options)
    result = distribution_matching.condense(train, request(steps=200), options).condensed
    assert mismatch(result, train, options) < 0.7 * mismatch(start, train, options)


def test_distribution_matching_moves_each_class_towards_its_real_mean() -> None:
    train = cohort(300, distance=3.0).part("train")
    options = Options(initialisation="noise", learning_rate=0.02, networks=("tcn_beta", "lstm_beta"))
    result = distribution_matching.condense(train, request(steps=200), options).condensed

    def distance(records: CondensedSet, outcome: int) -> float:
        means = [group.values[group.labels == outcome].mean(axis=0) for group in (records, train)]
        return float(np.linalg.norm(means[0] - means[1]))

    start = initial(train, request(), options)
    assert distance(result, 1) < 0.6 * distance(start, 1)
    assert distance(result, 1) < np.linalg.norm(
        result.values[result.labels == 1].mean(0) - train.values[train.labels == 0].mean(0)
    )


def test_the_published_loss_is_that_of_mean_risks_by_hand() -> None:
    class Sum(torch.nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values.sum(dim=(1, 2))

    def records(*logits: float) -> torch.Tensor:
        return torch.tensor(logits).reshape(-1, 1, 1)

    log3 = float(np.log(3))  # risks: 1/2 at 0, 3/4 at log 3, 1/4 at -log 3
    loss = distribution_matching.mismatch(
        Sum(), [records(0.0, log3), records(-log3)], [records(0.0), records(log3)], "output"
    )
    assert loss.item() == pytest.approx((5 / 8 - 1 / 2) ** 2 + (1 / 4 - 3 / 4) ** 2)


@pytest.mark.parametrize("network", Options().networks)
def test_features_are_what_the_head_turns_into_the_output(network: str) -> None:
    module = build(network, 4, 3).eval()
    records = torch.randn(5, 4, 3)
    features = represent(module, records, "features")
    head = [part for part in module.modules() if isinstance(part, torch.nn.Linear)][-1]
    assert features.shape[1] > 1
    assert torch.allclose(head(features).squeeze(1), module(records), atol=1e-6)


def test_a_step_draws_each_real_record_at_most_once() -> None:
    chosen = drawn(np.arange(100, 400), 256, np.random.default_rng(0))
    assert len(set(chosen.tolist())) == 256 and set(chosen.tolist()) <= set(range(100, 400))
    assert drawn(np.arange(7), 256, np.random.default_rng(0)).tolist() == list(range(7))


def test_a_diverging_run_stops_and_leaves_the_earlier_result(tmp_path: Path) -> None:
    layout = project(tmp_path, cohort(), records_per_class=2, steps=2, options=FAST)
    condensation(layout)
    before = condensed(layout).values.tobytes()
    wild = {"distribution_matching": {"networks": ["tcn_beta"], "learning_rate": 1e30}}
    (tmp_path / "params.yaml").write_text(
        f"cohorts: {{tiny: {{{BEFORE}, condensation: {{method: distribution_matching, steps: 20, "
        f"options: {wild!r}}}}}}}"
    )
    with pytest.raises(InputError, match="diverged at step"):
        condensation(layout)
    assert condensed(layout).values.tobytes() == before


def spoiled(**changes: Any) -> Normalised:
    records = cohort()
    for name, (place, value) in changes.items():
        getattr(records, name)[place] = value
    return records


@pytest.mark.parametrize(
    ("records", "params", "message"),
    [
        (cohort(), {"records_per_class": 11}, "only 10 records with outcome 1: ask for at most 10"),
        (spoiled(labels=(slice(None), 0)), {}, "30 records with outcome 0 and 0 with outcome 1"),
        (
            spoiled(values=((3, 1, 2), np.nan)),
            {},
            r"1 features hold values that are not finite \(the first is column 2\)",
        ),
        (
            cohort(),
            {"method": "nonesuch"},
            "no 'nonesuch' in recondense/condensation/methods; choose one of: dist",
        ),
        (cohort(), {"options": {"nonesuch": {}}}, "options: .*no 'nonesuch'"),
        (
            cohort(),
            {"options": {"kmeans": {"k": 3}}, "method": "kmeans"},
            "options.kmeans.k is not a known parameter",
        ),
        (
            cohort(),
            {"options": {"distribution_matching": {"networks": ["resnet"]}}},
            "no 'resnet' in recondense/models/networks",
        ),
        (cohort(), {"options": {"distribution_matching": {"networks": ["boosted_trees"]}}}, "not a network"),
        (cohort(), {"options": {"distribution_matching": {"networks": []}}}, "networks: .*at least 1"),
        (cohort(), {"steps": 0}, "steps: .*greater than or equal to 1"),
        (cohort(), {"records_per_class": 0}, "records_per_class: .*greater than or equal to 1"),
    ],
)
def test_what_cannot_work_is_said_before_any_work(
    records: Normalised, params: dict[str, Any], message: str, tmp_path: Path
) -> None:
    layout = project(tmp_path, records, **params)
    with pytest.raises(InputError, match=message):
        condensation(layout)
    assert not layout.folder("condensation").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="only where there is no CUDA device")
def test_asking_for_cuda_where_there_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no CUDA device"):
        condensation(project(tmp_path, cohort(), device="cuda"))


def test_records_without_an_outcome_are_left_out(tmp_path: Path) -> None:
    layout = project(tmp_path, spoiled(labels=(slice(0, 3), np.nan)), method="group_means", records_per_class=2)
    assert condensation(layout)["train_records"] == 27


def test_the_repository_s_own_params_are_valid() -> None:
    for name in ("pbcseq", "physionet2012"):
        assert section(REPO, name, "condensation", Params).method == "unrolled"
