"""Gradient and trajectory matching: their distances by hand, and that they get nearer to what they are to match."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from recondense.condensation.methods import _learning, gradient_matching, trajectory_matching
from recondense.condensation.methods._learning import initial
from recondense.condensation.methods._networks import FAMILIES, Family, Normalise, Weight
from recondense.condensation.methods.trajectory_matching import Curve
from recondense.errors import InputError
from recondense.records.cohort import Normalised
from recondense.records.condensed import CondensedSet
from recondense.stages.params import validate
from tests.support.condensing import cohort, request

CPU = torch.device("cpu")
METHODS = (gradient_matching, trajectory_matching)


class TwoNodes(Family):
    """Two inputs, two output nodes, and a bias for each."""

    def _weights(self, n_features: int, n_outputs: int) -> dict[str, Weight]:
        return {"matrix": Weight((2, 2), 2), "bias": Weight((2,), 2)}

    def _logits(self, weights: dict[str, Tensor], values: Tensor, normalise: Normalise) -> Tensor:
        raise NotImplementedError


def both_classes(records: CondensedSet | Normalised, n: int) -> Tensor:
    """``(2, n, n_steps, n_features)``: the first ``n`` records of each class."""
    return torch.stack([torch.as_tensor(records.values[records.labels == outcome][:n]) for outcome in (0, 1)])


def test_the_distance_of_gradients_is_the_mean_over_output_nodes_and_the_sum_over_classes_by_hand() -> None:
    # Rows are inputs, columns are nodes; the last two numbers are biases, which must not count
    first = torch.tensor([[[1.0, 1, 0, 1, 9, 9]], [[1.0, 2, 3, 4, 9, 9]]])
    second = torch.tensor([[[0.0, 2, 1, 2, -9, 0]], [[-1.0, -4, -3, -8, 7, 7]]])
    # Class 0: the first node's are at right angles, 1, the second's parallel, 0. Class 1: both are opposed, 2
    assert gradient_matching.distance(TwoNodes(2), first, second).item() == pytest.approx((1 + 0) / 2 + (2 + 2) / 2)


def test_a_node_that_hears_nothing_has_a_finite_distance_and_slope() -> None:
    silent = torch.zeros(2, 1, 6, requires_grad=True)
    torch.autograd.backward(gradient_matching.distance(TwoNodes(2), torch.ones(2, 1, 6), silent))
    assert silent.grad is not None and silent.grad.isfinite().all()


@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_of_all_networks_and_classes_at_once_are_those_of_each_alone(name: str) -> None:
    family, classes = FAMILIES[name](3), both_classes(cohort(), 5)
    networks = family.initialise(3, torch.Generator().manual_seed(0), CPU)
    statistics: dict[str, tuple[Tensor, Tensor]] = {}
    family(networks, classes.flatten(0, 1)[None], statistics)
    found = gradient_matching.gradients(family, networks, classes, statistics)
    for outcome in (0, 1):
        for k in range(3):
            alone = networks[k : k + 1].clone().requires_grad_()
            its_own = {place: (mean[k : k + 1], var[k : k + 1]) for place, (mean, var) in statistics.items()}
            risks = torch.sigmoid(family(alone, classes[outcome][None], its_own))
            loss = -torch.log(risks if outcome else 1 - risks).mean()
            torch.testing.assert_close(found[outcome, k], torch.autograd.grad(loss, alone)[0][0], rtol=1e-3, atol=1e-6)


def test_networks_are_trained_on_the_condensed_records_between_steps() -> None:
    family, records = FAMILIES["rnn"](3), both_classes(cohort(), 4).flatten(0, 1)
    labels = torch.tensor([0.0] * 4 + [1.0] * 4)
    networks = family.initialise(3, torch.Generator().manual_seed(0), CPU)
    options = gradient_matching.Options(network_steps=20)
    trained = gradient_matching.trained(family, networks, records, labels, options)
    before, after = (_learning.cross_entropy(family(each, records[None]), labels[None]) for each in (networks, trained))
    assert (after < 0.8 * before).all()


@pytest.mark.parametrize("name", ["rnn", "lstm", "tcn"])
def test_gradient_matching_lowers_its_distance_on_networks_it_did_not_see(name: str) -> None:
    train = cohort(300, distance=1.0).part("train")
    options = gradient_matching.Options(
        families=(name,), initialisation="noise", learning_rate=0.03, network_steps=2, real_batch=32
    )
    start = initial(train, request(), options)
    result = gradient_matching.condense(train, request(steps=40), options).condensed
    family = FAMILIES[name](3)
    unseen = family.initialise(10, torch.Generator().manual_seed(12345), CPU)

    def distance(records: CondensedSet) -> float:
        return gradient_matching.mismatch(family, unseen, both_classes(train, 50), both_classes(records, 4)).item()

    assert distance(result) < 0.7 * distance(start)


def experts(name: str, train: Normalised, seed: int, options: trajectory_matching.Options) -> tuple[Family, Curve]:
    family = FAMILIES[name](3)
    generator = torch.Generator().manual_seed(seed)
    return family, trajectory_matching.surrogate(family, train, options, np.random.default_rng(seed), generator, CPU)


def real_loss(family: Family, networks: Tensor, train: Normalised) -> Tensor:
    """Each network's loss on equally many real records of each class."""
    n = int(min(train.labels.sum(), (1 - train.labels).sum()))
    labels = torch.tensor([0.0] * n + [1.0] * n)
    return _learning.cross_entropy(family(networks, both_classes(train, n).flatten(0, 1)[None]), labels[None])


