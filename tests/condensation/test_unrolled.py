"""Unrolled condensation: its gradient is the true one, it learns, and what it must not depend on it does not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from recondense.condensation.methods import Request, unrolled
from recondense.condensation.methods._learning import initial
from recondense.condensation.methods._networks import FAMILIES, Statistics
from recondense.condensation.methods._recurrence import lstm, rnn
from recondense.condensation.methods._standardise import standardised
from recondense.condensation.methods.unrolled import FamilyStep, Inner, Options
from recondense.errors import InputError
from recondense.models.fit import fit
from recondense.models.recipe import Recipe
from recondense.models.scores import single_auc
from recondense.records.cohort import Normalised
from tests.support.condensing import cohort

SMALL = {"networks": 2, "real_batch": 8, "inner_steps": (2, 4)}


def request(records_per_class: int = 2, steps: int = 60, seed: int = 0) -> Request:
    return Request(records_per_class, steps, seed, torch.device("cpu"))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_batch_of_networks_is_each_network_by_itself(name: str) -> None:
    family, generator = FAMILIES[name](3), torch.Generator().manual_seed(0)
    parameters = family.initialise(3, generator, torch.device("cpu"))
    values = torch.randn(3, 5, 6, 3, generator=generator)
    together = family(parameters, values)
    alone = [family(parameters[[k]], values[[k]])[0] for k in range(3)]
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "layer"), [("rnn", torch.nn.RNN), ("lstm", torch.nn.LSTM)])
def test_a_recurrent_family_computes_what_torch_s_own_layer_does(name: str, layer: type[torch.nn.RNN]) -> None:
    family: Any = FAMILIES[name](3)
    parameters = family.initialise(1, torch.Generator().manual_seed(0), torch.device("cpu"))
    sizes = [int(np.prod(weight.shape)) for weight in family.weights.values()]
    shapes = [weight.shape for weight in family.weights.values()]
    into, bias, recurrent, read_out, last = (
        part.view(shape) for part, shape in zip(torch.split(parameters[0], sizes), shapes, strict=True)
    )
    theirs: Any = layer(3, family.units, batch_first=True)
    # torch's order of an LSTM's gates is input, forget, cell, output; this family's is output, forget, input, cell
    order = [2, 1, 3, 0] if name == "lstm" else [0]

    def as_theirs(weight: Tensor) -> Tensor:
        return torch.cat([weight.chunk(len(order), dim=-1)[place] for place in order], dim=-1).mT

    with torch.no_grad():
        theirs.weight_ih_l0.copy_(as_theirs(into))
        theirs.weight_hh_l0.copy_(as_theirs(recurrent))
        theirs.bias_ih_l0.copy_(as_theirs(bias[None])[:, 0])
        theirs.bias_hh_l0.zero_()
    values = torch.randn(4, 6, 3, generator=torch.Generator().manual_seed(1))
    expected = theirs(values)[0][:, -1] @ read_out + last
    torch.testing.assert_close(family(parameters, values[None])[0], expected[:, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_steps", [1, 5])
@pytest.mark.parametrize(("recurrence", "gates"), [(rnn, 1), (lstm, 4)])
def test_a_recurrence_s_first_and_second_derivatives_are_those_of_finite_differences(
    recurrence: Callable[[Tensor, Tensor], Tensor], gates: int, n_steps: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    drive = torch.randn(n_steps, 2, 3, 4 * gates, generator=generator).double().requires_grad_()
    weights = (0.7 * torch.randn(2, 4, 4 * gates, generator=generator)).double().requires_grad_()
    assert torch.autograd.gradcheck(recurrence, (drive, weights))
    assert torch.autograd.gradgradcheck(recurrence, (drive, weights))


@pytest.mark.parametrize("dims", [(-1,), (1, 2)])
def test_standardising_s_first_and_second_derivatives_are_those_of_finite_differences(dims: tuple[int, ...]) -> None:
    values = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda values: standardised(values, dims), values)
    assert torch.autograd.gradgradcheck(lambda values: standardised(values, dims), values)


@pytest.mark.parametrize("name", FAMILIES)
def test_batch_norm_of_real_records_uses_what_the_condensed_ones_gave_it(name: str) -> None:
    family: Any = FAMILIES[name](3)
    parameters = family.initialise(1, torch.Generator().manual_seed(0), torch.device("cpu"))
    generator = torch.Generator().manual_seed(1)
    condensed, real = torch.randn(1, 6, 4, 3, generator=generator), torch.randn(1, 6, 4, 3, generator=generator)
    statistics: Statistics = {}
    family(parameters, condensed, statistics)
    alone = family(parameters, real[:, :1], statistics)
    torch.testing.assert_close(alone, family(parameters, real, statistics)[:, :1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_gradient_through_training_is_that_of_finite_differences(name: str) -> None:
    family = FAMILIES[name](2)
    generator = torch.Generator().manual_seed(0)
    start = family.initialise(2, generator, torch.device("cpu")).double()
    values, labels = torch.randn(4, 3, 2, generator=generator).double(), torch.tensor([0.1, 0.2, 0.8, 0.9]).double()
    real, outcomes = torch.randn(1, 6, 3, 2, generator=generator).double(), (torch.arange(6) % 2).double()
    seen: list[Any] = [slice(None), np.array([0, 3]), np.array([2, 1])]

    def loss(values: Tensor, labels: Tensor) -> Tensor:
        rate = torch.full((2, 1), 0.01).double()
        trained = unrolled.fit(family, start, values[None], labels, seen, window=3, rate=rate)
        logits = family(trained, real)
        return functional.binary_cross_entropy_with_logits(logits, outcomes.expand_as(logits))

    inputs = [values.requires_grad_(), labels.requires_grad_()]
    found = torch.autograd.grad(loss(*inputs), inputs)
    for which, place in ((0, (1, 2, 0)), (0, (3, 0, 1)), (1, (2,))):
        ends = []
        for nudge in (1e-7, -1e-7):
            moved = [each.detach().clone() for each in inputs]
            moved[which][place] += nudge
            ends.append(loss(*moved).item())
        assert found[which][place].item() == pytest.approx((ends[0] - ends[1]) / 2e-7, rel=2e-3, abs=1e-7)


def test_steps_on_a_large_set_see_each_record_at_most_once_a_pass_and_all_of_a_small_one() -> None:
    rng = np.random.default_rng(0)
    seen = [np.arange(200)[rows] for rows in unrolled.batches(200, 64, 7, rng)]
    assert [len(rows) for rows in seen] == [64] * 7
    assert [len(np.unique(np.concatenate(seen[start : start + 3]))) for start in (0, 3)] == [192, 192]
    assert unrolled.batches(20, 64, 4, rng) == [slice(None)] * 4


def test_models_of_no_pooled_architecture_learn_more_from_the_result_than_from_its_start() -> None:
    everyone = cohort(400, distance=0.5)
    train, unseen = everyone.part("train"), everyone.part("test")
    options = Options(**SMALL, learning_rate=0.05, initialisation="noise")
    start = initial(train, request(), options)
    result = unrolled.condense(train, request(steps=120), options).condensed

    def reached(records: object) -> float:
        recipe = Recipe(steps=40, learning_rate=2e-3)
        return float(
            np.mean(
                [
                    single_auc(unseen.labels, fit(name, records.values, records.labels, recipe, seed)(unseen.values))  # type: ignore[attr-defined]
                    for name in ("lstm_alpha", "rnn_alpha", "tcn_alpha", "logistic_regression")
                    for seed in range(3)
                ]
            )
        )

    assert reached(result) > reached(start) + 0.15
    assert 0 < result.labels.min() < 0.5 < result.labels.max() < 1


def test_the_result_does_not_depend_on_the_number_of_cores() -> None:
    train, threads, results = cohort().part("train"), torch.get_num_threads(), []
    try:
        for cores in (1, 2):
            torch.set_num_threads(cores)
            condensed = unrolled.condense(train, request(steps=3), Options(**SMALL)).condensed
            results.append(condensed.values.tobytes() + condensed.labels.tobytes())
            assert torch.get_num_threads() == cores
    finally:
        torch.set_num_threads(threads)
    assert results[0] == results[1]


def test_a_limit_on_real_records_keeps_the_smaller_class_and_evens_the_rest() -> None:
    train = cohort(300).part("train")
    cases = int(train.labels.sum())
    few = unrolled.resident(train, 2 * cases + 10, seed=0)
    assert (len(few.labels), int(few.labels.sum())) == (2 * cases + 10, cases)
    halves = unrolled.resident(train, 20, seed=0)
    assert (len(halves.labels), int(halves.labels.sum())) == (20, 10)
    assert unrolled.resident(train, len(train.labels), seed=0) is train


def test_a_step_looks_at_no_more_real_records_than_it_was_told_to() -> None:
    train = cohort(400).part("train")
    limited = Options(**SMALL, resident_records=40)
    within = unrolled.resident(train, 40, seed=0)
    outside = ~(train.values[:, None] == within.values[None]).all(axis=(2, 3)).any(axis=1)
    assert outside.any()
    spoiled = Normalised(train.values.copy(), train.observed, train.labels, train.split)
    spoiled.values[outside] = 1e6
    results = [
        unrolled.condense(records, request(steps=2), limited).condensed.values.tobytes() for records in (train, spoiled)
    ]
    assert results[0] == results[1]


def test_a_share_s_gradient_has_a_norm_of_at_most_one() -> None:
    train = cohort().part("train")
    inner = Inner(train.values, train.labels, train.labels, Options(**SMALL), torch.device("cpu"))
    values = 30 * np.random.default_rng(0).standard_normal((4, 4, 3)).astype(np.float32)
    for family in FAMILIES:
        share = inner(FamilyStep(family, (0, 0), values, np.zeros(4, np.float32)))
        assert np.sqrt((share.values**2).sum() + (share.logits**2).sum()) <= 1 + 1e-5


def test_divergence_is_noticed_and_says_what_to_lower() -> None:
    with pytest.raises(InputError, match=r"diverged at step \d+ of 20.*options.unrolled.learning_rate"):
        unrolled.condense(cohort().part("train"), request(steps=20), Options(**SMALL, learning_rate=1e38))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"families": ["gru"]}, "no family 'gru'"),
        ({"inner_steps": [5, 2]}, "the smaller first"),
        ({"inner_learning_rate": [0.0, 0.1]}, "two positive numbers"),
    ],
)
def test_unusable_options_are_refused_before_any_work(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Options.model_validate(options)
