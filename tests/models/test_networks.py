"""The downstream models: one contract for all files found, and the published shapes of the paper's eleven."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from recondense.errors import InputError
from recondense.models.fit import build, fit, is_network, models_on_summaries
from recondense.models.networks import boosted_trees
from recondense.models.networks._summaries import summaries, training_rows
from recondense.models.recipe import MODELS, PAPER_NETWORKS, Recipe
from recondense.models.scores import single_auc
from recondense.stages import plugins

ALL = plugins.names(MODELS)
NETWORKS = [name for name in ALL if is_network(name)]
RECIPE = Recipe(steps=60, learning_rate=2e-3)


def planted(n: int, seed: int, steps: int = 5, features: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Records whose first feature, at every step, is higher in cases."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 2).astype(np.float32)
    values = rng.standard_normal((n, steps, features)).astype(np.float32)
    values[:, :, 0] += 2 * labels[:, None] - 1
    return values, labels


def test_the_papers_networks_are_all_here() -> None:
    assert set(PAPER_NETWORKS) <= set(NETWORKS)
    assert len(PAPER_NETWORKS) == 11


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("n_steps", [1, 4, 48])
def test_a_network_gives_one_logit_a_record_and_hears_every_step(name: str, n_steps: int) -> None:
    values = torch.randn(3, n_steps, 6, generator=torch.Generator().manual_seed(0)).requires_grad_()
    logits = build(name, n_steps, 6).eval()(values)
    assert logits.shape == (3,)
    (gradient,) = torch.autograd.grad(logits.sum(), values)
    assert (gradient.abs().sum(dim=2) > 0).all()


@pytest.mark.parametrize("name", ALL)
def test_a_model_learns_a_planted_signal_from_twenty_records(name: str) -> None:
    predict = fit(name, *planted(20, seed=0), RECIPE, seed=0)
    values, labels = planted(200, seed=1)
    risks = predict(values)
    assert risks.shape == (200,)
    assert ((risks > 0) & (risks < 1)).all()
    assert single_auc(labels, risks) > 0.9


@pytest.mark.parametrize("name", ALL)
def test_equal_seeds_give_equal_models_and_the_global_generator_is_left_alone(name: str) -> None:
    few = Recipe(steps=3)
    before = torch.get_rng_state()
    first, again = (fit(name, *planted(20, 0), few, seed=5)(planted(9, 1)[0]) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert torch.equal(before, torch.get_rng_state())
    if is_network(name):
        assert not np.array_equal(first, fit(name, *planted(20, 0), few, seed=6)(planted(9, 1)[0]))


@pytest.mark.parametrize("name", ["logistic_regression", "boosted_trees"])
def test_a_soft_label_weighs_as_much_as_that_share_of_hard_ones(name: str) -> None:
    values, labels = planted(40, seed=0)
    copies = np.repeat(values, 4, axis=0)
    hard = np.concatenate([[1, 0, 0, 0] if label == 0 else [1, 1, 1, 0] for label in labels]).astype(np.float32)
    soft = np.where(labels == 0, 0.25, 0.75).astype(np.float32)
    of_soft = fit(name, values, soft, RECIPE, seed=0)(planted(200, 1)[0])
    of_hard = fit(name, copies, hard, RECIPE, seed=0)(planted(200, 1)[0])
    assert np.corrcoef(of_soft, of_hard)[0, 1] > 0.9


def test_a_network_trained_on_soft_labels_predicts_their_level() -> None:
    values, _ = planted(40, seed=0)
    predict = fit("tcn_beta", values, np.full(40, 0.2, np.float32), Recipe(steps=300, learning_rate=5e-3), seed=0)
    assert predict(values).mean() == pytest.approx(0.2, abs=0.05)


def layers(network: nn.Module, kind: type) -> list[Any]:
    return [module for module in network.modules() if isinstance(module, kind)]


@pytest.mark.parametrize(
    ("name", "kernels", "channels"),
    [("tcn_alpha", {3, 5, 7}, 64), ("tcn_beta", {3}, 64), ("tcn_gamma", {3, 5}, 128)],
)
def test_tcns_have_the_published_branches(name: str, kernels: set[int], channels: int) -> None:
    network = build(name, 48, 47)
    convolutions = [c for c in layers(network, nn.Conv1d) if c.kernel_size != (1,)]
    assert {c.kernel_size[0] for c in convolutions} == kernels
    assert {c.out_channels for c in convolutions} == {channels}
    assert len(convolutions) == 2 * 2 * len(kernels), "two blocks of two layers, a branch a kernel"
    assert layers(network, nn.BatchNorm1d)
    assert {d.p for d in layers(network, nn.Dropout)} == {0.5}


@pytest.mark.parametrize(
    ("name", "kind", "units"),
    [("lstm_alpha", nn.LSTM, 256), ("lstm_beta", nn.LSTM, 128), ("rnn_alpha", nn.RNN, 256), ("rnn_beta", nn.RNN, 128)],
)
def test_recurrent_networks_have_the_published_units(name: str, kind: type, units: int) -> None:
    (layer,) = layers(build(name, 48, 47), kind)
    assert (layer.hidden_size, layer.num_layers) == (units, 1)


@pytest.mark.parametrize(
    ("name", "depth", "inner", "head"),
    [("vit_alpha", 4, 16 * 64, 128), ("vit_beta", 4, 4 * 256, 128),
     ("transformer_alpha", 2, 16 * 64, 64), ("transformer_beta", 2, 4 * 256, 64)],
)  # fmt: skip
def test_attention_networks_have_the_published_depth_heads_and_head(
    name: str, depth: int, inner: int, head: int
) -> None:
    linear = layers(build(name, 48, 47), nn.Linear)
    assert sum(layer.out_features == 3 * inner for layer in linear) == depth
    assert linear[-1].in_features == head
    assert {d.p for d in layers(build(name, 48, 47), nn.Dropout)} == {0.5}


def test_the_order_of_steps_is_nothing_to_a_transformer_and_something_to_an_lstm() -> None:
    values = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
    turned = values.flip(1)
    for name, same in (("transformer_alpha", True), ("vit_beta", True), ("lstm_beta", False), ("tcn_beta", False)):
        network = build(name, 6, 3).eval()
        assert torch.allclose(network(values), network(turned), atol=1e-5) is same, name


def test_an_unknown_model_is_answered_with_the_known_ones_and_one_record_is_too_few() -> None:
    with pytest.raises(InputError, match="tcn_alpha"):
        fit("gpt", *planted(20, 0), RECIPE, seed=0)
    with pytest.raises(InputError, match="at least two"):
        fit("tcn_beta", *planted(1, 0), RECIPE, seed=0)


@pytest.mark.parametrize("name", ["lstm_beta", "tcn_beta"])
def test_noise_is_new_in_every_step_and_keeps_a_network_from_learning_twenty_records_by_heart(name: str) -> None:
    values, labels = planted(20, seed=0)
    noisy = Recipe(steps=40, learning_rate=2e-3, noise=2.0)
    by_heart, held_back = (
        fit(name, values, labels, recipe, seed=0)(values) for recipe in (noisy.model_copy(update={"noise": 0.0}), noisy)
    )
    np.testing.assert_array_equal(held_back, fit(name, values, labels, noisy, seed=0)(values))
    assert np.abs(held_back - labels).mean() > np.abs(by_heart - labels).mean() + 0.02
    assert single_auc(planted(200, 1)[1], fit(name, values, labels, noisy, seed=0)(planted(200, 1)[0])) > 0.8


def test_models_on_summaries_see_a_thousand_copies_with_noise_around_the_summaries() -> None:
    values, labels = planted(20, seed=0, steps=48)
    rows, classes, weights = training_rows(values, labels, 0.5, seed=0)
    assert len(rows) == len(classes) == weights.sum() == 1000
    of_record = np.concatenate([rows[classes == each].reshape(10, 50, -1) for each in (0, 1)])
    added = of_record - summaries(values)[np.argsort(labels, kind="stable"), None]
    assert added.mean() == pytest.approx(0, abs=0.01) and added.std() == pytest.approx(0.5, rel=0.02)
    few, *_ = training_rows(values, labels, 0.0, seed=0)
    assert len(few) == 20


@pytest.mark.parametrize("name", models_on_summaries())
def test_what_a_model_on_summaries_makes_of_records_hangs_little_on_the_draw_of_the_noise(name: str) -> None:
    values, labels = planted(20, seed=0, steps=48)
    recipe = Recipe(noise=0.8)
    asked, _ = planted(200, seed=1, steps=48)
    risks = [fit(name, values, labels, recipe, seed)(asked).mean() for seed in range(4)]
    assert np.ptp(risks) < 0.1, "or a calibration found with one draw is wrong for the next"


def test_trees_tell_at_most_255_values_of_a_summary_apart_and_each_is_near_what_it_was() -> None:
    rows = np.random.default_rng(0).standard_normal((2000, 3)).astype(np.float32)
    rows[:, 1] = rows[:, 1].round()
    binned = boosted_trees._binned(rows)
    assert [len(np.unique(column)) for column in binned.T] == [255, len(np.unique(rows[:, 1])), 255]
    np.testing.assert_array_equal(binned[:, 1], rows[:, 1])
    for value, near in ((rows[:, 0], binned[:, 0]), (rows[:, 2], binned[:, 2])):
        passed_over = np.searchsorted(np.sort(value), near) - np.searchsorted(np.sort(value), value)
        assert np.abs(passed_over).max() <= 2000 / 254