def test_a_bezier_curve_passes_through_its_ends_and_is_drawn_to_its_control_point() -> None:
    start, control, end = (torch.tensor([point, point]) for point in ([0.0, 0.0], [1.0, 4.0], [2.0, 0.0]))
    curve = Curve(start, control, end)
    assert torch.equal(curve(torch.tensor([0.0, 1.0])), torch.stack([start[0], end[0]]))
    assert torch.equal(curve(torch.tensor([0.5, 0.5])), torch.tensor([[1.0, 2.0], [1.0, 2.0]]))


@pytest.mark.parametrize("name", ["rnn", "tcn"])
def test_along_the_curve_real_records_are_predicted_better_than_along_the_straight_line(name: str) -> None:
    train = cohort(300, distance=1.0).part("train")
    family, curve = experts(name, train, 0, trajectory_matching.Options(expert_steps=60, curve_steps=30))
    straight = Curve(curve.start, (curve.start + curve.end) / 2, curve.end)
    time = torch.full((len(curve.start),), 0.5)
    middle, on_the_line = (real_loss(family, way(time), train) for way in (curve, straight))
    assert (real_loss(family, curve.end, train) < 0.8 * real_loss(family, curve.start, train)).all()
    assert (middle < on_the_line).all()


def test_the_trajectory_mismatch_is_the_share_of_the_squared_way_that_is_left_by_hand() -> None:
    first, target = torch.tensor([[0.0, 0], [1, 1]]), torch.tensor([[3.0, 4], [1, 3]])
    assert trajectory_matching.mismatch(first, first, target).item() == 1
    arrived = torch.tensor([[3.0, 0], [1, 3]])
    assert trajectory_matching.mismatch(first, arrived, target).item() == pytest.approx((16 / 25 + 0) / 2)


@pytest.mark.parametrize(("name", "initialisation"), [("rnn", "random_records"), ("tcn", "noise")])
def test_condensed_records_lead_a_student_nearer_to_experts_that_were_not_matched(
    name: str, initialisation: str
) -> None:
    train = cohort(300, distance=1.0).part("train")
    options = trajectory_matching.Options(
        families=(name,),
        initialisation=initialisation,
        learning_rate=0.03,
        student_steps=4,
        expert_steps=40,
        curve_steps=15,
    )
    start = initial(train, request(), options)
    result = trajectory_matching.condense(train, request(steps=30), options).condensed
    family, curve = experts(name, train, 12345, options)

    def left(records: CondensedSet, rate: float) -> float:
        """What is left of the way with this learning rate, from three times at which a student may start."""
        values, labels = torch.as_tensor(records.values), torch.as_tensor(records.labels)
        shares = []
        for begin in (0.0, 0.4, 0.7):
            first, target = (curve(torch.full((options.experts,), begin + span)) for span in (0.0, options.span))
            arrived = trajectory_matching.student(
                family, first, values, labels, torch.tensor(rate), options.student_steps
            )
            shares.append(trajectory_matching.mismatch(first, arrived, target).item())
        return float(np.mean(shares))

    # Each set with the rate that suits it best, so that it is not the rate alone that is better
    rates = np.geomspace(0.01, 1, 5)
    assert min(left(result, rate) for rate in rates) < 0.8 * min(left(start, rate) for rate in rates)


def test_soft_labels_are_learned_only_where_asked_for() -> None:
    train = cohort().part("train")
    few = {"families": ("rnn",), "expert_steps": 10, "curve_steps": 2}
    hard, soft = (
        trajectory_matching.condense(
            train, request(steps=10), trajectory_matching.Options(**few, soft_labels=on)
        ).condensed.labels
        for on in (False, True)
    )
    assert hard.tolist() == [0] * 4 + [1] * 4
    start = np.where(hard == 1, trajectory_matching.ALMOST_CERTAIN, 1 - trajectory_matching.ALMOST_CERTAIN)
    assert ((soft > 0) & (soft < 1) & (np.abs(soft - start) > 1e-4)).all()


def test_a_step_draws_as_many_records_of_one_class_as_of_the_other() -> None:
    values, of_class = torch.arange(12.0), [np.arange(9), np.arange(9, 12)]
    for count, expected in ((2, 2), (5, 3)):
        real = _learning.balanced(values, of_class, count, np.random.default_rng(0))
        assert real.shape == (2, expected)
        assert real[0].unique().numel() == real[1].unique().numel() == expected
        assert real[0].max() < 9 <= real[1].min()


@pytest.mark.parametrize(
    ("method", "wild", "mend"),
    [
        (gradient_matching, {"learning_rate": 1e30}, "gradient_matching.learning_rate, 1e"),
        (trajectory_matching, {"learning_rate": 1e30}, "trajectory_matching.learning_rate, 1e"),
        (trajectory_matching, {"student_learning_rate": 1e30}, "student_learning_rate, 1e"),
        (trajectory_matching, {"expert_learning_rate": 1e30}, "expert_learning_rate, 1e"),
    ],
)
def test_a_diverging_run_says_which_option_to_lower(method: Any, wild: dict[str, float], mend: str) -> None:
    options = method.Options(families=("tcn",), initialisation="random_records", **wild)
    with pytest.raises(InputError, match=mend.replace("+", r"\+")):
        method.condense(cohort().part("train"), request(steps=20), options)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("families", "message"), [(["rnn", "mlp"], "no family 'mlp' .*: rnn, lstm, tcn"), ([], "families: .*least 1")]
)
def test_a_family_that_does_not_exist_is_refused_with_the_known_ones(
    method: Any, families: Sequence[str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        validate(method.Options, {"families": families}, "params.yaml: options")
