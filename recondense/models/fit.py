"""Train one downstream model on a set of records, with no validation data, and return what predicts risk."""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recondense.errors import InputError
from recondense.models.logits import logits_of, risks_of
from recondense.models.loss import cross_entropy, n_outputs
from recondense.models.recipe import MODELS, Calibration
from recondense.models.recipe import Recipe as Recipe
from recondense.records.labels import n_classes
from recondense.stages import plugins

PREDICTION_BATCH = 512
Records = NDArray[np.float32] | Tensor


class Predictor(Protocol):
    """A trained model."""

    def __call__(self, values: Records) -> NDArray[np.float64]:
        """Risk in (0, 1) of records ``(n, n_steps, n_features)``: ``(n,)``, or ``(n, n_classes)``."""
        ...


OnStep = Callable[[int, Predictor], None]


def choose_device(choice: str) -> torch.device:
    """The device for "cpu", "cuda" or "auto" (cuda where there is one). `InputError` where there is no cuda."""
    if choice == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if choice == "cuda" and not torch.cuda.is_available():
        raise InputError("device: cuda was asked for, but torch finds no CUDA device here; use auto or cpu")
    return torch.device(choice)


def is_network(name: str) -> bool:
    """Whether model ``name`` is a network (it has ``build``), not a model on summaries. Raises `InputError`."""
    return hasattr(plugins.load(MODELS, name), "build")


def models_on_summaries() -> list[str]:
    """The names of all models that are no networks."""
    return [name for name in plugins.names(MODELS) if not is_network(name)]


def build(name: str, n_steps: int, n_features: int, n_classes: int = 2) -> nn.Module:
    """Network ``name``, initialised from torch's global generator. Raises `InputError` where it is no network."""
    model = plugins.load(MODELS, name)
    if not hasattr(model, "build"):
        raise InputError(f"{name} is a model on summaries, not a network")
    module: nn.Module = model.build(n_steps, n_features, n_outputs(n_classes))
    return module


def fit(
    name: str,
    values: Records,
    labels: Records,
    recipe: Recipe,
    seed: int,
    device: torch.device | str = "cpu",
    on_step: OnStep | None = None,
) -> Predictor:
    """Model ``name`` trained on ``values`` ``(n, n_steps, n_features)`` and ``labels`` ``(n,)`` in [0, 1], or
    ``(n, n_classes)``: see `recondense.records.labels`.

    Networks minimise cross entropy, soft labels included, with Adam; the recipe's calibration makes risks of
    their logits. ``on_step`` is called after each step with its number, from 1, and the network as it then predicts.
    Models on summaries have no steps and never call it; the recipe's noise is added to the summaries.
    ``seed`` alone decides initial weights, dropout, noise and batches; torch's global generator is left as it was.
    Raises `InputError` for an unknown name or fewer than two records.
    """
    model = plugins.load(MODELS, name)
    if len(values) < 2:
        raise InputError(f"{name} cannot be trained on {len(values)} record(s): give at least two")
    if not hasattr(model, "build"):
        on_summaries = model.fit(_array(values), _array(labels), recipe.noise, seed)
        return lambda values: calibrated(logits_of(on_summaries(_array(values))), recipe.calibration)
    device = torch.device(device)
    values, labels = (torch.as_tensor(item, dtype=torch.float32, device=device) for item in (values, labels))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        classes = n_classes(labels)
        network = build(name, values.shape[1], values.shape[2], classes).to(device)
        optimiser = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        predictor = NetworkPredictor(network, device, recipe.calibration)
        batches = _batches(len(values), recipe.batch_size, torch.Generator().manual_seed(seed))
        for step, batch in zip(range(1, recipe.steps + 1), batches, strict=False):
            chosen = batch.to(device)
            shown = values[chosen]
            if recipe.noise:
                shown = shown + recipe.noise * torch.randn_like(shown)
            network.train()
            loss = cross_entropy(network(shown), labels[chosen], classes)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            if on_step is not None:
                on_step(step, predictor)
    return predictor


def _batches(n_records: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Endless batches of indices, in a new order each pass; a short last batch is dropped."""
    size = min(n_records, batch_size)
    while True:
        order = torch.randperm(n_records, generator=generator)
        for start in range(0, n_records - size + 1, size):
            yield order[start : start + size]


class NetworkPredictor:
    """A network in evaluation mode; ``network`` itself stays at hand for what needs its layers or logits."""

    def __init__(self, network: nn.Module, device: torch.device, calibration: Calibration) -> None:
        self.network = network
        self.device = device
        self.calibration = calibration

    @torch.no_grad()
    def __call__(self, values: Records) -> NDArray[np.float64]:
        self.network.eval()
        parts = torch.split(torch.as_tensor(values, dtype=torch.float32), PREDICTION_BATCH)
        logits = torch.cat([self.network(part.to(self.device)) for part in parts])
        return calibrated(logits.double().cpu().numpy(), self.calibration)


def calibrated(logits: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    """Risks of ``logits``, in double precision: a confident risk stays below 1, so that its logit can be recovered."""
    return risks_of(calibration.slope * logits + calibration.intercept)


def _array(values: Records) -> NDArray[np.float32]:
    return values.cpu().numpy() if isinstance(values, Tensor) else values
